/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/connect.c and SYN-SENT: the active open, and every way in which it fails. */
#include "tests/unit/tcp_fixture.h"

/* Nobody answers: RFC 6298 2.1 says 1 s; Linux repeats the first four at that pace
 * (tcp_syn_linear_timeouts), then doubles (5.5), and gives up with ETIMEDOUT. */
static void syn_is_repeated_then_given_up(void **state)
{
	static const unsigned at_s[] = {0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67};
	struct world *w = *state;
	uint64_t begin_ns = w->now_ns;

	program_connects(w);
	advance(w, 130 * NSEC_PER_SEC);
	for (unsigned i = 0; i < sizeof(at_s) / sizeof(at_s[0]); i++) {
		const struct seen *e = expect_segment(w, TCP_SYN, 0, 0, 0);

		assert_int_equal((e->time_ns - begin_ns + NSEC_PER_MSEC) / NSEC_PER_SEC, at_s[i]);
	}
	expect_silence(w);
	assert_false(w->program.events & SOCKET_EVENT_ERROR);
	advance(w, 2 * NSEC_PER_SEC);
	expect_silence(w);
	assert_true(w->program.events & SOCKET_EVENT_ERROR);
	assert_int_equal(socket_take_error(w->socket), ETIMEDOUT);
}

/* RFC 9293 3.10.7.3, second: a reset counts only with an acceptable ACK. */
static void reset_refuses_only_with_the_right_ack(void **state)
{
	struct world *w = *state;

	program_connects(w);
	expect_segment(w, TCP_SYN, 0, 0, 0);
	peer_sends(w, TCP_RST, 0, 0, 0, NULL, 0);
	peer_sends(w, TCP_RST | TCP_ACK, 0, 2, 0, NULL, 0);
	expect_silence(w);
	assert_int_equal(connection(w)->state, TCP_SYN_SENT);
	peer_sends(w, TCP_RST | TCP_ACK, 0, 1, 0, NULL, 0);
	expect_silence(w);
	assert_true(w->program.events & SOCKET_EVENT_ERROR);
	assert_int_equal(socket_take_error(w->socket), ECONNREFUSED);
}

/* RFC 9293 3.10.7.3, first: an old duplicate's ACK is reset, and the handshake goes on. */
static void wrong_ack_is_reset_and_survived(void **state)
{
	struct world *w = *state;

	program_connects(w);
	expect_segment(w, TCP_SYN, 0, 0, 0);
	peer_sends(w, TCP_SYN | TCP_ACK, 0, 77, 65535, NULL, 0);
	expect_segment(w, TCP_RST, 77, 0, 0);
	assert_int_equal(connection(w)->state, TCP_SYN_SENT);
	peer_sends(w, TCP_SYN | TCP_ACK, 0, 1, 65535, NULL, 0);
	expect_segment(w, TCP_ACK, 1, 0, 1);
	assert_int_equal(connection(w)->state, TCP_ESTABLISHED);
}

/* RFC 9293 3.5, figure 8: both ends open at the same time, and one connection comes of it. */
static void both_open_at_once(void **state)
{
	struct world *w = *state;

	program_connects(w);
	expect_segment(w, TCP_SYN, 0, 0, 0);
	peer_sends(w, TCP_SYN, 0, 0, 65535, NULL, 0);
	expect_segment(w, TCP_SYN | TCP_ACK, 0, 0, 1);
	assert_int_equal(connection(w)->state, TCP_SYN_RECEIVED);
	assert_false(w->program.events & SOCKET_EVENT_CONNECTED);
	peer_sends(w, TCP_ACK, 1, 1, 65535, NULL, 0);
	assert_int_equal(connection(w)->state, TCP_ESTABLISHED);
	assert_true(w->program.events & SOCKET_EVENT_CONNECTED);
}

WORLD_MAIN(WORLD_TEST(syn_is_repeated_then_given_up), WORLD_TEST(reset_refuses_only_with_the_right_ack),
    WORLD_TEST(wrong_ack_is_reset_and_survived), WORLD_TEST(both_open_at_once))
