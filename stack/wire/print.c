/* SPDX-License-Identifier: MIT */
/* Frames for readers; see print.h. */
#include "stack/wire/print.h"

#include "stack/base/text.h"
#include "stack/wire/ethernet.h"
#include "stack/wire/icmpv6.h"
#include "stack/wire/ipv4.h"
#include "stack/wire/ipv6.h"
#include "stack/wire/udp.h"

/* Headers of all layers with their options fit; payload is only counted. */
#define PEEK_BYTES 512U
#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_ICMPV6 58

/* What there is to look at, and how long it really is. */
struct view {
	struct span seen;
	uint32_t bytes;
};

static const char *kind_text(enum print_kind kind)
{
	static const char *const text[] = {
#define PRINT(name, text) [PRINT_##name] = text,
	    PRINT_KINDS(PRINT)
#undef PRINT
	};

	return text[kind];
}

static struct view behind(const struct view *v, size_t bytes)
{
	return (struct view){{v->seen.data + bytes, v->seen.bytes - bytes}, (uint32_t)(v->bytes - bytes)};
}

/* ---- facts ---- */

static void read_ports(const struct view *v, struct print_facts *f)
{
	f->has_ports = true;
	f->source.port = (uint16_t)(v->seen.data[0] << 8 | v->seen.data[1]);
	f->destination.port = (uint16_t)(v->seen.data[2] << 8 | v->seen.data[3]);
}

static void read_tcp(const struct view *v, struct print_facts *f)
{
	uint32_t header_bytes;

	if (tcp_parse(&f->tcp, v->seen) != 0)
		return;
	f->kind = PRINT_TCP;
	read_ports(v, f);
	header_bytes = (uint32_t)(v->seen.bytes - f->tcp.data.bytes);
	f->payload_bytes = v->bytes - header_bytes;
	f->tcp.length = f->payload_bytes + !!(f->tcp.flags & TCP_SYN) + !!(f->tcp.flags & TCP_FIN);
	f->tcp.data.bytes = f->payload_bytes;
}

static void read_udp(const struct view *v, struct print_facts *f)
{
	if (v->seen.bytes < UDP_HEADER_BYTES)
		return;
	f->kind = PRINT_UDP;
	read_ports(v, f);
	f->payload_bytes = v->bytes - UDP_HEADER_BYTES;
}

static void read_icmp(const struct view *v, enum print_kind kind, struct print_facts *f)
{
	if (!icmp_parse(v->seen, false, &f->icmp))
		return;
	f->kind = kind;
	if (kind == PRINT_ICMPV6)
		f->has_nd = nd_parse(v->seen, &f->nd);
	f->payload_bytes = v->bytes - ICMP_HEADER_BYTES;
}

static void read_transport(const struct view *v, struct print_facts *f)
{
	f->kind = PRINT_BROKEN;
	switch (f->ip_protocol) {
	case PROTOCOL_TCP:
		read_tcp(v, f);
		break;
	case PROTOCOL_UDP:
		read_udp(v, f);
		break;
	case PROTOCOL_ICMP:
		read_icmp(v, PRINT_ICMP, f);
		break;
	case PROTOCOL_ICMPV6:
		read_icmp(v, PRINT_ICMPV6, f);
		break;
	default:
		f->kind = PRINT_UNKNOWN;
		f->payload_bytes = v->bytes;
		break;
	}
}

static void read_ipv4(const struct view *v, struct print_facts *f)
{
	struct ipv4 ip;
	struct view inside;
	uint32_t total;

	f->kind = PRINT_BROKEN;
	if (ipv4_parse_quoted(v->seen, &ip) != IPV4_OK)
		return;
	total = (uint32_t)(v->seen.data[2] << 8 | v->seen.data[3]);
	if (total > v->bytes)
		return;
	f->has_ip = true;
	f->source = (struct endpoint){.addr = ip.source};
	f->destination = (struct endpoint){.addr = ip.destination};
	f->ip_protocol = ip.protocol;
	f->ttl = ip.ttl;
	f->tos = ip.tos;
	f->ip_id = ip.id;
	f->dont_fragment = ip.dont_fragment;
	f->more_fragments = ip.more_fragments;
	f->fragment_offset_bytes = ip.offset_bytes;
	inside = (struct view){ip.payload, (uint32_t)(total - ip.header.bytes)};
	if (ip.offset_bytes) {
		f->kind = PRINT_FRAGMENT;
		f->payload_bytes = inside.bytes;
	} else {
		read_transport(&inside, f);
	}
}

