/* SPDX-License-Identifier: MIT */
/*
 * Making interfaces, for the lab and for tests: the few things that `ip` and `ethtool` would be
 * called for, by rtnetlink(7) through libmnl and SIOCETHTOOL. Everything but the ends of a veth pair
 * concerns the network namespace that the caller is in, and needs CAP_NET_ADMIN there.
 *
 * All return 0 or a negative errno: -ENODEV (no such interface), -EPERM, -EEXIST, and what the
 * kernel says.
 */
#ifndef NETIF_LINK_SETUP_H
#define NETIF_LINK_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/base/addr.h"

/* A veth pair, each end in the namespace that its descriptor names (-1: the caller's). */
int link_setup_veth(const char *name_a, int netns_fd_a, const char *name_b, int netns_fd_b);
int link_setup_delete(const char *name);

int link_setup_up(const char *name);
int link_setup_down(const char *name);
/* Waits until frames pass: a veth end that was just set up has no carrier for some milliseconds, up
 * to a second, and what is sent meanwhile is lost. -ETIMEDOUT when it does not come up. */
int link_setup_wait_running(const char *name, unsigned limit_ms);
int link_setup_mac(const char *name, const struct mac_addr *mac);
int link_setup_mtu(const char *name, uint32_t mtu_bytes);
/* An address and its network; IPv6 ones are usable at once (no duplicate address detection). */
int link_setup_address(const char *name, const struct prefix *p);
/* gateway: IPv4 or IPv6. */
int link_setup_route_default(const char *name, const struct ip_addr *gateway);
/* Checksum and segmentation offloads, all of them. What the interface does not have is passed over. */
int link_setup_offload(const char *name, bool on);

#endif
