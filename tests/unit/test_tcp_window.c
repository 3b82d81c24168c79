/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/window.c: the window that we offer. */
#include "tests/unit/tcp_fixture.h"

static void buffer_of(struct world *w, int bytes)
{
	w->socket = new_socket(w, &w->program);
	set_option(w, w->socket, SOL_SOCKET, SO_RCVBUF, bytes);
	w->program.refuses = true;
}

/* RFC 9293 3.8.6.2.2: a program that does not read closes the window, its right edge never moves
 * back, and it opens again by a large step, told without being asked. */
static void closes_and_opens_in_large_steps(void **state)
{
	uint32_t seq = 1, edge = 0, window = UINT32_MAX;
	const struct seen *e;
	struct world *w = *state;

	buffer_of(w, 16384);
	establish_actively(w, NULL);
	for (unsigned i = 0; i < 40 && window; i++) {
		peer_sends(w, TCP_ACK | TCP_PSH, seq, 1, 65535, NULL, window < 1000 ? window : 1000);
		seq += window < 1000 ? window : 1000;
		advance(w, NSEC_PER_SEC);
		e = take_segment(w);
		assert_int_equal(e->ack, seq);
		assert_true(e->ack + e->segment.window >= edge);
		edge = e->ack + e->segment.window;
		window = e->segment.window;
		forget_segments(w);
	}
	assert_int_equal(window, 0);
	assert_in_range(seq, 8192, 16385);
	peer_sends(w, TCP_ACK, seq, 1, 65535, NULL, 1); /* a probe: not taken, but answered */
	assert_int_equal(expect_segment(w, TCP_ACK, 1, 0, seq)->segment.window, 0);
	program_takes(w, 10);
	expect_silence(w);
	program_takes(w, 65536);
	assert_true(take_segment(w)->segment.window >= MSS_BYTES);
	assert_int_equal(w->program.got_bytes, seq - 1);
	assert_false(w->program.wrong);
}

/* RFC 7323 2.2: SYN and SYN-ACK carry the window plain, all later segments scaled; the scale covers
 * the largest buffer there may be, and without the peer's option there is none. */
static void scale_is_used_after_the_handshake(void **state)
{
	struct tcp_options o = usual_options();
	struct stack_config config = {.secret = {1, 2, 3}, .tcp_receive_buffer_bytes = {4096, 131072, 4 << 20}};
	const struct seen *e;
	struct world *w = *state;

	world_again(w, &config);
	o.has_scale = true;
	o.scale = 3;
	program_connects(w);
	e = expect_segment(w, TCP_SYN, 0, 0, 0);
	assert_true(e->segment.options.has_scale);
	assert_int_equal(e->segment.options.scale, 7); /* 65535 << 6 is less than 4 MiB */
	assert_true(e->segment.window > 60000);
	peer_sends(w, TCP_SYN | TCP_ACK, 0, 1, 1000, &o, 0);
	e = expect_segment(w, TCP_ACK, 1, 0, 1);
	assert_in_range(e->segment.window << 7, 60000, 65536);
	assert_int_equal(connection(w)->snd.wnd, 1000);
	peer_sends(w, TCP_ACK, 1, 1, 1000, NULL, 10);
	assert_int_equal(connection(w)->snd.wnd, 8000);

	forget_segments(w);
	w->socket = NULL;
	establish_actively(w, NULL);
	assert_int_equal(connection(w)->rcv.scale, 0);
	assert_true(tcp_window_now(connection(w)) > 60000);
}

/* What was sent beyond the window is not taken (RFC 9293 3.10.7.4). */
static void beyond_the_window_is_not_taken(void **state)
{
	uint32_t window;
	struct world *w = *state;

	buffer_of(w, 16384);
	establish_actively(w, NULL);
	window = tcp_window_now(connection(w));
	peer_sends(w, TCP_ACK, 1 + window + 1, 1, 65535, NULL, 100);
	assert_int_equal(expect_segment(w, TCP_ACK, 1, 0, 1)->segment.options.sack_count, 0);
	peer_sends(w, TCP_ACK, 1 + window - 50, 1, 65535, NULL, 100);
	assert_int_equal(expect_segment(w, TCP_ACK, 1, 0, 1)->segment.options.sack[0].end.n, 1 + window);
}

WORLD_MAIN(WORLD_TEST(closes_and_opens_in_large_steps), WORLD_TEST(scale_is_used_after_the_handshake),
    WORLD_TEST(beyond_the_window_is_not_taken))
