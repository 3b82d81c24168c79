/* SPDX-License-Identifier: MIT */
/* UDP (RFC 768, RFC 1122 4.1, udp(7)): ports, checksums and nothing else. */
#include <errno.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <string.h>

#include "stack/base/checksum.h"
#include "stack/protocol/datagram.h"
#include "stack/protocol/multicast.h"
#include "stack/wire/udp.h"

#define NO_CHECKSUM UINT16_MAX
/* Pieces that one UDP_SEGMENT call may make (Linux: UDP_MAX_SEGMENTS). */
#define SEGMENTS_MAX 128U

/* ---- in ---- */

static bool checksum_is_right(const struct ip_packet *p, const struct udp *u)
{
	struct checksum sum;
	struct be16 rest;

	if (p->checksum_verified)
		return true;
	if (!u->has_checksum)
		return ip_is_v4(&p->source); /* RFC 8200 8.1: IPv6 demands one */
	sum = checksum_pseudo_header(&p->source, &p->destination, IP_PROTOCOL_UDP, (uint32_t)u->datagram.bytes);
	rest = checksum_finish(checksum_add(sum, u->datagram.data, u->datagram.bytes));
	return be16_get(rest) == 0;
}

struct delivery {
	const struct ip_packet *packet;
	const struct udp *udp;
	unsigned delivered;
};

static void deliver_one(struct socket *so, const struct ip_packet *p, uint16_t port, struct span payload)
{
	if (datagram_deliver(so, p, port, &payload, 1))
		so->stack->counters.udp_in_datagrams++;
	else
		so->stack->counters.udp_in_overflow++;
}

/* A train of datagrams that the driver put together goes apart again, unless UDP_GRO asks for it. */
static void deliver(struct socket *so, void *context)
{
	struct delivery *d = context;
	struct ip_packet alone = *d->packet;
	struct span rest = d->udp->payload;

	if (!multicast_is_heard(so, d->packet))
		return;
	d->delivered++;
	if (datagram_of(so)->receive_merged && rest.bytes > alone.gso_bytes) {
		deliver_one(so, d->packet, d->udp->source_port, rest);
		return;
	}
	alone.gso_bytes = 0;
	while (d->packet->gso_bytes && rest.bytes > d->packet->gso_bytes) {
		deliver_one(so, &alone, d->udp->source_port, (struct span){rest.data, d->packet->gso_bytes});
		rest = (struct span){rest.data + d->packet->gso_bytes, rest.bytes - d->packet->gso_bytes};
	}
	deliver_one(so, &alone, d->udp->source_port, rest);
}

static void drop(struct stack *s, const char *why, const struct ip_packet *p)
{
	s->counters.udp_in_errors++;
	trace_drop(s, why, NULL, (uint32_t)p->payload.bytes);
}

void udp_input(struct stack *s, const struct ip_packet *p)
{
	struct udp u;
	struct delivery d = {p, &u, 0};
	struct endpoint local = {.addr = p->destination}, remote = {.addr = p->source};
	struct socket *so;

	if (!udp_parse(p->payload, &u)) {
		drop(s, "UDP header that makes no sense", p);
		return;
	}
	if (!checksum_is_right(p, &u)) {
		drop(s, "wrong UDP checksum", p);
		return;
	}
	local.port = u.destination_port;
	remote.port = u.source_port;
	if (p->broadcast) {
		port_for_each(s, SOCKET_UDP, &local, &remote, p->interface, deliver, &d);
	} else {
		so = port_find(s, SOCKET_UDP, IP_PROTOCOL_UDP, &local, &remote, p->interface, NULL);
		if (so)
			deliver(so, &d);
	}
	if (d.delivered)
		return;
	s->counters.udp_in_no_port++;
	trace_drop(s, "no UDP socket on that port", "RFC 1122 4.1.3.1", (uint32_t)p->payload.bytes);
	if (!p->broadcast)
		icmp_send_port_unreachable(s, p);
}

