/* SPDX-License-Identifier: MIT */
/*
 * The scripted peer: makes real packets of the script's, and holds the engine's packets against
 * the script's. Written against the RFCs, not against stack/wire, whose mistakes it is to find.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/script/world.h"

#define IP_BYTES 20U

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

static uint32_t sum(const uint8_t *p, uint32_t bytes, uint32_t s)
{
	for (uint32_t i = 0; i + 1 < bytes; i += 2)
		s += get16(p + i);
	if (bytes & 1)
		s += (uint32_t)p[bytes - 1] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static uint32_t transport_sum(const uint8_t *ip, uint32_t bytes)
{
	uint32_t s = sum(ip + 12, 8, 0) + ip[9] + (bytes - IP_BYTES);

	return sum(ip + IP_BYTES, bytes - IP_BYTES, s);
}

static void put_ip(uint8_t *p, uint32_t bytes, uint8_t protocol, uint8_t tos, uint8_t ttl, uint32_t from, uint32_t to)
{
	memset(p, 0, IP_BYTES);
	p[0] = 0x45;
	p[1] = tos;
	put16(p + 2, bytes);
	p[8] = ttl;
	p[9] = protocol;
	put32(p + 12, from);
	put32(p + 16, to);
	put16(p + 10, ~sum(p, IP_BYTES, 0) & 0xffff);
}

/* ---- to the engine ---- */

static uint32_t real_echo(const struct connection *c, uint32_t script)
{
	for (unsigned i = c->ts_count; i-- > 0;)
		if (c->ts_script[i % 32] == script)
			return c->ts_real[i % 32];
	return script;
}

static uint32_t put_option(uint8_t *p, const struct connection *c, const struct spec_option *o)
{
	p[0] = o->kind;
	if (o->kind == TCP_OPTION_NOP || o->kind == TCP_OPTION_END)
		return 1;
	p[1] = 2;
	switch (o->kind) {
	case TCP_OPTION_MSS:
		p[1] = 4;
		put16(p + 2, o->value);
		break;
	case TCP_OPTION_WINDOW_SCALE:
		p[1] = 3;
		p[2] = (uint8_t)o->value;
		break;
	case TCP_OPTION_TIMESTAMPS:
		p[1] = 10;
		put32(p + 2, o->value);
		put32(p + 6, real_echo(c, o->echo));
		break;
	case TCP_OPTION_SACK:
		p[1] = (uint8_t)(2 + 8 * o->count);
		for (unsigned i = 0; i < o->count; i++) {
			put32(p + 2 + 8 * i, o->block[i].first + c->local_isn);
			put32(p + 6 + 8 * i, o->block[i].end + c->local_isn);
		}
		break;
	case TCP_OPTION_EXPERIMENT:
		p[1] = (uint8_t)(4 + o->count);
		put16(p + 2, 0xf989);
		memcpy(p + 4, o->cookie, o->count);
		break;
	case TCP_OPTION_FASTOPEN:
		p[1] = (uint8_t)(2 + o->count);
		memcpy(p + 2, o->cookie, o->count);
		break;
	default:
		break;
	}
	return p[1];
}

