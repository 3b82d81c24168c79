/* SPDX-License-Identifier: MIT */
/* Addresses: text forms against the C library's, classes and prefixes at their edges. */
#include "tests/unit/cmocka_tap.h"

#include <arpa/inet.h>
#include <string.h>

#include "stack/base/addr.h"
#include "stack/base/random.h"

static struct ip_addr v6(const char *text)
{
	struct ip_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, a.octet), 1);
	return a;
}

static struct ip_addr v4(const char *text)
{
	struct in_addr a;

	assert_int_equal(inet_pton(AF_INET, text, &a), 1);
	return ip_from_v4(ntohl(a.s_addr));
}

/* Random addresses, many with runs of zeros, print as RFC 5952 and the C library print them. */
static void text_is_that_of_rfc_5952(void **state)
{
	struct random random = {.key = {1, 1}};
	char ours[IP_TEXT_BYTES], theirs[INET6_ADDRSTRLEN];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct ip_addr a;

		a.octet[0] = 0x20;
		for (int n = 1; n < 16; n++)
			a.octet[n] = random_below(&random, 3) ? 0 : (uint8_t)random_next(&random);
		assert_string_equal(ip_print(&a, ours), inet_ntop(AF_INET6, a.octet, theirs, sizeof(theirs)));
	}
	assert_string_equal(ip_print(&(struct ip_addr){{0}}, ours), "::");
	assert_string_equal(ip_print(&(struct ip_addr){{[15] = 1}}, ours), "::1");
	assert_string_equal(ip_print(&(struct ip_addr){{[0] = 0xfe, [1] = 0x80}}, ours), "fe80::");
}

static void endpoints_and_macs_have_their_usual_form(void **state)
{
	char text[ENDPOINT_TEXT_BYTES], mac[MAC_TEXT_BYTES];
	struct endpoint e = {.addr = v4("192.0.2.255"), .port = 65535};

	(void)state;
	assert_string_equal(endpoint_print(&e, text), "192.0.2.255:65535");
	e.addr = v6("2001:db8:1111:2222:3333:4444:5555:6666");
	assert_string_equal(endpoint_print(&e, text), "[2001:db8:1111:2222:3333:4444:5555:6666]:65535");
	assert_string_equal(mac_print(&(struct mac_addr){{2, 0, 0x5e, 0xff, 0xa, 0}}, mac), "02:00:5e:ff:0a:00");
}

static void classes_hold_at_their_edges(void **state)
{
	struct ip_addr a;

	(void)state;
	a = v4("127.255.255.255"), assert_true(ip_is_loopback(&a));
	a = v4("128.0.0.0"), assert_false(ip_is_loopback(&a));
	a = v4("224.0.0.0"), assert_true(ip_is_multicast(&a));
	a = v4("239.255.255.255"), assert_true(ip_is_multicast(&a));
	a = v4("223.255.255.255"), assert_false(ip_is_multicast(&a));
	a = v4("240.0.0.0"), assert_false(ip_is_multicast(&a));
	a = v4("169.254.0.1"), assert_true(ip_is_link_local(&a));
	a = v4("255.255.255.255"), assert_true(ip_is_broadcast(&a));
	a = v4("0.0.0.0"), assert_true(ip_is_unspecified(&a) && ip_is_v4(&a));
	a = v6("::"), assert_true(ip_is_unspecified(&a) && !ip_is_v4(&a));
	a = v6("::1"), assert_true(ip_is_loopback(&a));
	a = v6("ff02::1"), assert_true(ip_is_multicast(&a));
	a = v6("fe80::1"), assert_true(ip_is_link_local(&a));
	a = v6("febf::1"), assert_true(ip_is_link_local(&a));
	a = v6("fec0::1"), assert_false(ip_is_link_local(&a));
}

static void prefixes_contain_what_they_should(void **state)
{
	struct prefix p = {v4("192.0.2.2"), 24};
	struct ip_addr inside = v4("192.0.2.255"), outside = v4("192.0.3.0"), other = v6("2001:db8::1"), b;

	(void)state;
	assert_true(prefix_contains(&p, &inside));
	assert_false(prefix_contains(&p, &outside));
	assert_false(prefix_contains(&p, &other));
	assert_true(prefix_broadcast(&p, &b) && ip_equal(&b, &inside));
	p.bits = 0;
	assert_true(prefix_contains(&p, &outside));
	assert_false(prefix_contains(&p, &other));
	p.bits = 32;
	assert_false(prefix_contains(&p, &inside));
	assert_false(prefix_broadcast(&p, &b));
	p = (struct prefix){v4("10.1.2.128"), 25};
	inside = v4("10.1.2.129");
	outside = v4("10.1.2.127");
	assert_true(prefix_contains(&p, &inside) && !prefix_contains(&p, &outside));
	p = (struct prefix){v6("2001:db8::"), 33};
	inside = v6("2001:db8:7fff::");
	outside = v6("2001:db8:8000::");
	assert_true(prefix_contains(&p, &inside) && !prefix_contains(&p, &outside));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_is_that_of_rfc_5952),
	    cmocka_unit_test(endpoints_and_macs_have_their_usual_form),
	    cmocka_unit_test(classes_hold_at_their_edges),
	    cmocka_unit_test(prefixes_contain_what_they_should),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
