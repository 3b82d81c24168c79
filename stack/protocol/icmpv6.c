/* SPDX-License-Identifier: MIT */
/* ICMPv6 messages in and out; see icmpv6.h. */
#include "stack/protocol/icmpv6.h"

#include <errno.h>

#include "stack/base/checksum.h"
#include "stack/protocol/datagram.h"
#include "stack/protocol/icmp.h"
#include "stack/protocol/multicast.h"
#include "stack/protocol/nd.h"

#define HOP_LIMIT 64U
#define CHECKSUM_OFFSET 2U
/* RFC 4443 2.4 c: as much as fits into the least MTU. */
#define QUOTE_MAX_BYTES (IPV6_MTU_MIN_BYTES - IPV6_HEADER_BYTES - ICMP_HEADER_BYTES)

/* ---- out ---- */

static int send_message(struct stack *s, const struct ip_flow *flow, uint32_t interface, const struct span *part, unsigned parts)
{
	struct ip_path path;
	int error = ip_path_find(s, &flow->destination, &flow->source, interface, &path);

	if (!error)
		error = ip_send(s, flow, &path, part, parts, CHECKSUM_OFFSET, 0);
	if (!error)
		s->counters.icmp_out_messages++;
	return error;
}

/* A reply to somebody on a link goes out on that link. */
static uint32_t link_of(const struct ip_packet *p)
{
	return ip_is_link_local(&p->source) ? p->interface : 0;
}

static bool may_complain(struct stack *s, enum icmpv6_type type, uint8_t code, const struct ip_packet *p)
{
	bool to_group_too = type == ICMPV6_TOO_BIG || (type == ICMPV6_PARAMETER_PROBLEM && code == ICMPV6_UNKNOWN_OPTION);

	if (p->broadcast && !to_group_too)
		return false;
	if (ip_is_unspecified(&p->source) || ip_is_multicast(&p->source))
		return false;
	if (p->protocol == IP_PROTOCOL_ICMPV6 && (p->payload.bytes == 0 || icmpv6_is_error(p->payload.data[0]) ||
	                                             p->payload.data[0] == ICMPV6_REDIRECT))
		return false;
	return icmp_within_limits(s, &p->source);
}

void icmpv6_send_error(struct stack *s, enum icmpv6_type type, uint8_t code, uint32_t word, const struct ip_packet *p)
{
	struct icmp m = {.type = (uint8_t)type, .code = code, .id = (uint16_t)(word >> 16), .sequence = (uint16_t)word};
	struct ip_flow flow = {.destination = p->source, .protocol = IP_PROTOCOL_ICMPV6, .ttl = HOP_LIMIT};
	uint8_t header[ICMP_HEADER_BYTES];
	struct span part[3] = {{header, sizeof(header)}, p->header, p->payload};

	if (!may_complain(s, type, code, p))
		return;
	if (!ip_is_multicast(&p->destination))
		flow.source = p->destination;
	if (part[1].bytes > QUOTE_MAX_BYTES)
		part[1].bytes = QUOTE_MAX_BYTES;
	if (part[2].bytes > QUOTE_MAX_BYTES - part[1].bytes)
		part[2].bytes = QUOTE_MAX_BYTES - part[1].bytes;
	icmp_emit(header, &m);
	send_message(s, &flow, link_of(p), part, 3);
}

static void answer_echo(struct stack *s, const struct ip_packet *p, const struct icmp *m)
{
	struct icmp reply = {.type = ICMPV6_ECHO_REPLY, .id = m->id, .sequence = m->sequence};
	struct ip_flow flow = {.destination = p->source, .protocol = IP_PROTOCOL_ICMPV6, .ttl = HOP_LIMIT, .tos = p->tos};
	uint8_t header[ICMP_HEADER_BYTES];
	struct span part[2] = {{header, sizeof(header)}, m->payload};

	if (ip_is_unspecified(&p->source))
		return;
	/* RFC 4443 4.2: a group's ping is answered, from an address of our own. */
	if (!ip_is_multicast(&p->destination))
		flow.source = p->destination;
	icmp_emit(header, &reply);
	send_message(s, &flow, link_of(p), part, 2);
}

/* ---- errors in ---- */

