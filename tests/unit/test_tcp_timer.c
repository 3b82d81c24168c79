/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/timer.c: the retransmission timer, and patience with the peer. */
#include "tests/unit/tcp_fixture.h"

/* A peer without SACK gets no tail loss probe: only the timer acts. */
static void establish_plainly(struct world *w)
{
	struct tcp_options o = {.has_mss = true, .mss_bytes = MSS_BYTES};

	establish_actively(w, &o);
}

/* RFC 6298 2.2 with Linux's least variance of 200 ms: 210 ms after a round trip of 10 ms; 5.5: each
 * is twice the one before. */
static void timeout_doubles(void **state)
{
	struct world *w = *state;
	uint64_t begin_ns, before_ns, rto_ns = 210 * NSEC_PER_MSEC;

	establish_plainly(w);
	assert_in_range(connection(w)->rto_ns, 205 * NSEC_PER_MSEC, 215 * NSEC_PER_MSEC);
	begin_ns = before_ns = w->now_ns;
	assert_int_equal(program_sends(w, 100), 100);
	expect_segment(w, TCP_ACK, 1, 100, 1);
	advance(w, 4 * NSEC_PER_SEC);
	for (unsigned i = 0; i < 4; i++, rto_ns *= 2) {
		const struct seen *e = expect_segment(w, TCP_ACK, 1, 100, 1);

		assert_in_range(e->time_ns - before_ns, rto_ns - rto_ns / 20, rto_ns + rto_ns / 20);
		before_ns = e->time_ns;
	}
	expect_silence(w);
	assert_int_equal(w->stack->counters.tcp_timeouts, 4);
	assert_true(before_ns > begin_ns);
}

/* RFC 6298 5.2: all is acknowledged, the timer is off; the next timeout is short again. */
static void acknowledged_is_not_repeated(void **state)
{
	struct world *w = *state;

	establish_plainly(w);
	program_sends(w, 100);
	expect_segment(w, TCP_ACK, 1, 100, 1);
	advance(w, ROUND_TRIP_NS);
	peer_acks(w, 1, 101, NULL);
	assert_true(w->program.events & SOCKET_EVENT_SENT_ALL);
	assert_false(timer_armed(&connection(w)->retransmit_timer));
	advance(w, 10 * NSEC_PER_SEC);
	expect_silence(w);
}

/* RFC 1122 4.2.3.5 by Linux's tcp_retries2: three here, 0.2 s x (2^4 - 1) = 3 s after the first
 * retransmission, the next timeout is the end. RFC 5482: TCP_USER_TIMEOUT shortens it. */
static void patience_ends(void **state)
{
	const struct stack_config config = {.secret = {1, 2, 3}, .tcp_retries2 = 3};
	struct world *w = *state;

	world_again(w, &config);
	establish_plainly(w);
	program_sends(w, 100);
	advance(w, 3 * NSEC_PER_SEC);
	assert_int_equal(connection(w)->state, TCP_ESTABLISHED);
	advance(w, 10 * NSEC_PER_SEC);
	forget_segments(w);
	assert_int_equal(socket_take_error(w->socket), ETIMEDOUT);

	w->socket = NULL;
	establish_plainly(w);
	set_option(w, w->socket, IPPROTO_TCP, TCP_USER_TIMEOUT, 700);
	program_sends(w, 100);
	advance(w, 600 * NSEC_PER_MSEC);
	assert_int_equal(connection(w)->state, TCP_ESTABLISHED);
	advance(w, 500 * NSEC_PER_MSEC);
	forget_segments(w);
	assert_int_equal(socket_take_error(w->socket), ETIMEDOUT);
}

WORLD_MAIN(WORLD_TEST(timeout_doubles), WORLD_TEST(acknowledged_is_not_repeated), WORLD_TEST(patience_ends))
