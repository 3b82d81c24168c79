/* SPDX-License-Identifier: MIT */
/* IP's way in: which version, and which transport. What is between them is in ipv4_input.c and
 * ipv6_input.c. */
#include "stack/protocol/datagram.h"
#include "stack/protocol/icmp.h"
#include "stack/protocol/icmpv6.h"
#include "stack/protocol/internet.h"
#include "stack/protocol/multicast.h"

void ip_input(struct stack *s, struct span packet, const struct ip_arrival *how)
{
	unsigned version = packet.bytes ? packet.data[0] >> 4 : 0;

	if (version == 4) {
		ipv4_input(s, packet, how);
	} else if (version == 6) {
		ipv6_input(s, packet, how);
	} else {
		s->counters.ip_in_packets++;
		s->counters.ip_in_header_errors++;
		trace_drop(s, "neither IPv4 nor IPv6", NULL, (uint32_t)packet.bytes);
	}
}

static void nobody_wants(struct stack *s, const struct ip_packet *p)
{
	s->counters.ip_in_unknown_protocol++;
	trace_drop(s, "unknown protocol", "RFC 1122 3.2.2.1, RFC 4443 3.4", (uint32_t)p->payload.bytes);
	if (ip_is_v4(&p->source))
		icmp_send_error(s, ICMP_UNREACHABLE, ICMP_PROTOCOL_UNREACHABLE, 0, p);
	else
		icmpv6_send_error(s, ICMPV6_PARAMETER_PROBLEM, ICMPV6_UNKNOWN_HEADER, p->protocol_at, p);
}

void ip_deliver(struct stack *s, const struct ip_packet *p)
{
	bool wanted = raw_input(s, p);
	bool v4 = ip_is_v4(&p->source);

	if (p->protocol == IP_PROTOCOL_TCP)
		tcp_input(s, p);
	else if (p->protocol == IP_PROTOCOL_UDP)
		udp_input(s, p);
	else if (p->protocol == IP_PROTOCOL_ICMP && v4)
		icmp_input(s, p);
	else if (p->protocol == IP_PROTOCOL_ICMPV6 && !v4)
		icmpv6_input(s, p);
	else if (p->protocol == IP_PROTOCOL_IGMP && v4)
		igmp_input(s, p);
	else if (!wanted)
		nobody_wants(s, p);
}
