/* SPDX-License-Identifier: MIT */
/* Options that join and leave groups; see options_multicast.h. Linux is the specification. */
#include "stack/protocol/options_multicast.h"

#include <errno.h>
#include <netinet/in.h>

#include "stack/protocol/multicast.h"

/* struct ip_mreq and ip_mreqn without what their headers would bring along. */
struct request4 {
	struct in_addr group, address;
	int interface;
};

static struct ip_addr from_in(struct in_addr a)
{
	const uint8_t *o = (const uint8_t *)&a;

	return ip_from_v4((uint32_t)o[0] << 24 | (uint32_t)o[1] << 16 | (uint32_t)o[2] << 8 | o[3]);
}

/* ip(7): by index, by an address of its own, or (0) ours to choose. -ENODEV. */
static int interface_named(const struct socket *so, int index, struct in_addr address, uint32_t *out)
{
	const struct ip_addr own = from_in(address);
	const struct interface_address *a;

	*out = (uint32_t)index;
	if (index)
		return interface_find(so->stack, *out) ? 0 : -ENODEV;
	if (ip_is_unspecified(&own))
		return 0;
	a = interface_address_find(so->stack, 0, &own);
	*out = a ? a->interface->index : 0;
	return a ? 0 : -ENODEV;
}

static int change4(struct socket *so, const void *value, uint32_t bytes,
    int (*change)(struct socket *so, const struct ip_addr *group, uint32_t interface))
{
	struct request4 r = {0};
	struct ip_addr group;
	uint32_t interface;
	int error;

	if (bytes < sizeof(struct in_addr) * 2)
		return -EINVAL;
	memcpy(&r, value, bytes < sizeof(r) ? sizeof(struct in_addr) * 2 : sizeof(r));
	group = from_in(r.group);
	error = interface_named(so, r.interface, r.address, &interface);
	return error ? error : change(so, &group, interface);
}

int option_join4(struct socket *so, const void *value, uint32_t bytes)
{
	return change4(so, value, bytes, multicast_join);
}

int option_leave4(struct socket *so, const void *value, uint32_t bytes)
{
	return change4(so, value, bytes, multicast_leave);
}

static int change_source4(struct socket *so, const void *value, uint32_t bytes, bool add, bool excludes)
{
	struct in_addr r[3]; /* struct ip_mreq_source: group, interface, source */
	struct ip_addr group, source;
	uint32_t interface;
	int error;

	if (bytes != sizeof(r))
		return -EINVAL;
	memcpy(r, value, sizeof(r));
	group = from_in(r[0]);
	source = from_in(r[2]);
	error = interface_named(so, 0, r[1], &interface);
	return error ? error : multicast_source(so, &group, interface, &source, add, excludes);
}

int option_source_add4(struct socket *so, const void *value, uint32_t bytes)
{
	return change_source4(so, value, bytes, true, false);
}

int option_source_drop4(struct socket *so, const void *value, uint32_t bytes)
{
	return change_source4(so, value, bytes, false, false);
}

int option_source_block4(struct socket *so, const void *value, uint32_t bytes)
{
	return change_source4(so, value, bytes, true, true);
}

int option_source_unblock4(struct socket *so, const void *value, uint32_t bytes)
{
	return change_source4(so, value, bytes, false, true);
}

static int change6(struct socket *so, const void *value, uint32_t bytes,
    int (*change)(struct socket *so, const struct ip_addr *group, uint32_t interface))
{
	struct ipv6_mreq r;
	struct ip_addr group;

	if (bytes < sizeof(r))
		return -EINVAL;
	memcpy(&r, value, sizeof(r));
	memcpy(group.octet, &r.ipv6mr_multiaddr, sizeof(group.octet));
	return ip_is_v4(&group) ? -EINVAL : change(so, &group, r.ipv6mr_interface);
}

