/* SPDX-License-Identifier: MIT */
/* The IPv4 header: RFC 791's fields, RFC 1122 3.2.1's checks, each with a packet that breaks just it. */
#include "stack/wire/ipv4.h"
#include "tests/unit/cmocka_tap.h"

struct packet_octets {
	uint8_t octet[80];
};

static struct packet_octets valid(void)
{
	struct packet_octets p = {{0}};
	struct ipv4 ip = {.tos = 0xb8, .ttl = 3, .protocol = 17, .id = 0x1234, .dont_fragment = true,
	    .source = ip_from_v4(0x0a000001), .destination = ip_from_v4(0x0a000002)};

	ipv4_emit(p.octet, &ip, 12);
	return p;
}

static enum ipv4_verdict judge(const struct packet_octets *p, size_t bytes)
{
	struct ipv4 ip;

	return ipv4_parse((struct span){p->octet, bytes}, &ip);
}

static void a_header_survives_the_wire(void **state)
{
	struct packet_octets p = valid();
	struct ipv4 ip;

	(void)state;
	/* Octets behind the total length are the link's padding. */
	assert_int_equal(ipv4_parse((struct span){p.octet, 46}, &ip), IPV4_OK);
	assert_int_equal(ip.payload.bytes, 12);
	assert_ptr_equal(ip.payload.data, p.octet + 20);
	assert_true(ip.tos == 0xb8 && ip.ttl == 3 && ip.protocol == 17 && ip.id == 0x1234);
	assert_true(ip.dont_fragment && !ip.more_fragments && ip.offset_bytes == 0);
	assert_int_equal(ip_to_v4(&ip.source), 0x0a000001);
	assert_int_equal(ip_to_v4(&ip.destination), 0x0a000002);
	assert_int_equal(ip.options.bytes, 0);
}

static void each_lie_has_its_verdict(void **state)
{
	struct packet_octets p = valid();

	(void)state;
	assert_int_equal(judge(&p, 19), IPV4_SHORT);
	assert_int_equal(judge(&p, 31), IPV4_TOTAL_LENGTH);
	p.octet[0] = 0x65;
	assert_int_equal(judge(&p, 32), IPV4_VERSION);
	p.octet[0] = 0x44;
	assert_int_equal(judge(&p, 32), IPV4_HEADER_LENGTH);
	p.octet[0] = 0x4f;
	assert_int_equal(judge(&p, 32), IPV4_HEADER_LENGTH);
	p = valid();
	p.octet[3] = 19;
	assert_int_equal(judge(&p, 32), IPV4_TOTAL_LENGTH);
	p = valid();
	p.octet[8]++;
	assert_int_equal(judge(&p, 32), IPV4_CHECKSUM);
}

static void options_lie_between(void **state)
{
	struct packet_octets p = valid();
	struct ipv4 ip;

	(void)state;
	p.octet[0] = 0x46;
	p.octet[20] = 1;
	ipv4_emit_checksum(p.octet, 24);
	assert_int_equal(ipv4_parse((struct span){p.octet, 32}, &ip), IPV4_OK);
	assert_int_equal(ip.options.bytes, 4);
	assert_int_equal(ip.header.bytes, 24);
	assert_int_equal(ip.payload.bytes, 8);
}

/* An ICMP error quotes the beginning only, and a router has changed the TTL. */
static void a_quote_may_end_early(void **state)
{
	struct packet_octets p = valid();
	struct ipv4 ip;

	(void)state;
	p.octet[8] = 1;
	assert_int_equal(ipv4_parse_quoted((struct span){p.octet, 28}, &ip), IPV4_OK);
	assert_int_equal(ip.payload.bytes, 8);
	assert_int_equal(ipv4_parse_quoted((struct span){p.octet, 19}, &ip), IPV4_SHORT);
}

static void fragments_count_in_eights(void **state)
{
	struct packet_octets p = {{0}};
	struct ipv4 in = {.ttl = 1, .more_fragments = true, .offset_bytes = 65528, .source = ip_from_v4(1), .destination = ip_from_v4(2)}, out;

	(void)state;
	ipv4_emit(p.octet, &in, 0);
	assert_int_equal(ipv4_parse((struct span){p.octet, 20}, &out), IPV4_OK);
	assert_true(out.more_fragments && !out.dont_fragment && out.offset_bytes == 65528);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_header_survives_the_wire), cmocka_unit_test(each_lie_has_its_verdict),
	    cmocka_unit_test(options_lie_between), cmocka_unit_test(a_quote_may_end_early),
	    cmocka_unit_test(fragments_count_in_eights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
