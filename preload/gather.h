/* SPDX-License-Identifier: MIT */
/*
 * Datagrams that are written in parts (MSG_MORE, UDP_CORK; udp(7)). Whoever takes or begins one has it
 * alone until gather_leave() or gather_end(): no other thread comes between.
 */
#ifndef PRELOAD_GATHER_H
#define PRELOAD_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "service/control.h"

struct gathered {
	_Atomic uint64_t socket_id; /* 0: free */
	bool corked;                /* UDP_CORK: the option's end is the last part */
	bool begun;                 /* header is that of the first part */
	size_t bytes;
	struct control_datagram header;
	unsigned char payload[65535];
};

/* The socket's own, or NULL. */
struct gathered *gather_take(uint64_t socket_id);
/* A new one, or NULL: all are in use. */
struct gathered *gather_begin(void);
/* 0, or -EMSGSIZE: no datagram is that long. */
int gather_append(struct gathered *g, const struct iovec *iov, size_t count, size_t bytes);
/* More comes later. */
void gather_leave(struct gathered *g, uint64_t socket_id);
void gather_end(struct gathered *g);
/* The socket is closed: what was gathered is lost, as in Linux. */
void gather_forget(uint64_t socket_id);

#endif
