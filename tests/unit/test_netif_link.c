/* SPDX-License-Identifier: MIT */
/*
 * The story: what the stack needs to know of an interface is asked of the kernel, and a lab can be
 * built without `ip` and `ethtool`. What link_setup.c makes, link.c must read back.
 */
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "netif/link_setup.h"
#include "netif/netif.h"
#include "tests/unit/netif_frames.h"
#include "tests/unit/netif_namespace.h"

static int no_network; /* -errno when there is no namespace for us */

static int make_pair(void **state)
{
	(void)state;
	no_network = test_private_network();
	if (no_network) {
		print_message("# no network namespace for the test: %s\n", strerror(-no_network));
		return 0;
	}
	return link_setup_veth("left", -1, "right", -1);
}

static void need_network(void)
{
	if (no_network)
		skip();
}

static void what_is_made_is_read_back(void **state)
{
	struct mac_addr mac = {{2, 1, 2, 3, 4, 5}};
	struct prefix v4 = {ip_from_v4(0x0a630002), 24};
	struct prefix v6 = {{{0xfd, 0x63, [15] = 2}}, 64};
	struct ip_addr gateway4 = ip_from_v4(0x0a630001), gateway6 = {{0xfd, 0x63, [15] = 1}};
	struct link_facts facts;
	char message[NETIF_MESSAGE_BYTES], name[16];
	unsigned found = 0;

	(void)state;
	need_network();
	assert_int_equal(link_default(name, message), -ENETUNREACH);
	assert_non_null(strstr(message, "TEACHNET_INTERFACE"));
	assert_int_equal(link_read("left", &facts, message), 0);
	assert_false(facts.up);
	assert_int_equal(link_setup_mac("left", &mac), 0);
	assert_int_equal(link_setup_mtu("left", 1400), 0);
	assert_int_equal(link_setup_up("left"), 0);
	assert_int_equal(link_setup_up("right"), 0);
	assert_int_equal(link_setup_address("left", &v4), 0);
	assert_int_equal(link_setup_address("left", &v4), -EEXIST);
	assert_int_equal(link_setup_address("left", &v6), 0);
	assert_int_equal(link_setup_route_default("left", &gateway4), 0);
	assert_int_equal(link_setup_route_default("left", &gateway6), 0);

	assert_int_equal(link_read("left", &facts, message), 0);
	assert_string_equal(facts.name, "left");
	assert_int_equal(facts.index, if_nametoindex("left"));
	assert_true(facts.up && facts.has_link_header && !facts.loopback);
	assert_true(mac_equal(&facts.mac, &mac));
	assert_int_equal(facts.mtu_bytes, 1400);
	assert_true(ip_equal(&facts.gateway4, &gateway4));
	assert_true(ip_equal(&facts.gateway6, &gateway6));
	for (unsigned i = 0; i < facts.address_count; i++) {
		found += ip_equal(&facts.address[i].addr, &v4.addr) && facts.address[i].bits == 24;
		found += ip_equal(&facts.address[i].addr, &v6.addr) && facts.address[i].bits == 64;
	}
	assert_int_equal(found, 2);
	assert_int_equal(link_default(name, message), 0);
	assert_string_equal(name, "left");

	assert_int_equal(link_read("right", &facts, message), 0);
	assert_true(ip_equal(&facts.gateway4, &(struct ip_addr){{[10] = 0xff, [11] = 0xff}}));
	assert_true(ip_is_unspecified(&facts.gateway6));
	assert_int_equal(link_setup_down("right"), 0);
	assert_int_equal(link_read("right", &facts, message), 0);
	assert_false(facts.up);
}

static void a_missing_interface_is_a_sentence(void **state)
{
	struct link_facts facts;
	char message[NETIF_MESSAGE_BYTES];

	(void)state;
	need_network();
	assert_int_equal(link_read("nowhere", &facts, message), -ENODEV);
	assert_non_null(strstr(message, "\"nowhere\""));
	assert_non_null(strstr(message, "left"));
	assert_non_null(strstr(message, "right"));
	assert_int_equal(link_read("a-name-that-is-far-too-long", &facts, message), -ENODEV);
	assert_int_equal(link_setup_up("nowhere"), -ENODEV);
	assert_int_equal(link_setup_veth("a-name-that-is-far-too-long", -1, "b", -1), -EINVAL);
}

static void the_stack_has_a_hardware_address_of_its_own(void **state)
{
	struct link_facts facts = {.name = "eth0", .mac = {{0x52, 0x54, 0, 1, 2, 3}}};
	struct mac_addr first = link_stable_mac(&facts, "default"), again = link_stable_mac(&facts, "default");
	struct mac_addr other_stack = link_stable_mac(&facts, "second"), other_link;

	(void)state;
	facts.name[3] = '1';
	other_link = link_stable_mac(&facts, "default");
	assert_true(mac_equal(&first, &again));
	assert_false(mac_equal(&first, &other_stack));
	assert_false(mac_equal(&first, &other_link));
	assert_false(mac_equal(&first, &facts.mac));
	assert_int_equal(first.octet[0] & 3, 2); /* locally administered, not multicast */
}

static unsigned feature(const char *name, uint32_t command)
{
	struct ethtool_value value = {.cmd = command};
	struct ifreq request = {.ifr_data = (char *)&value};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	assert_int_equal(ioctl(fd, SIOCETHTOOL, &request), 0);
	close(fd);
	return value.data;
}

static void offloads_go_off_and_on(void **state)
{
	(void)state;
	need_network();
	assert_int_equal(link_setup_offload("left", false), 0);
	assert_int_equal(feature("left", ETHTOOL_GTSO), 0);
	assert_int_equal(feature("left", ETHTOOL_GGSO), 0);
	assert_int_equal(feature("left", ETHTOOL_GTXCSUM), 0);
	assert_int_equal(link_setup_offload("left", true), 0);
	assert_int_equal(feature("left", ETHTOOL_GTSO), 1);
	assert_int_equal(feature("left", ETHTOOL_GGSO), 1);
	assert_int_equal(feature("left", ETHTOOL_GTXCSUM), 1);
	assert_int_equal(link_setup_offload("nowhere", true), -ENODEV);
}

/* The lab: a pair with one end here and one in another namespace. */
static void a_pair_reaches_across_namespaces(void **state)
{
	char message[NETIF_MESSAGE_BYTES];
	struct link_facts facts;
	int here, there;

	(void)state;
	need_network();
	here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(here >= 0);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	there = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(there >= 0);
	assert_int_equal(link_setup_veth("uplink", there, "downlink", here), 0);
	assert_int_equal(link_read("uplink", &facts, message), 0);
	assert_int_equal(link_read("downlink", &facts, message), -ENODEV);
	assert_int_equal(setns(here, CLONE_NEWNET), 0);
	assert_int_equal(link_read("downlink", &facts, message), 0);
	assert_int_equal(link_read("uplink", &facts, message), -ENODEV);
	assert_int_equal(link_setup_delete("downlink"), 0);
	assert_int_equal(link_read("downlink", &facts, message), -ENODEV);
	close(there);
	close(here);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_made_is_read_back),
	    cmocka_unit_test(a_missing_interface_is_a_sentence),
	    cmocka_unit_test(the_stack_has_a_hardware_address_of_its_own),
	    cmocka_unit_test(offloads_go_off_and_on),
	    cmocka_unit_test(a_pair_reaches_across_namespaces),
	};

	return cmocka_run_group_tests(tests, make_pair, NULL);
}
