/* SPDX-License-Identifier: MIT */
/*
 * Raw IPv4 sockets (raw(7)): every packet of the protocol in a copy with its IP header; out, the
 * program's bytes behind our header, or (IP_HDRINCL, IPPROTO_RAW) behind one whose addresses, TOS,
 * TTL and protocol the program has written; length, checksum and identification are ours.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "stack/protocol/datagram.h"
#include "stack/protocol/internet.h"
#include "stack/protocol/multicast.h"
#include "stack/wire/icmp.h"

#define NO_CHECKSUM UINT16_MAX
#define CHECKSUM_OFFSET 2U /* ICMPv6's */
/* linux/icmp.h, raw(7): option of level SOL_RAW on an ICMP socket. */
#define LEVEL_RAW 255
#define OPTION_ICMP_FILTER 1
#define OPTION_ICMPV6_FILTER 1 /* RFC 3542 3.2 */

struct delivery {
	const struct ip_packet *packet;
	bool delivered;
};

static bool is_filtered(const struct socket *so, const struct ip_packet *p)
{
	const struct datagram_socket *ds = (const struct datagram_socket *)so;

	if (p->protocol == IP_PROTOCOL_ICMPV6 && p->payload.bytes > 0)
		return ds->icmpv6_filter[p->payload.data[0] / 32] >> p->payload.data[0] % 32 & 1;
	return p->protocol == IP_PROTOCOL_ICMP && p->payload.bytes > 0 && p->payload.data[0] < 32 &&
	       (ds->icmp_filter >> p->payload.data[0] & 1);
}

static void deliver(struct socket *so, void *context)
{
	struct delivery *d = context;
	struct span part[2] = {d->packet->header, d->packet->payload};
	bool v4 = ip_is_v4(&d->packet->source);

	if ((so->family == 4) != v4 || !multicast_is_heard(so, d->packet))
		return;
	d->delivered = true;
	if (is_filtered(so, d->packet))
		return;
	/* raw(7): with the header. ipv6(7), RFC 3542 3: without. */
	if (v4)
		datagram_deliver(so, d->packet, 0, part, 2);
	else
		datagram_deliver(so, d->packet, 0, &part[1], 1);
}

bool raw_input(struct stack *s, const struct ip_packet *p)
{
	struct delivery d = {p, false};
	struct endpoint local = {.addr = p->destination, .port = p->protocol}, remote = {.addr = p->source};

	port_for_each(s, SOCKET_RAW, &local, &remote, p->interface, deliver, &d);
	return d.delivered;
}

static void fail(struct socket *so, void *context)
{
	const struct ip_error *e = context;

	datagram_fail(so, e, 0, e->payload);
}

void raw_error(struct stack *s, const struct ip_error *e)
{
	struct endpoint local = {.addr = e->source, .port = e->protocol}, remote = {.addr = e->destination};

	port_for_each(s, SOCKET_RAW, &local, &remote, 0, fail, (void *)e);
}

static bool includes_header(const struct socket *so)
{
	return so->protocol == IPPROTO_RAW || ((const struct datagram_socket *)so)->header_included;
}

/* IP_HDRINCL (raw(7)): length and checksum are always ours, source and identification when they are
 * zero; what is larger than the link allows is refused, not cut. */
static int send_with_header(struct socket *so, const struct datagram_way *way, struct span packet)
{
	struct stack *s = so->stack;
	size_t header_bytes = packet.bytes ? 4 * (size_t)(packet.data[0] & 15) : 0;
	struct packet *p;
	uint8_t *o;

	if (header_bytes < IPV4_HEADER_BYTES || header_bytes > packet.bytes || packet.data[0] >> 4 != 4)
		return -EINVAL;
	if (packet.bytes > way->path.mtu_bytes)
		return -EMSGSIZE;
	p = packet_make(s, (uint32_t)packet.bytes);
	if (!p)
		return -ENOBUFS;
	o = packet_data(p);
	memcpy(o, packet.data, packet.bytes);
	o[2] = (uint8_t)(packet.bytes >> 8);
	o[3] = (uint8_t)packet.bytes;
	if (!o[4] && !o[5]) {
		uint64_t id = random_next(&s->random);

		memcpy(o + 4, &id, 2);
	}
	if (!o[12] && !o[13] && !o[14] && !o[15])
		memcpy(o + 12, way->path.source.octet + 12, 4);
	ipv4_emit_checksum(o, (uint32_t)header_bytes);
	return ip_transmit(s, p, &way->path);
}

