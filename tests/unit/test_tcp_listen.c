/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/listen.c: the accept queue, its limit, and what becomes of it at the end. */
#include "tests/unit/tcp_fixture.h"

static void peer_connects(struct world *w, uint16_t port)
{
	w->peer_port = port;
	peer_sends(w, TCP_SYN, 0, 0, 65535, NULL, 0);
	assert_int_equal(expect_segment(w, TCP_SYN | TCP_ACK, 0, 0, 1)->to_port, port);
	peer_sends(w, TCP_ACK, 1, 1, 65535, NULL, 0);
}

/* listen(2), as Linux counts: backlog + 1 connections wait; more are not answered until the
 * program accepts one. */
static void full_queue_is_silent_until_accept(void **state)
{
	struct world *w = *state;

	program_listens(w, 0);
	peer_connects(w, 5001);
	assert_true(w->listening.events & SOCKET_EVENT_ACCEPTABLE);
	w->peer_port = 5002;
	peer_sends(w, TCP_SYN, 0, 0, 65535, NULL, 0);
	expect_silence(w);
	assert_true(program_accepts(w));
	assert_false(program_accepts(w));
	peer_connects(w, 5002);
	assert_true(program_accepts(w));
}

/* accept(2) gives the oldest first, with what the peer has said meanwhile. */
static void oldest_first_with_its_data(void **state)
{
	struct endpoint remote;
	struct world *w = *state;

	program_listens(w, 5);
	peer_connects(w, 5001);
	peer_sends(w, TCP_ACK, 1, 1, 65535, NULL, 100);
	forget_segments(w);
	peer_connects(w, 5002);
	assert_true(program_accepts(w));
	assert_int_equal(socket_peer(w->socket, &remote), 0);
	assert_int_equal(remote.port, 5001);
	assert_true(w->program.events & SOCKET_EVENT_RECEIVABLE);
	program_takes(w, 1000);
	assert_int_equal(w->program.got_bytes, 100);
	assert_false(w->program.wrong);
	assert_true(program_accepts(w));
	assert_int_equal(socket_peer(w->socket, &remote), 0);
	assert_int_equal(remote.port, 5002);
}

/* As in Linux: the listener's end resets whom nobody has accepted, and then the port refuses. */
static void closing_resets_who_waits(void **state)
{
	struct world *w = *state;

	program_listens(w, 5);
	peer_connects(w, 5001);
	expect_silence(w);
	socket_close(w->listener, false, w->now_ns);
	assert_int_equal(expect_segment(w, TCP_RST | TCP_ACK, 1, 0, 1)->to_port, 5001);
	peer_sends(w, TCP_SYN, 0, 0, 65535, NULL, 0);
	assert_int_equal(take_segment(w)->flags, TCP_RST | TCP_ACK);
	expect_silence(w);
}

WORLD_MAIN(WORLD_TEST(full_queue_is_silent_until_accept), WORLD_TEST(oldest_first_with_its_data),
    WORLD_TEST(closing_resets_who_waits))