void udp_error(struct stack *s, const struct ip_error *e)
{
	struct udp u;
	struct endpoint local = {.addr = e->source}, remote = {.addr = e->destination};
	struct span quoted = e->payload;
	struct socket *so;

	if (quoted.bytes < UDP_HEADER_BYTES)
		return;
	/* The quote may be cut: only the ports are needed. */
	u.source_port = (uint16_t)(quoted.data[0] << 8 | quoted.data[1]);
	u.destination_port = (uint16_t)(quoted.data[2] << 8 | quoted.data[3]);
	local.port = u.source_port;
	remote.port = u.destination_port;
	so = port_find(s, SOCKET_UDP, IP_PROTOCOL_UDP, &local, &remote, 0, NULL);
	if (!so)
		return;
	quoted.data += UDP_HEADER_BYTES;
	quoted.bytes -= UDP_HEADER_BYTES;
	datagram_fail(so, e, remote.port, quoted);
}

/* ---- out ---- */

static int check_segments(const struct datagram_way *way, size_t payload_bytes, uint32_t segment_bytes)
{
	uint32_t headers = (ip_is_v4(&way->remote.addr) ? 20U : 40U) + UDP_HEADER_BYTES;

	if (segment_bytes + headers > way->path.mtu_bytes)
		return -EINVAL;
	if (payload_bytes > (size_t)segment_bytes * SEGMENTS_MAX)
		return -EINVAL;
	return 0;
}

static int send_datagram(struct socket *so, const struct datagram *d, struct span payload)
{
	struct datagram_way way;
	uint8_t header[UDP_HEADER_BYTES];
	struct span part[2] = {{header, sizeof(header)}, payload};
	uint16_t segment_bytes = d->gso_bytes ? d->gso_bytes : datagram_of(so)->segment_bytes;
	bool sum;
	int error;

	if (payload.bytes > FRAME_PACKET_MAX - UDP_HEADER_BYTES - (so->family == 4 ? 20U : 0U))
		return -EMSGSIZE;
	error = datagram_route(so, d, &way);
	if (error)
		return error;
	if (payload.bytes <= segment_bytes)
		segment_bytes = 0;
	if (segment_bytes) {
		error = check_segments(&way, payload.bytes, segment_bytes);
		if (error)
			return error;
	}
	udp_emit(header, so->local.port, way.remote.port, (uint32_t)payload.bytes);
	sum = !so->option.no_check || !ip_is_v4(&way.remote.addr);
	error = ip_send(so->stack, &way.flow, &way.path, part, 2, sum ? UDP_CHECKSUM_OFFSET : NO_CHECKSUM,
	    segment_bytes);
	if (!error)
		so->stack->counters.udp_out_datagrams++;
	return error;
}

/* ---- options ---- */

static int set_option(struct socket *so, int level, int name, const void *value, uint32_t bytes)
{
	int number;

	if (level != IPPROTO_UDP)
		return -ENOPROTOOPT;
	if (bytes < sizeof(number))
		return -EINVAL;
	memcpy(&number, value, sizeof(number));
	switch (name) {
	case UDP_SEGMENT:
		if (number < 0 || number > UINT16_MAX)
			return -EINVAL;
		datagram_of(so)->segment_bytes = (uint16_t)number;
		return 0;
	case UDP_GRO:
		datagram_of(so)->receive_merged = number != 0;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int get_option(struct socket *so, int level, int name, void *value, uint32_t *bytes)
{
	if (level != IPPROTO_UDP)
		return -ENOPROTOOPT;
	switch (name) {
	case UDP_SEGMENT:
		option_answer_int(datagram_of(so)->segment_bytes, value, bytes);
		return 0;
	case UDP_GRO:
		option_answer_int(datagram_of(so)->receive_merged, value, bytes);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

const struct socket_ops udp_socket_ops = {
    .name = "udp",
    .connect = datagram_connect,
    .send_datagram = send_datagram,
    .shutdown = datagram_shutdown,
    .close = datagram_close,
    .abort = datagram_abort,
    .set_option = set_option,
    .get_option = get_option,
    .info = datagram_info,
};
