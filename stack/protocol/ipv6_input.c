/* SPDX-License-Identifier: MIT */
/*
 * IPv6's way in (RFC 8200): the fixed header, sources and destinations that cannot be, the chain of
 * extension headers, fragments, delivery. We are a host: nothing is forwarded.
 */
#include "stack/protocol/icmpv6.h"
#include "stack/protocol/internet.h"
#include "stack/protocol/multicast.h"
#include "stack/protocol/reassembly.h"

/* An unfragmentable part longer than this is nobody's honest packet. */
#define UNFRAGMENTABLE_MAX 256U

static void drop(struct stack *s, uint64_t *counter, const char *why, size_t bytes)
{
	(*counter)++;
	trace_drop(s, why, "RFC 8200", (uint32_t)bytes);
}

/* NULL when both addresses can be on this wire. */
static const char *judge_addresses(const struct ipv6 *ip, const struct interface *i)
{
	/* RFC 4291 2.5.5.2: the mapped form of an IPv4 address is for programs, never for the wire. */
	if (ip_is_v4(&ip->source) || ip_is_v4(&ip->destination))
		return "IPv4-mapped address on the wire";
	if (ip_is_multicast(&ip->source))
		return "source is a group";
	if (ip_is_unspecified(&ip->destination))
		return "destination is nobody";
	if (i->index != STACK_LOOPBACK_INDEX && (ip_is_loopback(&ip->source) || ip_is_loopback(&ip->destination)))
		return "loopback address from outside";
	return NULL;
}

/* All nodes, the groups in which our neighbours look for our addresses, and those of our sockets. */
static bool is_our_group(const struct interface *i, const struct ip_addr *group)
{
	if (ip_equal(group, &ipv6_all_nodes) || multicast_is_member(i->stack, i, group))
		return true;
	list_for_each(it, &i->addresses)
	{
		const struct interface_address *a = container_of(it, struct interface_address, link);
		struct ip_addr own = ipv6_solicited_node(&a->prefix.addr);

		if (!ip_is_v4(&a->prefix.addr) && ip_equal(group, &own))
			return true;
	}
	return false;
}

static bool is_ours(struct stack *s, const struct interface *i, const struct ipv6 *ip)
{
	if (ip_is_multicast(&ip->destination))
		return is_our_group(i, &ip->destination);
	return ip_is_local(s, &ip->destination);
}

static struct ip_packet packet_of(const struct ipv6 *ip, const struct ipv6_chain *chain, const struct ip_arrival *how)
{
	return (struct ip_packet){
	    .source = ip->source,
	    .destination = ip->destination,
	    .protocol = chain->protocol,
	    .protocol_at = chain->protocol_at,
	    .ttl = ip->hop_limit,
	    .tos = ip->traffic_class,
	    .interface = how->interface->index,
	    .broadcast = how->group_frame || ip_is_multicast(&ip->destination),
	    .checksum_verified = how->checksum_verified,
	    .gso_bytes = how->gso_bytes,
	    .header = {ip->packet.data, chain->offset_bytes},
	    .payload = {ip->packet.data + chain->offset_bytes, ip->packet.bytes - chain->offset_bytes},
	};
}

/* The chain broke off: RFC 8200 4.2 says for each case whether somebody is to be told. */
static void complain(struct stack *s, const struct ipv6 *ip, enum ipv6_verdict verdict, uint32_t pointer,
    uint8_t action, const struct ip_arrival *how)
{
	struct ipv6_chain whole = {.protocol = ip->next, .offset_bytes = IPV6_HEADER_BYTES};
	struct ip_packet p = packet_of(ip, &whole, how);
	bool to_group = ip_is_multicast(&ip->destination);

	drop(s, &s->counters.ip_in_header_errors, ipv6_verdict_text(verdict), ip->packet.bytes);
	if (verdict == IPV6_UNKNOWN_OPTION && (action == 2 || (action == 3 && !to_group)))
		icmpv6_send_error(s, ICMPV6_PARAMETER_PROBLEM, ICMPV6_UNKNOWN_OPTION, pointer, &p);
	else if (verdict == IPV6_MISPLACED)
		icmpv6_send_error(s, ICMPV6_PARAMETER_PROBLEM, ICMPV6_UNKNOWN_HEADER, pointer, &p);
	else if (verdict == IPV6_ROUTING_TYPE)
		icmpv6_send_error(s, ICMPV6_PARAMETER_PROBLEM, ICMPV6_BAD_FIELD, pointer, &p);
}

