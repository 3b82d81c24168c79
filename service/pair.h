/* SPDX-License-Identifier: MIT */
/*
 * A pair: the stack's end of a program's descriptor, tied to the engine's socket (DESIGN.md 2.1).
 *
 * The socket id names both: its low bits are the slot in the table, the rest is chance, so that an
 * id of another run, or a guess, finds nothing. A pair lives through
 *
 *     open       the program holds its end (fd >= 0) and the engine has the socket
 *     closing    the program's end is of no more use: it was closed, or both directions are shut.
 *                Our end is closed (fd -1), the engine finishes the connection: an orphan
 *     gone       the engine has forgotten it, too: only a tombstone is left for a while, so that a
 *                program that still holds the dead descriptor can ask which error it was
 *
 * When both directions are shut we close our end although the program may still hold its own: the
 * bits that poll() shows are the same, and whether it does cannot be seen any more from here.
 */
#ifndef SERVICE_PAIR_H
#define SERVICE_PAIR_H

#include <sys/stat.h>
#include <sys/types.h>

#include "service/service.h"

#define PAIR_LINEAGES 8U
#define PAIR_OWNERS 4U

enum pair_relay { PAIR_STREAM, PAIR_LISTENER, PAIR_DATAGRAM };

struct pair_owner {
	pid_t pid; /* 0: none */
	char program[32];
};

/* What pair_work() has to look at, beside the engine's events. */
#define PAIR_WORK_READ (1U << 16)    /* the program's end may have data for us */
#define PAIR_WORK_WRITE (1U << 17)   /* the program's end may take data again */

struct pair {
	struct watch watch;        /* our end */
	struct grave grave;
	struct service *service;
	struct socket *socket;     /* the engine's; NULL once it is gone */
	uint64_t id;
	enum pair_relay relay;
	enum socket_kind kind;
	uint8_t family, protocol;
	ino_t inode;               /* of the program's end */
	uint64_t lineage[PAIR_LINEAGES]; /* whose requests are honoured; 0: free place */
	struct pair_owner owner[PAIR_OWNERS];

	TAILQ_ENTRY(pair) work_link;
	bool queued;               /* in service->work */
	unsigned work;             /* enum socket_event bits and PAIR_WORK_* */

	/* both directions, as seen from here */
	bool closing;              /* the engine was told to close; waiting for GONE */
	bool hung_up;              /* the program's end is closed altogether */
	bool end_follows;          /* the pair ends behind what is in it: read until the end of file */
	bool program_shut;         /* the program will send nothing more, and the engine knows */
	bool peer_closed;          /* FIN came; told to the program once all before it is delivered */
	bool write_shut;           /* we have told the program: end of file */
	bool shut_wanted;          /* stream_shut_write() while the pair is not drained yet */
	bool read_waits;           /* the engine's send ring is full: SENDABLE is awaited */
	bool out_blocked;          /* the program's end is full: EPOLLOUT is awaited */
	bool unread;               /* the program let go without reading everything */
	int error;                 /* positive errno that ended it, until somebody takes it */

	/* stream */
	bool connecting, connected;
	bool failed;               /* the engine's socket is dead (error tells why) */
	bool wide;                 /* its buffer is as large as it will be */
	bool urgent;               /* an urgent byte is or was in the pair: look for the mark */
	uint32_t fill_bytes;       /* throw-away bytes in front of the first real one */

	/* listener, and what it has accepted */
	struct pair *heir;         /* made in advance for the next connection; its end for the program: */
	int heir_fd;
	bool heir_pending;         /* accepted, its record not yet sent */
	struct pair *parent;       /* whose record brings this one to a program; NULL once claimed */
	TAILQ_ENTRY(pair) child_link;
	bool maybe_untaken;        /* its listener closed with records left in its pair */
	bool delivered;            /* the program has been given data */
	struct pair_queue children; /* records sent and perhaps not taken yet, oldest first */
	unsigned child_count;
};

/* ---- pair.c: the table ---- */

int pair_table_create(struct service *s);
void pair_table_destroy(struct service *s);
unsigned pair_count(const struct service *s);

/* A pair with its descriptors, not yet tied to an engine socket. type: SOCK_STREAM or
 * SOCK_SEQPACKET. *program_fd is the caller's to send and close. NULL with *error negative. */
