/* SPDX-License-Identifier: MIT */
/*
 * struct stack: everything that one host's protocol stack knows, and what each protocol may use of
 * it. Interfaces, neighbours, routes, paths, sockets, timers and counters hang here; each file of
 * this folder owns the part that is named after it and touches no other part directly.
 */
#ifndef STACK_PROTOCOL_HOST_H
#define STACK_PROTOCOL_HOST_H

#include "stack/base/hash.h"
#include "stack/base/list.h"
#include "stack/base/mem.h"
#include "stack/base/random.h"
#include "stack/base/timer.h"
#include "stack/stack.h"

struct counters {
#define COUNTER(name, text) uint64_t name;
#include "stack/protocol/counters.def"
#undef COUNTER
};

#define INTERFACES_MAX 16U
#define IPV4_ID_COUNTERS 512U

struct interface;
struct neighbour_table;
struct route_table;
struct path_table;
struct reassembly;
struct port_table;
struct packet_queue;
struct icmp_state;
struct tcp_host;

struct stack {
	struct mem mem;          /* counts, and refuses beyond config.memory_max_bytes */
	struct mem owner_mem;    /* what the owner gave */
	uint64_t memory_used_bytes;
	struct stack_config config; /* with every default filled in */
	struct stack_owner owner;
	struct hash_key key;     /* for hash tables and cookies */
	struct random random;
	uint64_t now_ns;         /* time of the call that we are in */
	bool pulling;            /* in a batch of frames: what they point to must stay */
	struct timer_heap timers;
	uint32_t timers_reserved; /* timers that may be armed at once: timers_reserve() */
	struct counters counters;

	struct interface *interface[INTERFACES_MAX]; /* by index; [0] is never used, [1] is loopback */
	struct neighbour_table *neighbours;
	struct route_table *routes;
	struct path_table *paths;          /* what is known of the way to a destination: PMTU, metrics */
	struct reassembly *reassembly;
	struct port_table *ports;          /* bound sockets of all kinds */
	struct packet_queue *packets;      /* ready-made packets that wait to be pulled */
	struct icmp_state *icmp;           /* rate limits */
	struct tcp_host *tcp;              /* connections, half-open ones, TIME-WAIT */

	struct list sockets;     /* every struct socket, by its all link */
	uint32_t socket_count;
	struct list ready;       /* sockets that may have a frame to send, by their ready link */

	struct list spent;       /* packets that were pulled and may still be on their way (packet.c) */
	uint32_t spent_count;
	uint32_t ipv4_id[IPV4_ID_COUNTERS]; /* identifications, by hash of the flow (ipv4_output.c) */
	uint8_t *scratch;        /* FRAME_PACKET_MAX octets: a packet on its way through the loopback */
	uint32_t packets_in_turn; /* ready-made packets pulled since a socket had its turn */
};

/* Room for count more (or fewer, if negative) timers in the heap. 0 or -ENOMEM. Whoever makes an
 * object with timers reserves them, so that timer_arm() cannot fail. */
int stack_reserve_timers(struct stack *s, int count);

/* Does this stack speak IPv6? If not, AF_INET6 sockets are refused as by a kernel without it. */
bool stack_has_ipv6(const struct stack *s);

static inline bool trace_on(const struct stack *s)
{
	return s->owner.trace != NULL;
}

/* Fills in the time and hands e over. Ask trace_on() first. */
static inline void trace_emit(struct stack *s, struct trace_event *e)
{
	e->time_ns = s->now_ns;
	s->owner.trace(s->owner.context, e);
}

/* A frame or packet was dropped: why, and how many bytes it had. */
void trace_drop(struct stack *s, const char *why, const char *reason, uint32_t bytes);

#endif