static void process(struct stack *s, const struct ipv6 *ip, const struct ip_arrival *how, bool put_together);

/* RFC 8200 4.5. The whole begins with the first fragment's headers, whose last one then names what the
 * fragment header named. */
static void fragment(struct stack *s, const struct ipv6 *ip, const struct ipv6_chain *chain, const struct ip_arrival *how)
{
	uint8_t header[UNFRAGMENTABLE_MAX];
	struct fragment f = {
	    .key = {.source = ip->source, .destination = ip->destination, .id = chain->fragment_id,
	        .interface = how->interface->index},
	    .offset_bytes = chain->fragment_offset_bytes,
	    .more = chain->more_fragments,
	    .group_frame = how->group_frame,
	    .header = {header, chain->fragment_at},
	    .payload = {ip->packet.data + chain->offset_bytes, ip->packet.bytes - chain->offset_bytes},
	};
	struct ip_arrival again = {.interface = how->interface, .group_frame = how->group_frame,
	    .checksum_verified = how->interface->index == STACK_LOOPBACK_INDEX};
	struct space whole;
	uint32_t header_bytes;
	struct ipv6 joined;

	if (chain->fragment_at > UNFRAGMENTABLE_MAX) {
		drop(s, &s->counters.ip_in_header_errors, "fragment behind long headers", ip->packet.bytes);
		return;
	}
	memcpy(header, ip->packet.data, chain->fragment_at);
	header[chain->fragment_next_at] = chain->protocol;
	if (!reassembly_add(s, &f, &whole, &header_bytes))
		return;
	whole.data[4] = (uint8_t)((whole.bytes - IPV6_HEADER_BYTES) >> 8);
	whole.data[5] = (uint8_t)(whole.bytes - IPV6_HEADER_BYTES);
	if (ipv6_parse((struct span){whole.data, whole.bytes}, &joined) == IPV6_OK)
		process(s, &joined, &again, true);
}

static void process(struct stack *s, const struct ipv6 *ip, const struct ip_arrival *how, bool put_together)
{
	struct ipv6_chain chain;
	enum ipv6_verdict verdict;
	struct ip_packet p;
	uint32_t pointer;
	uint8_t action;

	verdict = ipv6_walk(ip, &chain, &pointer, &action);
	if (verdict != IPV6_OK) {
		complain(s, ip, verdict, pointer, action, how);
		return;
	}
	if (chain.is_fragment && (chain.more_fragments || chain.fragment_offset_bytes)) {
		/* A fragment inside of fragments is an attack, not a packet. */
		if (put_together)
			drop(s, &s->counters.ip_in_header_errors, "fragment inside of fragments", ip->packet.bytes);
		else
			fragment(s, ip, &chain, how);
		return;
	}
	if (chain.protocol == IPV6_NONE)
		return;
	p = packet_of(ip, &chain, how);
	if (ip_is_unspecified(&p.source) && p.protocol != IP_PROTOCOL_ICMPV6) {
		drop(s, &s->counters.ip_in_address_errors, "source is nobody", ip->packet.bytes);
		return;
	}
	s->counters.ip_in_delivered++;
	ip_deliver(s, &p);
}

void ipv6_input(struct stack *s, struct span packet, const struct ip_arrival *how)
{
	enum ipv6_verdict verdict;
	const char *martian;
	struct ipv6 ip;

	s->counters.ip_in_packets++;
	verdict = ipv6_parse(packet, &ip);
	if (verdict != IPV6_OK) {
		drop(s, &s->counters.ip_in_header_errors, ipv6_verdict_text(verdict), packet.bytes);
		return;
	}
	martian = judge_addresses(&ip, how->interface);
	if (!martian && !is_ours(s, how->interface, &ip))
		martian = "not for this host";
	if (martian) {
		drop(s, &s->counters.ip_in_address_errors, martian, packet.bytes);
		return;
	}
	process(s, &ip, how, false);
}
