/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/pmtu.c: what ICMP says about a connection, and when it is believed. */
#include "tests/unit/tcp_fixture.h"

/* A router complains about our segment that begins at seq (relative). */
static void router_complains(struct world *w, uint8_t code, uint16_t mtu_bytes, uint32_t seq)
{
	uint8_t icmp[8 + IPV4_HEADER_BYTES + 8] = {3, code};
	struct ipv4 quoted = {
	    .ttl = 60,
	    .protocol = IPPROTO_TCP,
	    .dont_fragment = true,
	    .source = ip_from_v4(OUR_ADDRESS),
	    .destination = ip_from_v4(PEER_ADDRESS),
	};
	uint32_t number = w->iss + seq;
	struct be16 sum;

	icmp[6] = (uint8_t)(mtu_bytes >> 8);
	icmp[7] = (uint8_t)mtu_bytes;
	ipv4_emit(icmp + 8, &quoted, 1480);
	icmp[28] = (uint8_t)(w->our_port >> 8);
	icmp[29] = (uint8_t)w->our_port;
	icmp[30] = (uint8_t)(w->peer_port >> 8);
	icmp[31] = (uint8_t)w->peer_port;
	for (unsigned i = 0; i < 4; i++)
		icmp[32 + i] = (uint8_t)(number >> (24 - 8 * i));
	sum = checksum_finish(checksum_add((struct checksum){0}, icmp, sizeof(icmp)));
	memcpy(icmp + 2, &sum, sizeof(sum));
	peer_packet(w, IPPROTO_ICMP, (struct span){icmp, sizeof(icmp)});
}

/* RFC 1191 6.4: what was too large goes again at once, smaller, and that is no congestion. */
static void too_large_goes_again_smaller(void **state)
{
	struct world *w = *state;
	uint32_t window;

	establish_actively(w, NULL);
	window = connection(w)->congestion.cwnd_segments;
	program_sends(w, 2 * MSS_BYTES);
	forget_segments(w);
	router_complains(w, 4, 1000, 1);
	expect_segment(w, TCP_ACK, 1, 960, 1);
	assert_int_equal(connection(w)->mss_bytes, 960);
	assert_true(connection(w)->congestion.cwnd_segments >= window);
	assert_int_equal(w->stack->counters.tcp_timeouts, 0);
}

/* RFC 5927 4.1: a complaint about what is not in flight is not believed. */
static void not_in_flight_not_believed(void **state)
{
	struct world *w = *state;

	establish_actively(w, NULL);
	program_sends(w, MSS_BYTES);
	forget_segments(w);
	router_complains(w, 4, 600, 1 + 2 * MSS_BYTES);
	router_complains(w, 4, 600, (uint32_t)-100);
	expect_silence(w);
	assert_int_equal(connection(w)->mss_bytes, MSS_BYTES);
	router_complains(w, 4, 600, 1);
	assert_int_equal(connection(w)->mss_bytes, 560);
}

/* RFC 1122 4.2.3.9, as Linux: port unreachable ends an opening; a connection that lives goes on. */
static void unreachable_ends_only_an_opening(void **state)
{
	struct world *w = *state;

	program_connects(w);
	take_segment(w);
	router_complains(w, 3, 0, 0);
	assert_int_equal(socket_take_error(w->socket), ECONNREFUSED);
	establish_actively(w, NULL);
	program_sends(w, 10);
	forget_segments(w);
	router_complains(w, 3, 0, 1);
	assert_int_equal(connection(w)->state, TCP_ESTABLISHED);
	assert_int_equal(socket_take_error(w->socket), 0);
	assert_int_equal(connection(w)->soft_error, ECONNREFUSED);
}

WORLD_MAIN(WORLD_TEST(too_large_goes_again_smaller), WORLD_TEST(not_in_flight_not_believed),
    WORLD_TEST(unreachable_ends_only_an_opening))
