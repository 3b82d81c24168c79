/* SPDX-License-Identifier: MIT */
/*
 * Datagram sockets: what UDP, ping and raw sockets share, and what IP and ICMP hand to them.
 * Nothing is queued here: a datagram that arrives goes to the owner at once or is dropped, one that
 * is sent goes to the packet queue.
 *
 * An ICMP error reaches a connected socket, and an unconnected one that asked for IP_RECVERR, as
 * owner->datagram_error(); so->error is not used (ip(7), udp(7)).
 */
#ifndef STACK_PROTOCOL_DATAGRAM_H
#define STACK_PROTOCOL_DATAGRAM_H

#include "stack/protocol/socket.h"

struct datagram_socket {
	struct socket socket;      /* first */
	struct list memberships;   /* struct membership: multicast.h */
	unsigned shut;             /* SOCKET_SHUT_* bits */
	uint16_t segment_bytes;    /* UDP_SEGMENT */
	bool receive_merged;       /* UDP_GRO */
	bool header_included;      /* raw: IP_HDRINCL */
	uint32_t icmp_filter;      /* raw ICMP: types with their bit set are not delivered */
	uint32_t icmpv6_filter[8]; /* the same for ICMPv6 (RFC 3542 3.2) */
};

static inline struct datagram_socket *datagram_of(struct socket *so)
{
	return (struct datagram_socket *)so;
}

extern const struct socket_ops udp_socket_ops, ping_socket_ops, raw_socket_ops;

/* Where a datagram goes and how: filled from the envelope, the connection and the options. */
struct datagram_way {
	struct endpoint remote;
	struct ip_path path;
	struct ip_flow flow;
};
/* Binds the socket if need be. 0, -EDESTADDRREQ, -EINVAL, -EPIPE, -EACCES, -ENETUNREACH ... */
int datagram_route(struct socket *so, const struct datagram *d, struct datagram_way *way);
/* Hands a packet's bytes to so; false when the owner could not take it. */
bool datagram_deliver(struct socket *so, const struct ip_packet *p, uint16_t remote_port,
    const struct span *part, unsigned parts);
/* Hands an ICMP error to so if it is one that so hears of. payload: what was quoted behind the
 * transport's header. */
void datagram_fail(struct socket *so, const struct ip_error *e, uint16_t remote_port, struct span payload);

int datagram_connect(struct socket *so, const struct endpoint *remote);
int datagram_shutdown(struct socket *so, unsigned how);
void datagram_close(struct socket *so, bool unread);
void datagram_abort(struct socket *so);
void datagram_info(const struct socket *so, struct socket_info *out);

/* ---- ping.c, raw.c: what IP and ICMP call ---- */

/* An ICMP echo reply. True when a ping socket was there for it. */
bool ping_input(struct stack *s, const struct ip_packet *p);
void ping_error(struct stack *s, const struct ip_error *e);
/* A copy of every packet for the raw sockets of its protocol. True when there was one. */
bool raw_input(struct stack *s, const struct ip_packet *p);
void raw_error(struct stack *s, const struct ip_error *e);

#endif