int option_join6(struct socket *so, const void *value, uint32_t bytes)
{
	return change6(so, value, bytes, multicast_join);
}

int option_leave6(struct socket *so, const void *value, uint32_t bytes)
{
	return change6(so, value, bytes, multicast_leave);
}

/* ---- RFC 3678 5: either family ---- */

static bool read_address(const struct socket *so, const struct sockaddr_storage *a, struct ip_addr *out)
{
	if (a->ss_family == AF_INET) {
		*out = from_in(((const struct sockaddr_in *)a)->sin_addr);
		return true;
	}
	if (a->ss_family != AF_INET6 || so->family != 6)
		return false;
	memcpy(out->octet, &((const struct sockaddr_in6 *)a)->sin6_addr, sizeof(out->octet));
	return true;
}

static int change_group(struct socket *so, const void *value, uint32_t bytes,
    int (*change)(struct socket *so, const struct ip_addr *group, uint32_t interface))
{
	struct group_req r;
	struct ip_addr group;

	if (bytes < sizeof(r))
		return -EINVAL;
	memcpy(&r, value, sizeof(r));
	return read_address(so, &r.gr_group, &group) ? change(so, &group, r.gr_interface) : -EINVAL;
}

int option_group_join(struct socket *so, const void *value, uint32_t bytes)
{
	return change_group(so, value, bytes, multicast_join);
}

int option_group_leave(struct socket *so, const void *value, uint32_t bytes)
{
	return change_group(so, value, bytes, multicast_leave);
}

static int change_group_source(struct socket *so, const void *value, uint32_t bytes, bool add, bool excludes)
{
	struct group_source_req r;
	struct ip_addr group, source;

	if (bytes != sizeof(r))
		return -EINVAL;
	memcpy(&r, value, sizeof(r));
	if (!read_address(so, &r.gsr_group, &group) || !read_address(so, &r.gsr_source, &source))
		return -EADDRNOTAVAIL;
	return multicast_source(so, &group, r.gsr_interface, &source, add, excludes);
}

int option_group_source_join(struct socket *so, const void *value, uint32_t bytes)
{
	return change_group_source(so, value, bytes, true, false);
}

int option_group_source_leave(struct socket *so, const void *value, uint32_t bytes)
{
	return change_group_source(so, value, bytes, false, false);
}

int option_group_block(struct socket *so, const void *value, uint32_t bytes)
{
	return change_group_source(so, value, bytes, true, true);
}

int option_group_unblock(struct socket *so, const void *value, uint32_t bytes)
{
	return change_group_source(so, value, bytes, false, true);
}

/* ---- where to send ---- */

/* An address of the interface (struct in_addr), or a struct ip_mreq or ip_mreqn, whose group is not
 * looked at. 0.0.0.0: no choice any more. */
int option_set_interface4(struct socket *so, const void *value, uint32_t bytes)
{
	struct request4 r = {0};
	uint32_t interface;
	int error;

	if (so->kind == SOCKET_TCP || bytes < sizeof(r.address))
		return -EINVAL;
	if (bytes < sizeof(r.address) * 2)
		memcpy(&r.address, value, sizeof(r.address));
	else
		memcpy(&r, value, bytes < sizeof(r) ? sizeof(r.address) * 2 : sizeof(r));
	error = interface_named(so, r.interface, r.address, &interface);
	if (error)
		return error == -ENODEV && !r.interface ? -EADDRNOTAVAIL : error;
	if (interface && so->bound_interface && so->bound_interface != interface)
		return -EINVAL;
	so->option.multicast_interface = interface;
	memcpy(so->option.multicast_address, &r.address, sizeof(r.address));
	return 0;
}

int option_get_interface4(struct socket *so, void *value, uint32_t *bytes)
{
	if (*bytes > sizeof(so->option.multicast_address))
		*bytes = sizeof(so->option.multicast_address);
	memcpy(value, so->option.multicast_address, *bytes);
	return 0;
}