static void read_ipv6(const struct view *v, struct print_facts *f)
{
	struct ipv6 ip;
	struct ipv6_chain chain;
	struct view inside;
	uint32_t total, pointer;
	uint8_t action;

	f->kind = PRINT_BROKEN;
	if (ipv6_parse_quoted(v->seen, &ip) != IPV6_OK)
		return;
	total = IPV6_HEADER_BYTES + (uint32_t)(v->seen.data[4] << 8 | v->seen.data[5]);
	if (total > v->bytes)
		return;
	f->has_ip = true;
	f->source = (struct endpoint){.addr = ip.source};
	f->destination = (struct endpoint){.addr = ip.destination};
	f->ttl = ip.hop_limit;
	f->tos = ip.traffic_class;
	if (ipv6_walk(&ip, &chain, &pointer, &action) != IPV6_OK)
		return;
	f->ip_protocol = chain.protocol;
	f->more_fragments = chain.more_fragments;
	f->fragment_offset_bytes = chain.fragment_offset_bytes;
	f->ip_id = (uint16_t)chain.fragment_id;
	inside.seen = (struct span){ip.packet.data + chain.offset_bytes, ip.packet.bytes - chain.offset_bytes};
	inside.bytes = total - chain.offset_bytes;
	if (chain.fragment_offset_bytes) {
		f->kind = PRINT_FRAGMENT;
		f->payload_bytes = inside.bytes;
	} else {
		read_transport(&inside, f);
	}
}

static void read_network(const struct view *v, struct print_facts *f)
{
	f->kind = PRINT_UNKNOWN;
	f->payload_bytes = v->bytes;
	switch (f->link_type) {
	case ETHERNET_ARP:
		f->kind = arp_parse(v->seen, &f->arp) ? PRINT_ARP : PRINT_BROKEN;
		break;
	case ETHERNET_IPV4:
		read_ipv4(v, f);
		break;
	case ETHERNET_IPV6:
		read_ipv6(v, f);
		break;
	default:
		break;
	}
}

static bool read_frame(struct view v, bool has_link_header, struct print_facts *f)
{
	struct ethernet link;
	struct span rest;

	f->frame_bytes = v.bytes;
	f->has_link = has_link_header;
	if (has_link_header) {
		if (!ethernet_parse(v.seen, &link, &rest)) {
			f->kind = PRINT_BROKEN;
			return false;
		}
		f->link_source = link.source;
		f->link_destination = link.destination;
		f->link_type = link.type;
		v = behind(&v, ETHERNET_HEADER_BYTES);
	} else {
		f->link_type = v.seen.bytes && v.seen.data[0] >> 4 == 4 ? ETHERNET_IPV4 : ETHERNET_IPV6;
	}
	read_network(&v, f);
	return true;
}

/* ---- the line ---- */

