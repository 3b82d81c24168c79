/* SPDX-License-Identifier: MIT */
/*
 * IPv4's way in: what RFC 1122 3.2.1 asks to be checked, in its order, then fragments, then the
 * transport. We are a host: nothing is forwarded. Options are length-checked with the header and
 * otherwise ignored; source-routed packets are therefore taken for what their destination says.
 */
#include "stack/protocol/internet.h"
#include "stack/protocol/multicast.h"
#include "stack/protocol/reassembly.h"

#define ALL_HOSTS 0xe0000001U

static bool in_network_zero(const struct ip_addr *a)
{
	return ip_to_v4(a) >> 24 == 0;
}

/* Linux's martians: sources that nobody can have. NULL when it is sane. */
static const char *judge_source(struct stack *s, const struct ipv4 *ip, const struct interface *i)
{
	const struct ip_addr *a = &ip->source;

	if (i->index == STACK_LOOPBACK_INDEX)
		return NULL;
	if (ip_is_multicast(a) || ip_is_broadcast(a) || interface_is_broadcast(s, i->index, a))
		return "source is a group";
	if (ip_is_loopback(a))
		return "loopback source from outside";
	if (in_network_zero(a) && !(ip_is_unspecified(a) && ip_is_broadcast(&ip->destination)))
		return "source is in network 0";
	if (interface_address_find(s, 0, a))
		return "source is an address of ours";
	return NULL;
}

static bool is_for_group(struct stack *s, const struct interface *i, const struct ip_addr *a)
{
	if (ip_is_multicast(a))
		return ip_to_v4(a) == ALL_HOSTS || multicast_is_member(s, i, a);
	return ip_is_broadcast(a) || interface_is_broadcast(s, i->index, a) ||
	       (i->index == STACK_LOOPBACK_INDEX && ip_is_broadcast_here(s, a));
}

static void drop(struct stack *s, uint64_t *counter, const char *why, size_t bytes)
{
	(*counter)++;
	trace_drop(s, why, "RFC 1122 3.2.1", (uint32_t)bytes);
}

static bool is_fragment(const struct ipv4 *ip)
{
	return ip->more_fragments || ip->offset_bytes;
}

/* The datagram that this fragment completes, as one packet; false: not yet, or never. Its header says
 * so, as raw sockets and quotes of ICMP errors show it. */
static bool put_together(struct stack *s, struct ipv4 *ip, const struct ip_arrival *how)
{
	struct fragment f = {
	    .key = {.source = ip->source, .destination = ip->destination, .id = ip->id,
	        .interface = how->interface->index, .protocol = ip->protocol},
	    .offset_bytes = ip->offset_bytes,
	    .more = ip->more_fragments,
	    .group_frame = how->group_frame,
	    .header = ip->header,
	    .payload = ip->payload,
	};
	struct space whole;
	uint32_t header_bytes;

	if (!reassembly_add(s, &f, &whole, &header_bytes))
		return false;
	whole.data[2] = (uint8_t)(whole.bytes >> 8);
	whole.data[3] = (uint8_t)whole.bytes;
	whole.data[6] = whole.data[7] = 0;
	ipv4_emit_checksum(whole.data, header_bytes);
	ip->header = (struct span){whole.data, header_bytes};
	ip->payload = (struct span){whole.data + header_bytes, whole.bytes - header_bytes};
	return true;
}

static void deliver(struct stack *s, struct ipv4 *ip, const struct ip_arrival *how, bool for_group)
{
	struct ip_packet p = {
	    .source = ip->source,
	    .destination = ip->destination,
	    .protocol = ip->protocol,
	    .ttl = ip->ttl,
	    .tos = ip->tos,
	    .interface = how->interface->index,
	    .broadcast = for_group || how->group_frame,
	    .checksum_verified = how->checksum_verified,
	    .gso_bytes = how->gso_bytes,
	};

	if (is_fragment(ip)) {
		if (!put_together(s, ip, how))
			return;
		p.checksum_verified = how->interface->index == STACK_LOOPBACK_INDEX;
		p.gso_bytes = 0;
	}
	p.header = ip->header;
	p.payload = ip->payload;
	s->counters.ip_in_delivered++;
	ip_deliver(s, &p);
}

void ipv4_input(struct stack *s, struct span packet, const struct ip_arrival *how)
{
	struct interface *i = how->interface;
	enum ipv4_verdict verdict;
	const char *martian;
	struct ipv4 ip;
	bool for_group;

	s->counters.ip_in_packets++;
	verdict = ipv4_parse(packet, &ip);
	if (verdict != IPV4_OK) {
		drop(s, verdict == IPV4_CHECKSUM ? &s->counters.ip_in_checksum_errors : &s->counters.ip_in_header_errors,
		    ipv4_verdict_text(verdict), packet.bytes);
		return;
	}
	martian = judge_source(s, &ip, i);
	if (martian) {
		drop(s, &s->counters.ip_in_address_errors, martian, packet.bytes);
		return;
	}
	for_group = is_for_group(s, i, &ip.destination);
	if (ip_is_loopback(&ip.destination) && i->index != STACK_LOOPBACK_INDEX) {
		drop(s, &s->counters.ip_in_address_errors, "loopback destination from outside", packet.bytes);
		return;
	}
	if (!for_group && !ip_is_local(s, &ip.destination)) {
		drop(s, &s->counters.ip_in_address_errors, "not for this host", packet.bytes);
		return;
	}
	deliver(s, &ip, how, for_group);
}
