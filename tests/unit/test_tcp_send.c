/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/send.c: the program's side of the send buffer. */
#include "tests/unit/tcp_fixture.h"

/* The buffer is full: no room; when the peer has acknowledged enough the program is told, once. */
static void full_buffer_and_room_again(void **state)
{
	uint32_t all;
	struct world *w = *state;

	w->socket = new_socket(w, &w->program);
	set_option(w, w->socket, SOL_SOCKET, SO_SNDBUF, 5000);
	establish_actively(w, NULL);
	all = program_sends(w, 1 << 20);
	assert_in_range(all, 4096, 16384);
	assert_int_equal(program_sends(w, 1), 0);
	forget_segments(w);
	w->program.events = 0;
	peer_acks(w, 1, 1 + all, NULL);
	assert_true(w->program.events & SOCKET_EVENT_SENDABLE);
	assert_int_equal(program_sends(w, 100), 100);
}

/* SIOCOUTQ and SIOCOUTQNSD, tcp(7): all that is not acknowledged, and what has not left yet. */
static void queues_are_told(void **state)
{
	struct world *w = *state;

	establish_actively(w, NULL);
	peer_sends(w, TCP_ACK, 1, 1, 1000, NULL, 0);
	set_option(w, w->socket, IPPROTO_TCP, TCP_NODELAY, 1);
	program_sends(w, 900);
	program_sends(w, 600);
	assert_int_equal(socket_unacked_bytes(w->socket), 1500);
	assert_int_equal(socket_unsent_bytes(w->socket), 600);
	peer_sends(w, TCP_ACK, 1, 901, 1000, NULL, 0);
	assert_int_equal(socket_unacked_bytes(w->socket), 600);
	assert_int_equal(socket_unsent_bytes(w->socket), 0);
}

WORLD_MAIN(WORLD_TEST(full_buffer_and_room_again), WORLD_TEST(queues_are_told))
