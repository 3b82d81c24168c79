/* SPDX-License-Identifier: MIT */
/* Address conflict detection (RFC 5227): three probes, two announcements, defence, and what happens
 * when another station has the address. */
#include "tests/unit/frames.h"

#define NEW_ADDRESS 0xc0000263U /* 192.0.2.99 */

static void add(struct host *h)
{
	struct prefix p = {ip_from_v4(NEW_ADDRESS), 24};

	assert_int_equal(stack_address_add(h->stack, h->interface, &p, true, h->now_ns), 0);
}

static const char *found_state;

static void look(void *context, const struct address_info *i)
{
	(void)context;
	if (i->has_address && ip_to_v4(&i->prefix.addr) == NEW_ADDRESS)
		found_state = i->state;
}

static const char *state_of(struct host *h)
{
	found_state = "none";
	stack_visit_addresses(h->stack, look, NULL);
	return found_state;
}

struct heard_arp {
	unsigned probes, announcements;
};

static struct heard_arp listen_for(struct host *h, uint64_t span_ns)
{
	struct heard_arp a = {0};
	struct built b;
	struct print_facts facts;
	uint64_t end_ns = h->now_ns + span_ns;

	for (; h->now_ns <= end_ns; host_wait(h, 50 * NSEC_PER_MSEC))
		while (host_output(h, &b, &facts)) {
			assert_int_equal(facts.kind, PRINT_ARP);
			assert_int_equal(ip_to_v4(&facts.arp.target), NEW_ADDRESS);
			a.probes += ip_is_unspecified(&facts.arp.sender);
			a.announcements += ip_equal(&facts.arp.sender, &facts.arp.target);
		}
	return a;
}

static void a_free_address_is_announced(void **state)
{
	struct host *h = *state;
	struct heard_arp a;

	add(h);
	assert_string_equal(state_of(h), "TENTATIVE");
	a = listen_for(h, 15 * NSEC_PER_SEC);
	assert_int_equal(a.probes, 3);
	assert_int_equal(a.announcements, 2);
	assert_string_equal(state_of(h), "PREFERRED");
	assert_true(stack_deadline(h->stack) == TIME_NEVER);
}

static void an_answer_to_a_probe_is_a_conflict(void **state)
{
	struct host *h = *state;
	struct built b;
	struct print_facts facts;

	add(h);
	listen_for(h, NSEC_PER_SEC);
	build_arp(&b, ARP_REPLY, NEW_ADDRESS, 0);
	host_input(h, &b);
	assert_string_equal(state_of(h), "CONFLICT");
	/* It is not answered for, nor announced. */
	build_arp(&b, ARP_REQUEST, THEIR_ADDRESS, NEW_ADDRESS);
	host_input(h, &b);
	assert_false(host_output(h, &b, &facts));
	assert_int_equal(listen_for(h, 10 * NSEC_PER_SEC).announcements, 0);
	assert_int_equal(host_counter(h, "arp_conflicts"), 1);
}

/* RFC 5227 2.1.1: two stations that probe for the same address at once both give way. */
static void a_rival_probe_is_a_conflict(void **state)
{
	struct host *h = *state;
	struct built b;

	add(h);
	build_arp(&b, ARP_REQUEST, 0, NEW_ADDRESS);
	host_input(h, &b);
	assert_string_equal(state_of(h), "CONFLICT");
}

/* RFC 5227 2.4: an address in use is defended, but no war of announcements is started. */
static void an_address_is_defended_once_in_ten_seconds(void **state)
{
	struct host *h = *state;
	struct built b;
	unsigned announcements;

	add(h);
	listen_for(h, 15 * NSEC_PER_SEC);
	build_arp(&b, ARP_REQUEST, NEW_ADDRESS, NEW_ADDRESS);
	host_input(h, &b);
	announcements = listen_for(h, NSEC_PER_SEC).announcements;
	host_input(h, &b);
	announcements += listen_for(h, NSEC_PER_SEC).announcements;
	assert_int_equal(announcements, 1);
	assert_string_equal(state_of(h), "PREFERRED");
	host_wait(h, 10 * NSEC_PER_SEC);
	host_input(h, &b);
	assert_int_equal(listen_for(h, NSEC_PER_SEC).announcements, 1);
}

static void our_own_frame_is_no_conflict(void **state)
{
	struct host *h = *state;
	struct built b;

	add(h);
	build_arp(&b, ARP_REQUEST, 0, NEW_ADDRESS);
	memcpy(b.octet + ETHERNET_HEADER_BYTES + 8, our_mac.octet, 6);
	host_input(h, &b);
	assert_string_equal(state_of(h), "TENTATIVE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    HOST_TEST(a_free_address_is_announced), HOST_TEST(an_answer_to_a_probe_is_a_conflict),
	    HOST_TEST(a_rival_probe_is_a_conflict), HOST_TEST(an_address_is_defended_once_in_ten_seconds),
	    HOST_TEST(our_own_frame_is_no_conflict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
