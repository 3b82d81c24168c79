/* SPDX-License-Identifier: MIT */
/* A byte ring with growing positions; see ring.h. */
#include "stack/base/ring.h"

#include <errno.h>

#include "stack/base/check.h"

void ring_init(struct ring *r)
{
	*r = (struct ring){0};
}

void ring_destroy(struct ring *r, const struct mem *mem)
{
	mem_give(mem, r->data, r->capacity_bytes);
	r->data = NULL;
	r->capacity_bytes = 0;
	r->start = r->end;
}

static uint32_t offset_of(const struct ring *r, uint64_t position)
{
	return (uint32_t)position & (r->capacity_bytes - 1);
}

int ring_reserve(struct ring *r, const struct mem *mem, uint32_t bytes)
{
	struct ring bigger = *r;
	uint32_t capacity = RING_CAPACITY_MIN;

	CHECK(bytes <= RING_CAPACITY_MAX);
	if (bytes <= r->capacity_bytes)
		return 0;
	while (capacity < bytes)
		capacity *= 2;
	bigger.data = mem_take(mem, capacity);
	if (!bigger.data)
		return -ENOMEM;
	bigger.capacity_bytes = capacity;
	if (r->capacity_bytes) {
		struct span old[2];
		unsigned count = ring_spans(r, r->start, r->capacity_bytes, old);
		uint64_t position = r->start;

		for (unsigned i = 0; i < count; i++) {
			ring_store(&bigger, position, old[i].data, (uint32_t)old[i].bytes);
			position += old[i].bytes;
		}
	}
	mem_give(mem, r->data, r->capacity_bytes);
	*r = bigger;
	return 0;
}

void ring_release_if_empty(struct ring *r, const struct mem *mem)
{
	if (r->start == r->end)
		ring_destroy(r, mem);
}

unsigned ring_spaces(struct ring *r, uint64_t position, uint32_t bytes, struct space out[2])
{
	uint32_t offset, first;

	if (bytes == 0)
		return 0;
	CHECK(position >= r->start && position + bytes <= r->start + r->capacity_bytes);
	offset = offset_of(r, position);
	first = r->capacity_bytes - offset;
	if (bytes <= first) {
		out[0] = (struct space){r->data + offset, bytes};
		return 1;
	}
	out[0] = (struct space){r->data + offset, first};
	out[1] = (struct space){r->data, bytes - first};
	return 2;
}

unsigned ring_spans(const struct ring *r, uint64_t position, uint32_t bytes, struct span out[2])
{
	struct ring view = *r;
	struct space space[2];
	unsigned count = ring_spaces(&view, position, bytes, space);

	for (unsigned i = 0; i < count; i++)
		out[i] = (struct span){space[i].data, space[i].bytes};
	return count;
}

void ring_store(struct ring *r, uint64_t position, const uint8_t *data, uint32_t bytes)
{
	struct space space[2];
	unsigned count = ring_spaces(r, position, bytes, space);

	for (unsigned i = 0; i < count; i++) {
		memcpy(space[i].data, data, space[i].bytes);
		data += space[i].bytes;
	}
}

void ring_load(const struct ring *r, uint64_t position, uint8_t *data, uint32_t bytes)
{
	struct span span[2];
	unsigned count = ring_spans(r, position, bytes, span);

	for (unsigned i = 0; i < count; i++) {
		memcpy(data, span[i].data, span[i].bytes);
		data += span[i].bytes;
	}
}

void ring_commit(struct ring *r, uint32_t bytes)
{
	CHECK(bytes <= ring_free(r));
	r->end += bytes;
}

void ring_consume(struct ring *r, uint32_t bytes)
{
	CHECK(bytes <= ring_used(r));
	r->start += bytes;
}
