/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/timewait.c: the block that stays when a connection is over. */
#include "tests/unit/tcp_fixture.h"

/* The peer's connection to our listener ends, by our FIN first. */
static void end_in_time_wait(struct world *w, const struct tcp_options *syn, const struct tcp_options *later)
{
	program_listens(w, 5);
	peer_sends(w, TCP_SYN, 0, 0, 65535, syn, 0);
	expect_segment(w, TCP_SYN | TCP_ACK, 0, 0, 1);
	peer_sends(w, TCP_ACK, 1, 1, 65535, later, 0);
	assert_true(program_accepts(w));
	program_closes(w);
	expect_segment(w, TCP_FIN | TCP_ACK, 1, 0, 1);
	peer_sends(w, TCP_FIN | TCP_ACK, 1, 2, 65535, later, 0);
	expect_segment(w, TCP_ACK, 2, 0, 2);
	expect_silence(w);
	assert_int_equal(w->stack->tcp->time_wait_count, 1);
	assert_true(w->program.events & SOCKET_EVENT_GONE);
}

/* RFC 9293 3.6.1 with Linux's span: 60 s, begun anew by a FIN that comes again (3.10.7.4). */
static void sixty_seconds_and_again_after_a_fin(void **state)
{
	struct world *w = *state;

	end_in_time_wait(w, NULL, NULL);
	advance(w, 50 * NSEC_PER_SEC);
	peer_sends(w, TCP_FIN | TCP_ACK, 1, 2, 65535, NULL, 0);
	expect_segment(w, TCP_ACK, 2, 0, 2);
	advance(w, 59 * NSEC_PER_SEC);
	assert_int_equal(w->stack->tcp->time_wait_count, 1);
	advance(w, 2 * NSEC_PER_SEC);
	assert_int_equal(w->stack->tcp->time_wait_count, 0);
	peer_sends(w, TCP_FIN | TCP_ACK, 1, 2, 65535, NULL, 0);
	expect_segment(w, TCP_RST, 2, 0, 0);
}

/* RFC 9293 3.6.1 (RFC 1122 4.2.2.13): a SYN beyond the last number opens the next connection, whose
 * numbers are beyond ours; an old one is told where we were. */
static void newer_number_opens_again(void **state)
{
	uint32_t before;
	struct world *w = *state;

	end_in_time_wait(w, NULL, NULL);
	before = w->iss;
	peer_sends(w, TCP_SYN, 1, 0, 65535, NULL, 0);
	expect_segment(w, TCP_ACK, 2, 0, 2);
	assert_int_equal(w->stack->tcp->time_wait_count, 1);
	peer_sends(w, TCP_SYN, 1000, 0, 65535, NULL, 0);
	expect_segment(w, TCP_SYN | TCP_ACK, 0, 0, 1001);
	assert_int_equal(w->stack->tcp->time_wait_count, 0);
	assert_true((int32_t)(w->iss - (before + 2)) > 65535);
}

/* RFC 6191 2: with timestamps an older number will do if the timestamp is newer; with an older
 * timestamp no number will. */
static void newer_timestamp_opens_again(void **state)
{
	struct tcp_options o = {.has_timestamps = true, .ts_value = 1000};
	struct tcp_options later = {.has_timestamps = true, .ts_value = 1001};
	struct world *w = *state;

	end_in_time_wait(w, &o, &later);
	peer_sends(w, TCP_SYN, 1000, 0, 65535, &o, 0);
	expect_segment(w, TCP_ACK, 2, 0, 2);
	assert_int_equal(w->stack->tcp->time_wait_count, 1);
	o.ts_value = 1002;
	peer_sends(w, TCP_SYN, (uint32_t)-500, 0, 65535, &o, 0);
	expect_segment(w, TCP_SYN | TCP_ACK, 0, 0, (uint32_t)-499);
	assert_int_equal(w->stack->tcp->time_wait_count, 0);
}

/* An orphan waits 60 s for the peer's FIN in the same small block (Linux: tcp_fin_timeout). */
static void orphan_waits_for_fin(void **state)
{
	struct world *w = *state;

	establish_actively(w, NULL);
	program_closes(w);
	expect_segment(w, TCP_FIN | TCP_ACK, 1, 0, 1);
	peer_sends(w, TCP_ACK, 1, 2, 65535, NULL, 0);
	expect_silence(w);
	assert_true(w->program.events & SOCKET_EVENT_GONE);
	advance(w, 30 * NSEC_PER_SEC);
	peer_sends(w, TCP_FIN | TCP_ACK, 1, 2, 65535, NULL, 0);
	expect_segment(w, TCP_ACK, 2, 0, 2);
	advance(w, 59 * NSEC_PER_SEC);
	assert_int_equal(w->stack->tcp->time_wait_count, 1);
	advance(w, 2 * NSEC_PER_SEC);
	assert_int_equal(w->stack->tcp->time_wait_count, 0);
}

WORLD_MAIN(WORLD_TEST(sixty_seconds_and_again_after_a_fin), WORLD_TEST(newer_number_opens_again),
    WORLD_TEST(newer_timestamp_opens_again), WORLD_TEST(orphan_waits_for_fin))
