/* SPDX-License-Identifier: MIT */
/*
 * What the internet layer offers to the transports, for both families: find the way to a
 * destination, finish a frame, send a ready-made packet; and what it hands up: packets and ICMP
 * errors. RFC 791, 1122 3.3, 8200.
 */
#ifndef STACK_PROTOCOL_IP_H
#define STACK_PROTOCOL_IP_H

#include "stack/protocol/host.h"

#define IP_PROTOCOL_ICMP 1
#define IP_PROTOCOL_TCP 6
#define IP_PROTOCOL_UDP 17
#define IP_PROTOCOL_ICMPV6 58

enum ip_ecn { IP_ECN_NONE = 0, IP_ECN_ECT1 = 1, IP_ECN_ECT0 = 2, IP_ECN_CE = 3 };

/* A packet handed to a transport. Valid during the call. */
struct ip_packet {
	struct ip_addr source, destination;
	uint8_t protocol;
	uint8_t ttl;
	uint8_t tos;              /* TOS or traffic class, ECN bits included */
	uint32_t interface;
	uint32_t protocol_at;     /* IPv6: where in the header the octet is that names the protocol */
	bool broadcast;           /* destination is broadcast or multicast, or the frame was */
	bool checksum_verified;
	uint16_t gso_bytes;       /* 0, or it was put together from pieces of this payload */
	struct span header;       /* the IP header with options, for raw sockets and ICMP errors */
	struct span payload;      /* from the transport header on */
};

/* An ICMP error about something that we sent, checked against the embedded header. */
struct ip_error {
	int error;                /* positive errno that Linux would report */
	bool hard;                /* fatal for a connection that is being opened */
	uint8_t type, code;
	uint32_t mtu_bytes;       /* fragmentation needed / packet too big: else 0 */
	struct ip_addr source, destination; /* of the packet that failed: source is ours */
	struct ip_addr offender;
	uint8_t protocol;
	struct span payload;      /* what was quoted of the transport header and after: at least 8 octets */
};

/* The way to a destination, cached in a socket. Valid while generation is that of the route table
 * and path table: ask ip_path_refresh(), which costs nothing then. */
struct ip_path {
	uint64_t generation;      /* 0: never looked up */
	uint32_t interface;
	struct ip_addr source;
	struct ip_addr next_hop;
	uint32_t mtu_bytes;       /* of the path, as far as known (RFC 1191, 8201) */
	bool local;               /* to ourselves: never leaves the stack */
	bool broadcast, multicast;
	bool gso_tcp, gso_udp, checksum_offload;
};

/* What a transport asks for one packet. */
struct ip_flow {
	struct ip_addr source, destination;
	uint8_t protocol;
	uint8_t ttl;
	uint8_t tos;
	bool dont_fragment;
	bool no_loop;      /* multicast: members on this host do not hear it (IP_MULTICAST_LOOP is off) */
	bool discover_mtu; /* dont_fragment as long as the packet fits (Linux's IP_PMTUDISC_WANT) */
};

/* source NULL or unspecified: chosen. interface 0: any. 0, -ENETUNREACH, -EHOSTUNREACH, -EINVAL (blackhole). */
int ip_path_find(struct stack *s, const struct ip_addr *destination, const struct ip_addr *source,
    uint32_t interface, struct ip_path *out);
/* The same when the cached one is stale. */
int ip_path_refresh(struct stack *s, const struct ip_addr *destination, const struct ip_addr *source,
    uint32_t interface, struct ip_path *path);

/* The MTU of the first link of a way, whatever is known of the rest. */
uint32_t ip_link_mtu(const struct stack *s, const struct ip_path *path);

/* Data was acknowledged over this way: its first station is reachable (RFC 4861 7.3.1). Cheap enough
 * for each acknowledgement that moves snd.una. */
void ip_path_confirm(struct stack *s, const struct ip_path *path);

/* Is a one of our addresses (loopback included)? */
bool ip_is_local(const struct stack *s, const struct ip_addr *a);
/* Does a reach everybody on a link of ours: limited or directed broadcast? */
bool ip_is_broadcast_here(const struct stack *s, const struct ip_addr *a);

/* A smaller path MTU was learned (ICMP, or a transport's black-hole detection), with expiry as in Linux. */
void ip_path_lower_mtu(struct stack *s, const struct ip_addr *destination, uint32_t mtu_bytes);

enum ip_output {
	IP_OUTPUT_FRAME, /* complete: give it to the driver */
	IP_OUTPUT_GONE,  /* looped back, waiting for a neighbour, or dropped (counted) */
};
/* f holds the transport header and payload parts; writes the IP and the link header in front.
 * Checksum and gso fields are the transport's; a checksum that the interface cannot complete is
 * completed here. The payload is copied only if the packet has to wait or loops back. */
enum ip_output ip_output(struct stack *s, struct frame_out *f, const struct ip_flow *flow, const struct ip_path *path);

/* Queues a packet made of up to 3 spans (copied), for things that have no socket to be pulled from:
 * resets, SYN-ACKs of half-open connections, ICMP, datagrams. The transport checksum field must be
 * zero on entry and lie at checksum_offset; UINT16_MAX: none wanted. Fragments as needed, or
 * -EMSGSIZE with dont_fragment. gso_bytes: UDP_SEGMENT. path NULL: looked up. 0 or a negative errno. */
int ip_send(struct stack *s, const struct ip_flow *flow, const struct ip_path *path, const struct span *part,
    unsigned parts, uint16_t checksum_offset, uint16_t gso_bytes);

/* ICMP destination unreachable (port) about a packet that came in, within the rate limit. */
void icmp_send_port_unreachable(struct stack *s, const struct ip_packet *p);

/* ---- what the internet layer calls: implemented by the transports ---- */
void tcp_input(struct stack *s, const struct ip_packet *p);
void tcp_error(struct stack *s, const struct ip_error *e);
void udp_input(struct stack *s, const struct ip_packet *p);
void udp_error(struct stack *s, const struct ip_error *e);

/* What the engine calls of TCP. */
int tcp_host_create(struct stack *s);
void tcp_host_destroy(struct stack *s); /* frees all connections */
int tcp_socket_create(struct stack *s, uint8_t family, uint64_t id, void *user, struct socket **out);
/* Half-open and TIME-WAIT connections, which have no struct socket. */
void tcp_visit_minor(struct stack *s, void (*visit)(void *context, const struct socket_info *i), void *context);
/* Memory bounds of TCP's own tables, for stat. */
void tcp_visit_bounds(struct stack *s,
    void (*visit)(void *context, const char *name, const char *text, uint64_t value, uint64_t limit), void *context);

#endif
