/* SPDX-License-Identifier: MIT */
/*
 * No frame, however malformed, may crash the engine, make it read where it must not, or leak (the
 * sanitizers and the fixture's count of memory judge). Valid frames of every kind are bent at
 * random; half of them get their checksums put right again, so that the lie reaches the layer that
 * it is meant for. The seed is printed with a failure, and the same seed is the same run.
 */
#include <netinet/in.h>
#include <stdio.h>

#include "stack/base/random.h"
#include "tests/unit/frames.h"

#define FRAMES 60000

static uint32_t chance(struct random *r, uint32_t n)
{
	return random_below(r, n);
}

/* ---- valid frames to begin with ---- */

static void make_fragment(struct built *b, struct random *r)
{
	static const uint8_t data[1024];
	struct ipv4 ip = ip_to_us(17);

	ip.id = (uint16_t)chance(r, 4);
	ip.more_fragments = chance(r, 2);
	ip.offset_bytes = (uint16_t)(8 * chance(r, 64));
	build_ipv4(b, &ip, data, 8 * (1 + chance(r, 100)));
}

static void make_error(struct built *b, struct random *r)
{
	static const uint8_t types[] = {ICMP_UNREACHABLE, ICMP_TIME_EXCEEDED, ICMP_PARAMETER_PROBLEM, ICMP_REDIRECT};
	uint8_t quote[64], message[16];
	struct ipv4 ip = {.ttl = 1, .protocol = chance(r, 2) ? IPPROTO_UDP : IPPROTO_TCP,
	    .source = ip_from_v4(OUR_ADDRESS), .destination = ip_from_v4(THEIR_ADDRESS)};

	memset(message, 0, sizeof(message));
	udp_emit(message, 7, 9, 8);
	ipv4_emit(quote, &ip, sizeof(message));
	memcpy(quote + IPV4_HEADER_BYTES, message, sizeof(message));
	build_icmp(b, types[chance(r, sizeof(types))], (uint8_t)chance(r, 18), chance(r, 70000), quote,
	    IPV4_HEADER_BYTES + (uint32_t)sizeof(message));
}

static void make_tcp(struct built *b, struct random *r)
{
	uint8_t octet[TCP_HEADER_BYTES + TCP_OPTIONS_MAX + 64] = {0};
	struct tcp_segment seg = {.source_port = (uint16_t)(1000 + chance(r, 4)), .destination_port = 80,
	    .seq = {chance(r, 1000)}, .ack = {chance(r, 1000)}, .window = 1000, .flags = (uint8_t)chance(r, 64)};
	struct ipv4 ip = ip_to_us(IPPROTO_TCP);
	uint32_t bytes;

	seg.options.has_mss = chance(r, 2);
	seg.options.mss_bytes = (uint16_t)chance(r, 65536);
	seg.options.has_timestamps = chance(r, 2);
	seg.options.sack_count = (uint8_t)chance(r, 3);
	bytes = tcp_emit(&seg, octet) + chance(r, 64);
	build_ipv4(b, &ip, octet, bytes);
}

static void make_valid(struct built *b, struct random *r)
{
	static const uint8_t data[600];

	switch (chance(r, 8)) {
	case 0:
		build_arp(b, (uint16_t)(1 + chance(r, 2)), chance(r, 4) ? THEIR_ADDRESS : OUR_ADDRESS, OUR_ADDRESS);
		break;
	case 1:
		build_icmp(b, ICMP_ECHO, 0, chance(r, 65536) << 16, data, chance(r, sizeof(data)));
		break;
	case 2:
		build_icmp(b, ICMP_ECHO_REPLY, 0, 5U << 16, data, chance(r, sizeof(data)));
		break;
	case 3:
		build_udp(b, 9, 7, data, chance(r, sizeof(data)));
		break;
	case 4:
		build_udp(b, 9, (uint16_t)chance(r, 65536), data, chance(r, sizeof(data)));
		break;
	case 5:
		make_fragment(b, r);
		break;
	case 6:
		make_error(b, r);
		break;
	default:
		make_tcp(b, r);
		break;
	}
}

/* ---- bending ---- */

static void bend(struct built *b, struct random *r)
{
	static const uint8_t telling[] = {0, 1, 4, 0x7f, 0x80, 0xff, 0x45, 0x4f, 0x60, 20};
	uint32_t times = chance(r, 4);

	while (times--) {
		uint32_t where = chance(r, b->bytes < 80 ? b->bytes : 80);

		if (chance(r, 2))
			b->octet[where] = (uint8_t)random_next(r);
		else
			b->octet[where] = telling[chance(r, sizeof(telling))];
	}
	if (chance(r, 4) == 0)
		b->bytes = chance(r, b->bytes + 1);
	else if (chance(r, 8) == 0 && b->bytes + 60 < BUILT_MAX)
		b->bytes += chance(r, 60);
	if (b->bytes == 0)
		b->bytes = 1;
}

