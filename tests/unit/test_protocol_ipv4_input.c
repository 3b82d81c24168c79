/* SPDX-License-Identifier: MIT */
/* IPv4's way in (RFC 1122 3.2.1): each packet that must not be delivered is not, and is counted where
 * a reader of the counters looks for it. */
#include <netinet/in.h>

#include "tests/unit/frames.h"

struct fixture {
	struct host *h;
	struct heard heard;
};

static void listen_on_7(struct fixture *f, void **state)
{
	f->h = *state;
	assert_int_equal(host_bind(f->h, host_socket(f->h, SOCKET_UDP, IPPROTO_UDP, &f->heard), INADDR_ANY, 7), 0);
}

/* Was a datagram with this IP header delivered? */
static bool arrives(struct fixture *f, const struct ipv4 *ip)
{
	uint8_t message[64];
	struct built b;
	unsigned before = f->heard.datagrams;

	build_ipv4(&b, ip, message, build_udp_message(message, ip, 9, 7, "data", 4));
	host_input(f->h, &b);
	return f->heard.datagrams == before + 1;
}

static void ours_arrive(void **state)
{
	struct fixture f;
	struct ipv4 ip = ip_to_us(17);

	listen_on_7(&f, state);
	assert_true(arrives(&f, &ip));
	assert_int_equal(f.heard.last.ttl, 64);
	ip.destination = ip_from_v4(0xffffffff);
	assert_true(arrives(&f, &ip));
	ip.destination = ip_from_v4(0xc00002ff);
	assert_true(arrives(&f, &ip));
	assert_int_equal(f.heard.payload_bytes, 4);
}

static void martians_do_not(void **state)
{
	static const uint32_t bad_source[] = {0xe0000001, 0xffffffff, 0x7f000001, 0x00000001, 0, OUR_ADDRESS, 0xc00002ff};
	struct fixture f;
	struct ipv4 ip = ip_to_us(17);

	listen_on_7(&f, state);
	for (size_t i = 0; i < sizeof(bad_source) / sizeof(bad_source[0]); i++) {
		ip.source = ip_from_v4(bad_source[i]);
		assert_false(arrives(&f, &ip));
	}
	ip = ip_to_us(17);
	ip.destination = ip_from_v4(0x7f000001);
	assert_false(arrives(&f, &ip));
	ip.destination = ip_from_v4(OUR_ADDRESS + 5);
	assert_false(arrives(&f, &ip));
	assert_int_equal(host_counter(f.h, "ip_in_address_errors"), 9);
	/* RFC 1122 3.2.1.3: a host that boots has no address yet. */
	ip.source = ip_from_v4(0);
	ip.destination = ip_from_v4(0xffffffff);
	assert_true(arrives(&f, &ip));
}

static void broken_headers_do_not(void **state)
{
	struct fixture f;
	struct ipv4 ip = ip_to_us(17);
	uint8_t message[64];
	struct built b;

	listen_on_7(&f, state);
	build_ipv4(&b, &ip, message, build_udp_message(message, &ip, 9, 7, "data", 4));
	b.octet[ETHERNET_HEADER_BYTES + 8]--;
	host_input(f.h, &b);
	assert_int_equal(host_counter(f.h, "ip_in_checksum_errors"), 1);
	b.octet[ETHERNET_HEADER_BYTES] = 0x55;
	host_input(f.h, &b);
	b.octet[ETHERNET_HEADER_BYTES] = 0x43;
	host_input(f.h, &b);
	assert_int_equal(host_counter(f.h, "ip_in_header_errors"), 2);
	assert_int_equal(f.heard.datagrams, 0);
}

static void other_stations_frames_do_not(void **state)
{
	struct fixture f;
	struct ipv4 ip = ip_to_us(17);
	uint8_t message[64];
	struct built b;

	listen_on_7(&f, state);
	build_ipv4(&b, &ip, message, build_udp_message(message, &ip, 9, 7, "data", 4));
	b.octet[5] ^= 4;
	host_input(f.h, &b);
	assert_int_equal(f.heard.datagrams, 0);
	assert_int_equal(host_counter(f.h, "link_in_foreign"), 1);
}

/* Options are skipped, whatever they say. */
static void options_are_ignored(void **state)
{
	struct fixture f;
	struct ipv4 ip = ip_to_us(17);
	uint8_t message[64];
	struct built b;
	uint8_t *o = b.octet + ETHERNET_HEADER_BYTES;
	uint32_t bytes;

	listen_on_7(&f, state);
	bytes = build_udp_message(message, &ip, 9, 7, "data", 4);
	build_ipv4(&b, &ip, message, bytes);
	memmove(o + 24, o + 20, bytes);
	memcpy(o + 20, (uint8_t[]){0x83, 200, 4, 0}, 4);
	o[0] = 0x46;
	o[3] = (uint8_t)(o[3] + 4);
	b.bytes += 4;
	ipv4_emit_checksum(o, 24);
	host_input(f.h, &b);
	assert_int_equal(f.heard.datagrams, 1);
}

static void a_wrong_udp_checksum_is_noticed(void **state)
{
	struct fixture f;
	struct built b;

	listen_on_7(&f, state);
	build_udp(&b, 9, 7, "data", 4);
	b.octet[b.bytes - 1] ^= 1;
	host_input(f.h, &b);
	assert_int_equal(f.heard.datagrams, 0);
	assert_int_equal(host_counter(f.h, "udp_in_errors"), 1);
	/* RFC 768: zero is none. */
	b.octet[40] = b.octet[41] = 0;
	host_input(f.h, &b);
	assert_int_equal(f.heard.datagrams, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    HOST_TEST(ours_arrive), HOST_TEST(martians_do_not), HOST_TEST(broken_headers_do_not),
	    HOST_TEST(other_stations_frames_do_not), HOST_TEST(options_are_ignored),
	    HOST_TEST(a_wrong_udp_checksum_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
