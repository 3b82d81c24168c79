/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/input.c: the steps of RFC 9293 3.10.7, where no other file's test goes. */
#include "tests/unit/tcp_fixture.h"

/* 3.1: a damaged segment never was. */
static void damaged_is_dropped(void **state)
{
	uint8_t packet[TCP_HEADER_BYTES + TCP_OPTIONS_MAX];
	struct tcp_segment seg = {.source_port = PEER_PORT, .destination_port = OUR_PORT,
	    .seq = {PEER_ISS}, .flags = TCP_SYN};
	struct world *w = *state;

	program_listens(w, 5);
	tcp_emit(&seg, packet);
	peer_packet(w, IPPROTO_TCP, (struct span){packet, TCP_HEADER_BYTES}); /* no checksum */
	peer_packet(w, IPPROTO_TCP, (struct span){packet, 10});
	expect_silence(w);
	assert_int_equal(w->stack->counters.tcp_in_errors, 2);
	assert_int_equal(w->stack->tcp->request_count, 0);
}

/* 3.10.7.2, second: an ACK for a listener is reset; third: SYN with FIN is no SYN. */
static void listener_takes_only_a_syn(void **state)
{
	struct world *w = *state;

	program_listens(w, 5);
	peer_sends(w, TCP_ACK, 1, 70, 65535, NULL, 0);
	expect_segment(w, TCP_RST, 70, 0, 0);
	peer_sends(w, TCP_SYN | TCP_ACK, 1, 70, 65535, NULL, 0);
	expect_segment(w, TCP_RST, 70, 0, 0);
	peer_sends(w, TCP_SYN | TCP_FIN, 0, 0, 65535, NULL, 0);
	peer_sends(w, TCP_FIN, 0, 0, 65535, NULL, 0);
	peer_sends(w, TCP_RST, 0, 0, 65535, NULL, 0);
	expect_silence(w);
	assert_int_equal(w->stack->tcp->request_count, 0);
}

/* 3.10.7.4, fifth: a segment without ACK carries nothing that counts; first: one from outside the
 * window is answered with where we are. */
static void no_ack_no_text(void **state)
{
	struct world *w = *state;

	establish_actively(w, NULL);
	peer_sends(w, 0, 1, 0, 65535, NULL, 100);
	expect_silence(w);
	assert_int_equal(w->program.got_bytes, 0);
	peer_sends(w, TCP_ACK, 0x70000000, 1, 65535, NULL, 100);
	expect_segment(w, TCP_ACK, 1, 0, 1);
	assert_int_equal(w->program.got_bytes, 0);
	assert_int_equal(w->stack->counters.tcp_in_unacceptable, 1);
}

WORLD_MAIN(WORLD_TEST(damaged_is_dropped), WORLD_TEST(listener_takes_only_a_syn), WORLD_TEST(no_ack_no_text))
