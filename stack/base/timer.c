/* SPDX-License-Identifier: MIT */
/* A binary heap of timers; see timer.h. */
#include "stack/base/timer.h"

#include <errno.h>
#include <string.h>

#include "stack/base/check.h"

void timer_heap_init(struct timer_heap *heap, const struct mem *mem)
{
	*heap = (struct timer_heap){.mem = mem};
}

void timer_heap_destroy(struct timer_heap *heap)
{
	mem_give(heap->mem, heap->slot, heap->capacity * sizeof(struct timer *));
	heap->slot = NULL;
	heap->count = heap->capacity = 0;
}

int timer_heap_reserve(struct timer_heap *heap, uint32_t count)
{
	uint32_t capacity = heap->capacity ? heap->capacity : 64;
	struct timer **slot;

	if (count <= heap->capacity)
		return 0;
	while (capacity < count)
		capacity *= 2;
	slot = mem_take(heap->mem, capacity * sizeof(struct timer *));
	if (!slot)
		return -ENOMEM;
	if (heap->count)
		memcpy(slot, heap->slot, heap->count * sizeof(struct timer *));
	mem_give(heap->mem, heap->slot, heap->capacity * sizeof(struct timer *));
	heap->slot = slot;
	heap->capacity = capacity;
	return 0;
}

static bool earlier(const struct timer *a, const struct timer *b)
{
	return a->due_ns < b->due_ns || (a->due_ns == b->due_ns && a->order < b->order);
}

static void place(struct timer_heap *heap, struct timer *t, uint32_t index)
{
	heap->slot[index] = t;
	t->position = index + 1;
}

static void sift_up(struct timer_heap *heap, struct timer *t, uint32_t index)
{
	while (index > 0 && earlier(t, heap->slot[(index - 1) / 2])) {
		place(heap, heap->slot[(index - 1) / 2], index);
		index = (index - 1) / 2;
	}
	place(heap, t, index);
}

static void sift_down(struct timer_heap *heap, struct timer *t, uint32_t index)
{
	for (;;) {
		uint32_t child = 2 * index + 1;

		if (child >= heap->count)
			break;
		if (child + 1 < heap->count && earlier(heap->slot[child + 1], heap->slot[child]))
			child++;
		if (!earlier(heap->slot[child], t))
			break;
		place(heap, heap->slot[child], index);
		index = child;
	}
	place(heap, t, index);
}

/* Finds the right place for t, which may stand too low or too high at index. */
static void settle(struct timer_heap *heap, struct timer *t, uint32_t index)
{
	if (index > 0 && earlier(t, heap->slot[(index - 1) / 2]))
		sift_up(heap, t, index);
	else
		sift_down(heap, t, index);
}

void timer_arm(struct timer_heap *heap, struct timer *t, uint64_t due_ns)
{
	uint32_t index = t->position - 1;

	CHECK(t->fire);
	t->due_ns = due_ns;
	t->order = ++heap->armed_ever;
	if (!timer_armed(t)) {
		CHECK(heap->count < heap->capacity);
		index = heap->count++;
	}
	settle(heap, t, index);
}

void timer_cancel(struct timer_heap *heap, struct timer *t)
{
	uint32_t index = t->position - 1;
	struct timer *last;

	if (!timer_armed(t))
		return;
	CHECK(index < heap->count && heap->slot[index] == t);
	t->position = 0;
	last = heap->slot[--heap->count];
	if (last != t)
		settle(heap, last, index);
}

uint64_t timer_heap_deadline(const struct timer_heap *heap)
{
	return heap->count ? heap->slot[0]->due_ns : TIME_NEVER;
}

uint32_t timer_heap_run(struct timer_heap *heap, uint64_t now_ns)
{
	uint64_t last_order = heap->armed_ever;
	uint32_t fired = 0;

	/* What a handler arms for "now" waits for the next run, so a run always ends. */
	while (heap->count && heap->slot[0]->due_ns <= now_ns &&
	       heap->slot[0]->order <= last_order) {
		struct timer *t = heap->slot[0];

		timer_cancel(heap, t);
		t->fire(t, now_ns);
		fired++;
	}
	return fired;
}
