/* SPDX-License-Identifier: MIT */
/* The IPv6 header and the chain of extension headers (RFC 8200 3, 4). */
#include <stdlib.h>

#include "stack/base/random.h"
#include "stack/wire/ipv6.h"
#include "tests/unit/cmocka_tap.h"

static struct ip_addr addr(uint8_t last)
{
	return (struct ip_addr){.octet = {0x20, 1, 0xd, 0xb8, [15] = last}};
}

static size_t build(uint8_t *out, uint8_t next, const uint8_t *payload, size_t bytes)
{
	struct ipv6 ip = {.traffic_class = 0xb8, .flow_label = 0x12345, .hop_limit = 9, .next = next,
	    .source = addr(1), .destination = addr(2)};

	ipv6_emit(out, &ip, (uint32_t)bytes);
	memcpy(out + IPV6_HEADER_BYTES, payload, bytes);
	return IPV6_HEADER_BYTES + bytes;
}

static enum ipv6_verdict walk(uint8_t next, const uint8_t *payload, size_t bytes, struct ipv6_chain *chain, uint32_t *pointer)
{
	uint8_t octet[512], action;
	struct ipv6 ip;

	assert_int_equal(ipv6_parse((struct span){octet, build(octet, next, payload, bytes)}, &ip), IPV6_OK);
	return ipv6_walk(&ip, chain, pointer, &action);
}

static void a_header_survives_the_wire(void **state)
{
	uint8_t octet[64] = {0};
	struct ipv6 ip;
	size_t bytes = build(octet, 17, (const uint8_t *)"12345678", 8);

	(void)state;
	assert_int_equal(ipv6_parse((struct span){octet, bytes + 6}, &ip), IPV6_OK);
	assert_true(ip.traffic_class == 0xb8 && ip.flow_label == 0x12345 && ip.hop_limit == 9 && ip.next == 17);
	assert_int_equal(ip.payload.bytes, 8);
	assert_int_equal(ip.source.octet[15], 1);
	assert_int_equal(ip.destination.octet[15], 2);
	assert_int_equal(ipv6_parse((struct span){octet, 39}, &ip), IPV6_SHORT);
	assert_int_equal(ipv6_parse((struct span){octet, bytes - 1}, &ip), IPV6_LENGTH);
	assert_int_equal(ipv6_parse_quoted((struct span){octet, bytes - 1}, &ip), IPV6_OK);
	assert_int_equal(ip.payload.bytes, 7);
	octet[0] = 0x45;
	assert_int_equal(ipv6_parse((struct span){octet, bytes}, &ip), IPV6_VERSION);
}

static void the_chain_ends_at_the_transport(void **state)
{
	/* Hop-by-hop with router alert, destination options with padding, then UDP. */
	static const uint8_t payload[] = {60, 0, 5, 2, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0, 'u', 'd', 'p'};
	struct ipv6_chain chain;
	uint32_t pointer;

	(void)state;
	assert_int_equal(walk(IPV6_HOP_BY_HOP, payload, sizeof(payload), &chain, &pointer), IPV6_OK);
	assert_int_equal(chain.protocol, 17);
	assert_int_equal(chain.offset_bytes, 40 + 16);
	assert_int_equal(chain.protocol_at, 48);
	assert_true(chain.router_alert && !chain.is_fragment);
}

static void a_fragment_stops_the_walk(void **state)
{
	uint8_t payload[16] = {0};
	struct ipv6_chain chain;
	uint32_t pointer;

	(void)state;
	ipv6_emit_fragment(payload, 60, 1448, true, 0xdeadbeef);
	assert_int_equal(walk(IPV6_FRAGMENT, payload, sizeof(payload), &chain, &pointer), IPV6_OK);
	assert_true(chain.is_fragment && chain.more_fragments);
	assert_int_equal(chain.fragment_offset_bytes, 1448);
	assert_int_equal(chain.fragment_id, 0xdeadbeef);
	assert_int_equal(chain.protocol, 60);
	/* RFC 8200 4.5's atomic fragment is no fragment: the walk goes on. */
	ipv6_emit_fragment(payload, 17, 0, false, 1);
	assert_int_equal(walk(IPV6_FRAGMENT, payload, sizeof(payload), &chain, &pointer), IPV6_OK);
	assert_int_equal(chain.protocol, 17);
}

static void unknown_options_say_what_to_do(void **state)
{
	static const uint8_t skip[] = {17, 0, 0x1e, 0, 0, 0, 0, 0};
	static const uint8_t complain[] = {17, 0, 0x9e, 2, 0, 0, 0, 0};
	static const uint8_t long_one[] = {17, 0, 0x1e, 9, 0, 0, 0, 0};
	static const uint8_t misplaced[] = {0, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0};
	static const uint8_t routing[] = {17, 0, 0, 1, 0, 0, 0, 0};
	struct ipv6_chain chain;
	uint32_t pointer;

	(void)state;
	assert_int_equal(walk(60, skip, 8, &chain, &pointer), IPV6_OK);
	assert_int_equal(walk(60, complain, 8, &chain, &pointer), IPV6_UNKNOWN_OPTION);
	assert_int_equal(pointer, 42);
	assert_int_equal(walk(60, long_one, 8, &chain, &pointer), IPV6_EXTENSION_SHORT);
	assert_int_equal(walk(60, misplaced, 16, &chain, &pointer), IPV6_MISPLACED);
	assert_int_equal(pointer, 40);
	assert_int_equal(walk(43, routing, 8, &chain, &pointer), IPV6_ROUTING_TYPE);
	assert_int_equal(pointer, 42);
}

static void nobody_needs_a_long_chain(void **state)
{
	uint8_t payload[8 * 12] = {0};
	struct ipv6_chain chain;
	uint32_t pointer;

	(void)state;
	for (size_t at = 0; at < sizeof(payload); at += 8) {
		payload[at] = 60;
		payload[at + 2] = 1;
		payload[at + 3] = 4;
	}
	assert_int_equal(walk(60, payload, sizeof(payload), &chain, &pointer), IPV6_TOO_MANY);
}

/* Whatever the octets are, nothing beyond them is read (the sanitizer judges). */
static void random_chains_are_walked_safely(void **state)
{
	struct random r = {.key = {6, 6}};

	(void)state;
	for (int n = 0; n < 50000; n++) {
		size_t bytes = random_below(&r, 120);
		uint8_t *octet = malloc(bytes ? bytes : 1), action;
		struct ipv6_chain chain;
		uint32_t pointer;
		struct ipv6 ip;

		for (size_t i = 0; i < bytes; i++)
			octet[i] = (uint8_t)(random_below(&r, 3) ? random_below(&r, 5) : random_next(&r));
		if (bytes > 6) {
			octet[0] = 0x60;
			octet[4] = 0;
			octet[5] = (uint8_t)(bytes - 40);
			octet[6] = (uint8_t[]){0, 43, 44, 60}[random_below(&r, 4)];
		}
		if (ipv6_parse_quoted((struct span){octet, bytes}, &ip) == IPV6_OK)
			ipv6_walk(&ip, &chain, &pointer, &action);
		free(octet);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_header_survives_the_wire), cmocka_unit_test(the_chain_ends_at_the_transport),
	    cmocka_unit_test(a_fragment_stops_the_walk), cmocka_unit_test(unknown_options_say_what_to_do),
	    cmocka_unit_test(nobody_needs_a_long_chain), cmocka_unit_test(random_chains_are_walked_safely),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
