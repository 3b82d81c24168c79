/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/rack.c: loss by time, and the probe for a silent tail (RFC 8985). */
#include "tests/unit/tcp_fixture.h"

static void send_full(struct world *w, uint32_t first, uint32_t count)
{
	program_sends(w, count * MSS_BYTES);
	for (uint32_t i = first; i < first + count; i++)
		expect_segment(w, TCP_ACK, 1 + i * MSS_BYTES, MSS_BYTES, 1);
	expect_silence(w);
}

/* 6.2 step 5: one later segment is delivered. That alone is no loss; when a reordering window has
 * passed it is, long before the timeout of 200 ms. */
static void overtaken_is_lost_after_a_while(void **state)
{
	struct sack_block second = {{1 + MSS_BYTES}, {1 + 2 * MSS_BYTES}};
	const struct seen *e;
	struct world *w = *state;
	uint64_t told_ns;

	establish_actively(w, NULL);
	send_full(w, 0, 1);
	advance(w, NSEC_PER_MSEC);
	send_full(w, 1, 1);
	advance(w, ROUND_TRIP_NS);
	told_ns = w->now_ns;
	peer_acks(w, 1, 1, &second);
	expect_silence(w);
	assert_int_equal(connection(w)->lost_out, 0);
	advance(w, 50 * NSEC_PER_MSEC);
	e = expect_segment(w, TCP_ACK, 1, MSS_BYTES, 1);
	assert_in_range(e->time_ns - told_ns, NSEC_PER_MSEC, 12 * NSEC_PER_MSEC);
	assert_int_equal(w->stack->counters.tcp_timeouts, 0);
	expect_silence(w);
}

/* The first arrives late after all, within the window: nothing is repeated. */
static void overtaken_but_arrived_is_not_lost(void **state)
{
	struct sack_block second = {{1 + MSS_BYTES}, {1 + 2 * MSS_BYTES}};
	struct world *w = *state;

	establish_actively(w, NULL);
	send_full(w, 0, 1);
	advance(w, NSEC_PER_MSEC);
	send_full(w, 1, 1);
	advance(w, ROUND_TRIP_NS);
	peer_acks(w, 1, 1, &second);
	advance(w, NSEC_PER_MSEC);
	peer_acks(w, 1, 1 + 2 * MSS_BYTES, NULL);
	advance(w, NSEC_PER_SEC);
	expect_silence(w);
	assert_int_equal(connection(w)->total.retransmits, 0);
}

/* 7.2: nothing is heard of three segments for two round trips: the last goes again as a probe. */
static void silent_tail_is_probed(void **state)
{
	const struct seen *e;
	struct world *w = *state;
	uint64_t sent_ns;

	establish_actively(w, NULL);
	sent_ns = w->now_ns;
	send_full(w, 0, 3);
	advance(w, 100 * NSEC_PER_MSEC);
	e = expect_segment(w, TCP_ACK, 1 + 2 * MSS_BYTES, MSS_BYTES, 1);
	assert_in_range(e->time_ns - sent_ns, 2 * ROUND_TRIP_NS, 2 * ROUND_TRIP_NS + 4 * NSEC_PER_MSEC);
	expect_silence(w); /* one probe, no more */
	assert_int_equal(w->stack->counters.tcp_tail_probes, 1);
	assert_int_equal(w->stack->counters.tcp_timeouts, 0);
}

WORLD_MAIN(WORLD_TEST(overtaken_is_lost_after_a_while), WORLD_TEST(overtaken_but_arrived_is_not_lost),
    WORLD_TEST(silent_tail_is_probed))