/* The connection that a packet from the peer is for; a SYN to a listener begins one. */
static struct connection *inbound_connection(struct world *w, const struct packet_spec *p)
{
	bool syn = (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	struct connection *c = w->current;

	if (p->source_port) {
		c = world_connection(w, p->destination_port, p->source_port);
		return c ? c : world_new_connection(w, p->destination_port, p->source_port);
	}
	if (c && !(syn && w->listen_is_new))
		return c;
	w->listen_is_new = false;
	return world_new_connection(w, w->bound_port, w->next_remote_port++);
}

static void inject_tcp(struct world *w, const struct event *e)
{
	static uint8_t packet[PACKET_BYTES_MAX + 200];
	const struct packet_spec *p = &e->packet;
	struct connection *c = inbound_connection(w, p);
	uint8_t *tcp = packet + IP_BYTES;
	uint32_t header = 20, bytes;

	if ((p->flags & TCP_SYN) && !c->remote_known) {
		c->remote_known = true;
		c->remote_isn = 0;
	}
	memset(tcp, 0, 20);
	put16(tcp, c->remote_port);
	put16(tcp + 2, c->local_port);
	put32(tcp + 4, p->first + c->remote_isn);
	if (p->has_ack)
		put32(tcp + 8, p->ack + c->local_isn);
	tcp[13] = p->flags;
	put16(tcp + 14, p->window);
	put16(tcp + 18, p->urgent);
	for (unsigned i = 0; i < p->option_count; i++) {
		if (header > 60)
			script_fail("line %u: more than 40 octets of options", e->line);
		header += put_option(tcp + header, c, &p->option[i]);
	}
	while (header % 4)
		tcp[header++] = 0;
	if (header > 60)
		script_fail("line %u: more than 40 octets of options", e->line);
	tcp[12] = (uint8_t)(header / 4 << 4 | (p->ae ? 1 : 0));
	bytes = IP_BYTES + header + p->payload;
	if (bytes > 65535)
		script_fail("line %u: more than 64 KiB", e->line);
	for (uint32_t i = 0; i < p->payload; i++)
		tcp[header + i] = pattern_byte(p->first + (p->flags & TCP_SYN ? 1 : 0) + i);
	if (p->flags & TCP_URG)
		c->urgent_seen = true;
	put_ip(packet, bytes, 6, (uint8_t)(p->ecn > 0 ? p->ecn : 0), (uint8_t)(p->ttl > 0 ? p->ttl : 64),
	    REMOTE_IP, LOCAL_IP);
	put16(tcp + 16, ~transport_sum(packet, bytes) & 0xffff);
	world_inject(w, packet, bytes);
}

static void inject_udp(struct world *w, const struct packet_spec *p)
{
	static uint8_t packet[PACKET_BYTES_MAX];
	uint8_t *udp = packet + IP_BYTES;
	uint32_t bytes = IP_BYTES + 8 + p->payload;

	put16(udp, w->current ? w->current->remote_port : LISTEN_PORT);
	put16(udp + 2, w->current ? w->current->local_port : w->bound_port);
	put16(udp + 4, 8 + p->payload);
	put16(udp + 6, 0);
	for (uint32_t i = 0; i < p->payload; i++)
		udp[8 + i] = pattern_byte(i);
	put_ip(packet, bytes, 17, (uint8_t)(p->ecn > 0 ? p->ecn : 0), 64, REMOTE_IP, LOCAL_IP);
	put16(udp + 6, ~transport_sum(packet, bytes) & 0xffff);
	world_inject(w, packet, bytes);
}

/* An ICMP error that quotes a packet of ours. */
static void inject_icmp(struct world *w, const struct packet_spec *p)
{
	uint8_t packet[IP_BYTES + 8 + IP_BYTES + 20] = {0};
	uint8_t *icmp = packet + IP_BYTES, *quote = icmp + 8, *transport = quote + IP_BYTES;
	const struct connection *c = w->current;
	bool udp = p->flags == 1;

	if (!c)
		script_fail("an ICMP error without a connection that it could be about");
	icmp[0] = p->icmp_type;
	icmp[1] = p->icmp_code;
	put16(icmp + 6, p->icmp_mtu);
	put_ip(quote, IP_BYTES + (udp ? 8 : 20) + p->payload, udp ? 17 : 6, 0, 64, LOCAL_IP, REMOTE_IP);
	put16(transport, c->local_port);
	put16(transport + 2, c->remote_port);
	if (udp) {
		put16(transport + 4, 8 + p->payload);
	} else {
		put32(transport + 4, p->first + c->local_isn);
		transport[12] = 5 << 4;
		transport[13] = TCP_ACK;
	}
	put16(icmp + 2, ~sum(icmp, 8 + IP_BYTES + 20, 0) & 0xffff);
	put_ip(packet, sizeof(packet), 1, 0, 64, REMOTE_IP, LOCAL_IP);
	world_inject(w, packet, sizeof(packet));
}

void wire_inject(struct world *w, const struct event *e)
{
	switch (e->packet.kind) {
	case SPEC_TCP:
		inject_tcp(w, e);
		break;
	case SPEC_UDP:
		inject_udp(w, &e->packet);
		break;
	case SPEC_ICMP:
		inject_icmp(w, &e->packet);
		break;
	}
}

/* ---- from the engine ---- */

struct seen {
	const uint8_t *ip, *tcp, *data, *options;
	uint32_t bytes, data_bytes, option_bytes;
	uint32_t seq, ack;
	uint8_t protocol, flags, tos, ttl;
	uint16_t source, destination;
};

static bool look(const struct captured *p, struct seen *s)
{
	uint32_t header;

	*s = (struct seen){.ip = p->data, .bytes = p->bytes};
	if (p->bytes < IP_BYTES + 8 || p->data[0] != 0x45 || get16(p->data + 2) != p->bytes)
		return false;
	s->protocol = p->data[9];
	s->tos = p->data[1];
	s->ttl = p->data[8];
	s->tcp = p->data + IP_BYTES;
	s->source = (uint16_t)get16(s->tcp);
	s->destination = (uint16_t)get16(s->tcp + 2);
	if (s->protocol == 17) {
		s->data_bytes = p->bytes - IP_BYTES - 8;
		return true;
	}
	if (s->protocol != 6)
		return true;
	header = (uint32_t)(s->tcp[12] >> 4) * 4;
	if (header < 20 || IP_BYTES + header > p->bytes)
		return false;
	s->seq = get32(s->tcp + 4);
	s->ack = get32(s->tcp + 8);
	s->flags = s->tcp[13];
	s->options = s->tcp + 20;
	s->option_bytes = header - 20;
	s->data = s->tcp + header;
	s->data_bytes = p->bytes - IP_BYTES - header;
	return true;
}

static size_t print_options(char *out, size_t room, const struct seen *s, const struct connection *c)
{
	size_t n = 0;
	const uint8_t *o = s->options, *end = o + s->option_bytes;

#define ADD(...) (n += (size_t)snprintf(out + n, n < room ? room - n : 0, __VA_ARGS__))
	ADD(" <");
	while (o < end) {
		uint32_t size = *o <= 1 || o + 1 >= end || o[1] < 2 ? 1 : o[1];

		if (n > 2)
			ADD(",");
		if (*o == TCP_OPTION_NOP)
			ADD("nop");
		else if (*o == TCP_OPTION_END)
			ADD("eol");
		else if (*o == TCP_OPTION_MSS)
			ADD("mss %u", get16(o + 2));
		else if (*o == TCP_OPTION_WINDOW_SCALE)
			ADD("wscale %u", o[2]);
		else if (*o == TCP_OPTION_SACK_PERMITTED)
			ADD("sackOK");
		else if (*o == TCP_OPTION_TIMESTAMPS)
			ADD("TS val %u ecr %u", get32(o + 2), get32(o + 6));
		else if (*o == TCP_OPTION_SACK) {
			ADD("sack");
			for (uint32_t i = 2; i + 8 <= size; i += 8)
				ADD(" %u:%u", get32(o + i) - (c ? c->remote_isn : 0),
				    get32(o + i + 4) - (c ? c->remote_isn : 0));
		} else if (*o == TCP_OPTION_FASTOPEN) {
			ADD("FO ");
			for (uint32_t i = 2; i < size; i++)
				ADD("%02x", o[i]);
		} else {
			ADD("kind %u length %u", *o, size);
		}
		o += size;
	}
	ADD(">");
#undef ADD
	return n;
}

const char *wire_print(struct world *w, const struct captured *p)
{
	static char text[600];
	struct seen s;
	const struct connection *c;
	char flags[12];
	unsigned n = 0;
	uint32_t local, length;

	if (!look(p, &s))
		return "a packet that makes no sense";
	if (s.protocol == 17) {
		snprintf(text, sizeof(text), "> udp (%u)", s.data_bytes);
		return text;
	}
	if (s.protocol != 6) {
		snprintf(text, sizeof(text), "> icmp type %u code %u", s.tcp[0], s.tcp[1]);
		return text;
	}
	c = world_connection(w, s.source, s.destination);
	for (unsigned i = 0; i < 8; i++)
		if (s.flags & 1U << i)
			flags[n++] = "FSRP.UEW"[i];
	flags[n] = 0;
	local = c && c->local_known ? c->local_isn : s.seq;
	length = s.data_bytes;
	n = (unsigned)snprintf(text, sizeof(text), "> %s%s %u:%u(%u)", s.tos & 3 ? (s.tos & 3) == 3 ? "[ce] " : (s.tos & 3) == 2 ? "[ect0] " : "[ect1] " : "",
	    n ? flags : "-", s.seq - local, s.seq - local + length, length);
	if (s.flags & TCP_ACK)
		n += (unsigned)snprintf(text + n, sizeof(text) - n, " ack %u", s.ack - (c ? c->remote_isn : 0));
	n += (unsigned)snprintf(text + n, sizeof(text) - n, " win %u", get16(s.tcp + 14));
	if (s.flags & TCP_URG)
		n += (unsigned)snprintf(text + n, sizeof(text) - n, " urg %u", get16(s.tcp + 18));
	if (s.option_bytes)
		print_options(text + n, sizeof(text) - n, &s, c);
	return text;
}

/* ---- comparing ---- */

__attribute__((noreturn)) static void differs(struct world *w, const struct event *e, const struct captured *p, const char *what)
{
	script_fail("line %u: %s\nexpected %s\nseen     %.6f %s", e->line, what, e->source,
	    world_seconds(w, p->time_ns), wire_print(w, p));
}

/* Exactly the options of the script, in its order. */
static const char *compare_options(struct connection *c, const struct packet_spec *p, const struct seen *s)
{
	uint8_t want[80];
	uint32_t n = 0;

	for (unsigned i = 0; i < p->option_count; i++) {
		const struct spec_option *o = &p->option[i];
		uint32_t size;

		if (n > 40)
			return "the script has more than 40 octets of options";
		size = put_option(want + n, c, o);
		if (o->kind == TCP_OPTION_SACK)
			for (unsigned b = 0; b < o->count; b++) {
				put32(want + n + 2 + 8 * b, o->block[b].first + c->remote_isn);
				put32(want + n + 6 + 8 * b, o->block[b].end + c->remote_isn);
			}
		if (o->kind == TCP_OPTION_TIMESTAMPS && n + 10 <= s->option_bytes && s->options[n] == TCP_OPTION_TIMESTAMPS) {
			/* Our clock's values get the script's names; the echo is the peer's own number. */
			c->ts_script[c->ts_count % 32] = o->value;
			c->ts_real[c->ts_count++ % 32] = get32(s->options + n + 2);
			memcpy(want + n + 2, s->options + n + 2, 4);
			put32(want + n + 6, o->echo);
		}
		/* A request for a cookie, and a cookie that the script writes as it likes, differ in length only. */
		n += size;
	}
	while (n % 4)
		want[n++] = 0;
	if (n != s->option_bytes || memcmp(want, s->options, n) != 0)
		return "other TCP options";
	return NULL;
}

static const char *compare_payload(const struct connection *c, const struct packet_spec *p, const struct seen *s)
{
	uint32_t at = s->seq - c->local_isn - (p->flags & TCP_SYN ? 0 : 1);

	for (uint32_t i = 0; i < s->data_bytes; i++)
		if (at + i < c->written_bytes && s->data[i] != c->written[at + i])
			return "other payload than was written";
	return NULL;
}

static const char *compare_numbers(const struct connection *c, const struct packet_spec *p, const struct seen *s)
{
	if (s->flags != p->flags)
		return "other flags";
	if (s->seq - c->local_isn != p->first)
		return "other sequence number";
	if (s->data_bytes != p->payload)
		return "other length";
	if (p->has_ack && s->ack - c->remote_isn != p->ack)
		return "other acknowledgement number";
	if (p->has_window && get16(s->tcp + 14) != p->window)
		return "other window";
	if (p->has_urgent && get16(s->tcp + 18) != p->urgent)
		return "other urgent pointer";
	if (p->ecn == -2 ? (s->tos & 3) == 0 : p->ecn >= 0 && (s->tos & 3) != p->ecn)
		return "other ECN mark";
	if (p->ttl >= 0 && s->ttl != p->ttl)
		return "other TTL";
	if (p->ae != (s->tcp[12] & 1))
		return "other AE flag";
	return NULL;
}

/* A captured packet is followed by another that goes on where it ends: as one, as a script sees
 * what Linux hands to its device. */
static struct captured *join(struct world *w, struct captured *p, const struct packet_spec *spec)
{
	struct seen a, b;

