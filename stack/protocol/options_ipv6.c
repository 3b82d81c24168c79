/* SPDX-License-Identifier: MIT */
/* Rules of IPPROTO_IPV6's options; see options_ipv6.h. Linux is the specification. */
#include "stack/protocol/options_ipv6.h"

#include <errno.h>

#include "stack/protocol/interface.h"

#define HOPS_DEFAULT 64
#define ECN_MASK 3

/* Whom a wildcard meets is decided when the socket is bound: afterwards it is too late. */
int option6_set_v6_only(struct socket *so, int value)
{
	if (so->bound)
		return -EINVAL;
	so->option.v6_only = value != 0;
	return 0;
}

int option6_get_v6_only(const struct socket *so, int *value)
{
	*value = so->option.v6_only;
	return 0;
}

int option6_set_hops(struct socket *so, int value)
{
	if (value < -1 || value > 255)
		return -EINVAL;
	so->option.hop_limit = (int16_t)value;
	return 0;
}

int option6_get_hops(const struct socket *so, int *value)
{
	*value = so->option.hop_limit < 0 ? HOPS_DEFAULT : so->option.hop_limit;
	return 0;
}

int option6_set_multicast_hops(struct socket *so, int value)
{
	if (so->kind == SOCKET_TCP)
		return -ENOPROTOOPT;
	if (value < -1 || value > 255)
		return -EINVAL;
	so->option.multicast_hops = (int16_t)(value == -1 ? 1 : value);
	return 0;
}

int option6_get_multicast_hops(const struct socket *so, int *value)
{
	*value = so->option.multicast_hops;
	return 0;
}

int option6_set_multicast_loop(struct socket *so, int value)
{
	if (value != 0 && value != 1)
		return -EINVAL;
	so->option.multicast_loop6 = value;
	return 0;
}

int option6_get_multicast_loop(const struct socket *so, int *value)
{
	*value = so->option.multicast_loop6;
	return 0;
}

int option6_set_multicast_interface(struct socket *so, int value)
{
	if (so->kind == SOCKET_TCP)
		return -ENOPROTOOPT;
	if (value && (value < 0 || !interface_find(so->stack, (uint32_t)value)))
		return -ENODEV;
	if (value && so->bound_interface && so->bound_interface != (uint32_t)value)
		return -EINVAL;
	so->option.multicast_interface6 = (uint32_t)value;
	return 0;
}

int option6_get_multicast_interface(const struct socket *so, int *value)
{
	*value = (int)so->option.multicast_interface6;
	return 0;
}

int option6_set_class(struct socket *so, int value)
{
	if (value < -1 || value > 255)
		return -EINVAL;
	if (value == -1)
		value = 0;
	/* The ECN bits of a stream are TCP's. */
	if (so->kind == SOCKET_TCP)
		value = (value & ~ECN_MASK) | (so->option.traffic_class & ECN_MASK);
	so->option.traffic_class = (uint8_t)value;
	return 0;
}

int option6_get_class(const struct socket *so, int *value)
{
	*value = so->option.traffic_class;
	return 0;
}
