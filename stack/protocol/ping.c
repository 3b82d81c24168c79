/* SPDX-License-Identifier: MIT */
/*
 * Ping sockets: SOCK_DGRAM with IPPROTO_ICMP (icmp(7)). The program writes an echo request; its
 * identifier is the socket's "port", which we choose and write over the program's, and by which the
 * reply finds the socket.
 */
#include <errno.h>
#include <string.h>

#include "stack/protocol/datagram.h"
#include "stack/wire/icmpv6.h"

#define CHECKSUM_OFFSET 2U
#define IDENTIFIER_OFFSET 4U

static struct socket *find(struct stack *s, const struct ip_addr *local, const struct ip_addr *remote,
    uint16_t identifier, uint32_t interface)
{
	struct endpoint here = {.addr = *local, .port = identifier}, there = {.addr = *remote};

	return port_find(s, SOCKET_ICMP, ip_is_v4(local) ? IP_PROTOCOL_ICMP : IP_PROTOCOL_ICMPV6, &here, &there,
	    interface, NULL);
}

static uint16_t identifier_of(struct span message)
{
	return (uint16_t)(message.data[IDENTIFIER_OFFSET] << 8 | message.data[IDENTIFIER_OFFSET + 1]);
}

bool ping_input(struct stack *s, const struct ip_packet *p)
{
	struct socket *so;

	if (p->payload.bytes < ICMP_HEADER_BYTES)
		return false;
	so = find(s, &p->destination, &p->source, identifier_of(p->payload), p->interface);
	if (so)
		datagram_deliver(so, p, 0, &p->payload, 1);
	return so != NULL;
}

static uint8_t request_type(bool v4)
{
	return v4 ? (uint8_t)ICMP_ECHO : (uint8_t)ICMPV6_ECHO;
}

void ping_error(struct stack *s, const struct ip_error *e)
{
	struct socket *so;

	if (e->payload.bytes < ICMP_HEADER_BYTES || e->payload.data[0] != request_type(ip_is_v4(&e->source)))
		return;
	so = find(s, &e->source, &e->destination, identifier_of(e->payload), 0);
	if (so)
		datagram_fail(so, e, 0, e->payload);
}

static int send_datagram(struct socket *so, const struct datagram *d, struct span payload)
{
	struct datagram_way way;
	uint8_t header[ICMP_HEADER_BYTES];
	struct span part[2] = {{header, sizeof(header)}, payload};
	int error;

	if (payload.bytes > FRAME_PACKET_MAX - 20U)
		return -EMSGSIZE;
	if (payload.bytes < ICMP_HEADER_BYTES || payload.data[0] != request_type(so->family == 4) ||
	    payload.data[1] != 0)
		return -EINVAL;
	error = datagram_route(so, d, &way);
	if (error)
		return error;
	memcpy(header, payload.data, sizeof(header));
	memset(header + CHECKSUM_OFFSET, 0, 2);
	header[IDENTIFIER_OFFSET] = (uint8_t)(so->local.port >> 8);
	header[IDENTIFIER_OFFSET + 1] = (uint8_t)so->local.port;
	part[1].data += ICMP_HEADER_BYTES;
	part[1].bytes -= ICMP_HEADER_BYTES;
	error = ip_send(so->stack, &way.flow, &way.path, part, 2, CHECKSUM_OFFSET, 0);
	if (!error)
		so->stack->counters.icmp_out_messages++;
	return error;
}

const struct socket_ops ping_socket_ops = {
    .name = "icmp",
    .connect = datagram_connect,
    .send_datagram = send_datagram,
    .shutdown = datagram_shutdown,
    .close = datagram_close,
    .abort = datagram_abort,
    .info = datagram_info,
};
