/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/options.c: what a SYN offers, what becomes of it, and timestamps. */
#include "tests/unit/tcp_fixture.h"

/* RFC 9293 3.7.1, 7323, 2018: our SYN offers everything; a peer that offers nothing gets nothing and
 * segments of 536 bytes. */
static void nothing_offered_nothing_used(void **state)
{
	const struct tcp_options *o;
	struct world *w = *state;

	program_connects(w);
	o = &expect_segment(w, TCP_SYN, 0, 0, 0)->segment.options;
	assert_true(o->has_mss && o->sack_permitted && o->has_timestamps && o->has_scale);
	assert_int_equal(o->mss_bytes, MSS_BYTES);
	assert_int_equal(o->ts_echo, 0);
	peer_sends(w, TCP_SYN | TCP_ACK, 0, 1, 65535, NULL, 0);
	o = &expect_segment(w, TCP_ACK, 1, 0, 1)->segment.options;
	assert_false(o->has_mss || o->sack_permitted || o->has_timestamps || o->has_scale);
	program_sends(w, 1000);
	expect_segment(w, TCP_ACK, 1, 536, 1);
}

/* RFC 7323 3.2, 4.3: every segment carries the clock of ms and the echo of the last one in order;
 * the payload is 12 bytes shorter. */
static void timestamps_are_echoed(void **state)
{
	struct tcp_options o = usual_options(), later = {.has_timestamps = true, .ts_value = 900};
	uint32_t first;
	const struct seen *e;
	struct world *w = *state;

	program_connects(w);
	first = expect_segment(w, TCP_SYN, 0, 0, 0)->segment.options.ts_value;
	o.has_timestamps = true;
	o.ts_value = 800;
	o.ts_echo = first;
	advance(w, ROUND_TRIP_NS);
	peer_sends(w, TCP_SYN | TCP_ACK, 0, 1, 65535, &o, 0);
	e = expect_segment(w, TCP_ACK, 1, 0, 1);
	assert_int_equal(e->segment.options.ts_echo, 800);
	assert_int_equal(e->segment.options.ts_value - first, 10);
	later.ts_echo = first;
	peer_sends(w, TCP_ACK, 1, 1, 65535, &later, 10);
	forget_segments(w);
	program_sends(w, 3000);
	e = expect_segment(w, TCP_ACK, 1, MSS_BYTES - 12, 11);
	assert_int_equal(e->segment.options.ts_echo, 900);
}

/* RFC 7323 5.3 R1, PAWS: an older timestamp makes a segment unacceptable, its number be right. */
static void old_timestamp_is_rejected(void **state)
{
	struct tcp_options o = usual_options(), later = {.has_timestamps = true};
	struct world *w = *state;

	o.has_timestamps = true;
	o.ts_value = 800;
	program_connects(w);
	o.ts_echo = later.ts_echo = expect_segment(w, TCP_SYN, 0, 0, 0)->segment.options.ts_value;
	peer_sends(w, TCP_SYN | TCP_ACK, 0, 1, 65535, &o, 0);
	forget_segments(w);
	later.ts_value = 700;
	peer_sends(w, TCP_ACK, 1, 1, 65535, &later, 10);
	expect_segment(w, TCP_ACK, 1, 0, 1);
	assert_int_equal(w->program.got_bytes, 0);
	assert_int_equal(w->stack->counters.tcp_in_paws, 1);
	later.ts_value = 800;
	peer_sends(w, TCP_ACK, 1, 1, 65535, &later, 10);
	assert_int_equal(w->program.got_bytes, 10);
}

WORLD_MAIN(WORLD_TEST(nothing_offered_nothing_used), WORLD_TEST(timestamps_are_echoed),
    WORLD_TEST(old_timestamp_is_rejected))
