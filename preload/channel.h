/* SPDX-License-Identifier: MIT */
/*
 * The program's line to teachnetd (service/control.h). One channel a process, one request at a
 * time, behind one lock; a request never waits for the network, so the lock is never held long.
 *
 * Signals are blocked while the lock is held, so a handler may use sockets, too. After fork the
 * child's lock is free and its channel is not its own any more (both lie in a page that the kernel
 * wipes on fork): its first request opens one through the inherited one. A vfork child shares its
 * parent's memory and simply uses its parent's channel.
 *
 * The channel's descriptor has a number that programs do not come across: above the soft limit when
 * the hard one allows it. It stays open over exec, and is found again there by the name that it is
 * bound to, "\0teachnet-program/<which stack>/...": nothing in the environment is needed, and a
 * program of another stack does not take it for its own.
 */
#ifndef PRELOAD_CHANNEL_H
#define PRELOAD_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/control.h"

/* One exchange. Zero what is not needed; magic, version, serial and payload_bytes are filled in. */
struct exchange {
	struct control_request request;
	const void *payload;
	size_t payload_bytes;
	int descriptor;              /* to send, when has_descriptor */
	bool has_descriptor;
	bool wants_descriptor;       /* received: with FD_CLOEXEC set when close_on_exec */
	bool close_on_exec;
	bool start;                  /* start teachnetd if there is none */
	bool no_reply;
	/* what comes back */
	struct control_reply reply;
	void *room;                  /* for the reply's payload */
	size_t room_bytes;
	size_t received_bytes;       /* of it */
	int received;                /* the descriptor, or -1 */
};

/* The reply's result, or -ENETDOWN (no teachnetd, or it went away), -EMFILE, -ENOMEM. Keeps errno. */
int64_t channel_exchange(struct exchange *x);
/* The program wants this number for itself: make room when it is the channel's. */
void channel_yield_number(int fd);

#endif
