/* SPDX-License-Identifier: MIT */
/*
 * What the parts of teachnetd share: the service itself, the watch that epoll hands back, and the
 * log. One thread, one loop; nothing here blocks. See README.md for who does what.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "netif/netif.h"
#include "service/config.h"
#include "service/control.h"
#include "stack/stack.h"

struct service;

/* ---- what epoll hands back ---- */

/* A descriptor in the loop. ready() gets epoll's bits; it may close any watch, its own too: the
 * object around a watch is freed at the end of the round (service_bury()), not before. */
struct watch {
	int fd;          /* -1: closed */
	uint32_t events; /* what it waits for now */
	void (*ready)(struct service *s, struct watch *w, uint32_t events);
};

/* 0 or a negative errno. */
int watch_add(struct service *s, struct watch *w, uint32_t events);
void watch_change(struct service *s, struct watch *w, uint32_t events);
/* Out of the loop; the descriptor stays open, it is somebody else's. */
void watch_remove(struct service *s, struct watch *w);
/* Out of the loop, and the descriptor is closed. Harmless when it is closed already. */
void watch_close(struct watch *w);

/* Something to be freed once nobody can hold a pointer to it any more. */
struct grave {
	SLIST_ENTRY(grave) link;
	void *block;
};

/* ---- the service ---- */

struct pair;
struct channel;
struct narrator;
struct pair_table;
struct dhcp;

TAILQ_HEAD(pair_queue, pair);
TAILQ_HEAD(channel_list, channel);

#define SERVICE_INTERFACES_MAX 4U

struct service_counters {
#define SERVICE_COUNTER(name, text) uint64_t name;
#include "service/counters.def"
#undef SERVICE_COUNTER
};

/* Of wait.c: whether looking is worth its while. */
struct wait {
	uint64_t limit_ns; /* how long to look before sleeping; 0: never */
	bool eager;        /* events come fast: look before the next sleep */
	unsigned pause;    /* short sleeps until a look is tried again, */
	unsigned pause_max; /* and how many it was after the last look in vain */
};

struct service {
	const struct config *config;
	struct stack *stack;
	struct mem mem;
	uint64_t instance;        /* random: names of this teachnetd's pairs */
	uint64_t now_ns;          /* CLOCK_MONOTONIC, of this round */
	int epoll_fd;
	struct wait wait;
	bool stopping;
	bool busy;                /* the last round left something to do */

	struct netif *netif;      /* NULL: loopback only */
	uint32_t netif_index;
	struct watch netif_watch;
	bool netif_readable;      /* the last batch was full: there may be more */
	bool netif_down;
	bool hole_is_old;         /* frames.c: what is missing did not come a moment later */

	struct watch listener;    /* the control socket */
	char socket_path[CONFIG_PATH_BYTES];
	struct watch signals;
	struct channel_list channels;
	unsigned channel_count;
	uint64_t next_lineage;

	struct pair_table *pairs;
	struct pair_queue work;   /* pairs that have something to do */
	bool starved;             /* a listener waits for a free descriptor */
	unsigned accept_record_bytes; /* kernel memory of one accept record on a pair */

	struct dhcp *dhcp;        /* NULL: the addresses are configured */
	struct narrator *narrator; /* NULL: nobody listens */
	struct service_counters counters;
	SLIST_HEAD(, grave) graves;

	bool auto_started;
	uint64_t idle_exit_ns;
	uint64_t idle_since_ns;   /* TIME_NEVER: not idle */
	bool address_conflict;
	char conflict[NETIF_MESSAGE_BYTES]; /* the sentence about it */
};

uint64_t clock_now_ns(void);

/* ---- loop.c ---- */

/* Runs until s->stopping. */
void loop_run(struct service *s);
/* One round that waits at most timeout_ns. */
void loop_round(struct service *s, uint64_t timeout_ns);
/* Frees block at the end of the round. */
void service_bury(struct service *s, struct grave *g, void *block);
void loop_bury_all(struct service *s);

/* ---- wait.c ---- */

struct epoll_event;
void wait_open(struct service *s, uint64_t limit_ns);
/* As epoll_wait(): until there are events, or the time has come. */
int wait_for_events(struct service *s, struct epoll_event *events, int max, uint64_t at_ns);

/* ---- frames.c: between engine and driver ---- */

void frames_open(struct service *s);
/* Takes what has arrived, a bounded amount. */
void frames_receive(struct service *s);
/* Pulls what the engine has to send and gives it to the driver, a bounded amount. True: there is
 * more. */
bool frames_transmit(struct service *s);

/* ---- setup.c: the stack that the configuration asks for ---- */

/* Makes s->stack and s->netif. 0 or a negative errno with a sentence that says what to do. */
int setup_stack(struct service *s, char message[CONFIG_MESSAGE_BYTES]);
void setup_undo(struct service *s);

/* ---- log.c ---- */

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_NOTE };
/* file "": standard error. Lines less grave than least are left out. */
int log_open(const char *file, bool with_time, enum log_level least, char message[CONFIG_MESSAGE_BYTES]);
int log_fd(void);
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Lets at most one line a second through for each place that says it, and counts the rest. */
#define log_seldom(level, ...)                                                                     \
	do {                                                                                       \
		static struct log_gate gate;                                                       \
		if (log_gate_open(&gate))                                                          \
			log_write(level, __VA_ARGS__);                                             \
	} while (0)
struct log_gate {
	uint64_t next_ns;
	unsigned suppressed;
};
bool log_gate_open(struct log_gate *gate);

#endif
