/* SPDX-License-Identifier: MIT */
/* Memory for unit tests: malloc with a budget of how many requests succeed, and a count of what is
 * still out, so that each test can end with "nothing leaked" and can make any request fail. */
#ifndef TESTS_UNIT_MEMORY_H
#define TESTS_UNIT_MEMORY_H

#include <stdlib.h>

#include "stack/base/mem.h"

struct test_memory {
	long takes_left; /* negative: no limit */
	size_t bytes_out;
};

static inline void *test_memory_take(void *context, size_t bytes)
{
	struct test_memory *m = context;

	if (m->takes_left == 0)
		return NULL;
	if (m->takes_left > 0)
		m->takes_left--;
	m->bytes_out += bytes;
	return malloc(bytes);
}

static inline void test_memory_give(void *context, void *block, size_t bytes)
{
	struct test_memory *m = context;

	if (!block)
		return;
	m->bytes_out -= bytes;
	free(block);
}

#define TEST_MEMORY(name)                                                                          \
	struct test_memory name##_state = {.takes_left = -1};                                      \
	struct mem name = {test_memory_take, test_memory_give, &name##_state}

#endif
