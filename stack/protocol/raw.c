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

#define NO_CHECKSUM UINT16_MAX
/* linux/icmp.h, raw(7): option of level SOL_RAW on an ICMP socket. */
#define LEVEL_RAW 255
#define OPTION_ICMP_FILTER 1

struct delivery {
	const struct ip_packet *packet;
	bool delivered;
};

static bool is_filtered(const struct socket *so, const struct ip_packet *p)
{
	const struct datagram_socket *ds = (const struct datagram_socket *)so;

	return p->protocol == IP_PROTOCOL_ICMP && p->payload.bytes > 0 && p->payload.data[0] < 32 &&
	       (ds->icmp_filter >> p->payload.data[0] & 1);
}

static void deliver(struct socket *so, void *context)
{
	struct delivery *d = context;
	struct span part[2] = {d->packet->header, d->packet->payload};

	d->delivered = true;
	if (!is_filtered(so, d->packet))
		datagram_deliver(so, d->packet, 0, part, 2);
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

/* Takes the header that the program wrote off the payload. */
static int take_header(struct datagram_way *way, struct span *payload)
{
	const uint8_t *octet = payload->data;
	size_t header_bytes;
	struct ip_addr source;

	if (payload->bytes < 20 || octet[0] >> 4 != 4)
		return -EINVAL;
	header_bytes = (octet[0] & 15U) * 4U;
	if (header_bytes != 20 || header_bytes > payload->bytes)
		return -EINVAL; /* options in a header of the program's own are not sent */
	way->flow.tos = octet[1];
	way->flow.ttl = octet[8];
	way->flow.protocol = octet[9];
	way->flow.dont_fragment = octet[6] & 0x40;
	source = ip_from_v4((uint32_t)octet[12] << 24 | (uint32_t)octet[13] << 16 | (uint32_t)octet[14] << 8 | octet[15]);
	if (!ip_is_unspecified(&source))
		way->flow.source = source;
	payload->data += header_bytes;
	payload->bytes -= header_bytes;
	return 0;
}

static int send_datagram(struct socket *so, const struct datagram *d, struct span payload)
{
	struct datagram_way way;
	int error;

	if (payload.bytes > FRAME_PACKET_MAX - (includes_header(so) ? 0 : 20U))
		return -EMSGSIZE;
	error = datagram_route(so, d, &way);
	if (!error && includes_header(so))
		error = take_header(&way, &payload);
	return error ? error : ip_send(so->stack, &way.flow, &way.path, &payload, 1, NO_CHECKSUM, 0);
}

static int set_option(struct socket *so, int level, int name, const void *value, uint32_t bytes)
{
	struct datagram_socket *ds = datagram_of(so);
	int number = 0;

	if (level == LEVEL_RAW && name == OPTION_ICMP_FILTER && so->protocol == IP_PROTOCOL_ICMP) {
		memcpy(&ds->icmp_filter, value, bytes < sizeof(ds->icmp_filter) ? bytes : sizeof(ds->icmp_filter));
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
