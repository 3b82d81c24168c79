/* SPDX-License-Identifier: MIT */
/*
 * One direction of a bad wire: what struct fault_config (netif.h) asks for is done here and only
 * here, for the simulated wire, the fault layer and the lab's wire.
 *
 *     push -> [ bounded queue -> rate ] -> loss -> corruption -> duplication -> delay -> pop
 *                                                                  reordering ---^
 *
 * - The queue drops from the tail what does not fit (a frame waits there only because of the rate).
 * - The delay varies by up to the jitter in both directions, and never lets a frame overtake
 *   another: only reordering does. A reordered frame is held back until one to three later frames
 *   have gone by, or IMPAIR_HOLD_NS.
 * - Corruption flips one bit behind the IP header of a packet whose transport checksum must notice:
 *   ARP and anything else that carries none passes unharmed (a real link's own check sum, which we
 *   do not have here, would have caught it).
 *
 * Chance: the fate of the n-th frame is a function of the seed, the direction and n, so the same
 * frame is lost whatever other faults are on. No clock is read, no system call made.
 */
#ifndef NETIF_IMPAIR_H
#define NETIF_IMPAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "netif/netif.h"
#include "stack/base/random.h"

#define IMPAIR_HELD_MAX 16U
#define IMPAIR_HOLD_NS (5 * NSEC_PER_MSEC)
/* The default queue: the bytes of one round trip at the rate, at least a home router's. */
#define IMPAIR_QUEUE_BYTES_MIN (256U << 10)
#define IMPAIR_QUEUE_BYTES_MAX (64U << 20)
/* What is under way may not eat the machine's memory: beyond this, frames are dropped. */
#define IMPAIR_HELD_BYTES_MAX (512U << 20)

/* A frame under way; impair_give_back() returns it. */
struct impair_frame {
	uint64_t due_ns;
	uint64_t order; /* tie break: when it was pushed */
	struct impair_frame *next; /* the holder's, for a list of its own */
	uint32_t bytes;
	uint32_t room_bytes;
	uint8_t data[];
};

struct impair_counters {
	uint64_t frames; /* pushed */
	uint64_t lost, queue_dropped, corrupted, duplicated, reordered;
};

struct impair {
	struct fault_config config;
	struct impair_counters counters;
	struct hash_key key;
	uint64_t order;
	uint64_t link_free_ns; /* when the rate limit has sent all that it has */
	uint64_t last_due_ns;  /* no later frame is due earlier */
	/* Frames in flight: a heap by (due, order). */
	struct impair_frame **slot;
	uint32_t count, capacity;
	uint64_t held_bytes; /* of all frames in flight */
	/* Frames that wait to be overtaken. */
	struct impair_held {
		struct impair_frame *frame;
		unsigned overtakers; /* that are still to come */
	} held[IMPAIR_HELD_MAX];
	unsigned held_count;
	struct impair_frame *spare; /* of IMPAIR_SPARE_BYTES room each */
};

/* direction: 0 or 1, which of the seed's two streams of chance. */
void impair_init(struct impair *im, const struct fault_config *config, unsigned direction);
void impair_destroy(struct impair *im);

/* Takes a copy of a frame of at most the MTU with its checksums complete. Whatever happens to it,
 * it has been taken: 0; -ENOMEM when there is no memory for it (it counts as lost). */
int impair_push(struct impair *im, const uint8_t *data, uint32_t bytes, bool has_link_header, uint64_t now_ns);

/* The next frame that is due, or NULL. It is the caller's until it is given back. */
struct impair_frame *impair_pop(struct impair *im, uint64_t now_ns);
void impair_give_back(struct impair *im, struct impair_frame *frame);

/* When impair_pop() will have one; TIME_NEVER. */
uint64_t impair_deadline(const struct impair *im);

/* The bytes that the queue in front of the rate limit holds at most. */
uint32_t impair_queue_bytes(const struct fault_config *config);

#endif
