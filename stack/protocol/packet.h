/* SPDX-License-Identifier: MIT */
/*
 * Ready-made packets: what cannot be built at the moment it is pulled, because it has no socket
 * (ICMP, ARP, resets), because the program's bytes are gone after the call (datagrams), or because
 * it waits for a neighbour. A packet is one block: headroom for a link header, then the octets.
 * Queues are bounded by a count and by bytes.
 */
#ifndef STACK_PROTOCOL_PACKET_H
#define STACK_PROTOCOL_PACKET_H

#include "stack/protocol/host.h"

#define PACKET_HEADROOM 128U /* Ethernet, IPv4 or IPv6, and what IPv6 may put in between */
/* Packets that have been pulled stay until the driver has surely sent them. */
#define PACKETS_SPENT_MAX 256U

struct packet {
	struct list link;
	uint32_t room_bytes;  /* of data[] */
	uint32_t start;       /* first used octet of data[] */
	uint32_t bytes;       /* used octets from there */
	uint32_t interface;
	bool checksum_needed; /* these as in struct frame_out; checksum_start counts from start */
	uint16_t checksum_start, checksum_offset;
	enum frame_gso gso;
	uint16_t gso_bytes, gso_header_bytes;
	uint8_t data[];
};

struct packet_queue {
	struct list list;
	uint32_t count, count_max;
	uint64_t bytes, bytes_max; /* of blocks, so that it is memory that is bounded */
};

/* NULL: no memory. bytes are used, not yet written, behind the headroom. */
struct packet *packet_make(struct stack *s, uint32_t bytes);
/* A copy of the frame, which may not have a link header yet. */
struct packet *packet_from_frame(struct stack *s, const struct frame_out *f);
void packet_free(struct stack *s, struct packet *p);

static inline uint8_t *packet_data(struct packet *p)
{
	return p->data + p->start;
}

/* Room for bytes more in front. */
uint8_t *packet_push(struct packet *p, uint32_t bytes);

void packet_queue_init(struct packet_queue *q, uint32_t count_max, uint64_t bytes_max);
void packet_queue_clear(struct stack *s, struct packet_queue *q);
bool packet_queue_has_room(const struct packet_queue *q);
/* 0, or -ENOBUFS: then the packet is freed, and counted. */
int packet_queue_append(struct stack *s, struct packet_queue *q, struct packet *p);
struct packet *packet_queue_take(struct packet_queue *q);

/* Fills f from the oldest packet: false when there is none. The packet is spent: its memory stays
 * until packets_release_spent() or until PACKETS_SPENT_MAX later ones have been pulled. */
bool packet_queue_pull(struct stack *s, struct packet_queue *q, struct frame_out *f);
void packets_release_spent(struct stack *s);

/* stack->packets: made and freed with the stack. */
int packets_create(struct stack *s);
void packets_destroy(struct stack *s);

#endif
