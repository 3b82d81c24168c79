/* SPDX-License-Identifier: MIT */
/* ICMP messages in and out; see icmp.h. */
#include "stack/protocol/icmp.h"

#include <errno.h>

#include "stack/protocol/datagram.h"
#include "stack/protocol/icmpv6.h"

#define QUOTE_MAX_BYTES 548U /* RFC 1812 4.3.2.3: the error fits into 576 octets */
#define TTL 64U
#define TOS_INTERNET_CONTROL 0xc0U

/* ---- out ---- */

static void send_message(struct stack *s, const struct icmp *m, uint32_t word, bool has_word,
    const struct ip_flow *flow, const struct span *quote, unsigned quotes)
{
	uint8_t header[ICMP_HEADER_BYTES];
	struct span part[3] = {{header, sizeof(header)}};
	struct be32 raw = be32_make(word);

	icmp_emit(header, m);
	if (has_word)
		memcpy(header + 4, &raw, sizeof(raw));
	for (unsigned i = 0; i < quotes; i++)
		part[1 + i] = quote[i];
	if (ip_send(s, flow, NULL, part, 1 + quotes, 2, 0) == 0)
		s->counters.icmp_out_messages++;
}

/* RFC 1122 3.2.2: what no error is ever sent about. */
static bool may_complain(struct stack *s, const struct ip_packet *p)
{
	if (p->broadcast || ip_is_unspecified(&p->source) || ip_is_multicast(&p->source) ||
	    ip_is_broadcast_here(s, &p->source))
		return false;
	if (ip_is_loopback(&p->source) && p->interface != STACK_LOOPBACK_INDEX)
		return false;
	if (p->protocol == IP_PROTOCOL_ICMP && (p->payload.bytes == 0 || icmp_is_error(p->payload.data[0])))
		return false;
	return icmp_within_limits(s, &p->source);
}

void icmp_send_error(struct stack *s, enum icmp_type type, uint8_t code, uint32_t word, const struct ip_packet *p)
{
	struct icmp m = {.type = (uint8_t)type, .code = code};
	struct ip_flow flow = {.destination = p->source, .protocol = IP_PROTOCOL_ICMP, .ttl = TTL,
	    .tos = (uint8_t)((p->tos & 0x1e) | TOS_INTERNET_CONTROL)};
	struct span quote[2] = {p->header, p->payload};

	if (!may_complain(s, p))
		return;
	flow.source = ip_is_local(s, &p->destination) ? p->destination : ip_from_v4(0);
	if (quote[1].bytes > QUOTE_MAX_BYTES - quote[0].bytes)
		quote[1].bytes = QUOTE_MAX_BYTES - quote[0].bytes;
	send_message(s, &m, word, true, &flow, quote, 2);
}

void icmp_send_port_unreachable(struct stack *s, const struct ip_packet *p)
{
	if (ip_is_v4(&p->source))
		icmp_send_error(s, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0, p);
	else
		icmpv6_send_error(s, ICMPV6_UNREACHABLE, ICMPV6_PORT_UNREACHABLE, 0, p);
}

void icmp_send_reassembly_exceeded(struct stack *s, struct span packet, uint32_t interface, bool group_frame)
{
	struct ip_packet p = {.interface = interface, .broadcast = group_frame};
	struct ipv4 ip;

	if (ipv4_parse_quoted(packet, &ip) != IPV4_OK)
		return;
	p.source = ip.source;
	p.destination = ip.destination;
	p.protocol = ip.protocol;
	p.tos = ip.tos;
	p.header = ip.header;
	p.payload = ip.payload;
	icmp_send_error(s, ICMP_TIME_EXCEEDED, ICMP_REASSEMBLY_EXCEEDED, 0, &p);
}

static void answer_echo(struct stack *s, const struct ip_packet *p, const struct icmp *m)
{
	struct icmp reply = {.type = ICMP_ECHO_REPLY, .id = m->id, .sequence = m->sequence};
	struct ip_flow flow = {.source = p->destination, .destination = p->source,
	    .protocol = IP_PROTOCOL_ICMP, .ttl = TTL, .tos = p->tos};

	/* As Linux (icmp_echo_ignore_broadcasts): a broadcast ping is a tool of attackers. */
	if (!p->broadcast && !ip_is_unspecified(&p->source))
		send_message(s, &reply, 0, false, &flow, &m->payload, 1);
}

/* ---- errors in ---- */

