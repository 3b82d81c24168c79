/* SPDX-License-Identifier: MIT */
/*
 * What the files of the internet layer share among themselves; ip.h is what they offer to the
 * transports.
 */
#ifndef STACK_PROTOCOL_INTERNET_H
#define STACK_PROTOCOL_INTERNET_H

#include "stack/protocol/interface.h"
#include "stack/protocol/ip.h"
#include "stack/wire/ipv4.h"
#include "stack/wire/ipv6.h"

/* How a packet came to us. */
struct ip_arrival {
	struct interface *interface;
	bool group_frame;       /* the frame was for everybody or a group */
	bool checksum_verified;
	uint16_t gso_bytes;
};

/* p begins with its IP header and fits the link: queues it for the driver, the loopback or the
 * neighbour that it has to wait for. Takes p. 0 or a negative errno. */
int ip_transmit(struct stack *s, struct packet *p, const struct ip_path *path);

/* A packet from the wire or the loopback, link header cut. */
void ip_input(struct stack *s, struct span packet, const struct ip_arrival *how);
void ipv4_input(struct stack *s, struct span packet, const struct ip_arrival *how);
void ipv6_input(struct stack *s, struct span packet, const struct ip_arrival *how);
/* To raw sockets and the transport; complains when nobody wants it. */
void ip_deliver(struct stack *s, const struct ip_packet *p);

/* Writes the header of flow in front of payload_bytes; segments: how many packets it will be in the
 * end, so that each has an identification of its own. */
void ipv4_write_header(struct stack *s, uint8_t *at, const struct ip_flow *flow, uint32_t payload_bytes, uint32_t segments);
/* Cuts p and transmits the pieces. Takes p. */
int ipv4_fragment(struct stack *s, struct packet *p, const struct ip_path *path);
void ipv6_write_header(uint8_t *at, const struct ip_flow *flow, uint32_t payload_bytes);
int ipv6_fragment(struct stack *s, struct packet *p, const struct ip_path *path);

#endif
