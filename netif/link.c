/* SPDX-License-Identifier: MIT */
/*
 * Facts about interfaces, through rtnetlink(7) and libmnl: what is there, which addresses it has,
 * where the default route goes, and the hardware address that our stack uses on it. Only reads.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "netif/netif.h"
#include "netif/rtnl.h"
#include "stack/base/random.h"

_Static_assert(IF_NAMESIZE == 16, "struct link_facts holds any name");

static int say(char message[NETIF_MESSAGE_BYTES], int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int say(char message[NETIF_MESSAGE_BYTES], int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, NETIF_MESSAGE_BYTES, format, arguments);
	va_end(arguments);
	return error;
}

static struct ip_addr addr_of(const struct nlattr *attribute, uint8_t family)
{
	struct ip_addr a = {{0}};
	struct be32 v4;

	if (family == AF_INET && mnl_attr_get_payload_len(attribute) >= 4) {
		memcpy(&v4, mnl_attr_get_payload(attribute), 4);
		return ip_from_v4(be32_get(v4));
	}
	if (family == AF_INET6 && mnl_attr_get_payload_len(attribute) >= 16)
		memcpy(a.octet, mnl_attr_get_payload(attribute), 16);
	return a;
}

/* ---- the link itself ---- */

static int on_link(const struct nlmsghdr *h, void *context)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(h);
	struct link_facts *out = context;
	const struct nlattr *a;

	out->index = info->ifi_index;
	out->up = info->ifi_flags & IFF_UP;
	out->loopback = info->ifi_flags & IFF_LOOPBACK;
	out->has_link_header = info->ifi_type == ARPHRD_ETHER || info->ifi_type == ARPHRD_LOOPBACK;
	rtnl_for_each(a, h, sizeof(*info)) {
		if (mnl_attr_get_type(a) == IFLA_IFNAME)
			snprintf(out->name, sizeof(out->name), "%s", mnl_attr_get_str(a));
		if (mnl_attr_get_type(a) == IFLA_MTU)
			out->mtu_bytes = mnl_attr_get_u32(a);
		if (mnl_attr_get_type(a) == IFLA_ADDRESS && mnl_attr_get_payload_len(a) == 6)
			memcpy(out->mac.octet, mnl_attr_get_payload(a), 6);
	}
	return MNL_CB_OK;
}

/* All names, for the sentence about the one that is missing. */
static int on_name(const struct nlmsghdr *h, void *context)
{
	struct space *text = context;
	const struct nlattr *a;
	int used;

	rtnl_for_each(a, h, sizeof(struct ifinfomsg)) {
		if (mnl_attr_get_type(a) != IFLA_IFNAME || strcmp(mnl_attr_get_str(a), "lo") == 0)
			continue;
		used = snprintf((char *)text->data, text->bytes, " %s", mnl_attr_get_str(a));
		if (used < 0 || (size_t)used >= text->bytes)
			used = (int)text->bytes - 1;
		text->data += used;
		text->bytes -= (size_t)used;
	}
	return MNL_CB_OK;
}

static int no_such_link(const char *interface, char message[NETIF_MESSAGE_BYTES])
{
	union rtnl_request r;
	char names[128] = "";
	struct space text = {(uint8_t *)names, sizeof(names)};

	rtnl_begin(&r, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
	rtnl_ask(&r, on_name, &text);
	return say(message, -ENODEV, "there is no interface \"%.15s\" here: set TEACHNET_INTERFACE to one of:%s",
	    interface, names[0] ? names : " (there is none but lo; try `teachnet lab`)");
}

/* ---- its addresses ---- */

static int on_address(const struct nlmsghdr *h, void *context)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(h);
	struct link_facts *out = context;
	const struct nlattr *a;
	struct prefix p = {.bits = info->ifa_prefixlen};
	bool local = false;

	if ((int)info->ifa_index != out->index || out->address_count == sizeof(out->address) / sizeof(out->address[0]))
		return MNL_CB_OK;
	/* On a point-to-point link IFA_ADDRESS is the other side and IFA_LOCAL ours. */
	rtnl_for_each(a, h, sizeof(*info)) {
		if (mnl_attr_get_type(a) == IFA_LOCAL || (mnl_attr_get_type(a) == IFA_ADDRESS && !local))
			p.addr = addr_of(a, info->ifa_family);
		local = local || mnl_attr_get_type(a) == IFA_LOCAL;
	}
	out->address[out->address_count++] = p;
	return MNL_CB_OK;
}

/* ---- default routes ---- */

/* The default route with the lowest metric, of one family; through one interface or any. */
struct default_route {
	uint8_t family;
	int wanted_index; /* 0: any */
	bool found;
	uint32_t metric;
	int index;
	struct ip_addr gateway;
};

