/* SPDX-License-Identifier: MIT */
/*
 * A hash table with its links in the members. It stores the full hash beside each link; the key
 * comparison belongs to the caller. Grows by doubling; never shrinks. Hash values come from
 * siphash() with the stack's secret, so that a peer cannot choose collisions.
 */
#ifndef STACK_BASE_HASH_H
#define STACK_BASE_HASH_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/base/mem.h"

struct hash_link {
	struct hash_link *next;
	struct hash_link **where; /* what points to this link; NULL when in no table */
	uint64_t hash;
};

struct hash_table {
	struct hash_link **bucket;
	uint32_t bucket_count; /* a power of two */
	uint32_t count;
	const struct mem *mem;
};

/* 0 or -ENOMEM. */
int hash_table_init(struct hash_table *t, const struct mem *mem);
void hash_table_destroy(struct hash_table *t);

/* Never fails: when there is no memory to grow, chains get longer. */
void hash_insert(struct hash_table *t, struct hash_link *l, uint64_t hash);
/* Harmless when l is in no table. */
void hash_remove(struct hash_table *t, struct hash_link *l);

static inline bool hash_linked(const struct hash_link *l)
{
	return l->where != NULL;
}

/* First link with this hash, and the next one with the same hash. NULL when there is none. */
struct hash_link *hash_first(const struct hash_table *t, uint64_t hash);
struct hash_link *hash_next(const struct hash_link *l);

/* All links, in no order that means anything; the body must not insert or remove. */
#define hash_for_each(it, table)                                                                   \
	for (uint32_t it##_bucket = 0; it##_bucket < (table)->bucket_count; it##_bucket++)         \
		for (struct hash_link *it = (table)->bucket[it##_bucket]; it; it = it->next)

#endif
