/* SPDX-License-Identifier: MIT */
/*
 * A bounded, sorted set of half-open intervals [first, end) of 64-bit positions, that never touch
 * or overlap: what has arrived out of order, and what the peer has acknowledged selectively. The
 * bound is the answer to a peer that sends every second byte.
 */
#ifndef STACK_BASE_INTERVALS_H
#define STACK_BASE_INTERVALS_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/base/mem.h"

struct interval {
	uint64_t first, end;
};

struct intervals {
	struct interval *item;
	uint32_t count;
	uint32_t capacity;
	uint32_t limit; /* most intervals that the set will hold */
};

void intervals_init(struct intervals *set, uint32_t limit);
void intervals_destroy(struct intervals *set, const struct mem *mem);

/*
 * Adds [first, end), first < end, merging with what it touches. Returns 0, -ENOSPC when the set is
 * full and the new interval touches none of it, or -ENOMEM; on an error the set is unchanged.
 * *merged, when not NULL, gets the interval that now holds the new one.
 */
int intervals_add(
    struct intervals *set, const struct mem *mem, uint64_t first, uint64_t end, struct interval *merged);

/* Removes everything below position, cutting an interval that straddles it. */
void intervals_remove_below(struct intervals *set, uint64_t position);

/* Bytes of [first, end) that are in the set. */
uint64_t intervals_covered(const struct intervals *set, uint64_t first, uint64_t end);

/* The interval that holds position, or NULL. */
const struct interval *intervals_find(const struct intervals *set, uint64_t position);

/* The first gap at or after from that begins below limit: false when there is none. */
bool intervals_next_gap(
    const struct intervals *set, uint64_t from, uint64_t limit, struct interval *gap);

/* Sum of all lengths. */
uint64_t intervals_total(const struct intervals *set);

void intervals_clear(struct intervals *set);

#endif
