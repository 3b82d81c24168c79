/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/state.c: the states, as a program and `teachnet ss` see them, and the end. */
#include "tests/unit/tcp_fixture.h"

/* RFC 9293 3.3.2: the way of an active open and close, in the words of ss. */
static void the_words_of_ss(void **state)
{
	struct world *w = *state;

	w->socket = new_socket(w, &w->program);
	assert_string_equal(tcp_state_name(connection(w)->state), "UNCONN");
	program_connects(w);
	assert_string_equal(tcp_state_name(connection(w)->state), "SYN-SENT");
	take_segment(w);
	peer_sends(w, TCP_SYN | TCP_ACK, 0, 1, 65535, NULL, 0);
	assert_string_equal(tcp_state_name(connection(w)->state), "ESTAB");
	assert_int_equal(socket_shutdown(w->socket, SOCKET_SHUT_WRITE, w->now_ns), 0);
	assert_string_equal(tcp_state_name(connection(w)->state), "FIN-WAIT-1");
	settle(w);
	peer_sends(w, TCP_ACK, 1, 2, 65535, NULL, 0);
	assert_string_equal(tcp_state_name(connection(w)->state), "FIN-WAIT-2");
}

/* A reset ends everything at once: the error is told once, no timer is left, the tuple is free and
 * the same socket may connect again. */
static void finished_is_as_new(void **state)
{
	struct endpoint remote;
	struct world *w = *state;

	establish_actively(w, NULL);
	program_sends(w, 1000);
	forget_segments(w);
	peer_sends(w, TCP_RST, 1, 0, 0, NULL, 0);
	assert_int_equal(connection(w)->state, TCP_CLOSED);
	assert_true(w->program.events & SOCKET_EVENT_ERROR);
	assert_int_equal(socket_take_error(w->socket), ECONNRESET);
	assert_int_equal(socket_take_error(w->socket), 0);
	assert_int_equal(socket_peer(w->socket, &remote), -ENOTCONN);
	advance(w, 100 * NSEC_PER_SEC);
	expect_silence(w);
	w->program.events = 0;
	establish_actively(w, NULL);
}

WORLD_MAIN(WORLD_TEST(the_words_of_ss), WORLD_TEST(finished_is_as_new))
