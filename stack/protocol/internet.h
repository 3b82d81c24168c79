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

/* How a packet came to us. */
struct ip_arrival {
	struct interface *interface;
	bool group_frame;       /* the frame was for everybody or a group */
	bool checksum_verified;
	uint16_t gso_bytes;
};

/* One packet to be sent: all that ip_send() takes, and what only datagram sockets ask for. */
struct ip_request {
	const struct ip_flow *flow;
	const struct ip_path *path;   /* NULL: looked up */
	const struct span *part;
	unsigned parts;
	uint16_t checksum_offset;     /* UINT16_MAX: none */
	uint16_t gso_bytes;
	bool loop_multicast;          /* members on this host hear it, too */
	struct packet_queue *queue;   /* where it waits to be pulled; NULL: stack->packets */
};
int ip_request_send(struct stack *s, const struct ip_request *r);

/* p begins with its IP header and fits the link: queues it for the driver, the loopback or the
 * neighbour that it has to wait for. Takes p. 0 or a negative errno. */
int ip_transmit(struct stack *s, struct packet *p, const struct ip_path *path, struct packet_queue *queue);

/* A packet from the wire or the loopback, link header cut. */
void ip_input(struct stack *s, struct span packet, const struct ip_arrival *how);
void ipv4_input(struct stack *s, struct span packet, const struct ip_arrival *how);
/* To raw sockets and the transport; complains when nobody wants it. */
void ip_deliver(struct stack *s, const struct ip_packet *p);

/* Writes the header of flow in front of payload_bytes; segments: how many packets it will be in the
 * end, so that each has an identification of its own. */
void ipv4_write_header(struct stack *s, uint8_t *at, const struct ip_flow *flow, uint32_t payload_bytes, uint32_t segments);
/* Cuts p and transmits the pieces. Takes p. */
int ipv4_fragment(struct stack *s, struct packet *p, const struct ip_path *path, struct packet_queue *queue);

/* Stores the checksum of a transport message at its offset, or what the driver needs to do it. */
void ip_finish_checksum(uint8_t *message, uint32_t bytes, uint16_t offset, const struct ip_flow *flow, bool partial);

#endif
