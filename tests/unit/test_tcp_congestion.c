/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/congestion.c, seen from a connection: the window that all algorithms share. */
#include "tests/unit/tcp_fixture.h"

/* RFC 5681 3.1: in slow start each acknowledged segment lets two go. */
static void slow_start_doubles(void **state)
{
	struct world *w = *state;

	establish_actively(w, NULL);
	assert_int_equal(connection(w)->congestion.cwnd_segments, TCP_INITIAL_WINDOW);
	program_sends(w, 30 * MSS_BYTES);
	assert_int_equal(w->count, 10);
	forget_segments(w);
	advance(w, ROUND_TRIP_NS);
	for (uint32_t i = 1; i <= 5; i++)
		peer_acks(w, 1, 1 + 2 * i * MSS_BYTES, NULL);
	advance(w, NSEC_PER_MSEC);
	assert_int_equal(w->count, 20);
	assert_int_equal(connection(w)->congestion.cwnd_segments, 20);
}

/* RFC 9293 3.8.2 with RFC 2861's reason: a window that was not used does not grow. */
static void unused_window_does_not_grow(void **state)
{
	struct world *w = *state;

	establish_actively(w, NULL);
	for (uint32_t i = 0; i < 20; i++) {
		program_sends(w, 100);
		advance(w, ROUND_TRIP_NS);
		peer_acks(w, 1, 1 + 100 * (i + 1), NULL);
		forget_segments(w);
	}
	assert_int_equal(connection(w)->congestion.cwnd_segments, TCP_INITIAL_WINDOW);
}

WORLD_MAIN(WORLD_TEST(slow_start_doubles), WORLD_TEST(unused_window_does_not_grow))
