/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/roundtrip.c: what an ACK says about the round trip. */
#include "tests/unit/tcp_fixture.h"

/* RFC 6298 2.2, 2.3: the handshake is the first sample, each ACK of new data smooths by an eighth. */
static void handshake_is_the_first_sample(void **state)
{
	struct world *w = *state;

	establish_actively(w, NULL);
	assert_in_range(connection(w)->rtt.srtt_ns, ROUND_TRIP_NS - 1000, ROUND_TRIP_NS + 1000);
	program_sends(w, 100);
	forget_segments(w);
	advance(w, ROUND_TRIP_NS + 8 * NSEC_PER_MSEC);
	peer_acks(w, 1, 101, NULL);
	assert_in_range(connection(w)->rtt.srtt_ns, ROUND_TRIP_NS + 990000, ROUND_TRIP_NS + 1010000);
}

/* RFC 6298 3, Karn: what was sent twice measures nothing, and the backed off timeout stays until
 * something new is measured. */
static void retransmitted_measures_nothing(void **state)
{
	struct tcp_options o = {.has_mss = true, .mss_bytes = MSS_BYTES};
	uint64_t before_ns;
	struct world *w = *state;

	establish_actively(w, &o);
	before_ns = connection(w)->rtt.srtt_ns;
	program_sends(w, 100);
	advance(w, 300 * NSEC_PER_MSEC);
	assert_int_equal(connection(w)->total.retransmits, 1);
	forget_segments(w);
	peer_acks(w, 1, 101, NULL);
	assert_int_equal(connection(w)->rtt.srtt_ns, before_ns);
	assert_int_equal(socket_unacked_bytes(w->socket), 0);
}

WORLD_MAIN(WORLD_TEST(handshake_is_the_first_sample), WORLD_TEST(retransmitted_measures_nothing))
