/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/reset.c: resets that we send, and those of others that we doubt. */
#include "tests/unit/tcp_fixture.h"

/* RFC 5961 3.2: only the exact number resets; another one within the window is challenged, outside
 * of it nothing is said. */
static void only_the_exact_number_resets(void **state)
{
	struct world *w = *state;

	establish_actively(w, NULL);
	peer_sends(w, TCP_RST, 0x80000000U, 0, 0, NULL, 0);
	expect_silence(w);
	peer_sends(w, TCP_RST, 100, 0, 0, NULL, 0);
	expect_segment(w, TCP_ACK, 1, 0, 1);
	assert_int_equal(connection(w)->state, TCP_ESTABLISHED);
	peer_sends(w, TCP_RST, 1, 0, 0, NULL, 0);
	expect_silence(w);
	assert_int_equal(socket_take_error(w->socket), ECONNRESET);
}

/* RFC 5961 4.2 and 7: a SYN is challenged whatever its number, but not twice within 500 ms. */
static void syn_is_challenged_at_a_limited_rate(void **state)
{
	struct world *w = *state;

	establish_actively(w, NULL);
	peer_sends(w, TCP_SYN, 1, 0, 65535, NULL, 0);
	expect_segment(w, TCP_ACK, 1, 0, 1);
	advance(w, 400 * NSEC_PER_MSEC);
	peer_sends(w, TCP_SYN, 5, 0, 65535, NULL, 0);
	expect_silence(w);
	advance(w, 200 * NSEC_PER_MSEC);
	peer_sends(w, TCP_SYN, 5, 0, 65535, NULL, 0);
	expect_segment(w, TCP_ACK, 1, 0, 1);
	assert_int_equal(connection(w)->state, TCP_ESTABLISHED);
	assert_int_equal(w->stack->counters.tcp_challenge_acks, 2);
}

/* RFC 9293 3.5.2, group 1: what belongs to nothing is reset with numbers that its sender believes;
 * a reset is never answered. */
static void what_belongs_to_nothing(void **state)
{
	struct world *w = *state;

	w->our_port = 9;
	peer_sends(w, TCP_SYN, 10, 0, 65535, NULL, 0);
	assert_int_equal(expect_segment(w, TCP_RST | TCP_ACK, 0, 0, 11)->segment.seq.n, 0);
	peer_sends(w, TCP_ACK, 10, 500, 65535, NULL, 20);
	expect_segment(w, TCP_RST, 500, 0, 0);
	peer_sends(w, TCP_FIN, 10, 0, 65535, NULL, 20);
	expect_segment(w, TCP_RST | TCP_ACK, 0, 0, 31);
	peer_sends(w, TCP_RST, 10, 0, 65535, NULL, 0);
	expect_silence(w);
}

WORLD_MAIN(WORLD_TEST(only_the_exact_number_resets), WORLD_TEST(syn_is_challenged_at_a_limited_rate),
    WORLD_TEST(what_belongs_to_nothing))
