/* SPDX-License-Identifier: MIT */
/*
 * Putting fragments together (RFC 815; RFC 5722 for overlaps: a datagram with overlapping fragments
 * is thrown away as a whole, in both families, as Linux does). Bounded in memory, in datagrams, in
 * fragments of one datagram, and in time: 30 s for IPv4, 60 s for IPv6.
 */
#ifndef STACK_PROTOCOL_REASSEMBLY_H
#define STACK_PROTOCOL_REASSEMBLY_H

#include "stack/protocol/host.h"

#define REASSEMBLY_BYTES_MAX (4U << 20) /* Linux's ipfrag_high_thresh */
#define REASSEMBLY_FRAGMENTS_MAX 1500U  /* of one datagram: 64 KiB in the smallest legal packets */

struct fragment_key {
	struct ip_addr source, destination;
	uint32_t id;
	uint32_t interface;
	uint8_t protocol; /* 0 for IPv6, where it is no part of the key */
};

/* One fragment as it came. */
struct fragment {
	struct fragment_key key;
	uint32_t offset_bytes;
	bool more;
	bool group_frame;
	struct span header;  /* IP header of this fragment: the first one's becomes the whole's */
	struct span payload;
};

int reassembly_create(struct stack *s);
void reassembly_destroy(struct stack *s);
/*
 * Takes the fragment in. When it completes its datagram: true, and *whole is header and payload in
 * one run, valid until the next call; *header_bytes says where the payload begins.
 */
bool reassembly_add(struct stack *s, const struct fragment *f, struct space *whole, uint32_t *header_bytes);
uint64_t reassembly_bytes(const struct stack *s);

#endif