static bool sums_itself(const struct socket *so, const struct span *payload)
{
	return so->protocol == IP_PROTOCOL_ICMPV6 && payload->bytes >= ICMP_HEADER_BYTES;
}

static int send_datagram(struct socket *so, const struct datagram *d, struct span payload)
{
	struct datagram_way way;
	int error;

	if (payload.bytes > FRAME_PACKET_MAX)
		return -EMSGSIZE;
	error = datagram_route(so, d, &way);
	if (error)
		return error;
	if (so->family == 4 && includes_header(so))
		return send_with_header(so, &way, payload);
	/* RFC 3542 3.1: the sum of ICMPv6 covers addresses that the program need not know. */
	return ip_send(so->stack, &way.flow, &way.path, &payload, 1, sums_itself(so, &payload) ? CHECKSUM_OFFSET : NO_CHECKSUM, 0);
}

static int set_option(struct socket *so, int level, int name, const void *value, uint32_t bytes)
{
	struct datagram_socket *ds = datagram_of(so);
	int number = 0;

	if (level == LEVEL_RAW && name == OPTION_ICMP_FILTER && so->protocol == IP_PROTOCOL_ICMP) {
		memcpy(&ds->icmp_filter, value, bytes < sizeof(ds->icmp_filter) ? bytes : sizeof(ds->icmp_filter));
		return 0;
	}
	if (level == IPPROTO_ICMPV6 && name == OPTION_ICMPV6_FILTER && so->protocol == IP_PROTOCOL_ICMPV6) {
		memcpy(ds->icmpv6_filter, value, bytes < sizeof(ds->icmpv6_filter) ? bytes : sizeof(ds->icmpv6_filter));
		return 0;
	}
	if (level != IPPROTO_IP || name != IP_HDRINCL)
		return -ENOPROTOOPT;
	if (bytes < 1)
		return -EINVAL;
	memcpy(&number, value, bytes < sizeof(number) ? 1 : sizeof(number));
	ds->header_included = number != 0;
	return 0;
}

static int get_option(struct socket *so, int level, int name, void *value, uint32_t *bytes)
{
	const struct datagram_socket *ds = datagram_of(so);

	if (level == LEVEL_RAW && name == OPTION_ICMP_FILTER && so->protocol == IP_PROTOCOL_ICMP) {
		option_answer_int((int)ds->icmp_filter, value, bytes);
		return 0;
	}
	if (level == IPPROTO_ICMPV6 && name == OPTION_ICMPV6_FILTER && so->protocol == IP_PROTOCOL_ICMPV6) {
		if (*bytes > sizeof(ds->icmpv6_filter))
			*bytes = sizeof(ds->icmpv6_filter);
		memcpy(value, ds->icmpv6_filter, *bytes);
		return 0;
	}
	if (level != IPPROTO_IP || name != IP_HDRINCL)
		return -ENOPROTOOPT;
	option_answer_int(ds->header_included, value, bytes);
	return 0;
}

const struct socket_ops raw_socket_ops = {
    .name = "raw",
    .connect = datagram_connect,
    .send_datagram = send_datagram,
    .shutdown = datagram_shutdown,
    .close = datagram_close,
    .abort = datagram_abort,
    .set_option = set_option,
    .get_option = get_option,
    .info = datagram_info,
};
