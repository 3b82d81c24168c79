/* SPDX-License-Identifier: MIT */
/*
 * What routers say becomes addresses and routes (RFC 4861 6.3, RFC 4862 5.5), duplicates are found
 * before an address is used (RFC 4862 5.4), everything grows old, and the lists stay bounded. All in
 * virtual time.
 */
#include <netinet/in.h>

#include "stack/wire/icmpv6.h"
#include "stack/wire/ipv6.h"
#include "tests/unit/frames.h"

static const struct ip_addr router = {.octet = {0xfe, 0x80, [15] = 1}};
static const struct mac_addr fifth_mac = {{2, 0, 0, 0, 0, 5}};

struct fixture {
	struct host *h;
	uint32_t interface;
	unsigned probes, solicitations;
	struct ip_addr probed; /* by the last probe */
};

static int setup(void **state)
{
	static struct fixture f;
	const struct interface_config link = {.name = "six0", .mac = {{2, 0, 0, 0, 0, 5}}, .mtu_bytes = 1500,
	    .has_link_header = true, .ipv6 = true};
	void *host;
	int index;

	host_setup(&host);
	f = (struct fixture){.h = host};
	index = stack_interface_add(f.h->stack, &link);
	assert_true(index > 0);
	f.interface = (uint32_t)index;
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *host = f->h;

	return host_teardown(&host);
}

/* Lets time pass, and looks at what is sent meanwhile. */
static void pass(struct fixture *f, uint64_t span_ns)
{
	uint64_t end_ns = f->h->now_ns + span_ns;
	struct built b;
	struct print_facts facts;

	for (;;) {
		uint64_t next_ns = stack_deadline(f->h->stack);

		while (host_output(f->h, &b, &facts)) {
			assert_int_equal(facts.ttl, 255);
			if (facts.has_nd && facts.nd.type == ICMPV6_ROUTER_SOLICITATION)
				f->solicitations++;
			if (facts.has_nd && facts.nd.type == ICMPV6_NEIGHBOUR_SOLICITATION && ip_is_unspecified(&facts.source.addr)) {
				f->probes++;
				f->probed = facts.nd.target;
			}
		}
		next_ns = stack_deadline(f->h->stack);
		if (next_ns > end_ns)
			break;
		f->h->now_ns = next_ns > f->h->now_ns ? next_ns : f->h->now_ns;
	}
	f->h->now_ns = end_ns;
}

static void hand_over(struct fixture *f, const struct ip_addr *source, const struct ip_addr *destination, uint8_t *message, uint32_t bytes)
{
	struct ipv6 ip = {.next = IPPROTO_ICMPV6, .hop_limit = 255, .source = *source, .destination = *destination};
	struct built b;
	struct frame_in frame = {.data = b.octet};

	message[2] = message[3] = 0;
	store_sum(message + 2, checksum_add(checksum_pseudo_header(source, destination, IPPROTO_ICMPV6, bytes), message, bytes));
	build_link(&b, &fifth_mac, ETHERNET_IPV6);
	ipv6_emit(b.octet + b.bytes, &ip, bytes);
	memcpy(b.octet + b.bytes + IPV6_HEADER_BYTES, message, bytes);
	b.bytes += IPV6_HEADER_BYTES + bytes;
	frame.bytes = b.bytes;
	stack_input(f->h->stack, f->interface, &frame, f->h->now_ns);
}

static void put32(uint8_t *at, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(n >> (24 - 8 * i));
}

/* A router advertisement with one prefix 2001:db8:N::/64. */
static void advertise(struct fixture *f, uint16_t lifetime_s, uint8_t network, uint8_t flags, uint32_t valid_s, uint32_t preferred_s, uint32_t mtu)
{
	uint8_t m[16 + 32 + 8] = {ICMPV6_ROUTER_ADVERTISEMENT, [4] = 64, [6] = (uint8_t)(lifetime_s >> 8), [7] = (uint8_t)lifetime_s,
	    [16] = 3, 4, 64, flags, [32] = 0x20, 1, 0xd, 0xb8, 0, network, [48] = 5, 1};

	put32(m + 20, valid_s);
	put32(m + 24, preferred_s);
	put32(m + 52, mtu);
	hand_over(f, &router, &ipv6_all_nodes, m, sizeof(m));
}

struct found {
	unsigned global, link_local;
	const char *state;
	struct ip_addr addr;
	uint32_t interface;
};

static void look_at(void *context, const struct address_info *i)
{
	struct found *w = context;

	if (i->interface != w->interface || !i->has_address || ip_is_v4(&i->prefix.addr))
		return;
	if (ip_is_link_local(&i->prefix.addr)) {
		w->link_local++;
		return;
	}
	w->global++;
	w->state = i->state;
	w->addr = i->prefix.addr;
}

static struct found look(struct fixture *f)
{
	struct found w = {.interface = f->interface, .state = ""};

	stack_visit_addresses(f->h->stack, look_at, &w);
	return w;
}

static int way_to(struct fixture *f, uint8_t network, struct ip_addr *source, uint32_t *mtu_bytes)
{
	struct endpoint e = {.addr = {.octet = {0x20, 1, 0xd, 0xb8, 0, network, [15] = 9}}, .port = 9};

	return stack_source_for(f->h->stack, &e, source, mtu_bytes);
}

