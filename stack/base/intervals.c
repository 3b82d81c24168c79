/* SPDX-License-Identifier: MIT */
/* A bounded sorted set of intervals; see intervals.h. */
#include "stack/base/intervals.h"

#include <errno.h>
#include <string.h>

#include "stack/base/check.h"

#define INITIAL_CAPACITY 4U

void intervals_init(struct intervals *set, uint32_t limit)
{
	*set = (struct intervals){.limit = limit};
}

void intervals_destroy(struct intervals *set, const struct mem *mem)
{
	mem_give(mem, set->item, set->capacity * sizeof(struct interval));
	*set = (struct intervals){.limit = set->limit};
}

/* Index of the first interval whose end is at or after position. */
static uint32_t lower_bound(const struct intervals *set, uint64_t position)
{
	uint32_t low = 0, high = set->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (set->item[middle].end < position)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int grow(struct intervals *set, const struct mem *mem)
{
	uint32_t capacity = set->capacity ? 2 * set->capacity : INITIAL_CAPACITY;
	struct interval *item;

	if (set->count < set->capacity)
		return 0;
	item = mem_take(mem, capacity * sizeof(struct interval));
	if (!item)
		return -ENOMEM;
	if (set->count)
		memcpy(item, set->item, set->count * sizeof(struct interval));
	mem_give(mem, set->item, set->capacity * sizeof(struct interval));
	set->item = item;
	set->capacity = capacity;
	return 0;
}

static void replace(struct intervals *set, uint32_t index, uint32_t removed, struct interval with)
{
	memmove(&set->item[index + 1], &set->item[index + removed],
	    (set->count - index - removed) * sizeof(struct interval));
	set->item[index] = with;
	set->count = set->count - removed + 1;
}

int intervals_add(
    struct intervals *set, const struct mem *mem, uint64_t first, uint64_t end, struct interval *merged)
{
	uint32_t index = lower_bound(set, first);
	uint32_t touched = 0;
	struct interval all = {first, end};
	int error;

	CHECK(first < end);
	while (index + touched < set->count && set->item[index + touched].first <= end) {
		const struct interval *old = &set->item[index + touched];

		all.first = old->first < all.first ? old->first : all.first;
		all.end = old->end > all.end ? old->end : all.end;
		touched++;
	}
	if (touched == 0) {
		if (set->count >= set->limit)
			return -ENOSPC;
		error = grow(set, mem);
		if (error)
			return error;
	}
	replace(set, index, touched, all);
	if (merged)
		*merged = all;
	return 0;
}

void intervals_remove_below(struct intervals *set, uint64_t position)
{
	uint32_t gone = 0;

	while (gone < set->count && set->item[gone].end <= position)
		gone++;
	if (gone) {
		set->count -= gone;
		memmove(set->item, set->item + gone, set->count * sizeof(struct interval));
	}
	if (set->count && set->item[0].first < position)
		set->item[0].first = position;
}

uint64_t intervals_covered(const struct intervals *set, uint64_t first, uint64_t end)
{
	uint64_t sum = 0;

	for (uint32_t i = lower_bound(set, first); i < set->count && set->item[i].first < end; i++) {
		uint64_t from = set->item[i].first > first ? set->item[i].first : first;
		uint64_t to = set->item[i].end < end ? set->item[i].end : end;

		if (to > from)
			sum += to - from;
	}
	return sum;
}

const struct interval *intervals_find(const struct intervals *set, uint64_t position)
{
	uint32_t index = lower_bound(set, position + 1);

	if (index < set->count && set->item[index].first <= position)
		return &set->item[index];
	return NULL;
}

bool intervals_next_gap(
    const struct intervals *set, uint64_t from, uint64_t limit, struct interval *gap)
{
	const struct interval *holding = intervals_find(set, from);
	uint32_t next;

	if (holding)
		from = holding->end;
	if (from >= limit)
		return false;
	next = lower_bound(set, from + 1);
	gap->first = from;
	gap->end = next < set->count && set->item[next].first < limit ? set->item[next].first : limit;
	return true;
}

uint64_t intervals_total(const struct intervals *set)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < set->count; i++)
		sum += set->item[i].end - set->item[i].first;
	return sum;
}

void intervals_clear(struct intervals *set)
{
	set->count = 0;
}
