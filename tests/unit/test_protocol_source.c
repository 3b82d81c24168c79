/* SPDX-License-Identifier: MIT */
/* RFC 6724 section 5: which of several addresses a packet comes from. The addresses of the rules'
 * own examples. */
#include <arpa/inet.h>

#include "stack/protocol/interface.h"
#include "tests/unit/host_fixture.h"

static struct ip_addr v6(const char *text)
{
	struct ip_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, a.octet), 1);
	return a;
}

static void add(struct host *h, const char *text, uint8_t bits)
{
	struct prefix p = {v6(text), bits};

	assert_int_equal(stack_address_add(h->stack, h->interface, &p, false, h->now_ns), 0);
}

static void expect(struct host *h, const char *destination, const char *source)
{
	struct ip_addr to = v6(destination), want = v6(source), got;
	char text[IP_TEXT_BYTES];

	assert_true(source_select(h->stack, h->interface, &to, &got));
	if (!ip_equal(&got, &want))
		fail_msg("to %s from %s, not %s", destination, ip_print(&got, text), source);
}

/* Rule 1: to one of our own addresses, from that address. Rule 8: else the longest common prefix. */
static void same_address_then_longest_prefix(void **state)
{
	struct host *h = *state;

	add(h, "2001:db8:1::2", 64);
	add(h, "2001:db8:3::2", 64);
	expect(h, "2001:db8:3::2", "2001:db8:3::2");
	expect(h, "2001:db8:1::1", "2001:db8:1::2");
	expect(h, "2001:db8:3::9", "2001:db8:3::2");
}

/* Rule 2: the scope that fits. */
static void scope_fits(void **state)
{
	struct host *h = *state;

	add(h, "fe80::2", 64);
	add(h, "2001:db8:1::2", 64);
	expect(h, "fe80::1", "fe80::2");
	expect(h, "ff02::1", "fe80::2");
	expect(h, "2001:db8:9::1", "2001:db8:1::2");
	expect(h, "ff0e::1", "2001:db8:1::2");
}

/* Rule 6: the same label: a unique local address for its kind, a global one for the world. */
static void labels_fit(void **state)
{
	struct host *h = *state;

	add(h, "fd00::2", 64);
	add(h, "2001:db8:1::2", 64);
	expect(h, "fd11::1", "fd00::2");
	expect(h, "2a00::1", "2001:db8:1::2");
}

/* No address of the family: no source. */
static void without_an_address_there_is_no_source(void **state)
{
	struct host *h = *state;
	struct ip_addr to = v6("2001:db8::1"), got;

	assert_false(source_select(h->stack, h->interface, &to, &got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    HOST_TEST(same_address_then_longest_prefix),
	    HOST_TEST(scope_fits),
	    HOST_TEST(labels_fit),
	    HOST_TEST(without_an_address_there_is_no_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
