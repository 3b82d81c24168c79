/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/keepalive.c: is the peer still there? (RFC 9293 3.8.4, tcp(7)) */
#include "tests/unit/tcp_fixture.h"

static void keep_alive(struct world *w)
{
	establish_actively(w, NULL);
	set_option(w, w->socket, IPPROTO_TCP, TCP_KEEPIDLE, 10);
	set_option(w, w->socket, IPPROTO_TCP, TCP_KEEPINTVL, 5);
	set_option(w, w->socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
	set_option(w, w->socket, SOL_SOCKET, SO_KEEPALIVE, 1);
}

/* Nobody answers: probes of an old number at 10, 15 and 20 s, at 25 s the end. */
static void silence_ends_in_etimedout(void **state)
{
	struct world *w = *state;
	uint64_t begin_ns;

	keep_alive(w);
	begin_ns = w->now_ns;
	advance(w, 24 * NSEC_PER_SEC);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t after_ns = expect_segment(w, TCP_ACK, 0, 0, 1)->time_ns - begin_ns;

		assert_in_range(after_ns, (10 + 5 * i) * NSEC_PER_SEC, (10 + 5 * i) * NSEC_PER_SEC + 10 * NSEC_PER_MSEC);
	}
	expect_silence(w);
	assert_false(w->program.events & SOCKET_EVENT_ERROR);
	advance(w, 2 * NSEC_PER_SEC);
	expect_segment(w, TCP_RST | TCP_ACK, 1, 0, 1);
	assert_int_equal(socket_take_error(w->socket), ETIMEDOUT);
}

/* An answer begins the count anew; without SO_KEEPALIVE nothing is ever asked. */
static void answer_keeps_it(void **state)
{
	struct world *w = *state;

	keep_alive(w);
	for (unsigned i = 0; i < 5; i++) {
		advance(w, 11 * NSEC_PER_SEC);
		expect_segment(w, TCP_ACK, 0, 0, 1);
		peer_acks(w, 1, 1, NULL);
		expect_silence(w);
	}
	assert_int_equal(connection(w)->state, TCP_ESTABLISHED);
	set_option(w, w->socket, SOL_SOCKET, SO_KEEPALIVE, 0);
	advance(w, 20000 * NSEC_PER_SEC);
	expect_silence(w);
	assert_int_equal(connection(w)->state, TCP_ESTABLISHED);
}

WORLD_MAIN(WORLD_TEST(silence_ends_in_etimedout), WORLD_TEST(answer_keeps_it))
