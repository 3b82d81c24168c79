/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/sack.c: the peer's SACK blocks, believed only as far as they can be true. */
#include "tests/unit/tcp_fixture.h"

static void send_five(struct world *w)
{
	establish_actively(w, NULL);
	program_sends(w, 5 * MSS_BYTES);
	forget_segments(w);
	advance(w, ROUND_TRIP_NS);
}

/* RFC 2018 3: a block says which segments have arrived; those are not in flight any more. */
static void block_marks_segments(void **state)
{
	struct sack_block one = {{1 + 2 * MSS_BYTES}, {1 + 3 * MSS_BYTES}};
	struct sack_block two = {{1 + 2 * MSS_BYTES}, {1 + 4 * MSS_BYTES}};
	struct world *w = *state;

	send_five(w);
	peer_acks(w, 1, 1, &one);
	assert_int_equal(connection(w)->sacked_out, 1);
	assert_int_equal(connection(w)->highest_sacked.n - w->iss, 1 + 3 * MSS_BYTES);
	peer_acks(w, 1, 1, &one); /* nothing new */
	assert_int_equal(connection(w)->sacked_out, 1);
	peer_acks(w, 1, 1, &two);
	assert_int_equal(connection(w)->sacked_out, 2);
	peer_acks(w, 1, 1 + 5 * MSS_BYTES, NULL);
	assert_int_equal(connection(w)->sacked_out, 0);
	assert_int_equal(connection(w)->packets_out, 0);
}

/* A block beyond what was sent, an empty one, one turned round: lies, ignored. */
static void lies_are_ignored(void **state)
{
	struct sack_block lie[] = {
	    {{1 + 4 * MSS_BYTES}, {1 + 6 * MSS_BYTES}},
	    {{1 + 2 * MSS_BYTES}, {1 + 2 * MSS_BYTES}},
	    {{1 + 3 * MSS_BYTES}, {1 + 2 * MSS_BYTES}},
	    {{1 + 0x40000000}, {1 + 0x40000000 + MSS_BYTES}},
	};
	struct world *w = *state;

	send_five(w);
	for (unsigned i = 0; i < sizeof(lie) / sizeof(lie[0]); i++) {
		peer_acks(w, 1, 1, &lie[i]);
		assert_int_equal(connection(w)->sacked_out, 0);
		assert_int_equal(connection(w)->packets_out, 5);
	}
}

/* RFC 2883 4: a first block below the ACK is a D-SACK: it came twice. */
static void block_below_the_ack_is_a_dsack(void **state)
{
	struct sack_block again = {{1}, {1 + MSS_BYTES}};
	struct world *w = *state;

	send_five(w);
	peer_acks(w, 1, 1 + MSS_BYTES, NULL);
	assert_int_equal(connection(w)->total.dsacks, 0);
	peer_acks(w, 1, 1 + MSS_BYTES, &again);
	assert_int_equal(connection(w)->total.dsacks, 1);
	assert_int_equal(connection(w)->sacked_out, 0);
}

WORLD_MAIN(WORLD_TEST(block_marks_segments), WORLD_TEST(lies_are_ignored),
    WORLD_TEST(block_below_the_ack_is_a_dsack))
