/* SPDX-License-Identifier: MIT */
/* Neighbour discovery; see nd.h. */
#include "stack/protocol/nd.h"

#include "stack/base/checksum.h"
#include "stack/protocol/neighbour.h"

#define HOP_LIMIT 255U /* what a router would have lowered (RFC 4861 3.1) */

/* ---- out ---- */

void nd_send(struct interface *i, const struct nd_message *m, const struct ip_addr *source,
    const struct ip_addr *destination, const struct mac_addr *to)
{
	struct stack *s = i->stack;
	const struct ipv6 ip = {.next = IP_PROTOCOL_ICMPV6, .hop_limit = HOP_LIMIT, .source = *source, .destination = *destination};
	struct mac_addr group = ethernet_multicast(destination);
	uint8_t message[ND_MESSAGE_MAX];
	uint32_t bytes = nd_emit(message, m);
	struct packet *p = packet_make(s, bytes);
	struct be16 sum;

	if (!p) {
		s->counters.ip_out_no_memory++;
		return;
	}
	sum = checksum_finish(checksum_add(
	    checksum_pseudo_header(source, destination, IP_PROTOCOL_ICMPV6, bytes), message, bytes));
	memcpy(message + 2, &sum, sizeof(sum));
	memcpy(packet_data(p), message, bytes);
	ipv6_emit(packet_push(p, IPV6_HEADER_BYTES), &ip, bytes);
	s->counters.icmp_out_messages++;
	s->counters.ip_out_packets++;
	interface_send(i, p, to ? to : &group, ETHERNET_IPV6);
}

void nd_ask(struct interface *i, const struct ip_addr *target, const struct mac_addr *to)
{
	struct nd_message m = {.type = ICMPV6_NEIGHBOUR_SOLICITATION, .target = *target,
	    .has_mac = i->config.has_link_header, .mac = i->config.mac};
	struct ip_addr group = ipv6_solicited_node(target), source;

	/* RFC 4861 7.2.2: without an address of our own there is nobody who could be answered. */
	if (interface_source(i, target, target, &source))
		nd_send(i, &m, &source, to ? target : &group, to);
}

void nd_probe(struct interface *i, const struct ip_addr *target)
{
	struct nd_message m = {.type = ICMPV6_NEIGHBOUR_SOLICITATION, .target = *target};
	struct ip_addr group = ipv6_solicited_node(target), nobody = {{0}};

	nd_send(i, &m, &nobody, &group, NULL);
}

/* ---- in ---- */

static void answer(struct interface *i, const struct ip_packet *p, const struct nd_message *question, bool override)
{
	bool probe = ip_is_unspecified(&p->source);
	struct nd_message m = {.type = ICMPV6_NEIGHBOUR_ADVERTISEMENT, .target = question->target,
	    .solicited = !probe, .override = override, .has_mac = true, .mac = i->config.mac};

	nd_send(i, &m, &question->target, probe ? &ipv6_all_nodes : &p->source,
	    probe || !question->has_mac ? NULL : &question->mac);
}

/* RFC 4861 7.2.3, RFC 4862 5.4.3. */
static void solicitation(struct interface *i, const struct ip_packet *p, const struct nd_message *m)
{
	struct interface_address *ours = interface_address_find(i->stack, i->index, &m->target);
	bool probe = ip_is_unspecified(&p->source);

	if (!ours || ip_is_multicast(&m->target) || (probe && m->has_mac))
		return;
	/* Somebody else wants it, too. */
	if (ours->state == ADDRESS_TENTATIVE && probe)
		dad_conflict(ours, NULL);
	if (!interface_address_is_usable(ours))
		return;
	if (!probe && m->has_mac)
		neighbour_heard(i, &p->source, &m->mac, NEIGHBOUR_ASKED_US);
	if (probe || m->has_mac)
		answer(i, p, m, ours->state != ADDRESS_TENTATIVE);
}

/* RFC 4861 7.2.5. */
static void advertisement(struct interface *i, const struct ip_packet *p, const struct nd_message *m)
{
	struct interface_address *ours = interface_address_find(i->stack, i->index, &m->target);
	struct mac_addr known;

	if (ip_is_multicast(&m->target) || (m->solicited && ip_is_multicast(&p->destination)))
		return;
	if (ours) {
		dad_conflict(ours, m->has_mac ? &m->mac : NULL);
		return;
	}
	if (!m->has_mac) {
		/* Only a station that is known already can confirm itself without its link address. */
		if (m->solicited && neighbour_known(i, &m->target, &known))
			neighbour_heard(i, &m->target, &known, NEIGHBOUR_ANSWERED);
		return;
	}
	/* Without the override flag (a proxy, an anycast address) the first answer holds. */
	if (!m->override && neighbour_known(i, &m->target, &known) && !mac_equal(&known, &m->mac))
		return;
	neighbour_heard(i, &m->target, &m->mac, m->solicited ? NEIGHBOUR_ANSWERED : NEIGHBOUR_ANNOUNCED);
}

static void drop(struct stack *s, const struct ip_packet *p)
{
	s->counters.nd_in_invalid++;
	trace_drop(s, "neighbour discovery that makes no sense", "RFC 4861 6.1, 7.1", (uint32_t)p->payload.bytes);
}

void nd_input(struct stack *s, const struct ip_packet *p)
{
	struct interface *i = interface_find(s, p->interface);
	struct nd_message m;

	if (!i || i->index == STACK_LOOPBACK_INDEX)
		return;
	/* Who is not on this link cannot have sent it. */
	if (p->ttl != HOP_LIMIT || p->payload.bytes < 2 || p->payload.data[1] != 0 || !nd_parse(p->payload, &m)) {
		drop(s, p);
		return;
	}
	if (m.has_mac && mac_is_group(&m.mac)) {
		drop(s, p);
		return;
	}
	switch (m.type) {
	case ICMPV6_NEIGHBOUR_SOLICITATION:
		s->counters.nd_in_solicitations++;
		solicitation(i, p, &m);
		break;
	case ICMPV6_NEIGHBOUR_ADVERTISEMENT:
		s->counters.nd_in_advertisements++;
		advertisement(i, p, &m);
		break;
	case ICMPV6_ROUTER_ADVERTISEMENT:
		s->counters.nd_in_routers++;
		if (!ip_is_link_local(&p->source)) {
			drop(s, p);
			break;
		}
		if (m.has_mac)
			neighbour_heard(i, &p->source, &m.mac, NEIGHBOUR_ASKED_US);
		router_heard(i, &m, &p->source);
		break;
	default:
		/* We are no router; redirects are not believed (RFC 4861 8: a host may ignore them). */
		break;
	}
}
