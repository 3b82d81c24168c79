/* SPDX-License-Identifier: MIT */
/*
 * Which way out, for both families: which interface, next hop and source (RFC 1122 3.3.1, RFC 8200,
 * RFC 6724), and how large a packet may be. ip_output.c sends along it.
 */
#include <errno.h>

#include "stack/protocol/internet.h"
#include "stack/protocol/neighbour.h"
#include "stack/protocol/path.h"
#include "stack/protocol/route.h"
#include "stack/wire/icmpv6.h"

bool ip_is_local(const struct stack *s, const struct ip_addr *a)
{
	const struct route *r;

	if (interface_address_find(s, 0, a))
		return ip_is_v4(a) || interface_address_usable(s, 0, a);
	r = route_lookup(s, a, 0);
	return r && r->kind == ROUTE_LOCAL;
}

bool ip_is_broadcast_here(const struct stack *s, const struct ip_addr *a)
{
	return ip_is_broadcast(a) || (ip_is_v4(a) && interface_is_broadcast(s, 0, a));
}

/* A group of IPv6 without a route of its own goes out where there is an address to send it from. */
static uint32_t interface_for_group(const struct stack *s)
{
	for (uint32_t n = STACK_LOOPBACK_INDEX + 1; n < INTERFACES_MAX; n++) {
		struct ip_addr source;

		if (s->interface[n] && source_select(s, n, &ipv6_all_nodes, &source))
			return n;
	}
	return 0;
}

/* Linux: with an interface given and no route through it, the destination is taken to be on its
 * link. Without, broadcast and multicast need a route like everything else. */
static int find_interface(struct stack *s, const struct ip_addr *destination, uint32_t interface,
    struct ip_path *out, const struct route **found)
{
	const struct route *r;

	/* RFC 4007: an address of a link says nothing without the link. */
	if (!ip_is_v4(destination) && !out->multicast && ip_is_link_local(destination) && !interface &&
	    !ip_is_local(s, destination))
		return -EINVAL;
	if (!ip_is_v4(destination) && out->multicast && !interface)
		interface = interface_for_group(s);
	r = route_lookup(s, destination, interface);
	*found = r;
	out->next_hop = *destination;
	if (r && r->kind == ROUTE_BLACKHOLE)
		return -EINVAL;
	if (r) {
		out->local = r->kind == ROUTE_LOCAL;
		out->interface = out->local ? STACK_LOOPBACK_INDEX : r->interface;
		if (!out->local && !ip_is_unspecified(&r->gateway) && !out->broadcast && !out->multicast)
			out->next_hop = r->gateway;
		return 0;
	}
	if (!interface || !interface_find(s, interface) || (!ip_is_v4(destination) && !out->multicast))
		return -ENETUNREACH;
	out->interface = interface;
	return 0;
}

static bool find_source(struct stack *s, const struct ip_addr *destination, const struct ip_addr *wanted,
    const struct route *r, struct ip_path *out)
{
	const struct interface *i = interface_find(s, out->interface);

	if (wanted && !ip_is_unspecified(wanted)) {
		out->source = *wanted;
		return true;
	}
	if (out->local) {
		/* To ourselves: from the address itself; 127.0.0.1 for all of 127.0.0.0/8. */
		out->source = r && ip_is_v4(destination) && r->destination.bits < 32 && !ip_is_unspecified(&r->source) ? r->source : *destination;
		return true;
	}
	if (r && !ip_is_unspecified(&r->source) && interface_address_find(s, 0, &r->source) &&
	    interface_address_find(s, 0, &r->source)->state != ADDRESS_CONFLICT) {
		out->source = r->source;
		return true;
	}
	if (i && interface_source(i, destination, &out->next_hop, &out->source))
		return true;
	/* An interface without addresses borrows one (Linux inet_select_addr()). */
	for (uint32_t n = STACK_LOOPBACK_INDEX + 1; n < INTERFACES_MAX; n++)
		if (s->interface[n] && interface_source(s->interface[n], destination, &out->next_hop, &out->source))
			return true;
	/* RFC 1122 3.2.1.3 a: who does not know its address yet asks everybody for it, as nobody. */
	out->source = ip_from_v4(0);
	return i && ip_is_broadcast(destination);
}

uint32_t ip_link_mtu(const struct stack *s, const struct ip_path *path)
{
	const struct interface *i = interface_find(s, path->interface);

	if (!i)
		return path->mtu_bytes;
	if (!ip_is_v4(&path->next_hop) && i->v6.mtu_bytes)
		return i->v6.mtu_bytes;
	return i->config.mtu_bytes < FRAME_PACKET_MAX ? i->config.mtu_bytes : FRAME_PACKET_MAX;
}

int ip_path_find(struct stack *s, const struct ip_addr *destination, const struct ip_addr *source,
    uint32_t interface, struct ip_path *out)
{
	const struct interface *i;
	const struct route *r;
	int error;

	*out = (struct ip_path){.multicast = ip_is_multicast(destination),
	    .broadcast = ip_is_broadcast_here(s, destination)};
	error = find_interface(s, destination, interface, out, &r);
	if (error) {
		s->counters.ip_out_no_route++;
		return error;
	}
	if (!find_source(s, destination, source, r, out))
		return -ENETUNREACH;
	i = interface_find(s, out->interface);
	if (!i)
		return -ENETUNREACH;
	out->mtu_bytes = path_mtu(s, destination, ip_link_mtu(s, out));
	out->gso_tcp = i->config.gso_tcp;
	out->gso_udp = i->config.gso_udp;
	out->checksum_offload = i->config.checksum_offload;
	out->generation = s->routes->generation;
	return 0;
}

int ip_path_refresh(struct stack *s, const struct ip_addr *destination, const struct ip_addr *source,
    uint32_t interface, struct ip_path *path)
{
	if (path->generation == s->routes->generation)
		return 0;
	return ip_path_find(s, destination, source, interface, path);
}

void ip_path_confirm(struct stack *s, const struct ip_path *path)
{
	struct interface *i = interface_find(s, path->interface);

	if (i && i->config.has_link_header && !path->local && !path->broadcast && !path->multicast)
		neighbour_confirm(i, &path->next_hop);
}

int stack_source_for(struct stack *s, const struct endpoint *remote, struct ip_addr *source, uint32_t *mtu_bytes)
{
	struct ip_path path;
	int error = ip_path_find(s, &remote->addr, NULL, remote->scope, &path);

	if (error)
		return error == -EINVAL ? -EHOSTUNREACH : error;
	*source = path.source;
	*mtu_bytes = path.mtu_bytes;
	return 0;
}