static void take_next_hop(struct default_route *route, uint8_t family, const struct nlattr *hops)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(hops);
	const struct nlattr *a;

	if (mnl_attr_get_payload_len(hops) < sizeof(*hop) || hop->rtnh_len > mnl_attr_get_payload_len(hops))
		return;
	route->index = hop->rtnh_ifindex;
	for (a = (const void *)(hop + 1); mnl_attr_ok(a, (int)((const char *)hop + hop->rtnh_len - (const char *)a));
	     a = mnl_attr_next(a))
		if (mnl_attr_get_type(a) == RTA_GATEWAY)
			route->gateway = addr_of(a, family);
}

static int on_route(const struct nlmsghdr *h, void *context)
{
	const struct rtmsg *info = mnl_nlmsg_get_payload(h);
	struct default_route *best = context;
	struct default_route route = {.gateway = best->family == AF_INET ? ip_from_v4(0) : (struct ip_addr){{0}}};
	const struct nlattr *a;

	if (info->rtm_family != best->family || info->rtm_dst_len != 0 || info->rtm_type != RTN_UNICAST ||
	    info->rtm_table != RT_TABLE_MAIN)
		return MNL_CB_OK;
	rtnl_for_each(a, h, sizeof(*info)) {
		switch (mnl_attr_get_type(a)) {
		case RTA_OIF:
			route.index = (int)mnl_attr_get_u32(a);
			break;
		case RTA_PRIORITY:
			route.metric = mnl_attr_get_u32(a);
			break;
		case RTA_GATEWAY:
			route.gateway = addr_of(a, info->rtm_family);
			break;
		case RTA_MULTIPATH:
			take_next_hop(&route, info->rtm_family, a);
			break;
		}
	}
	if (route.index == 0 || (best->wanted_index && route.index != best->wanted_index) ||
	    (best->found && best->metric <= route.metric))
		return MNL_CB_OK;
	best->found = true;
	best->index = route.index;
	best->metric = route.metric;
	best->gateway = route.gateway;
	return MNL_CB_OK;
}

static struct default_route find_default(uint8_t family, int wanted_index)
{
	struct default_route best = {.family = family, .wanted_index = wanted_index,
	    .gateway = family == AF_INET ? ip_from_v4(0) : (struct ip_addr){{0}}};
	union rtnl_request r;
	struct rtmsg *info = rtnl_begin(&r, RTM_GETROUTE, NLM_F_DUMP, sizeof(*info));

	info->rtm_family = family;
	/* A kernel without the family answers with an error: then there is no route. */
	if (rtnl_ask(&r, on_route, &best))
		best.found = false;
	return best;
}

/* ---- entry points ---- */

int link_read(const char *interface, struct link_facts *out, char message[NETIF_MESSAGE_BYTES])
{
	union rtnl_request r;
	int result;

	memset(out, 0, sizeof(*out));
	if (strlen(interface) >= sizeof(out->name))
		return no_such_link(interface, message);
	rtnl_begin(&r, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(&r.header, IFLA_IFNAME, interface);
	result = rtnl_ask(&r, on_link, out);
	if (result == -ENODEV)
		return no_such_link(interface, message);
	if (result == 0) {
		rtnl_begin(&r, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
		result = rtnl_ask(&r, on_address, out);
	}
	if (result)
		return say(message, result, "cannot read the facts of interface %s from the kernel: %s",
		    interface, strerror(-result));
	out->gateway4 = find_default(AF_INET, out->index).gateway;
	out->gateway6 = find_default(AF_INET6, out->index).gateway;
	return 0;
}

int link_default(char name[16], char message[NETIF_MESSAGE_BYTES])
{
	struct default_route route = find_default(AF_INET, 0);

	if (!route.found)
		route = find_default(AF_INET6, 0);
	if (!route.found || !if_indextoname((unsigned)route.index, name))
		return say(message, -ENETUNREACH,
		    "no default route says which interface to use: set TEACHNET_INTERFACE, or try `teachnet lab`");
	return 0;
}

struct mac_addr link_stable_mac(const struct link_facts *facts, const char *stack_name)
{
	/* No secret: the point is that the address is the same next time. */
	static const struct hash_key key = {UINT64_C(0x746561636e657421), UINT64_C(0x6c696e6b206d6163)};
	char text[MAC_TEXT_BYTES], of[128];
	struct mac_addr mac;
	uint64_t hash;
	int bytes = snprintf(of, sizeof(of), "%s %s %s", mac_print(&facts->mac, text), facts->name, stack_name);

	hash = siphash(&key, of, (size_t)bytes < sizeof(of) ? (size_t)bytes : sizeof(of) - 1);
	memcpy(mac.octet, &hash, sizeof(mac.octet));
	mac.octet[0] = (uint8_t)((mac.octet[0] & 0xfc) | 0x02); /* unicast, locally administered */
	return mac;
}
