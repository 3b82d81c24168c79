/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/pacing.c: when the next burst may leave, and how large it is. */
#include "tests/unit/tcp_fixture.h"

/* SO_MAX_PACING_RATE, socket(7): 146 kB/s are 100 segments of 1460 bytes a second, two of them each
 * 20 ms, though the congestion window would let all go at once. */
static void rate_spreads_the_segments(void **state)
{
	uint64_t begin_ns;
	struct world *w = *state;

	establish_actively(w, NULL);
	set_option(w, w->socket, SOL_SOCKET, SO_MAX_PACING_RATE, 146000);
	begin_ns = w->now_ns;
	program_sends(w, 8 * MSS_BYTES);
	for (uint32_t i = 0; i < 8; i += 2) {
		for (uint32_t j = i; j < i + 2; j++) {
			const struct seen *e = expect_segment(w, TCP_ACK, 1 + j * MSS_BYTES, MSS_BYTES, 1);

			assert_in_range(e->time_ns - begin_ns, 10 * i * NSEC_PER_MSEC, (10 * i + 1) * NSEC_PER_MSEC);
		}
		expect_silence(w);
		advance(w, ROUND_TRIP_NS);
		peer_acks(w, 1, 1 + (i + 2) * MSS_BYTES, NULL);
		expect_silence(w);
		advance(w, 10 * NSEC_PER_MSEC);
	}
	assert_int_equal(w->stack->counters.tcp_retransmitted, 0);
}

/* The instant of the next burst, and that a sender who was late may catch up a little, not more. */
static void schedule_and_lateness(void **state)
{
	struct pacing p;

	(void)state;
	pacing_init(&p);
	pacing_on_send(&p, 1000, NSEC_PER_SEC);
	assert_int_equal(pacing_wait_until_ns(&p, NSEC_PER_SEC), 0);
	pacing_set(&p, true, 1000000, PACING_NO_LIMIT);
	pacing_on_send(&p, 1000, NSEC_PER_SEC);
	assert_int_equal(pacing_wait_until_ns(&p, NSEC_PER_SEC), NSEC_PER_SEC + NSEC_PER_MSEC);
	assert_int_equal(pacing_wait_until_ns(&p, NSEC_PER_SEC + NSEC_PER_MSEC), 0);
	pacing_on_send(&p, 10000, 2 * NSEC_PER_SEC); /* a second late: 4 ms are forgiven */
	assert_int_equal(pacing_wait_until_ns(&p, 2 * NSEC_PER_SEC), 2 * NSEC_PER_SEC + 6 * NSEC_PER_MSEC);
	pacing_set(&p, true, 1000000, 500);
	assert_int_equal(p.bytes_per_s, 500);
	assert_int_equal(pacing_burst_bytes(&p, 1460, 100 * NSEC_PER_MSEC, 2, 65536), 2 * 1460);
}

WORLD_MAIN(WORLD_TEST(rate_spreads_the_segments), cmocka_unit_test(schedule_and_lateness))
