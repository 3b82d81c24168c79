/* SPDX-License-Identifier: MIT */
/*
 * Frames from another station, for tests that drive the engine from outside: valid ones, built with
 * the emitters of stack/wire, and what the host answers, taken apart again.
 */
#ifndef TESTS_UNIT_FRAMES_H
#define TESTS_UNIT_FRAMES_H

#include "stack/base/checksum.h"
#include "stack/wire/arp.h"
#include "stack/wire/ethernet.h"
#include "stack/wire/icmp.h"
#include "stack/wire/ipv4.h"
#include "stack/wire/print.h"
#include "stack/wire/udp.h"
#include "tests/unit/host_fixture.h"

#define BUILT_MAX 2048U

struct built {
	uint8_t octet[BUILT_MAX];
	uint32_t bytes;
};

static const struct mac_addr our_mac = {{2, 0, 0, 0, 0, 2}};
static const struct mac_addr their_mac = {{2, 0, 0, 0, 0, 1}};

static inline void build_link(struct built *b, const struct mac_addr *to, uint16_t type)
{
	struct ethernet e = {.destination = *to, .source = their_mac, .type = type};

	ethernet_emit(b->octet, &e);
	b->bytes = ETHERNET_HEADER_BYTES;
}

static inline void build_arp(struct built *b, uint16_t operation, uint32_t sender, uint32_t target)
{
	struct arp a = {.operation = operation, .sender_mac = their_mac, .sender = ip_from_v4(sender),
	    .target_mac = operation == ARP_REPLY ? our_mac : (struct mac_addr){{0}}, .target = ip_from_v4(target)};

	build_link(b, operation == ARP_REPLY ? &our_mac : &ethernet_broadcast, ETHERNET_ARP);
	arp_emit(b->octet + b->bytes, &a);
	b->bytes += ARP_BYTES;
}

/* Ethernet and IPv4 around payload; ip says the rest. */
static inline void build_ipv4(struct built *b, const struct ipv4 *ip, const void *payload, uint32_t bytes)
{
	build_link(b, &our_mac, ETHERNET_IPV4);
	assert_true(b->bytes + IPV4_HEADER_BYTES + bytes <= BUILT_MAX);
	ipv4_emit(b->octet + b->bytes, ip, bytes);
	b->bytes += IPV4_HEADER_BYTES;
	if (bytes)
		memcpy(b->octet + b->bytes, payload, bytes);
	b->bytes += bytes;
}

static inline struct ipv4 ip_to_us(uint8_t protocol)
{
	return (struct ipv4){.ttl = 64, .protocol = protocol, .id = 77, .source = ip_from_v4(THEIR_ADDRESS),
	    .destination = ip_from_v4(OUR_ADDRESS)};
}

static inline void store_sum(uint8_t *at, struct checksum c)
{
	struct be16 sum = checksum_finish(c);

	memcpy(at, &sum, sizeof(sum));
}

/* header is 8 octets; data follows it in the message. */
static inline uint32_t build_icmp_message(uint8_t *out, uint8_t type, uint8_t code, uint32_t word, const void *data, uint32_t bytes)
{
	struct icmp m = {.type = type, .code = code, .id = (uint16_t)(word >> 16), .sequence = (uint16_t)word};

	icmp_emit(out, &m);
	if (bytes)
		memcpy(out + ICMP_HEADER_BYTES, data, bytes);
	store_sum(out + 2, checksum_add((struct checksum){0}, out, ICMP_HEADER_BYTES + bytes));
	return ICMP_HEADER_BYTES + bytes;
}

static inline void build_icmp(struct built *b, uint8_t type, uint8_t code, uint32_t word, const void *data, uint32_t bytes)
{
	uint8_t message[BUILT_MAX];
	struct ipv4 ip = ip_to_us(1);

	build_ipv4(b, &ip, message, build_icmp_message(message, type, code, word, data, bytes));
}

static inline uint32_t build_udp_message(uint8_t *out, const struct ipv4 *ip, uint16_t from, uint16_t to, const void *data, uint32_t bytes)
{
	udp_emit(out, from, to, bytes);
	if (bytes)
		memcpy(out + UDP_HEADER_BYTES, data, bytes);
	store_sum(out + UDP_CHECKSUM_OFFSET,
	    checksum_add(checksum_pseudo_header(&ip->source, &ip->destination, 17, UDP_HEADER_BYTES + bytes),
		out, UDP_HEADER_BYTES + bytes));
	return UDP_HEADER_BYTES + bytes;
}

static inline void build_udp(struct built *b, uint16_t from, uint16_t to, const void *data, uint32_t bytes)
{
	uint8_t message[BUILT_MAX];
	struct ipv4 ip = ip_to_us(17);

	build_ipv4(b, &ip, message, build_udp_message(message, &ip, from, to, data, bytes));
}

/* Hands the frame over in a block of exactly its size, so that a reader beyond its end is caught. */
static inline void host_input_octets(struct host *h, const uint8_t *octet, uint32_t bytes)
{
	uint8_t *exact = malloc(bytes ? bytes : 1);
	struct frame_in frame = {.data = exact, .bytes = bytes};

	assert_non_null(exact);
	if (bytes)
		memcpy(exact, octet, bytes);
	stack_input(h->stack, h->interface, &frame, h->now_ns);
	free(exact);
}

static inline void host_input(struct host *h, const struct built *b)
{
	host_input_octets(h, b->octet, b->bytes);
}

/* The next frame to the wire, in one run and as facts. False: there is none. */
static inline bool host_output(struct host *h, struct built *b, struct print_facts *facts)
{
	struct frame_out f;

	if (!stack_output(h->stack, &f, h->now_ns))
		return false;
	assert_true(frame_bytes(&f) <= BUILT_MAX);
	b->bytes = frame_flatten(&f, b->octet, BUILT_MAX);
	assert_true(print_frame_out(&f, true, facts, NULL));
	return true;
}

/* Our neighbour is known from now on, so that what we send leaves at once. */
static inline void host_meets_peer(struct host *h)
{
	struct built b;
	struct frame_out f;

	build_arp(&b, ARP_REQUEST, THEIR_ADDRESS, OUR_ADDRESS);
	host_input(h, &b);
	while (stack_output(h->stack, &f, h->now_ns))
		;
}

static inline void host_wait(struct host *h, uint64_t span_ns)
{
	h->now_ns += span_ns;
}

struct counter_wanted {
	const char *name;
	uint64_t value;
	bool found;
};

static inline void counter_visit(void *context, const char *name, const char *text, uint64_t value, uint64_t limit)
{
	struct counter_wanted *w = context;

	(void)text, (void)limit;
	if (strcmp(name, w->name) != 0)
		return;
	w->value = value;
	w->found = true;
}

static inline uint64_t host_counter(struct host *h, const char *name)
{
	struct counter_wanted w = {.name = name};

	stack_visit_counters(h->stack, counter_visit, &w);
	assert_true(w.found);
	return w.value;
}

#endif
