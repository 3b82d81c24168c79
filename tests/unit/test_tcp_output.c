/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/output.c: what goes now, and what waits. */
#include "tests/unit/tcp_fixture.h"

/* RFC 9293 3.7.4, Nagle: a small segment waits while another small one is not acknowledged (so
 * Minshall); with TCP_NODELAY it does not. */
static void nagle_holds_the_second(void **state)
{
	struct world *w = *state;

	establish_actively(w, NULL);
	program_sends(w, 10);
	expect_segment(w, TCP_ACK, 1, 10, 1);
	program_sends(w, 20);
	program_sends(w, 30);
	expect_silence(w);
	peer_acks(w, 1, 11, NULL);
	expect_segment(w, TCP_ACK, 11, 50, 1);
	program_sends(w, 5);
	expect_silence(w);
	set_option(w, w->socket, IPPROTO_TCP, TCP_NODELAY, 1);
	expect_segment(w, TCP_ACK, 61, 5, 1);
	program_sends(w, 6);
	expect_segment(w, TCP_ACK, 66, 6, 1);
}

/* tcp(7): TCP_CORK holds what does not fill a segment until it is pulled. */
static void cork_holds_the_rest(void **state)
{
	struct world *w = *state;

	establish_actively(w, NULL);
	set_option(w, w->socket, IPPROTO_TCP, TCP_CORK, 1);
	program_sends(w, MSS_BYTES + 100);
	expect_segment(w, TCP_ACK, 1, MSS_BYTES, 1);
	expect_silence(w);
	set_option(w, w->socket, IPPROTO_TCP, TCP_CORK, 0);
	expect_segment(w, TCP_ACK, 1 + MSS_BYTES, 100, 1);
}

/* RFC 6928: ten segments at first; each is full, the last one tells to push (RFC 9293 3.8.2). */
static void ten_full_segments_first(void **state)
{
	struct world *w = *state;

	establish_actively(w, NULL);
	program_sends(w, 12 * MSS_BYTES);
	for (uint32_t i = 0; i < 10; i++)
		expect_segment(w, TCP_ACK, 1 + i * MSS_BYTES, MSS_BYTES, 1);
	expect_silence(w);
	peer_acks(w, 1, 1 + 2 * MSS_BYTES, NULL);
	expect_segment(w, TCP_ACK, 1 + 10 * MSS_BYTES, MSS_BYTES, 1);
	assert_true(expect_segment(w, TCP_ACK, 1 + 11 * MSS_BYTES, MSS_BYTES, 1)->segment.flags & TCP_PSH);
	expect_silence(w);
}

/* RFC 9293 3.8.6.1: a closed window is probed with an old number, more and more rarely, and never
 * given up while the peer answers; when it opens all goes. */
static void closed_window_is_probed(void **state)
{
	uint64_t before_ns, gap_ns = 0;
	struct world *w = *state;

	establish_actively(w, NULL);
	peer_sends(w, TCP_ACK, 1, 1, 0, NULL, 0);
	program_sends(w, 100);
	expect_silence(w);
	before_ns = w->now_ns;
	for (unsigned i = 0; i < 6; i++) {
		const struct seen *e;

		while (w->count == 0 && w->now_ns - before_ns < 100 * NSEC_PER_SEC)
			advance(w, 5 * NSEC_PER_MSEC);
		e = expect_segment(w, TCP_ACK, 0, 0, 1);
		assert_in_range(e->time_ns - before_ns, gap_ns * 18 / 10, 30 * NSEC_PER_SEC);
		gap_ns = e->time_ns - before_ns;
		before_ns = e->time_ns;
		peer_sends(w, TCP_ACK, 1, 1, 0, NULL, 0);
		expect_silence(w);
	}
	assert_true(gap_ns > 3 * NSEC_PER_SEC);
	peer_sends(w, TCP_ACK, 1, 1, 50, NULL, 0);
	advance(w, 30 * NSEC_PER_SEC); /* less than what waits: the timer sends what fits */
	expect_segment(w, TCP_ACK, 1, 50, 1);
	forget_segments(w);
	peer_sends(w, TCP_ACK, 1, 51, 1000, NULL, 0);
	expect_segment(w, TCP_ACK, 51, 50, 1);
}

WORLD_MAIN(WORLD_TEST(nagle_holds_the_second), WORLD_TEST(cork_holds_the_rest),
    WORLD_TEST(ten_full_segments_first), WORLD_TEST(closed_window_is_probed))