	while (look(p, &a) && a.data_bytes && a.data_bytes < spec->payload && w->first && look(w->first, &b) &&
	       b.protocol == 6 && b.source == a.source && b.destination == a.destination &&
	       b.data_bytes && b.seq == a.seq + a.data_bytes && b.option_bytes == a.option_bytes &&
	       w->first->time_ns == p->time_ns) {
		struct captured *next = world_take_packet(w);

		look(next, &b);
		memcpy((uint8_t *)p->data + p->bytes, b.data, b.data_bytes);
		p->bytes += b.data_bytes;
		put16(p->data + 2, p->bytes);
		p->data[IP_BYTES + 13] |= b.flags;
		free(next);
	}
	return p;
}

static void learn(struct world *w, struct connection **c, const struct seen *s, const struct packet_spec *p)
{
	if (!*c)
		*c = world_new_connection(w, s->source, s->destination);
	if ((s->flags & TCP_SYN) && !(*c)->local_known) {
		(*c)->local_known = true;
		(*c)->local_isn = s->seq - p->first;
	}
}

void wire_expect(struct world *w, const struct event *e, struct captured *packet)
{
	const struct packet_spec *p = &e->packet;
	struct connection *c;
	const char *what = NULL;
	struct seen s;

	if (!look(packet, &s))
		script_fail("line %u: the engine sent a packet with a broken header", e->line);
	if (sum(s.ip, IP_BYTES, 0) != 0xffff)
		differs(w, e, packet, "wrong IP header checksum");
	if (p->kind == SPEC_UDP || p->kind == SPEC_ICMP) {
		if (s.protocol != (p->kind == SPEC_UDP ? 17 : 1))
			differs(w, e, packet, "another protocol");
		if (p->kind == SPEC_UDP && s.data_bytes != p->payload)
			differs(w, e, packet, "other length");
		if (p->kind == SPEC_ICMP && (s.tcp[0] != p->icmp_type || s.tcp[1] != p->icmp_code))
			differs(w, e, packet, "other ICMP message");
		if (p->kind == SPEC_UDP && !w->current)
			world_new_connection(w, s.source, s.destination);
		return;
	}
	if (s.protocol != 6)
		differs(w, e, packet, "not TCP");
	if (transport_sum(s.ip, s.bytes) != 0xffff)
		differs(w, e, packet, "wrong TCP checksum");
	join(w, packet, p);
	look(packet, &s);
	c = world_connection(w, s.source, s.destination);
	if (c && (s.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && c->local_known && !c->remote_known &&
	    s.seq != c->local_isn)
		c = NULL; /* the same ports anew */
	learn(w, &c, &s, p);
	if (p->source_port ? s.source != p->source_port || s.destination != p->destination_port
			   : c != w->current && !(s.flags & TCP_SYN))
		what = "another connection";
	if (!what)
		what = compare_numbers(c, p, &s);
	if (!what && !p->any_options)
		what = compare_options(c, p, &s);
	if (!what)
		what = compare_payload(c, p, &s);
	if (what)
		differs(w, e, packet, what);
}
