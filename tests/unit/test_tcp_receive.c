/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/receive.c: data in order, out of order, twice, and beyond the window. */
#include "tests/unit/tcp_fixture.h"

/* RFC 9293 3.10.7.4 step 7, RFC 2018 4: what comes early waits, is told as a SACK block, and goes
 * to the program when the gap is filled. */
static void gap_is_told_and_filled(void **state)
{
	const struct seen *e;
	struct world *w = *state;

	establish_actively(w, NULL);
	peer_sends(w, TCP_ACK, 1001, 1, 65535, NULL, 1000);
	e = expect_segment(w, TCP_ACK, 1, 0, 1);
	assert_int_equal(e->segment.options.sack_count, 1);
	assert_int_equal(e->segment.options.sack[0].first.n, 1001);
	assert_int_equal(e->segment.options.sack[0].end.n, 2001);
	peer_sends(w, TCP_ACK, 3001, 1, 65535, NULL, 1000);
	e = expect_segment(w, TCP_ACK, 1, 0, 1);
	assert_int_equal(e->segment.options.sack_count, 2);
	assert_int_equal(e->segment.options.sack[0].first.n, 3001); /* newest first */
	assert_int_equal(e->segment.options.sack[1].first.n, 1001);
	assert_int_equal(w->program.got_bytes, 0);
	peer_sends(w, TCP_ACK, 1, 1, 65535, NULL, 1000);
	e = expect_segment(w, TCP_ACK, 1, 0, 2001);
	assert_int_equal(e->segment.options.sack_count, 1);
	assert_int_equal(w->program.got_bytes, 2000);
	peer_sends(w, TCP_ACK, 2001, 1, 65535, NULL, 1000);
	assert_int_equal(expect_segment(w, TCP_ACK, 1, 0, 4001)->segment.options.sack_count, 0);
	assert_int_equal(w->program.got_bytes, 4000);
	assert_false(w->program.wrong);
}

/* RFC 2883 4: what came twice is told as a D-SACK block below the ACK, and is delivered once. */
static void duplicate_is_told(void **state)
{
	const struct seen *e;
	struct world *w = *state;

	establish_actively(w, NULL);
	peer_sends(w, TCP_ACK, 1, 1, 65535, NULL, 1000);
	forget_segments(w);
	peer_sends(w, TCP_ACK, 1, 1, 65535, NULL, 1000);
	e = expect_segment(w, TCP_ACK, 1, 0, 1001);
	assert_int_equal(e->segment.options.sack_count, 1);
	assert_int_equal(e->segment.options.sack[0].first.n, 1);
	assert_int_equal(e->segment.options.sack[0].end.n, 1001);
	peer_sends(w, TCP_ACK, 501, 1, 65535, NULL, 1000); /* half of it is new */
	e = expect_segment(w, TCP_ACK, 1, 0, 1501);
	assert_int_equal(e->segment.options.sack_count, 1);
	assert_int_equal(e->segment.options.sack[0].first.n, 501);
	assert_int_equal(e->segment.options.sack[0].end.n, 1001);
	assert_int_equal(w->program.got_bytes, 1500);
	assert_false(w->program.wrong);
}

/* RFC 9293 3.10.7.4 step 8: FIN counts when all before it is here. */
static void early_fin_waits(void **state)
{
	struct world *w = *state;

	establish_actively(w, NULL);
	peer_sends(w, TCP_FIN | TCP_ACK, 501, 1, 65535, NULL, 500);
	expect_segment(w, TCP_ACK, 1, 0, 1);
	assert_int_equal(connection(w)->state, TCP_ESTABLISHED);
	assert_false(w->program.events & SOCKET_EVENT_PEER_CLOSED);
	peer_sends(w, TCP_ACK, 1, 1, 65535, NULL, 500);
	expect_segment(w, TCP_ACK, 1, 0, 1002);
	assert_int_equal(w->program.got_bytes, 1000);
	assert_int_equal(connection(w)->state, TCP_CLOSE_WAIT);
	assert_true(w->program.events & SOCKET_EVENT_PEER_CLOSED);
}

WORLD_MAIN(WORLD_TEST(gap_is_told_and_filled), WORLD_TEST(duplicate_is_told), WORLD_TEST(early_fin_waits))
