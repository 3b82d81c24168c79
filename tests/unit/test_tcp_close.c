/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/close.c: the orderly end from either side, and the abrupt ones. */
#include "tests/unit/tcp_fixture.h"

/* RFC 9293 3.6, case 1: we close first, the peer goes on talking to shutdown's other half, and ends
 * in TIME-WAIT. */
static void we_close_first(void **state)
{
	struct world *w = *state;

	establish_actively(w, NULL);
	assert_int_equal(socket_shutdown(w->socket, SOCKET_SHUT_WRITE, w->now_ns), 0);
	expect_segment(w, TCP_FIN | TCP_ACK, 1, 0, 1);
	assert_int_equal(connection(w)->state, TCP_FIN_WAIT_1);
	peer_sends(w, TCP_ACK, 1, 2, 65535, NULL, 0);
	assert_int_equal(connection(w)->state, TCP_FIN_WAIT_2);
	peer_sends(w, TCP_ACK, 1, 2, 65535, NULL, 50);
	assert_int_equal(w->program.got_bytes, 50);
	forget_segments(w);
	peer_sends(w, TCP_FIN | TCP_ACK, 51, 2, 65535, NULL, 0);
	expect_segment(w, TCP_ACK, 2, 0, 52);
	assert_true(w->program.events & SOCKET_EVENT_PEER_CLOSED);
	assert_int_equal(w->stack->tcp->time_wait_count, 1);
}

/* RFC 9293 3.6, case 2: the peer closes first; LAST-ACK ends without TIME-WAIT. */
static void peer_closes_first(void **state)
{
	struct world *w = *state;

	establish_actively(w, NULL);
	peer_sends(w, TCP_FIN | TCP_ACK, 1, 1, 65535, NULL, 0);
	assert_int_equal(connection(w)->state, TCP_CLOSE_WAIT);
	assert_true(w->program.events & SOCKET_EVENT_PEER_CLOSED);
	advance(w, NSEC_PER_SEC);
	expect_segment(w, TCP_ACK, 1, 0, 2);
	program_closes(w);
	expect_segment(w, TCP_FIN | TCP_ACK, 1, 0, 2);
	assert_false(w->program.events & SOCKET_EVENT_GONE);
	peer_sends(w, TCP_ACK, 2, 2, 65535, NULL, 0);
	assert_true(w->program.events & SOCKET_EVENT_GONE);
	assert_int_equal(w->stack->tcp->time_wait_count, 0);
}

/* RFC 9293 3.6, case 3: both FINs cross. */
static void both_close_at_once(void **state)
{
	struct world *w = *state;

	establish_actively(w, NULL);
	program_closes(w);
	expect_segment(w, TCP_FIN | TCP_ACK, 1, 0, 1);
	peer_sends(w, TCP_FIN | TCP_ACK, 1, 1, 65535, NULL, 0);
	expect_segment(w, TCP_ACK, 2, 0, 2);
	assert_int_equal(connection(w)->state, TCP_CLOSING);
	peer_sends(w, TCP_ACK, 2, 2, 65535, NULL, 0);
	assert_true(w->program.events & SOCKET_EVENT_GONE);
	assert_int_equal(w->stack->tcp->time_wait_count, 1);
}

/* RFC 2525 2.17: a program that closes with data unread resets. RFC 1122 4.2.2.13: so does data
 * that comes for a program that has closed. SO_LINGER with 0 seconds, socket(7): likewise. */
static void unread_late_or_lingering_resets(void **state)
{
	const struct linger none = {1, 0};
	struct world *w = *state;

	w->program.refuses = true;
	establish_actively(w, NULL);
	peer_sends(w, TCP_ACK, 1, 1, 65535, NULL, 10);
	forget_segments(w);
	program_closes(w);
	expect_segment(w, TCP_RST | TCP_ACK, 1, 0, 11);
	expect_silence(w);

	w->socket = NULL;
	establish_actively(w, NULL);
	program_closes(w);
	expect_segment(w, TCP_FIN | TCP_ACK, 1, 0, 1);
	peer_sends(w, TCP_ACK, 1, 1, 65535, NULL, 10);
	assert_true(take_segment(w)->flags & TCP_RST);
	expect_silence(w);

	w->socket = NULL;
	establish_actively(w, NULL);
	assert_int_equal(socket_set_option(w->socket, SOL_SOCKET, SO_LINGER, &none, sizeof(none), w->now_ns), 0);
	program_closes(w);
	expect_segment(w, TCP_RST | TCP_ACK, 1, 0, 1);
	expect_silence(w);
}

WORLD_MAIN(WORLD_TEST(we_close_first), WORLD_TEST(peer_closes_first), WORLD_TEST(both_close_at_once),
    WORLD_TEST(unread_late_or_lingering_resets))