/* Linux's icmpv6_err_convert. False: not an error that concerns a transport. */
static bool read_error(const struct icmp *m, struct ip_error *e)
{
	static const struct {
		int error;
		bool hard;
	} unreachable[] = {
	    {ENETUNREACH, false}, {EACCES, true}, {EHOSTUNREACH, false}, {EHOSTUNREACH, false},
	    {ECONNREFUSED, true}, {EACCES, true}, {EACCES, true},
	};

	e->type = m->type;
	e->code = m->code;
	switch (m->type) {
	case ICMPV6_UNREACHABLE:
		e->hard = true;
		e->error = EPROTO;
		if (m->code < sizeof(unreachable) / sizeof(unreachable[0])) {
			e->error = unreachable[m->code].error;
			e->hard = unreachable[m->code].hard;
		}
		return true;
	case ICMPV6_TOO_BIG:
		e->error = EMSGSIZE;
		e->mtu_bytes = (uint32_t)m->id << 16 | m->sequence;
		return true;
	case ICMPV6_TIME_EXCEEDED:
		e->error = EHOSTUNREACH;
		return true;
	case ICMPV6_PARAMETER_PROBLEM:
		e->error = EPROTO;
		e->hard = true;
		return true;
	default:
		return false;
	}
}

static bool quote_is_ours(struct stack *s, struct span quote, struct ip_error *e)
{
	struct ipv6_chain chain;
	struct ipv6 ip;
	uint32_t pointer;
	uint8_t action;

	if (ipv6_parse_quoted(quote, &ip) != IPV6_OK || ipv6_walk(&ip, &chain, &pointer, &action) != IPV6_OK ||
	    chain.fragment_offset_bytes)
		return false;
	if (ip_is_v4(&ip.source) || ip_is_v4(&ip.destination))
		return false;
	e->source = ip.source;
	e->destination = ip.destination;
	e->protocol = chain.protocol;
	e->payload = (struct span){ip.packet.data + chain.offset_bytes, ip.packet.bytes - chain.offset_bytes};
	return ip_is_local(s, &ip.source);
}

static void error_input(struct stack *s, const struct ip_packet *p, const struct icmp *m)
{
	struct ip_error e = {.offender = p->source};

	if (!read_error(m, &e))
		return;
	if (ip_is_multicast(&p->destination) || !quote_is_ours(s, m->payload, &e)) {
		s->counters.icmp_in_errors++;
		trace_drop(s, "ICMPv6 error about a packet that is not ours", "RFC 4443 2.4", (uint32_t)p->payload.bytes);
		return;
	}
	icmp_dispatch(s, &e);
}

void icmpv6_address_unreachable_here(struct stack *s, struct span packet)
{
	struct ip_error e = {.error = EHOSTUNREACH, .type = ICMPV6_UNREACHABLE, .code = ICMPV6_ADDRESS_UNREACHABLE};

	if (!quote_is_ours(s, packet, &e))
		return;
	e.offender = e.source;
	icmp_dispatch(s, &e);
}

/* ---- in ---- */

static bool checksum_is_right(const struct ip_packet *p)
{
	struct checksum c = checksum_pseudo_header(&p->source, &p->destination, IP_PROTOCOL_ICMPV6, (uint32_t)p->payload.bytes);

	return p->checksum_verified ||
	       be16_get(checksum_finish(checksum_add(c, p->payload.data, p->payload.bytes))) == 0;
}

void icmpv6_input(struct stack *s, const struct ip_packet *p)
{
	struct icmp m;

	s->counters.icmp_in_messages++;
	if (!icmp_parse(p->payload, false, &m) || !checksum_is_right(p)) {
		s->counters.icmp_in_errors++;
		trace_drop(s, "ICMPv6 too short or with a wrong checksum", "RFC 4443", (uint32_t)p->payload.bytes);
		return;
	}
	switch (m.type) {
	case ICMPV6_ECHO:
		s->counters.icmp_in_echo++;
		answer_echo(s, p, &m);
		break;
	case ICMPV6_ECHO_REPLY:
		ping_input(s, p);
		break;
	case ICMPV6_UNREACHABLE:
		s->counters.icmp_in_unreachable++;
		error_input(s, p, &m);
		break;
	case ICMPV6_TIME_EXCEEDED:
		s->counters.icmp_in_time_exceeded++;
		error_input(s, p, &m);
		break;
	case ICMPV6_MLD_QUERY:
		mld_input(s, p);
		break;
	case ICMPV6_ROUTER_SOLICITATION:
	case ICMPV6_ROUTER_ADVERTISEMENT:
	case ICMPV6_NEIGHBOUR_SOLICITATION:
	case ICMPV6_NEIGHBOUR_ADVERTISEMENT:
	case ICMPV6_REDIRECT:
		nd_input(s, p);
		break;
	default:
		error_input(s, p, &m);
		break;
	}
}
