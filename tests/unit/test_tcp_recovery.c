/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/recovery.c: what follows from a loss. */
#include "tests/unit/tcp_fixture.h"

static void send_ten(struct world *w)
{
	program_sends(w, 10 * MSS_BYTES);
	for (uint32_t i = 0; i < 10; i++)
		expect_segment(w, TCP_ACK, 1 + i * MSS_BYTES, MSS_BYTES, 1);
	advance(w, ROUND_TRIP_NS);
	expect_silence(w);
}

/* RFC 6675 5, RFC 8985 6.2: three segments beyond the hole have arrived; only the hole goes again,
 * the window shrinks, and an ACK of all ends the recovery (RFC 6582 3.2). */
static void three_sacked_repair_the_hole(void **state)
{
	struct sack_block rest = {{1 + MSS_BYTES}, {1 + 4 * MSS_BYTES}};
	struct world *w = *state;

	establish_actively(w, NULL);
	send_ten(w);
	peer_acks(w, 1, 1, &rest);
	expect_segment(w, TCP_ACK, 1, MSS_BYTES, 1);
	expect_silence(w);
	assert_int_equal(connection(w)->congestion.state, CONGESTION_RECOVERY);
	assert_int_equal(connection(w)->congestion.ssthresh_segments, 7); /* cubic: 0.7 */
	advance(w, ROUND_TRIP_NS);
	peer_acks(w, 1, 1 + 10 * MSS_BYTES, NULL);
	assert_int_equal(connection(w)->congestion.state, CONGESTION_OPEN);
	assert_int_equal(w->stack->counters.tcp_retransmitted, 1);
	assert_int_equal(w->stack->counters.tcp_timeouts, 0);
}

/* RFC 5681 3.2: a peer without SACK says it with three duplicate ACKs, not with two. */
static void three_duplicates_without_sack(void **state)
{
	struct tcp_options o = {.has_mss = true, .mss_bytes = MSS_BYTES};
	struct world *w = *state;

	establish_actively(w, &o);
	peer_acks(w, 1, 1, NULL); /* the first segment behind the SYN is news of the window, as in Linux */
	send_ten(w);
	peer_acks(w, 1, 1, NULL);
	peer_acks(w, 1, 1, NULL);
	assert_int_equal(w->stack->counters.tcp_retransmitted, 0);
	forget_segments(w);
	peer_acks(w, 1, 1, NULL);
	expect_segment(w, TCP_ACK, 1, MSS_BYTES, 1);
	assert_int_equal(connection(w)->congestion.state, CONGESTION_RECOVERY);
}

/* RFC 5681 3.1 (3), (4): a timeout starts over with one segment, at half of what was in flight or
 * cubic's share of it. */
static void timeout_starts_over(void **state)
{
	struct tcp_options o = {.has_mss = true, .mss_bytes = MSS_BYTES};
	struct world *w = *state;

	establish_actively(w, &o);
	send_ten(w);
	advance(w, 250 * NSEC_PER_MSEC);
	expect_segment(w, TCP_ACK, 1, MSS_BYTES, 1);
	expect_silence(w);
	assert_int_equal(connection(w)->congestion.state, CONGESTION_LOSS);
	assert_int_equal(connection(w)->congestion.cwnd_segments, 1);
	assert_int_equal(connection(w)->congestion.ssthresh_segments, 7);
}

WORLD_MAIN(WORLD_TEST(three_sacked_repair_the_hole), WORLD_TEST(three_duplicates_without_sack),
    WORLD_TEST(timeout_starts_over))
