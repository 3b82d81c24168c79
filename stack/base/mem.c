/* SPDX-License-Identifier: MIT */
/* Memory from the host of the engine; see mem.h. */
#include "stack/base/mem.h"

#include <string.h>

void *mem_take_zeroed(const struct mem *m, size_t bytes)
{
	void *block = mem_take(m, bytes);

	if (block)
		memset(block, 0, bytes);
	return block;
}
