/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/cookie.c: with the SYN queue full, the peer keeps our memory for us (RFC 4987
 * 3.6). */
#include "tests/unit/tcp_fixture.h"

/* A queue of one, taken by a peer that never goes on. */
static void fill_queue(struct world *w)
{
	program_listens(w, 0);
	w->peer_port = 4999;
	peer_sends(w, TCP_SYN, 0, 0, 65535, NULL, 0);
	take_segment(w);
	expect_silence(w);
	assert_int_equal(w->stack->tcp->request_count, 1);
}

static uint32_t ask(struct world *w, uint16_t port, const struct tcp_options *o)
{
	w->peer_port = port;
	peer_sends(w, TCP_SYN, 0, 0, 65535, o, 0);
	assert_int_equal(expect_segment(w, TCP_SYN | TCP_ACK, 0, 0, 1)->to_port, port);
	assert_int_equal(w->stack->tcp->request_count, 1);
	return w->iss;
}

/* The cookie comes back: a connection, with the peer's MSS (that of the table below it) and, by the
 * timestamp, its window scale and SACK. */
static void valid_cookie_makes_a_connection(void **state)
{
	struct tcp_options o = {.has_mss = true, .mss_bytes = 1350, .has_timestamps = true, .ts_value = 50,
	    .sack_permitted = true, .has_scale = true, .scale = 5};
	struct tcp_options back = {.has_timestamps = true, .ts_value = 51};
	struct world *w = *state;

	fill_queue(w);
	ask(w, 5001, &o);
	back.ts_echo = w->seen[w->first - 1].segment.options.ts_value;
	peer_sends(w, TCP_ACK, 1, 1, 100, &back, 10);
	assert_true(program_accepts(w));
	assert_int_equal(connection(w)->mss_peer, 1300);
	assert_int_equal(connection(w)->snd.scale, 5);
	assert_true(connection(w)->sack_on && connection(w)->timestamps_on);
	program_takes(w, 100);
	assert_int_equal(w->program.got_bytes, 10);
}

/* A wrong cookie, and a right one from another port: reset (RFC 9293 3.10.7.2), nothing is made. */
static void wrong_cookie_is_reset(void **state)
{
	struct world *w = *state;

	fill_queue(w);
	ask(w, 5001, NULL);
	peer_sends(w, TCP_ACK, 1, 2 + 4, 65535, NULL, 0);
	expect_segment(w, TCP_RST, 6, 0, 0);
	w->peer_port = 5002;
	peer_sends(w, TCP_ACK, 1, 1, 65535, NULL, 0);
	expect_segment(w, TCP_RST, 1, 0, 0);
	assert_false(program_accepts(w));
	assert_int_equal(w->stack->counters.tcp_syn_cookies_failed, 2);
	w->peer_port = 5001;
	peer_sends(w, TCP_ACK, 1, 1, 65535, NULL, 0);
	assert_true(program_accepts(w));
}

/* A cookie is good for two minutes, no more. */
static void old_cookie_is_reset(void **state)
{
	uint32_t cookie;
	struct world *w = *state;

	fill_queue(w);
	cookie = ask(w, 5001, NULL);
	advance(w, 125 * NSEC_PER_SEC);
	forget_segments(w);
	w->iss = cookie;
	peer_sends(w, TCP_ACK, 1, 1, 65535, NULL, 0);
	expect_segment(w, TCP_RST, 1, 0, 0);
	assert_false(program_accepts(w));
}

/* The accept queue is full: silence, so that the peer tries again; then there is room. */
static void full_accept_queue_is_silent(void **state)
{
	uint32_t first, second;
	struct world *w = *state;

	fill_queue(w);
	first = ask(w, 5001, NULL);
	second = ask(w, 5002, NULL);
	w->iss = first;
	w->peer_port = 5001;
	peer_sends(w, TCP_ACK, 1, 1, 65535, NULL, 0);
	w->iss = second;
	w->peer_port = 5002;
	peer_sends(w, TCP_ACK, 1, 1, 65535, NULL, 0);
	expect_silence(w);
	assert_true(program_accepts(w));
	assert_false(program_accepts(w));
	peer_sends(w, TCP_ACK, 1, 1, 65535, NULL, 0);
	assert_true(program_accepts(w));
}

WORLD_MAIN(WORLD_TEST(valid_cookie_makes_a_connection), WORLD_TEST(wrong_cookie_is_reset),
    WORLD_TEST(old_cookie_is_reset), WORLD_TEST(full_accept_queue_is_silent))