static void right_transport(uint8_t *ip, uint32_t header_bytes, uint32_t bytes)
{
	static const uint8_t offset_of[256] = {[1] = 2, [6] = 16, [17] = 6};
	uint32_t offset = offset_of[ip[9]];
	uint8_t *message = ip + header_bytes;
	struct ip_addr source = ip_from_v4((uint32_t)ip[12] << 24 | (uint32_t)ip[13] << 16 | (uint32_t)ip[14] << 8 | ip[15]);
	struct ip_addr destination = ip_from_v4((uint32_t)ip[16] << 24 | (uint32_t)ip[17] << 16 | (uint32_t)ip[18] << 8 | ip[19]);
	struct checksum c = {0};

	if (!offset || bytes < offset + 2)
		return;
	message[offset] = message[offset + 1] = 0;
	if (ip[9] != 1)
		c = checksum_pseudo_header(&source, &destination, ip[9], bytes);
	store_sum(message + offset, checksum_add(c, message, bytes));
}

static void put_right(struct built *b)
{
	uint8_t *ip = b->octet + ETHERNET_HEADER_BYTES;
	uint32_t bytes, header_bytes;

	if (b->bytes < ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES)
		return;
	bytes = b->bytes - ETHERNET_HEADER_BYTES;
	header_bytes = 4 * (ip[0] & 15U);
	if (header_bytes < IPV4_HEADER_BYTES || header_bytes > bytes)
		return;
	right_transport(ip, header_bytes, bytes - header_bytes);
	ipv4_emit_checksum(ip, header_bytes);
}

static void survive(struct host *h, uint64_t seed)
{
	struct random r = {.key = {seed, 0x66757a7a}};
	struct built b;
	struct print_facts facts;
	char line[PRINT_LINE_BYTES];
	struct frame_out f;

	for (int n = 0; n < FRAMES; n++) {
		struct frame_in in = {.data = b.octet};

		make_valid(&b, &r);
		bend(&b, &r);
		if (chance(&r, 2))
			put_right(&b);
		in.bytes = b.bytes;
		print_frame_in(&in, true, &facts, line);
		host_input(h, &b);
		h->now_ns += chance(&r, 50) ? chance(&r, 1000000) : 40 * NSEC_PER_SEC;
		while (stack_output(h->stack, &f, h->now_ns))
			print_frame_out(&f, true, &facts, line);
	}
}

static void malformed_frames_do_no_harm(void **state)
{
	struct host *h = *state;
	struct heard heard[4];
	struct endpoint peer = at(THEIR_ADDRESS, 9);
	struct built echo;
	struct print_facts facts;
	uint64_t seed = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 0) : 1;
	struct socket *connected;

	assert_int_equal(host_bind(h, host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard[0]), INADDR_ANY, 7), 0);
	assert_int_equal(host_bind(h, host_socket(h, SOCKET_ICMP, IPPROTO_ICMP, &heard[1]), INADDR_ANY, 5), 0);
	host_socket(h, SOCKET_RAW, IPPROTO_ICMP, &heard[2]);
	connected = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard[3]);
	assert_int_equal(socket_connect(connected, &peer, h->now_ns), 0);
	set_int(h, connected, IPPROTO_IP, IP_RECVERR, 1);
	print_message("# SEED=%llu\n", (unsigned long long)seed);
	survive(h, seed);

	/* Still alive: a ping is answered. */
	host_wait(h, 60 * NSEC_PER_SEC);
	host_meets_peer(h);
	build_icmp(&echo, ICMP_ECHO, 0, 1, "alive?", 6);
	host_input(h, &echo);
	assert_true(host_output(h, &echo, &facts));
	while (facts.kind != PRINT_ICMP)
		assert_true(host_output(h, &echo, &facts));
	assert_int_equal(facts.icmp.type, ICMP_ECHO_REPLY);
	assert_true(heard[0].datagrams > 0 && heard[1].datagrams > 0 && heard[2].datagrams > 0);
}

/* Memory refused at any moment is an error for one packet, not for the host. */
static void want_of_memory_does_no_harm(void **state)
{
	struct host *h = *state;
	struct random r = {.key = {7, 7}};
	struct heard heard;
	struct built b;
	struct frame_out f;

	assert_int_equal(host_bind(h, host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard), INADDR_ANY, 7), 0);
	for (int n = 0; n < 20000; n++) {
		h->memory.takes_left = chance(&r, 3);
		make_valid(&b, &r);
		put_right(&b);
		host_input(h, &b);
		h->now_ns += chance(&r, 200) * NSEC_PER_MSEC;
		while (stack_output(h->stack, &f, h->now_ns))
			;
	}
	h->memory.takes_left = -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    HOST_TEST(malformed_frames_do_no_harm),
	    HOST_TEST(want_of_memory_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
