/* SPDX-License-Identifier: MIT */
/*
 * Memory comes from the host of the engine, so that the engine links to no allocator and a test
 * can make every allocation fail. Every caller copes with NULL.
 */
#ifndef STACK_BASE_MEM_H
#define STACK_BASE_MEM_H

#include <stddef.h>

struct mem {
	/* At least bytes, aligned for any type, not zeroed; NULL when there is none. */
	void *(*take)(void *context, size_t bytes);
	/* Gives back what take() returned, with the same size. NULL is allowed. */
	void (*give)(void *context, void *block, size_t bytes);
	void *context;
};

static inline void *mem_take(const struct mem *m, size_t bytes)
{
	return m->take(m->context, bytes);
}

/* The same, zeroed. */
void *mem_take_zeroed(const struct mem *m, size_t bytes);

static inline void mem_give(const struct mem *m, void *block, size_t bytes)
{
	m->give(m->context, block, bytes);
}

#endif
