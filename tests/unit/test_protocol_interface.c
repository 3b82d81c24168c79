/* SPDX-License-Identifier: MIT */
/* Interfaces and addresses: what may be added, what follows from it (routes, local addresses), and
 * that taking away takes all of it. */
#include <errno.h>

#include "stack/protocol/interface.h"
#include "stack/protocol/ip.h"
#include "tests/unit/host_fixture.h"

static bool reachable(struct host *h, uint32_t address)
{
	struct ip_addr to = ip_from_v4(address);
	struct ip_path path;

	return ip_path_find(h->stack, &to, NULL, 0, &path) == 0;
}

/* The loopback is always there, with 127.0.0.1/8: all of the network is this host (RFC 1122
 * 3.2.1.3 g). */
static void the_loopback_is_always_there(void **state)
{
	struct host *h = *state;
	struct ip_addr a = ip_from_v4(0x7f010203), b = ip_from_v4(THEIR_ADDRESS);

	assert_non_null(interface_find(h->stack, STACK_LOOPBACK_INDEX));
	assert_true(ip_is_local(h->stack, &a));
	assert_false(ip_is_local(h->stack, &b));
	assert_int_equal(stack_interface_remove(h->stack, STACK_LOOPBACK_INDEX), -EPERM);
}

/* An address makes its network reachable; without it, it is not. */
static void an_address_brings_its_routes(void **state)
{
	struct host *h = *state;
	const struct prefix p = {ip_from_v4(0x0a010105), 16};

	assert_false(reachable(h, 0x0a010203));
	assert_int_equal(stack_address_add(h->stack, h->interface, &p, false, h->now_ns), 0);
	assert_true(reachable(h, 0x0a010203));
	assert_true(ip_is_local(h->stack, &p.addr));
	assert_int_equal(stack_address_add(h->stack, h->interface, &p, false, h->now_ns), -EEXIST);
	assert_int_equal(stack_address_remove(h->stack, h->interface, &p.addr, h->now_ns), 0);
	assert_false(reachable(h, 0x0a010203));
	assert_false(ip_is_local(h->stack, &p.addr));
	assert_int_equal(stack_address_remove(h->stack, h->interface, &p.addr, h->now_ns), -EADDRNOTAVAIL);
}

/* What nobody can have as an address is refused. */
static void senseless_addresses_are_refused(void **state)
{
	struct host *h = *state;
	const struct prefix bad[] = {{ip_from_v4(0), 24}, {ip_from_v4(0xe0000001), 24},
	    {ip_from_v4(0xffffffff), 32}, {ip_from_v4(0x0a000001), 33}};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(stack_address_add(h->stack, h->interface, &bad[i], false, h->now_ns), -EINVAL);
	assert_int_equal(stack_address_add(h->stack, 9, &bad[0], false, h->now_ns), -ENODEV);
}

/* The directed broadcast address belongs to the network; a /31 and a /32 have none (RFC 3021). */
static void networks_have_a_broadcast_address(void **state)
{
	struct host *h = *state;
	const struct prefix narrow = {ip_from_v4(0x0a000000), 31};
	struct ip_addr a = ip_from_v4(0xc00002ff), b = ip_from_v4(0x0a000001);

	assert_true(ip_is_broadcast_here(h->stack, &a));
	assert_int_equal(stack_address_add(h->stack, h->interface, &narrow, false, h->now_ns), 0);
	assert_false(ip_is_broadcast_here(h->stack, &b));
}

/* An interface goes with all that hangs on it. */
static void removing_an_interface_leaves_nothing(void **state)
{
	struct host *h = *state;
	struct ip_addr ours = ip_from_v4(OUR_ADDRESS);

	assert_int_equal(stack_interface_remove(h->stack, h->interface), 0);
	assert_false(reachable(h, THEIR_ADDRESS));
	assert_false(ip_is_local(h->stack, &ours));
	assert_int_equal(stack_interface_remove(h->stack, h->interface), -ENODEV);
}

/* RFC 791's smallest MTU, and a hardware address that is no group. */
static void senseless_interfaces_are_refused(void **state)
{
	struct host *h = *state;
	struct interface_config c = {.name = "x", .mac = {{2, 0, 0, 0, 0, 9}}, .mtu_bytes = 67, .has_link_header = true};

	assert_int_equal(stack_interface_add(h->stack, &c), -EINVAL);
	c.mtu_bytes = 1500;
	c.mac.octet[0] = 1;
	assert_int_equal(stack_interface_add(h->stack, &c), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    HOST_TEST(the_loopback_is_always_there),
	    HOST_TEST(an_address_brings_its_routes),
	    HOST_TEST(senseless_addresses_are_refused),
	    HOST_TEST(networks_have_a_broadcast_address),
	    HOST_TEST(removing_an_interface_leaves_nothing),
	    HOST_TEST(senseless_interfaces_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
