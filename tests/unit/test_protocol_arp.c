/* SPDX-License-Identifier: MIT */
/* ARP (RFC 826): who is answered, what is learned, what makes no sense. */
#include "tests/unit/frames.h"

static void count(void *context, const struct neighbour_info *i)
{
	(void)i;
	++*(unsigned *)context;
}

static unsigned neighbours(struct host *h)
{
	unsigned n = 0;

	stack_visit_neighbours(h->stack, count, &n);
	return n;
}

static void a_question_for_us_is_answered(void **state)
{
	struct host *h = *state;
	struct built b;
	struct print_facts facts;

	build_arp(&b, ARP_REQUEST, THEIR_ADDRESS, OUR_ADDRESS);
	host_input(h, &b);
	assert_true(host_output(h, &b, &facts));
	assert_int_equal(facts.kind, PRINT_ARP);
	assert_int_equal(facts.arp.operation, ARP_REPLY);
	assert_true(mac_equal(&facts.arp.sender_mac, &our_mac));
	assert_true(mac_equal(&facts.link_destination, &their_mac));
	assert_int_equal(ip_to_v4(&facts.arp.sender), OUR_ADDRESS);
	assert_int_equal(ip_to_v4(&facts.arp.target), THEIR_ADDRESS);
	assert_int_equal(neighbours(h), 1);
}

static void a_question_for_another_is_not_ours(void **state)
{
	struct host *h = *state;
	struct built b;
	struct print_facts facts;

	build_arp(&b, ARP_REQUEST, THEIR_ADDRESS, OUR_ADDRESS + 1);
	host_input(h, &b);
	assert_false(host_output(h, &b, &facts));
	/* Nor is anybody noted who did not ask for us: the table is not a register of the LAN. */
	assert_int_equal(neighbours(h), 0);
}

/* RFC 5227 2.1.1: a probe is answered although its sender has no address yet. */
static void a_probe_for_us_is_answered(void **state)
{
	struct host *h = *state;
	struct built b;
	struct print_facts facts;

	build_arp(&b, ARP_REQUEST, 0, OUR_ADDRESS);
	host_input(h, &b);
	assert_true(host_output(h, &b, &facts));
	assert_int_equal(facts.arp.operation, ARP_REPLY);
	assert_int_equal(neighbours(h), 0);
}

static void nonsense_is_counted(void **state)
{
	struct host *h = *state;
	struct built b;
	struct print_facts facts;

	build_arp(&b, 3, THEIR_ADDRESS, OUR_ADDRESS);
	host_input(h, &b);
	build_arp(&b, ARP_REQUEST, 0xe0000001, OUR_ADDRESS);
	host_input(h, &b);
	build_arp(&b, ARP_REQUEST, THEIR_ADDRESS, OUR_ADDRESS);
	b.bytes -= 1;
	host_input(h, &b);
	build_arp(&b, ARP_REQUEST, THEIR_ADDRESS, OUR_ADDRESS);
	b.octet[ETHERNET_HEADER_BYTES + 8] |= 1; /* a group as hardware address */
	host_input(h, &b);
	assert_int_equal(host_counter(h, "arp_in_invalid"), 4);
	assert_false(host_output(h, &b, &facts));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    HOST_TEST(a_question_for_us_is_answered), HOST_TEST(a_question_for_another_is_not_ours),
	    HOST_TEST(a_probe_for_us_is_answered), HOST_TEST(nonsense_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
