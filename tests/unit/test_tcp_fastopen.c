/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/fastopen.c: data in the SYN (RFC 7413), from both sides. */
#include "tests/unit/tcp_fixture.h"

static void connect_fast(struct world *w)
{
	w->socket = new_socket(w, &w->program);
	set_option(w, w->socket, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
	w->program.sent_bytes = 0;
	program_connects(w);
}

/* 4.1.3: the first SYN asks for a cookie; the next connection waits for data and sends it with the
 * cookie; what the server did not take goes again. */
static void client_asks_then_speaks_at_once(void **state)
{
	struct tcp_options o = usual_options();
	const struct seen *e;
	struct world *w = *state;

	connect_fast(w);
	e = expect_segment(w, TCP_SYN, 0, 0, 0);
	assert_true(e->segment.options.has_cookie);
	assert_int_equal(e->segment.options.cookie_bytes, 0);
	o.has_cookie = true;
	o.cookie_bytes = 8;
	memcpy(o.cookie, "biscuits", 8);
	peer_sends(w, TCP_SYN | TCP_ACK, 0, 1, 65535, &o, 0);
	forget_segments(w);

	connect_fast(w);
	expect_silence(w);
	program_sends(w, 100);
	e = expect_segment(w, TCP_SYN, 0, 100, 0);
	assert_int_equal(e->segment.options.cookie_bytes, 8);
	assert_memory_equal(e->segment.options.cookie, "biscuits", 8);
	o = usual_options();
	peer_sends(w, TCP_SYN | TCP_ACK, 0, 1, 65535, &o, 0);
	expect_segment(w, TCP_ACK, 1, 100, 1);
}

/* 4.2.2: without a cookie the SYN's data is not taken and a cookie is given; with it the program has
 * connection and data before the handshake is done; a wrong cookie is as none. */
static void server_gives_and_checks_cookies(void **state)
{
	const struct stack_config config = {.secret = {1, 2, 3}, .tcp_fastopen = 3};
	struct tcp_options o = usual_options(), wrong;
	const struct seen *e;
	struct world *w = *state;

	world_again(w, &config);
	w->listener = new_socket(w, &w->listening);
	set_option(w, w->listener, IPPROTO_TCP, TCP_FASTOPEN, 5);
	program_listens(w, 5);
	o.has_cookie = true;
	peer_sends(w, TCP_SYN, 0, 0, 65535, &o, 0);
	e = expect_segment(w, TCP_SYN | TCP_ACK, 0, 0, 1);
	assert_int_equal(e->segment.options.cookie_bytes, 8);
	o.cookie_bytes = 8;
	memcpy(o.cookie, e->segment.options.cookie, 8);
	wrong = o;
	wrong.cookie[7] ^= 1;

	w->peer_port = 5001;
	peer_sends(w, TCP_SYN, 0, 0, 65535, &wrong, 50);
	e = expect_segment(w, TCP_SYN | TCP_ACK, 0, 0, 1);
	assert_memory_equal(e->segment.options.cookie, o.cookie, 8);
	assert_false(program_accepts(w));

	w->peer_port = 5002;
	peer_sends(w, TCP_SYN, 0, 0, 65535, &o, 50);
	expect_segment(w, TCP_SYN | TCP_ACK, 0, 0, 51);
	assert_true(program_accepts(w));
	program_takes(w, 1000);
	assert_int_equal(w->program.got_bytes, 50);
	assert_false(w->program.wrong);
	peer_sends(w, TCP_ACK, 51, 1, 65535, NULL, 0);
	assert_int_equal(connection(w)->state, TCP_ESTABLISHED);
}

WORLD_MAIN(WORLD_TEST(client_asks_then_speaks_at_once), WORLD_TEST(server_gives_and_checks_cookies))
