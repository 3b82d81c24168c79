/* SPDX-License-Identifier: MIT */
/* Making interfaces, for the lab and for tests; see link_setup.h. */
#include "netif/link_setup.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netif/rtnl.h"

#define WAIT_STEP_MS 2U

/* Interface names are cut by nobody: a longer one is not found. */
static bool name_fits(const char *name)
{
	return strlen(name) < IF_NAMESIZE;
}

/* ---- links ---- */

static void put_end(struct nlmsghdr *h, const char *name, int netns_fd)
{
	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	if (netns_fd >= 0)
		mnl_attr_put_u32(h, IFLA_NET_NS_FD, (uint32_t)netns_fd);
}

int link_setup_veth(const char *name_a, int netns_fd_a, const char *name_b, int netns_fd_b)
{
	union rtnl_request r;
	struct nlmsghdr *h = &r.header;
	struct nlattr *info, *data, *peer;

	if (!name_fits(name_a) || !name_fits(name_b))
		return -EINVAL;
	rtnl_begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
	put_end(h, name_a, netns_fd_a);
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(h, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
	put_end(h, name_b, netns_fd_b);
	mnl_attr_nest_end(h, peer);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
	return rtnl_ask(&r, NULL, NULL);
}

/* Begins a request about one link; NULL when there is none of this name. */
static struct ifinfomsg *begin_link(union rtnl_request *r, uint16_t type, const char *name)
{
	unsigned index = name_fits(name) ? if_nametoindex(name) : 0;
	struct ifinfomsg *info;

	if (index == 0)
		return NULL;
	info = rtnl_begin(r, type, 0, sizeof(*info));
	info->ifi_index = (int)index;
	return info;
}

int link_setup_delete(const char *name)
{
	union rtnl_request r;

	return begin_link(&r, RTM_DELLINK, name) ? rtnl_ask(&r, NULL, NULL) : -ENODEV;
}

static int set_up(const char *name, bool up)
{
	union rtnl_request r;
	struct ifinfomsg *info = begin_link(&r, RTM_NEWLINK, name);

	if (!info)
		return -ENODEV;
	info->ifi_change = IFF_UP;
	info->ifi_flags = up ? IFF_UP : 0;
	return rtnl_ask(&r, NULL, NULL);
}

int link_setup_up(const char *name)
{
	return set_up(name, true);
}

int link_setup_down(const char *name)
{
	return set_up(name, false);
}

int link_setup_wait_running(const char *name, unsigned limit_ms)
{
	struct ifreq request = {0};
	int result = -ETIMEDOUT;
	int fd;

	if (!name_fits(name))
		return -ENODEV;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	for (unsigned waited_ms = 0; waited_ms <= limit_ms; waited_ms += WAIT_STEP_MS) {
		snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
		if (ioctl(fd, SIOCGIFFLAGS, &request)) {
			result = -errno;
			break;
		}
		/* The flag is set a moment before the queue is opened: one step more. */
		poll(NULL, 0, WAIT_STEP_MS);
		if (request.ifr_flags & IFF_RUNNING) {
			result = 0;
			break;
		}
	}
	close(fd);
	return result;
}

int link_setup_mac(const char *name, const struct mac_addr *mac)
{
	union rtnl_request r;

	if (!begin_link(&r, RTM_NEWLINK, name))
		return -ENODEV;
	mnl_attr_put(&r.header, IFLA_ADDRESS, sizeof(mac->octet), mac->octet);
	return rtnl_ask(&r, NULL, NULL);
}

int link_setup_mtu(const char *name, uint32_t mtu_bytes)
{
	union rtnl_request r;

	if (!begin_link(&r, RTM_NEWLINK, name))
		return -ENODEV;
	mnl_attr_put_u32(&r.header, IFLA_MTU, mtu_bytes);
	return rtnl_ask(&r, NULL, NULL);
}

/* ---- addresses and routes ---- */

/* An address in its family's own form. */
static void put_addr(struct nlmsghdr *h, uint16_t type, const struct ip_addr *a)
{
	if (ip_is_v4(a))
		mnl_attr_put(h, type, 4, a->octet + 12);
	else
		mnl_attr_put(h, type, 16, a->octet);
}

static uint8_t family_of(const struct ip_addr *a)
{
	return ip_is_v4(a) ? AF_INET : AF_INET6;
}

int link_setup_address(const char *name, const struct prefix *p)
{
	unsigned index = name_fits(name) ? if_nametoindex(name) : 0;
	union rtnl_request r;
	struct ifaddrmsg *info;
	struct ip_addr broadcast;

	if (index == 0)
		return -ENODEV;
	info = rtnl_begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(*info));
	info->ifa_family = family_of(&p->addr);
	info->ifa_prefixlen = p->bits;
	info->ifa_index = index;
	put_addr(&r.header, IFA_LOCAL, &p->addr);
	put_addr(&r.header, IFA_ADDRESS, &p->addr);
	if (prefix_broadcast(p, &broadcast))
		put_addr(&r.header, IFA_BROADCAST, &broadcast);
	if (info->ifa_family == AF_INET6)
		mnl_attr_put_u32(&r.header, IFA_FLAGS, IFA_F_NODAD);
	return rtnl_ask(&r, NULL, NULL);
}

int link_setup_route_default(const char *name, const struct ip_addr *gateway)
{
	unsigned index = name_fits(name) ? if_nametoindex(name) : 0;
	union rtnl_request r;
	struct rtmsg *info;

	if (index == 0)
		return -ENODEV;
	info = rtnl_begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*info));
	info->rtm_family = family_of(gateway);
	info->rtm_table = RT_TABLE_MAIN;
	info->rtm_protocol = RTPROT_STATIC;
	info->rtm_scope = RT_SCOPE_UNIVERSE;
	info->rtm_type = RTN_UNICAST;
	put_addr(&r.header, RTA_GATEWAY, gateway);
	mnl_attr_put_u32(&r.header, RTA_OIF, index);
	return rtnl_ask(&r, NULL, NULL);
}

/* ---- offloads ---- */

int link_setup_offload(const char *name, bool on)
{
	/* Segmentation needs scatter-gather, and that the checksum: on in this order, off backwards
	 * would do as well, since the kernel drops what rests on what goes. */
	static const uint32_t commands[] = {ETHTOOL_SRXCSUM, ETHTOOL_STXCSUM, ETHTOOL_SSG, ETHTOOL_STSO,
	    ETHTOOL_SGSO, ETHTOOL_SGRO};
	struct ethtool_value value = {.data = on};
	struct ifreq request = {.ifr_data = (char *)&value};
	int fd, result = 0;

	if (!name_fits(name) || if_nametoindex(name) == 0)
		return -ENODEV;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		value.cmd = commands[i];
		if (ioctl(fd, SIOCETHTOOL, &request) && errno != EOPNOTSUPP && errno != EINVAL)
			result = -errno;
	}
	close(fd);
	return result;
}