/* RFC 4861 6.3.7: three questions, four seconds apart, and silence if nobody answers. */
static void routers_are_asked_for(void **state)
{
	struct fixture *f = *state;

	pass(f, 30 * NSEC_PER_SEC);
	assert_int_equal(f->solicitations, 3);
	assert_int_equal(f->probes, 1);
	assert_int_equal(look(f).link_local, 1);
	assert_true(stack_deadline(f->h->stack) == TIME_NEVER);
}

static void an_advertisement_makes_an_address(void **state)
{
	struct fixture *f = *state;
	struct ip_addr source, made;
	uint32_t mtu_bytes;

	pass(f, 3 * NSEC_PER_SEC);
	assert_true(way_to(f, 7, &source, &mtu_bytes) < 0);
	f->probes = f->solicitations = 0;
	advertise(f, 1800, 1, 0xc0, 86400, 14400, 1400);
	assert_string_equal(look(f).state, "TENTATIVE");
	pass(f, 3 * NSEC_PER_SEC);
	assert_int_equal(f->probes, 1);
	assert_string_equal(look(f).state, "PREFERRED");
	assert_int_equal(way_to(f, 7, &source, &mtu_bytes), 0); /* by the default route */
	made = look(f).addr;
	assert_true(ip_equal(&source, &made));
	assert_int_equal(mtu_bytes, 1400);
	pass(f, 20 * NSEC_PER_SEC);
	assert_int_equal(f->solicitations, 0);
	/* The same again makes no second address. */
	advertise(f, 1800, 1, 0xc0, 86400, 14400, 1400);
	assert_int_equal(look(f).global, 1);
}

static void addresses_and_routers_grow_old(void **state)
{
	struct fixture *f = *state;
	struct ip_addr source;
	uint32_t mtu_bytes;

	advertise(f, 60, 1, 0xc0, 20000, 100, 1500);
	pass(f, 50 * NSEC_PER_SEC);
	assert_int_equal(way_to(f, 7, &source, &mtu_bytes), 0);
	pass(f, 20 * NSEC_PER_SEC);
	assert_true(way_to(f, 7, &source, &mtu_bytes) < 0);
	assert_int_equal(way_to(f, 1, &source, &mtu_bytes), 0); /* still on the link */
	pass(f, 40 * NSEC_PER_SEC);
	assert_string_equal(look(f).state, "DEPRECATED");
	pass(f, 20000 * NSEC_PER_SEC);
	assert_int_equal(look(f).global, 0);
	assert_true(way_to(f, 1, &source, &mtu_bytes) < 0);
	/* RFC 4861 6.3.4: a router that says 0 is none any more. */
	advertise(f, 1800, 1, 0xc0, 20000, 100, 1500);
	pass(f, 3 * NSEC_PER_SEC);
	assert_int_equal(way_to(f, 7, &source, &mtu_bytes), 0);
	advertise(f, 0, 1, 0xc0, 20000, 100, 1500);
	assert_true(way_to(f, 7, &source, &mtu_bytes) < 0);
}

/* RFC 4862 5.5.3 e: one forged advertisement does not end an address. */
static void a_short_lifetime_is_not_believed(void **state)
{
	struct fixture *f = *state;

	advertise(f, 1800, 1, 0xc0, 86400, 86400, 1500);
	pass(f, 3 * NSEC_PER_SEC);
	advertise(f, 1800, 1, 0xc0, 1, 1, 1500);
	pass(f, 7000 * NSEC_PER_SEC);
	assert_int_equal(look(f).global, 1);
	pass(f, 300 * NSEC_PER_SEC);
	assert_int_equal(look(f).global, 0);
}

/* RFC 7217 6: a duplicate gives way to another address, at most three times. */
static void a_duplicate_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct nd_message claim = {.type = ICMPV6_NEIGHBOUR_ADVERTISEMENT, .override = true, .has_mac = true, .mac = their_mac};
	uint8_t message[ND_MESSAGE_MAX];
	struct ip_addr first, second;

	pass(f, 3 * NSEC_PER_SEC);
	advertise(f, 1800, 1, 0xc0, 86400, 86400, 1500);
	pass(f, 1000 * NSEC_PER_MSEC);
	first = look(f).addr;
	claim.target = first;
	hand_over(f, &first, &ipv6_all_nodes, message, nd_emit(message, &claim));
	assert_int_equal(look(f).global, 2);
	pass(f, 3 * NSEC_PER_SEC);
	second = look(f).addr;
	assert_false(ip_equal(&second, &first));
	assert_string_equal(look(f).state, "PREFERRED");
	assert_int_equal(host_counter(f->h, "nd_conflicts"), 1);
}

/* A flood of prefixes and routers (thc-ipv6's flood_router6) fills bounded lists and nothing else. */
static void a_flood_is_bounded(void **state)
{
	struct fixture *f = *state;

	for (unsigned n = 0; n < 1000; n++) {
		advertise(f, 1800, (uint8_t)n, 0xc0, 86400, 86400, 1500);
		pass(f, NSEC_PER_MSEC);
	}
	assert_true(look(f).global < 64);
	assert_true(host_counter(f->h, "routes") < 200);
}

#define ROUTER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ROUTER_TEST(routers_are_asked_for), ROUTER_TEST(an_advertisement_makes_an_address),
	    ROUTER_TEST(addresses_and_routers_grow_old), ROUTER_TEST(a_short_lifetime_is_not_believed),
	    ROUTER_TEST(a_duplicate_is_replaced), ROUTER_TEST(a_flood_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
