/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/acknowledge.c: the acknowledgements that we owe. */
#include "tests/unit/tcp_fixture.h"

/* A connection that has left the quick acknowledgements of its start behind (tcp(7), TCP_QUICKACK). */
static void establish_lazily(struct world *w)
{
	establish_actively(w, NULL);
	set_option(w, w->socket, IPPROTO_TCP, TCP_QUICKACK, 0);
}

/* RFC 9293 3.8.6.3: one segment waits for company, 40 ms as in Linux (500 are allowed). */
static void one_segment_waits_40_ms(void **state)
{
	uint64_t come_ns;
	struct world *w = *state;

	establish_lazily(w);
	come_ns = w->now_ns;
	peer_sends(w, TCP_ACK, 1, 1, 65535, NULL, 100);
	advance(w, 39 * NSEC_PER_MSEC);
	expect_silence(w);
	advance(w, 5 * NSEC_PER_MSEC);
	assert_in_range(expect_segment(w, TCP_ACK, 1, 0, 101)->time_ns - come_ns,
	    40 * NSEC_PER_MSEC, 42 * NSEC_PER_MSEC);
}

/* RFC 5681 4.2: at least every second full segment is acknowledged at once. */
static void two_full_segments_do_not(void **state)
{
	struct world *w = *state;

	establish_lazily(w);
	peer_sends(w, TCP_ACK, 1, 1, 65535, NULL, MSS_BYTES);
	forget_segments(w);
	advance(w, NSEC_PER_SEC);
	forget_segments(w);
	set_option(w, w->socket, IPPROTO_TCP, TCP_QUICKACK, 0);
	peer_sends(w, TCP_ACK, 1 + MSS_BYTES, 1, 65535, NULL, MSS_BYTES);
	expect_silence(w);
	peer_sends(w, TCP_ACK, 1 + 2 * MSS_BYTES, 1, 65535, NULL, MSS_BYTES);
	expect_segment(w, TCP_ACK, 1, 0, 1 + 3 * MSS_BYTES);
}

/* An answer carries the acknowledgement: no bare one follows. */
static void answer_carries_it(void **state)
{
	struct world *w = *state;

	establish_lazily(w);
	peer_sends(w, TCP_ACK, 1, 1, 65535, NULL, 100);
	program_sends(w, 10);
	expect_segment(w, TCP_ACK, 1, 10, 101);
	peer_acks(w, 101, 11, NULL);
	advance(w, NSEC_PER_SEC);
	expect_silence(w);
}

WORLD_MAIN(WORLD_TEST(one_segment_waits_40_ms), WORLD_TEST(two_full_segments_do_not), WORLD_TEST(answer_carries_it))