const char *print_icmp_text(uint8_t type, uint8_t code)
{
	static const struct {
		int type, code; /* code -1: any */
		const char *text;
	} row[] = {
	    {ICMP_ECHO_REPLY, -1, "echo reply"},
	    {ICMP_ECHO, -1, "echo request"},
	    {ICMP_UNREACHABLE, 0, "net unreachable"},
	    {ICMP_UNREACHABLE, 1, "host unreachable"},
	    {ICMP_UNREACHABLE, 2, "protocol unreachable"},
	    {ICMP_UNREACHABLE, 3, "port unreachable"},
	    {ICMP_UNREACHABLE, 4, "fragmentation needed"},
	    {ICMP_UNREACHABLE, 9, "net prohibited"},
	    {ICMP_UNREACHABLE, 10, "host prohibited"},
	    {ICMP_UNREACHABLE, 13, "filtered"},
	    {ICMP_UNREACHABLE, -1, "unreachable"},
	    {ICMP_SOURCE_QUENCH, -1, "source quench"},
	    {ICMP_REDIRECT, -1, "redirect"},
	    {ICMP_TIME_EXCEEDED, 0, "time exceeded in transit"},
	    {ICMP_TIME_EXCEEDED, 1, "time exceeded in reassembly"},
	    {ICMP_PARAMETER_PROBLEM, -1, "parameter problem"},
	    {ICMP_TIMESTAMP, -1, "timestamp request"},
	    {ICMP_TIMESTAMP_REPLY, -1, "timestamp reply"},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		if (row[i].type == type && (row[i].code < 0 || row[i].code == code))
			return row[i].text;
	return "";
}

static void put_ip(struct text *t, const struct ip_addr *a)
{
	char text[IP_TEXT_BYTES];

	text_put(t, ip_print(a, text));
}

static void put_mac(struct text *t, const struct mac_addr *m)
{
	char text[MAC_TEXT_BYTES];

	text_put(t, mac_print(m, text));
}

static void put_count(struct text *t, const char *before, uint64_t n)
{
	text_put(t, before);
	text_put_number(t, n);
}

static void put_endpoints(struct text *t, const struct print_facts *f)
{
	char text[ENDPOINT_TEXT_BYTES];

	text_put(t, ip_is_v4(&f->source.addr) ? "IP " : "IP6 ");
	if (f->has_ports) {
		text_put(t, endpoint_print(&f->source, text));
		text_put(t, " > ");
		text_put(t, endpoint_print(&f->destination, text));
	} else {
		put_ip(t, &f->source.addr);
		text_put(t, " > ");
		put_ip(t, &f->destination.addr);
	}
	text_put(t, ": ");
}

static void put_arp(struct text *t, const struct print_facts *f)
{
	const struct arp *a = &f->arp;

	if (a->operation == ARP_REPLY) {
		text_put(t, "ARP ");
		put_ip(t, &a->sender);
		text_put(t, " is at ");
		put_mac(t, &a->sender_mac);
	} else if (ip_is_unspecified(&a->sender)) {
		text_put(t, "ARP probe: who has ");
		put_ip(t, &a->target);
	} else if (ip_equal(&a->sender, &a->target)) {
		text_put(t, "ARP announcement: ");
		put_ip(t, &a->sender);
		text_put(t, " is at ");
		put_mac(t, &a->sender_mac);
	} else {
		text_put(t, "ARP who has ");
		put_ip(t, &a->target);
		text_put(t, "? tell ");
		put_ip(t, &a->sender);
	}
}

static void put_icmp(struct text *t, const struct print_facts *f)
{
	const char *word = print_icmp_text(f->icmp.type, f->icmp.code);

	text_put(t, "ICMP ");
	if (*word) {
		text_put(t, word);
	} else {
		put_count(t, "type ", f->icmp.type);
		put_count(t, " code ", f->icmp.code);
	}
	if (f->icmp.type == ICMP_ECHO || f->icmp.type == ICMP_ECHO_REPLY) {
		put_count(t, ", id ", f->icmp.id);
		put_count(t, ", seq ", f->icmp.sequence);
	} else if (f->icmp.type == ICMP_UNREACHABLE && f->icmp.code == ICMP_FRAGMENTATION_NEEDED) {
		put_count(t, ", mtu ", f->icmp.sequence);
	}
	put_count(t, ", length ", f->payload_bytes);
}

static const char *icmpv6_text(uint8_t type, uint8_t code)
{
	static const struct {
		int type, code; /* code -1: any */
		const char *text;
	} row[] = {
	    {ICMPV6_UNREACHABLE, 0, "no route"},
	    {ICMPV6_UNREACHABLE, 1, "prohibited"},
	    {ICMPV6_UNREACHABLE, 3, "address unreachable"},
	    {ICMPV6_UNREACHABLE, 4, "port unreachable"},
	    {ICMPV6_UNREACHABLE, -1, "unreachable"},
	    {ICMPV6_TOO_BIG, -1, "packet too big"},
	    {ICMPV6_TIME_EXCEEDED, 0, "time exceeded in transit"},
	    {ICMPV6_TIME_EXCEEDED, 1, "time exceeded in reassembly"},
	    {ICMPV6_PARAMETER_PROBLEM, -1, "parameter problem"},
	    {ICMPV6_ECHO, -1, "echo request"},
	    {ICMPV6_ECHO_REPLY, -1, "echo reply"},
	    {ICMPV6_ROUTER_SOLICITATION, -1, "router solicitation"},
	    {ICMPV6_ROUTER_ADVERTISEMENT, -1, "router advertisement"},
	    {ICMPV6_NEIGHBOUR_SOLICITATION, -1, "neighbour solicitation"},
	    {ICMPV6_NEIGHBOUR_ADVERTISEMENT, -1, "neighbour advertisement"},
	    {ICMPV6_REDIRECT, -1, "redirect"},
	    {143, -1, "multicast listener report"},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		if (row[i].type == type && (row[i].code < 0 || row[i].code == code))
			return row[i].text;
	return "";
}

static void put_discovery(struct text *t, const struct nd_message *m)
{
	if (m->type == ICMPV6_NEIGHBOUR_SOLICITATION || m->type == ICMPV6_NEIGHBOUR_ADVERTISEMENT) {
		text_put(t, m->type == ICMPV6_NEIGHBOUR_SOLICITATION ? ", who has " : ", ");
		put_ip(t, &m->target);
	}
	if (m->type == ICMPV6_NEIGHBOUR_ADVERTISEMENT && m->has_mac) {
		text_put(t, " is at ");
		put_mac(t, &m->mac);
	}
	for (unsigned i = 0; i < m->prefix_count; i++) {
		text_put(t, ", prefix ");
		put_ip(t, &m->prefix[i].prefix.addr);
		put_count(t, "/", m->prefix[i].prefix.bits);
	}
}

static void put_icmpv6(struct text *t, const struct print_facts *f)
{
	const char *word = icmpv6_text(f->icmp.type, f->icmp.code);

	text_put(t, "ICMP6 ");
	if (*word) {
		text_put(t, word);
	} else {
		put_count(t, "type ", f->icmp.type);
		put_count(t, " code ", f->icmp.code);
	}
	if (f->has_nd) {
		put_discovery(t, &f->nd);
	} else if (f->icmp.type == ICMPV6_ECHO || f->icmp.type == ICMPV6_ECHO_REPLY) {
		put_count(t, ", id ", f->icmp.id);
		put_count(t, ", seq ", f->icmp.sequence);
	} else if (f->icmp.type == ICMPV6_TOO_BIG) {
		put_count(t, ", mtu ", (uint32_t)f->icmp.id << 16 | f->icmp.sequence);
	}
	put_count(t, ", length ", f->payload_bytes);
}

static void put_link(struct text *t, const struct print_facts *f)
{
	if (f->has_link) {
		put_mac(t, &f->link_source);
		text_put(t, " > ");
		put_mac(t, &f->link_destination);
		text_put(t, ", type 0x");
		text_put_hex(t, f->link_type, 4);
	} else {
		text_put(t, "packet");
	}
	put_count(t, ", length ", f->frame_bytes);
}

static void put_fragment(struct text *t, const struct print_facts *f)
{
	if (!f->more_fragments && !f->fragment_offset_bytes)
		return;
	put_count(t, " (fragment of id ", f->ip_id);
	put_count(t, ", offset ", f->fragment_offset_bytes);
	text_put(t, f->more_fragments ? ", more follow)" : ", last)");
}

static void put_line(const struct print_facts *f, struct text *t)
{
	char tcp[TCP_TEXT_BYTES];

	if (f->has_ip)
		put_endpoints(t, f);
	switch (f->kind) {
	case PRINT_ARP:
		put_arp(t, f);
		break;
	case PRINT_TCP:
		text_put(t, tcp_print(&f->tcp, tcp));
		break;
	case PRINT_UDP:
		put_count(t, "UDP, length ", f->payload_bytes);
		break;
	case PRINT_ICMP:
		put_icmp(t, f);
		break;
	case PRINT_ICMPV6:
		put_icmpv6(t, f);
		break;
	case PRINT_FRAGMENT:
	case PRINT_UNKNOWN:
		if (f->has_ip) {
			put_count(t, "protocol ", f->ip_protocol);
			put_count(t, ", length ", f->payload_bytes);
		} else {
			put_link(t, f);
		}
		break;
	case PRINT_BROKEN:
		if (!f->has_ip)
			put_link(t, f);
		text_put(t, " [cut short or malformed]");
		break;
	}
	put_fragment(t, f);
	if (f->gso_bytes && f->payload_bytes > f->gso_bytes) {
		put_count(t, " [", (f->payload_bytes + f->gso_bytes - 1) / f->gso_bytes);
		put_count(t, " x ", f->gso_bytes);
		text_put(t, "]");
	}
}

/* ---- entry points ---- */

static bool print_view(struct view v, uint16_t gso_bytes, bool has_link_header, struct print_facts *facts,
    char line[PRINT_LINE_BYTES])
{
	struct text t;
	bool good;

	*facts = (struct print_facts){.gso_bytes = gso_bytes};
	good = read_frame(v, has_link_header, facts);
	facts->kind_text = kind_text(facts->kind);
	if (line) {
		t = text_into(line, PRINT_LINE_BYTES);
		put_line(facts, &t);
	}
	return good;
}

bool print_frame_in(const struct frame_in *f, bool has_link_header, struct print_facts *facts,
    char line[PRINT_LINE_BYTES])
{
	struct view v = {{f->data, f->bytes < PEEK_BYTES ? f->bytes : PEEK_BYTES}, f->bytes};

	return print_view(v, f->gso == FRAME_GSO_NONE ? 0 : f->gso_bytes, has_link_header, facts, line);
}

bool print_frame_out(const struct frame_out *f, bool has_link_header, struct print_facts *facts,
    char line[PRINT_LINE_BYTES])
{
	uint8_t peek[PEEK_BYTES];
	uint32_t at = frame_header_bytes(f);
	struct view v = {{peek, 0}, frame_bytes(f)};

	memcpy(peek, frame_header(f), at);
	for (unsigned i = 0; i < f->part_count && at < PEEK_BYTES; i++) {
		size_t bytes = f->part[i].bytes < PEEK_BYTES - at ? f->part[i].bytes : PEEK_BYTES - at;

		memcpy(peek + at, f->part[i].data, bytes);
		at += (uint32_t)bytes;
	}
	v.seen.bytes = at;
	return print_view(v, f->gso == FRAME_GSO_NONE ? 0 : f->gso_bytes, has_link_header, facts, line);
}
