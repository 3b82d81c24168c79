/* SPDX-License-Identifier: MIT */
/* A hash table with its links in the members; see hash.h. */
#include "stack/base/hash.h"

#include <errno.h>

#define INITIAL_BUCKETS 64U

static struct hash_link **take_buckets(const struct mem *mem, uint32_t count)
{
	return mem_take_zeroed(mem, count * sizeof(struct hash_link *));
}

int hash_table_init(struct hash_table *t, const struct mem *mem)
{
	*t = (struct hash_table){.mem = mem, .bucket_count = INITIAL_BUCKETS};
	t->bucket = take_buckets(mem, INITIAL_BUCKETS);
	return t->bucket ? 0 : -ENOMEM;
}

void hash_table_destroy(struct hash_table *t)
{
	if (t->mem)
		mem_give(t->mem, t->bucket, t->bucket_count * sizeof(struct hash_link *));
	*t = (struct hash_table){0};
}

static void link_into(struct hash_link **bucket, uint32_t bucket_count, struct hash_link *l)
{
	struct hash_link **where = &bucket[l->hash & (bucket_count - 1)];

	l->next = *where;
	l->where = where;
	if (l->next)
		l->next->where = &l->next;
	*where = l;
}

static void grow(struct hash_table *t)
{
	uint32_t wider = 2 * t->bucket_count;
	struct hash_link **bucket = take_buckets(t->mem, wider);

	if (!bucket)
		return;
	for (uint32_t i = 0; i < t->bucket_count; i++) {
		struct hash_link *l = t->bucket[i];

		while (l) {
			struct hash_link *next = l->next;

			link_into(bucket, wider, l);
			l = next;
		}
	}
	mem_give(t->mem, t->bucket, t->bucket_count * sizeof(struct hash_link *));
	t->bucket = bucket;
	t->bucket_count = wider;
}

void hash_insert(struct hash_table *t, struct hash_link *l, uint64_t hash)
{
	if (t->count >= t->bucket_count)
		grow(t);
	l->hash = hash;
	link_into(t->bucket, t->bucket_count, l);
	t->count++;
}

void hash_remove(struct hash_table *t, struct hash_link *l)
{
	if (!hash_linked(l))
		return;
	*l->where = l->next;
	if (l->next)
		l->next->where = l->where;
	l->next = NULL;
	l->where = NULL;
	t->count--;
}

static struct hash_link *same_hash(struct hash_link *l, uint64_t hash)
{
	while (l && l->hash != hash)
		l = l->next;
	return l;
}

struct hash_link *hash_first(const struct hash_table *t, uint64_t hash)
{
	return same_hash(t->bucket[hash & (t->bucket_count - 1)], hash);
}

struct hash_link *hash_next(const struct hash_link *l)
{
	return same_hash(l->next, l->hash);
}
