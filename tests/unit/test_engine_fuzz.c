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
#include "stack/wire/icmpv6.h"
#include "stack/wire/ipv6.h"
#include "tests/unit/frames.h"

#define FRAMES 80000

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

static const struct ip_addr us6 = {.octet = {0x20, 1, 0xd, 0xb8, [15] = 2}};
static const struct ip_addr them6 = {.octet = {0x20, 1, 0xd, 0xb8, [15] = 1}};
static const struct ip_addr router6 = {.octet = {0xfe, 0x80, [15] = 1}};

/* Any message of ICMPv6 with plausible octets behind it. */
static uint32_t make_icmpv6_message(uint8_t *out, struct random *r)
{
	static const uint8_t types[] = {1, 2, 3, 4, 128, 129, 133, 134, 135, 136, 137, 143};
	uint8_t type = types[chance(r, sizeof(types))];
	uint32_t bytes = 8 + 8 * chance(r, 12);
	struct ipv6 quoted = {.next = IPPROTO_UDP, .source = us6, .destination = them6};

	memset(out, 0, bytes + 64);
	out[0] = type;
	if (type < 128 && bytes >= 56)
		ipv6_emit(out + 8, &quoted, bytes - 48);
	else if (type >= 135)
		memcpy(out + 8, chance(r, 2) ? us6.octet : them6.octet, 16);
	for (uint32_t at = type == 134 ? 16 : 24; type >= 133 && at + 8 <= bytes; at += 8) {
		out[at] = (uint8_t)chance(r, 6);
		out[at + 1] = (uint8_t)(chance(r, 4) ? 1 : chance(r, 5));
	}
	return bytes;
}

static void make_ipv6(struct built *b, struct random *r)
{
	static const uint8_t chain[] = {0, 43, 44, 60, 58, 17, 6, 59};
	struct ipv6 ip = {.hop_limit = chance(r, 4) ? 255 : 64, .next = 58, .source = chance(r, 3) ? them6 : router6, .destination = us6};
	uint8_t payload[1024] = {0};
	uint32_t bytes = 0;

	if (chance(r, 4) == 0)
		ip.destination = chance(r, 2) ? ipv6_all_nodes : ipv6_solicited_node(&us6);
	if (chance(r, 6) == 0)
		ip.source = (struct ip_addr){{0}};
	for (uint32_t n = chance(r, 3); n > 0; n--) {
		uint8_t type = chain[chance(r, 4)];

		if (bytes == 0)
			ip.next = type;
		if (type == 44)
			ipv6_emit_fragment(payload + bytes, chain[chance(r, sizeof(chain))], 8 * chance(r, 20), chance(r, 2), chance(r, 4));
		else
			memcpy(payload + bytes, (uint8_t[]){chain[chance(r, sizeof(chain))], 0, 1, 4, 0, 0, 0, 0}, 8);
		bytes += 8;
	}
	bytes += make_icmpv6_message(payload + bytes, r);
	build_link(b, &our_mac, ETHERNET_IPV6);
	ipv6_emit(b->octet + b->bytes, &ip, bytes);
	memcpy(b->octet + b->bytes + IPV6_HEADER_BYTES, payload, bytes);
	b->bytes += IPV6_HEADER_BYTES + bytes;
}

static void make_valid(struct built *b, struct random *r)
{
	static const uint8_t data[600];

	switch (chance(r, 13)) {
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
	case 7:
		make_tcp(b, r);
		break;
	default:
		make_ipv6(b, r);
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

/* ICMPv6 behind whatever extension headers, as far as they can be followed. */
static void put_right_v6(struct built *b)
{
	uint8_t *o = b->octet + ETHERNET_HEADER_BYTES, action;
	struct ipv6_chain chain;
	struct ipv6 ip;
	uint32_t pointer, bytes;

	if (ipv6_parse((struct span){o, b->bytes - ETHERNET_HEADER_BYTES}, &ip) != IPV6_OK ||
	    ipv6_walk(&ip, &chain, &pointer, &action) != IPV6_OK || chain.protocol != 58)
		return;
	bytes = (uint32_t)ip.packet.bytes - chain.offset_bytes;
	if (bytes < 4)
		return;
	o += chain.offset_bytes;
	o[2] = o[3] = 0;
	store_sum(o + 2, checksum_add(checksum_pseudo_header(&ip.source, &ip.destination, 58, bytes), o, bytes));
}

static void put_right(struct built *b)
{
	uint8_t *ip = b->octet + ETHERNET_HEADER_BYTES;
	uint32_t bytes, header_bytes;

	if (b->bytes < ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES)
		return;
	if (ip[0] >> 4 == 6) {
		put_right_v6(b);
		return;
	}
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
	struct prefix six = {us6, 64};

	assert_int_equal(stack_address_add(h->stack, h->interface, &six, true, h->now_ns), 0);
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
