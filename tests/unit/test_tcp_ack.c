/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/ack.c: acknowledgements that arrive, and the peer's window in them. */
#include "tests/unit/tcp_fixture.h"

/* RFC 9293 3.10.7.4 step 5: what is acknowledged is forgotten, in parts, too; the program hears of
 * the end of it. */
static void acknowledged_is_forgotten(void **state)
{
	struct world *w = *state;

	establish_actively(w, NULL);
	program_sends(w, 100);
	expect_segment(w, TCP_ACK, 1, 100, 1);
	assert_int_equal(socket_unacked_bytes(w->socket), 100);
	w->program.events = 0;
	peer_acks(w, 1, 41, NULL);
	assert_int_equal(socket_unacked_bytes(w->socket), 60);
	assert_false(w->program.events & SOCKET_EVENT_SENT_ALL);
	peer_acks(w, 1, 101, NULL);
	assert_int_equal(socket_unacked_bytes(w->socket), 0);
	assert_true(w->program.events & SOCKET_EVENT_SENT_ALL);
	peer_acks(w, 1, 41, NULL); /* an old one changes nothing */
	assert_int_equal(connection(w)->snd.una.n - w->iss, 101);
	expect_silence(w);
}

/* RFC 9293 3.10.7.4 step 5, RFC 5961 5.2: an ACK of what was never sent is answered by one, and its
 * data is not taken. */
static void ack_of_the_future_is_challenged(void **state)
{
	struct world *w = *state;

	establish_actively(w, NULL);
	peer_sends(w, TCP_ACK, 1, 2, 65535, NULL, 10);
	expect_segment(w, TCP_ACK, 1, 0, 1);
	assert_int_equal(w->program.got_bytes, 0);
	assert_int_equal(connection(w)->snd.una.n - w->iss, 1);
	peer_sends(w, TCP_ACK, 1, 1, 65535, NULL, 10);
	assert_int_equal(w->program.got_bytes, 10);
}

/* RFC 9293 3.10.7.4, SND.WL1 and SND.WL2: the window is that of the newest segment, not of one that
 * was overtaken. */
static void old_segment_brings_no_window(void **state)
{
	struct world *w = *state;

	establish_actively(w, NULL);
	peer_sends(w, TCP_ACK, 1, 1, 5000, NULL, 100);
	assert_int_equal(connection(w)->snd.wnd, 5000);
	peer_sends(w, TCP_ACK, 101, 1, 4000, NULL, 100);
	assert_int_equal(connection(w)->snd.wnd, 4000);
	peer_sends(w, TCP_ACK, 1, 1, 9000, NULL, 100);
	assert_int_equal(connection(w)->snd.wnd, 4000);
}

WORLD_MAIN(WORLD_TEST(acknowledged_is_forgotten), WORLD_TEST(ack_of_the_future_is_challenged),
    WORLD_TEST(old_segment_brings_no_window))