struct pair *pair_create(struct service *s, int type, int flags, int *program_fd, int *error);
/* The open or closing pair of this id, or NULL. */
struct pair *pair_find(struct service *s, uint64_t id);
/* Visits all. visit may close pairs. */
void pair_visit(struct service *s, void (*visit)(struct pair *p, void *context), void *context);

/* There is something to do: pair_work() will be called in this round or the next. */
void pair_mark(struct pair *p, unsigned work);
/* Closes what programs have let go of, although the loop has not come to it: a program that closes a
 * socket and binds another to its port at once is not to find the port taken. */
void pair_notice_hangups(struct service *s);
/* Works off the queue, a bounded amount. True: there is more. */
bool pair_work(struct service *s);

/* Our end is of no more use: closes it and has the engine finish (or, abort: reset) the connection. */
void pair_let_go(struct pair *p, bool unread);
void pair_abort(struct pair *p);
/* The pair never got an engine socket, or the engine has forgotten it: frees it, leaves a tombstone. */
void pair_forget(struct pair *p);

/* Waits for exactly these epoll events (edge-triggered; end and error always). */
void pair_await(struct pair *p, bool in, bool out);

/* ---- who may ask ---- */

bool pair_permits(const struct pair *p, uint64_t lineage);
void pair_permit(struct pair *p, uint64_t lineage);
void pair_note_owner(struct pair *p, pid_t pid, const char *program);
/* A process has gone: its name leaves every pair. */
void pair_drop_owner(struct service *s, pid_t pid);

/* ---- tombstones ---- */

struct tombstone {
	uint64_t id;
	uint64_t lineage[PAIR_LINEAGES];
	int error;             /* positive errno, until taken */
	ino_t inode;
	enum socket_kind kind;
	uint8_t family;
	struct endpoint local;
};
/* NULL when there was no such socket, or too long ago. */
struct tombstone *tombstone_find(struct service *s, uint64_t id);
bool tombstone_permits(const struct tombstone *t, uint64_t lineage);
void tombstone_permit(struct tombstone *t, uint64_t lineage);

/* ---- the relays ---- */

/* relay_stream.c */
void stream_work(struct pair *p, unsigned work);
void stream_ready(struct service *s, struct watch *w, uint32_t events);
size_t stream_deliver(struct pair *p, struct span data, bool urgent);
/* Takes what the program has written so far: rule (1) of DESIGN.md 2.1. */
void stream_drain(struct pair *p);
/* No more from the program: once what it has written is taken, FIN. */
void stream_shut_write(struct pair *p);
/* The connect() of this pair, which has fill_bytes in it, ended at once with an error. */
void stream_drop_fill(struct pair *p);

/* relay_listen.c */
void listen_work(struct pair *p, unsigned work);
unsigned listen_queued(struct pair *p);
void listen_let_go(struct pair *p);
/* The program has shown that it holds this accepted connection. */
void listen_claim(struct pair *p);
/* Was the connection of this hung-up pair never taken from its listener? */
bool listen_unclaimed(struct pair *p);
/* A descriptor has become free: listeners that were out of them go on. */
void listen_retry(struct service *s);
/* Learns what an accept record costs in kernel memory. 0 or a negative errno. */
int listen_measure(struct service *s);

/* relay_datagram.c */
void datagram_work(struct pair *p, unsigned work);
void datagram_ready(struct service *s, struct watch *w, uint32_t events);
bool datagram_relay_in(struct pair *p, const struct datagram *d, const struct span *part, unsigned parts);
void datagram_relay_error(struct pair *p, const struct datagram_error *e, struct span payload);
void datagram_drain(struct pair *p);

/* Drains whichever relay it is. */
void pair_drain(struct pair *p);

/* ---- address.c ---- */

/* From a program: 0, -EINVAL (too short), -EAFNOSUPPORT (not this socket's family). */
int address_from_control(const struct control_address *a, uint8_t family, struct endpoint *out);
/* As that family's sockaddr. family 6 shows IPv4 as ::ffff:a.b.c.d. */
void address_to_control(const struct endpoint *e, uint8_t family, struct control_address *out);

#endif
