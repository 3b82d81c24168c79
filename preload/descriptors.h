/* SPDX-License-Identifier: MIT */
/*
 * The descriptor table: what we remember of a descriptor, so that the next call need not ask.
 *
 * It is a cache and nothing else. The truth travels with the descriptor: the name of the far end
 * of its pair says whether it is ours, and which socket it is (service/control.h). So forgetting
 * is always right, and a fact that has become wrong must be harmless:
 *
 *  - close(), dup2() and their kin forget; what we do not see (a raw system call, stdio inside the
 *    C library, a vfork child that closes) leaves a stale row. Whoever gets an answer from the
 *    kernel that one of our sockets cannot give calls descriptor_verify().
 *  - A row is written only if it is the one that the writer looked at (its generation), so a
 *    thread that identified the old descriptor cannot overwrite the new one.
 *  - A vfork child writes nothing but "unknown", because the table is its parent's.
 *
 * Reading takes no lock. Rows live in pages of their own, mapped when first written, never freed.
 *
 * States of a row, and what may happen in each:
 *
 *   UNKNOWN   nothing is remembered; the next call asks getpeername() and moves on
 *   FOREIGN   not ours: every call goes to the C library
 *   STREAM    a TCP socket. Flags: FRESH (made by socket() here, nothing has happened yet: connect
 *             need not ask first), CONNECTING (connect() said EINPROGRESS here), CONNECTED (seen
 *             to be connected: data calls go straight to the kernel), LISTENING (seen to be).
 *             Without any of these the state is asked for: another process may share the socket.
 *   DATAGRAM  a UDP, ICMP or raw socket: each message has a header, so data calls never go
 *             straight to the kernel. Flags: CONNECTED (a hint), and which ancillary data is wanted
 *   INTERNAL  ours alone (the channel): programs are told EBADF
 */
#ifndef PRELOAD_DESCRIPTORS_H
#define PRELOAD_DESCRIPTORS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum descriptor_kind {
	DESCRIPTOR_UNKNOWN,
	DESCRIPTOR_FOREIGN,
	DESCRIPTOR_STREAM,
	DESCRIPTOR_DATAGRAM,
	DESCRIPTOR_INTERNAL,
};

/* The low 32 bits of a row's facts; the high 32 are its generation. */
#define DESCRIPTOR_KIND 7U
enum descriptor_flag {
	DESCRIPTOR_FRESH = 1U << 3,
	DESCRIPTOR_CONNECTING = 1U << 4,
	DESCRIPTOR_CONNECTED = 1U << 5,
	DESCRIPTOR_LISTENING = 1U << 6,
	DESCRIPTOR_TIMEOUTS = 1U << 7,      /* SO_RCVTIMEO or SO_SNDTIMEO was set */
	DESCRIPTOR_LINGERS = 1U << 8,       /* SO_LINGER was set with a time */
	DESCRIPTOR_OPTIONS = 1U << 9,       /* the flags below are known */
	DESCRIPTOR_PKTINFO = 1U << 10,
	DESCRIPTOR_RECVTTL = 1U << 11,
	DESCRIPTOR_RECVTOS = 1U << 12,
	DESCRIPTOR_RECVERR = 1U << 13,
	DESCRIPTOR_TIMESTAMP = 1U << 14,
	DESCRIPTOR_TIMESTAMPNS = 1U << 15,
	DESCRIPTOR_GRO = 1U << 16,
	DESCRIPTOR_TYPED = 1U << 17,        /* the fields below are known */
	DESCRIPTOR_INET6 = 1U << 18,
};
/* SO_TYPE (4 bits), SO_PROTOCOL (9 bits) behind the flags, when TYPED. */
#define DESCRIPTOR_TYPE_SHIFT 19
#define DESCRIPTOR_PROTOCOL_SHIFT 23

/* What a call works with: a row as it was when the call began. */
struct descriptor {
	int fd;
	uint64_t facts;
	uint64_t socket_id;
};

static inline enum descriptor_kind descriptor_kind(const struct descriptor *d)
{
	return (enum descriptor_kind)(d->facts & DESCRIPTOR_KIND);
}

static inline bool descriptor_is(const struct descriptor *d, enum descriptor_flag flag)
{
	return (d->facts & flag) != 0;
}

/* True when fd is a socket of ours (STREAM or DATAGRAM), and fills d. Keeps errno. */
bool descriptor_find(int fd, struct descriptor *d);
/* True when fd is a descriptor that the program must not see. */
bool descriptor_internal(int fd);
/* What is remembered of fd, without asking: true when it is a socket of ours. */
bool descriptor_cached(int fd, struct descriptor *d);
/* The lowest internal descriptor from first to last, or -1. */
int descriptor_next_internal(unsigned first, unsigned last);
/* A new socket of ours (or the channel, INTERNAL). Fills d when it is not NULL. */
void descriptor_set(int fd, uint64_t facts, uint64_t socket_id, struct descriptor *d);
/* Changes flags of the row (and of d), unless it has become another's. */
void descriptor_mark(struct descriptor *d, uint64_t set, uint64_t clear);
/* Has any socket of this process ever asked for IP_RECVERR? */
bool descriptors_want_errors(void);
void descriptor_forget(int fd);
void descriptor_forget_range(unsigned first, unsigned last);
/* Asks the kernel again. True: still the same socket. */
bool descriptor_verify(struct descriptor *d);
/* After fork: pages are the child's own, its pid is new. */
void descriptor_after_fork(void);
/* Where the last datagram that was found sendable went; a hash. 0: none. */
uint64_t descriptor_last_destination(const struct descriptor *d);
void descriptor_set_last_destination(const struct descriptor *d, uint64_t hash);

#endif
