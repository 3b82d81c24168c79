/* SPDX-License-Identifier: MIT */
/* ARP: questions and answers; see arp.h. */
#include "stack/protocol/arp.h"

#include "stack/protocol/acd.h"
#include "stack/protocol/neighbour.h"
#include "stack/wire/arp.h"

static void send(struct interface *i, const struct arp *a, const struct mac_addr *to)
{
	struct stack *s = i->stack;
	struct packet *p = packet_make(s, ARP_BYTES);

	if (!p) {
		s->counters.ip_out_no_memory++;
		return;
	}
	arp_emit(packet_data(p), a);
	if (a->operation == ARP_REQUEST)
		s->counters.arp_out_requests++;
	else
		s->counters.arp_out_replies++;
	interface_send(i, p, to, ETHERNET_ARP);
}

void arp_ask(struct interface *i, const struct ip_addr *target, const struct mac_addr *to)
{
	struct arp a = {.operation = ARP_REQUEST, .sender_mac = i->config.mac, .target = *target};

	if (!interface_source(i, target, target, &a.sender))
		a.sender = ip_from_v4(0);
	send(i, &a, to ? to : &ethernet_broadcast);
}

void arp_probe(struct interface *i, const struct ip_addr *target)
{
	struct arp a = {.operation = ARP_REQUEST, .sender_mac = i->config.mac, .sender = ip_from_v4(0), .target = *target};

	send(i, &a, &ethernet_broadcast);
}

void arp_announce(struct interface *i, const struct ip_addr *ours)
{
	struct arp a = {.operation = ARP_REQUEST, .sender_mac = i->config.mac, .sender = *ours, .target = *ours};

	send(i, &a, &ethernet_broadcast);
}

static void answer(struct interface *i, const struct arp *question)
{
	struct arp a = {.operation = ARP_REPLY, .sender_mac = i->config.mac, .sender = question->target,
	    .target_mac = question->sender_mac, .target = question->sender};

	send(i, &a, &question->sender_mac);
}

/* Does somebody else say that he has an address of ours, or probe for one (RFC 5227 2.1.1, 2.4)? */
static bool is_conflict(struct interface *i, const struct arp *a)
{
	struct stack *s = i->stack;
	bool probe = a->operation == ARP_REQUEST && ip_is_unspecified(&a->sender);
	struct interface_address *ours =
	    interface_address_find(s, i->index, probe ? &a->target : &a->sender);

	if (!ours)
		return false;
	acd_conflict(ours, &a->sender_mac, probe);
	return !probe;
}

static bool is_sane(const struct arp *a)
{
	return (a->operation == ARP_REQUEST || a->operation == ARP_REPLY) && !mac_is_group(&a->sender_mac) &&
	       !ip_is_multicast(&a->sender) && !ip_is_multicast(&a->target) &&
	       !ip_is_loopback(&a->target) && !ip_is_loopback(&a->sender) && !ip_is_broadcast(&a->sender);
}

void arp_input(struct interface *i, struct span packet)
{
	struct stack *s = i->stack;
	struct interface_address *asked;
	struct arp a;

	if (!arp_parse(packet, &a) || !is_sane(&a)) {
		s->counters.arp_in_invalid++;
		trace_drop(s, "ARP that makes no sense", "RFC 826", (uint32_t)packet.bytes);
		return;
	}
	if (a.operation == ARP_REQUEST)
		s->counters.arp_in_requests++;
	else
		s->counters.arp_in_replies++;
	/* Our own frame, brought back by a bridge or a capture. */
	if (mac_equal(&a.sender_mac, &i->config.mac))
		return;
	if (is_conflict(i, &a))
		return;
	asked = interface_address_find(s, i->index, &a.target);
	if (asked && asked->state == ADDRESS_CONFLICT)
		asked = NULL;
	if (a.operation == ARP_REQUEST && asked)
		answer(i, &a);
	if (ip_is_unspecified(&a.sender))
		return;
	if (a.operation == ARP_REPLY && asked)
		neighbour_heard(i, &a.sender, &a.sender_mac, NEIGHBOUR_ANSWERED);
	else
		neighbour_heard(i, &a.sender, &a.sender_mac, asked ? NEIGHBOUR_ASKED_US : NEIGHBOUR_ANNOUNCED);
}