int icmp_unreachable_errno(uint8_t code, bool *hard)
{
	static const struct {
		int error;
		bool hard;
	} row[] = {
	    {ENETUNREACH, false},  {EHOSTUNREACH, false}, {ENOPROTOOPT, true}, {ECONNREFUSED, true},
	    {EMSGSIZE, false},     {EOPNOTSUPP, false},   {ENETUNREACH, true}, {EHOSTDOWN, true},
	    {ENONET, true},        {ENETUNREACH, true},   {EHOSTUNREACH, true}, {ENETUNREACH, false},
	    {EHOSTUNREACH, false}, {EHOSTUNREACH, true},  {EHOSTUNREACH, true}, {EHOSTUNREACH, true},
	};

	if (code >= sizeof(row) / sizeof(row[0])) {
		*hard = false;
		return EHOSTUNREACH;
	}
	*hard = row[code].hard;
	return row[code].error;
}

/* What a router's report means: false when it is none that concerns a transport. */
static bool read_error(const struct icmp *m, struct ip_error *e)
{
	e->type = m->type;
	e->code = m->code;
	switch (m->type) {
	case ICMP_UNREACHABLE:
		e->error = icmp_unreachable_errno(m->code, &e->hard);
		if (m->code == ICMP_FRAGMENTATION_NEEDED)
			e->mtu_bytes = m->sequence;
		return true;
	case ICMP_TIME_EXCEEDED:
		e->error = EHOSTUNREACH;
		return true;
	case ICMP_PARAMETER_PROBLEM:
		e->error = EPROTO;
		e->hard = true;
		return true;
	default:
		/* Source quench means nothing any more (RFC 6633). */
		return false;
	}
}

static void tell_trace(struct stack *s, const struct ip_error *e)
{
	struct trace_event event = {.kind = TRACE_ICMP_ERROR, .text = "a packet of ours did not arrive",
	    .local = {.addr = e->source}, .remote = {.addr = e->destination},
	    .number = {(uint64_t)e->error, e->type, e->code}};

	if (trace_on(s))
		trace_emit(s, &event);
}

void icmp_dispatch(struct stack *s, const struct ip_error *e)
{
	tell_trace(s, e);
	raw_error(s, e);
	if (e->payload.bytes < 8)
		return;
	if (e->protocol == IP_PROTOCOL_TCP)
		tcp_error(s, e);
	else if (e->protocol == IP_PROTOCOL_UDP)
		udp_error(s, e);
	else if (e->protocol == IP_PROTOCOL_ICMP || e->protocol == IP_PROTOCOL_ICMPV6)
		ping_error(s, e);
}

static bool quote_is_ours(struct stack *s, struct span quote, struct ip_error *e)
{
	struct ipv4 ip;

	if (ipv4_parse_quoted(quote, &ip) != IPV4_OK || ip.offset_bytes)
		return false;
	e->source = ip.source;
	e->destination = ip.destination;
	e->protocol = ip.protocol;
	e->payload = ip.payload;
	return ip_is_local(s, &ip.source);
}

static void error_input(struct stack *s, const struct ip_packet *p, const struct icmp *m)
{
	struct ip_error e = {.offender = p->source};

	if (!read_error(m, &e))
		return;
	if (p->broadcast || !quote_is_ours(s, m->payload, &e)) {
		s->counters.icmp_in_errors++;
		trace_drop(s, "ICMP error about a packet that is not ours", "RFC 1122 3.2.2", (uint32_t)p->payload.bytes);
		return;
	}
	icmp_dispatch(s, &e);
}

void icmp_host_unreachable_here(struct stack *s, struct span packet)
{
	struct ip_error e = {.error = EHOSTUNREACH, .type = ICMP_UNREACHABLE, .code = ICMP_HOST_UNREACHABLE};

	if (packet.bytes && packet.data[0] >> 4 == 6) {
		icmpv6_address_unreachable_here(s, packet);
		return;
	}
	if (!quote_is_ours(s, packet, &e))
		return;
	e.offender = e.source;
	icmp_dispatch(s, &e);
}

void icmp_input(struct stack *s, const struct ip_packet *p)
{
	struct icmp m;

	s->counters.icmp_in_messages++;
	if (!icmp_parse(p->payload, !p->checksum_verified, &m)) {
		s->counters.icmp_in_errors++;
		trace_drop(s, "ICMP too short or with a wrong checksum", "RFC 792", (uint32_t)p->payload.bytes);
		return;
	}
	switch (m.type) {
	case ICMP_ECHO:
		s->counters.icmp_in_echo++;
		answer_echo(s, p, &m);
		break;
	case ICMP_ECHO_REPLY:
		ping_input(s, p);
		break;
	case ICMP_UNREACHABLE:
		s->counters.icmp_in_unreachable++;
		error_input(s, p, &m);
		break;
	case ICMP_TIME_EXCEEDED:
		s->counters.icmp_in_time_exceeded++;
		error_input(s, p, &m);
		break;
	default:
		error_input(s, p, &m);
		break;
	}
}
