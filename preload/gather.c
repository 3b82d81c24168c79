/* SPDX-License-Identifier: MIT */
/*
 * Owns the datagrams that a program writes in parts: MSG_MORE on all but the last, or UDP_CORK. The
 * parts are put together here; teachnetd sees the whole. As in Linux the first part says where to
 * and with which control messages. Nothing is allocated; few sockets of a process do this at once,
 * and one too many is told ENOBUFS. Never sends: datagram.c does.
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "preload/gather.h"

#define GATHERED_MAX 8U
#define BUSY UINT64_MAX

static struct gathered table[GATHERED_MAX];
/* How many are in use: when none is, nobody looks. */
static _Atomic unsigned in_use;

struct gathered *gather_take(uint64_t socket_id)
{
	if (atomic_load_explicit(&in_use, memory_order_relaxed) == 0)
		return NULL;
	for (unsigned i = 0; i < GATHERED_MAX; i++) {
		uint64_t wanted = socket_id;

		if (atomic_compare_exchange_strong(&table[i].socket_id, &wanted, BUSY))
			return &table[i];
	}
	return NULL;
}

struct gathered *gather_begin(void)
{
	for (unsigned i = 0; i < GATHERED_MAX; i++) {
		uint64_t nobody = 0;

		if (!atomic_compare_exchange_strong(&table[i].socket_id, &nobody, BUSY))
			continue;
		atomic_fetch_add(&in_use, 1);
		table[i].bytes = 0;
		table[i].begun = false;
		table[i].corked = false;
		return &table[i];
	}
	return NULL;
}

int gather_append(struct gathered *g, const struct iovec *iov, size_t count, size_t bytes)
{
	if (bytes > sizeof(g->payload) - g->bytes)
		return -EMSGSIZE;
	for (size_t i = 0; i < count; i++) {
		if (iov[i].iov_len == 0)
			continue;
		memcpy(g->payload + g->bytes, iov[i].iov_base, iov[i].iov_len);
		g->bytes += iov[i].iov_len;
	}
	return 0;
}

void gather_leave(struct gathered *g, uint64_t socket_id)
{
	atomic_store(&g->socket_id, socket_id);
}

void gather_end(struct gathered *g)
{
	atomic_store(&g->socket_id, 0);
	atomic_fetch_sub(&in_use, 1);
}

void gather_forget(uint64_t socket_id)
{
	struct gathered *g = gather_take(socket_id);

	if (g != NULL)
		gather_end(g);
}
