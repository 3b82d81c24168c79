/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/request.c: half-open connections. */
#include "tests/unit/tcp_fixture.h"

/* RFC 6298 2.1, 5.5 with tcp_synack_retries 5: the answer is repeated after 1, 3, 7, 15 and 31 s, and
 * after 63 s nothing is left. */
static void answer_is_repeated_then_forgotten(void **state)
{
	static const unsigned at_s[] = {0, 1, 3, 7, 15, 31};
	uint64_t begin_ns;
	struct world *w = *state;

	program_listens(w, 5);
	begin_ns = w->now_ns;
	peer_sends(w, TCP_SYN, 0, 0, 65535, NULL, 0);
	advance(w, 60 * NSEC_PER_SEC);
	assert_int_equal(w->stack->tcp->request_count, 1);
	for (unsigned i = 0; i < sizeof(at_s) / sizeof(at_s[0]); i++) {
		const struct seen *e = expect_segment(w, TCP_SYN | TCP_ACK, 0, 0, 1);

		assert_int_equal((e->time_ns - begin_ns + NSEC_PER_MSEC) / NSEC_PER_SEC, at_s[i]);
	}
	advance(w, 5 * NSEC_PER_SEC);
	expect_silence(w);
	assert_int_equal(w->stack->tcp->request_count, 0);
}

/* RFC 9293 3.10.7.4 for SYN-RECEIVED: a SYN again is answered again, a wrong ACK is reset, data
 * beyond the window is told where we are; a reset ends it. */
static void third_segment_must_be_right(void **state)
{
	struct world *w = *state;

	program_listens(w, 5);
	peer_sends(w, TCP_SYN, 0, 0, 65535, NULL, 0);
	expect_segment(w, TCP_SYN | TCP_ACK, 0, 0, 1);
	peer_sends(w, TCP_SYN, 0, 0, 65535, NULL, 0);
	expect_segment(w, TCP_SYN | TCP_ACK, 0, 0, 1);
	peer_sends(w, TCP_ACK, 1, 5, 65535, NULL, 0);
	expect_segment(w, TCP_RST, 5, 0, 0);
	peer_sends(w, TCP_ACK, 0x20000000, 1, 65535, NULL, 0);
	assert_false(program_accepts(w));
	assert_int_equal(w->stack->tcp->request_count, 1);
	forget_segments(w);
	peer_sends(w, TCP_RST, 1, 0, 0, NULL, 0);
	expect_silence(w);
	assert_int_equal(w->stack->tcp->request_count, 0);
	assert_int_equal(w->stack->counters.tcp_attempt_fails, 1);
}

/* The third segment may bring data: the program has both. */
static void third_segment_brings_data(void **state)
{
	struct world *w = *state;

	program_listens(w, 5);
	peer_sends(w, TCP_SYN, 0, 0, 65535, NULL, 0);
	expect_segment(w, TCP_SYN | TCP_ACK, 0, 0, 1);
	peer_sends(w, TCP_ACK, 1, 1, 65535, NULL, 300);
	assert_int_equal(take_segment(w)->ack, 301);
	assert_true(program_accepts(w));
	program_takes(w, 1000);
	assert_int_equal(w->program.got_bytes, 300);
	assert_int_equal(w->stack->tcp->request_count, 0);
}

WORLD_MAIN(WORLD_TEST(answer_is_repeated_then_forgotten), WORLD_TEST(third_segment_must_be_right),
    WORLD_TEST(third_segment_brings_data))
