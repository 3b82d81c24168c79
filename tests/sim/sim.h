/* SPDX-License-Identifier: MIT */
/*
 * One simulated world: two engines, a wire that misbehaves, programs that open, send, read, pause,
 * shut down and close, sometimes an attacker, all drawn from one seed and in virtual time.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "stack/protocol/host.h"
#include "stack/protocol/tcp/tcp.h"
#include "stack/stack.h"

#define CONNECTIONS_MAX 12
#define SERVER_PORT 7

/* ---- chance: a stream of numbers from a seed ---- */
struct chance {
	uint64_t state;
};
uint64_t chance_next(struct chance *c);
/* 0 <= result < limit */
uint64_t chance_below(struct chance *c, uint64_t limit);
bool chance_percent(struct chance *c, double percent);

/* ---- the wire ---- */
struct faults {
	double loss, duplicate, reorder, corrupt; /* per cent */
	uint64_t delay_ns, jitter_ns, rate_bytes_per_s;
	uint32_t queue_bytes;
};

struct flying {
	uint64_t due_ns, order;
	unsigned to;
	uint32_t bytes;
	uint16_t gso_bytes;
	uint8_t *data;
};

struct wire {
	struct flying *heap;
	uint32_t count, room;
	uint64_t order, busy_until_ns[2];
	struct faults faults;
	uint64_t sent, lost, corrupted;
	FILE *pcap;
};

struct world;
void wire_send(struct world *w, unsigned from, const struct frame_out *f);
/* A packet as it is, without the wire's faults. */
void wire_put(struct world *w, unsigned to, const uint8_t *data, uint32_t bytes, uint64_t delay_ns);
bool wire_take(struct wire *w, uint64_t now_ns, struct flying *out);
uint64_t wire_deadline(const struct wire *w);
void wire_destroy(struct wire *w);

/* ---- programs ---- */

enum finish {
	FINISH_POLITELY,  /* shut down, read to the end of file, close */
	FINISH_AT_ONCE,   /* close as soon as all is written */
	FINISH_ABORT,     /* reset in the middle */
};

struct connection;

/* One program's end of a connection. */
struct end {
	struct connection *connection;
	struct socket *socket;  /* NULL: not yet, or gone */
	unsigned host;
	uint64_t to_send, sent, received;
	enum finish finish;
	uint64_t abort_after;   /* bytes sent or received */
	unsigned write_most, read_most; /* bytes at once; 0: no limit */
	uint64_t pause_ns;      /* between reads; 0: reads at once, in the callback */
	uint64_t read_again_ns;
	bool started, connected, peer_closed, sendable, shut, closed, gone, failed;
	int error;
};

struct connection {
	struct end end[2];      /* [0] opens */
	uint64_t start_ns;
	uint32_t iss;           /* the opener's first sequence number */
	bool simultaneous;
	unsigned number;
};

struct host {
	unsigned number;
	struct stack *stack;
	struct stack_owner owner;
	struct mem mem;
	struct stack_config config;
	uint32_t interface;
	struct socket *listener;
	size_t allocated_bytes;
	struct chance memory_chance;
	double memory_fails;    /* per cent of requests, once running */
	bool running;
	struct world *world;
};

/* The second host of some worlds is no engine but a peer that lies (liar.c). */
struct liar {
	bool on, passive, synced, timestamps; /* passive: our engine waits for its SYN */
	uint16_t port, remote_port;
	uint32_t ours_nxt, ours_acked, theirs_first, theirs_nxt, clock;
	unsigned steps, frames;
	uint64_t next_ns;
};

struct world {
	uint64_t seed;
	struct chance chance;
	struct host host[2];
	struct wire wire;
	struct connection connection[CONNECTIONS_MAX];
	unsigned connection_count;
	uint64_t now_ns, events, limit_ns;
	uint64_t attack_every_ns, next_attack_ns, attacks;
	uint32_t mtu;
	struct liar liar;
	bool verbose;
};

/* ---- host.c ---- */
void host_create(struct world *w, unsigned number);
void host_destroy(struct host *h);
/* Everything that the programs of this host want to do now. */
void host_pump(struct world *w, unsigned number);
void host_drain(struct world *w, unsigned number);
void host_check(struct world *w, unsigned number);
uint64_t host_program_deadline(const struct world *w, unsigned number);
uint8_t stream_byte(uint64_t seed, unsigned connection, unsigned side, uint64_t position);

/* ---- world.c, attack.c, liar.c ---- */
/* Ends the process on a failure, after saying why. */
void world_run(uint64_t seed, FILE *pcap, bool verbose);
void attack(struct world *w);
void liar_begin(struct world *w);
void liar_step(struct world *w);
void liar_see(struct world *w, const struct frame_out *f);
uint32_t ip_of(unsigned host);
__attribute__((noreturn, format(printf, 2, 3))) void world_fail(const struct world *w, const char *format, ...);
/* Sums over a packet: sets the IP and TCP checksums of a raw IPv4/TCP packet. */
void packet_finish(uint8_t *ip, uint32_t bytes);

#endif
