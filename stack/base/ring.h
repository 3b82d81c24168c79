/* SPDX-License-Identifier: MIT */
/*
 * A ring of bytes addressed by a position that only grows (uint64_t, the count of all bytes that
 * ever went in). TCP keeps its send and receive data in one each: data that has arrived out of
 * order is stored at its place, and retransmission reads from any place, both without moving
 * anything. The memory is taken when the first byte needs it, doubles as needed up to what the
 * caller allows, and is given back when asked while empty: an idle connection holds none.
 *
 *        start                     end
 *    ......|=========================|...........   start <= end <= start + capacity_bytes
 */
#ifndef STACK_BASE_RING_H
#define STACK_BASE_RING_H

#include <stdint.h>

#include "stack/base/bytes.h"
#include "stack/base/mem.h"

struct ring {
	uint8_t *data;           /* NULL while capacity_bytes is 0 */
	uint32_t capacity_bytes; /* 0 or a power of two */
	uint64_t start;          /* position of the oldest byte held */
	uint64_t end;            /* one past the newest byte held */
};

#define RING_CAPACITY_MIN 4096U
#define RING_CAPACITY_MAX (1U << 30)

static inline uint32_t ring_used(const struct ring *r)
{
	return (uint32_t)(r->end - r->start);
}

static inline uint32_t ring_free(const struct ring *r)
{
	return r->capacity_bytes - ring_used(r);
}

void ring_init(struct ring *r);
void ring_destroy(struct ring *r, const struct mem *mem);

/*
 * Makes capacity for at least bytes (bytes <= RING_CAPACITY_MAX), counted from start, keeping what
 * is stored between start and start + old capacity. 0 or -ENOMEM (and then nothing has changed).
 */
int ring_reserve(struct ring *r, const struct mem *mem, uint32_t bytes);

/* Gives the memory back when nothing is held; otherwise does nothing. */
void ring_release_if_empty(struct ring *r, const struct mem *mem);

/* The one or two runs of bytes at [position, position + bytes). Returns how many; bytes 0 gives 0.
 * The range must lie within start and start + capacity. */
unsigned ring_spans(const struct ring *r, uint64_t position, uint32_t bytes, struct span out[2]);
unsigned ring_spaces(struct ring *r, uint64_t position, uint32_t bytes, struct space out[2]);

/* Copies in at any position within capacity; moves no end. */
void ring_store(struct ring *r, uint64_t position, const uint8_t *data, uint32_t bytes);
/* Copies out of any position within capacity. */
void ring_load(const struct ring *r, uint64_t position, uint8_t *data, uint32_t bytes);

/* The newest bytes are now valid up to end + bytes. */
void ring_commit(struct ring *r, uint32_t bytes);
/* The oldest bytes are gone. */
void ring_consume(struct ring *r, uint32_t bytes);

#endif
