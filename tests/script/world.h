/* SPDX-License-Identifier: MIT */
/*
 * What a script runs in: one engine with one interface in virtual time, the packets that it sent,
 * the peer's side of each connection (how script numbers map to real ones), and the descriptors of
 * a program that makes the script's calls.
 */
#ifndef TESTS_SCRIPT_WORLD_H
#define TESTS_SCRIPT_WORLD_H

#include "stack/stack.h"
#include "stack/wire/tcp.h"
#include "tests/script/script.h"

#define LOCAL_IP 0xc0a80001U   /* 192.168.0.1, as packetdrill has it */
#define REMOTE_IP 0xc0000201U  /* 192.0.2.1 */
#define LISTEN_PORT 8080U
#define FDS_MAX 64
#define CONNECTIONS_MAX 64
#define PACKET_BYTES_MAX 65536U

/* A packet that the engine sent. */
struct captured {
	struct captured *next;
	uint64_t time_ns;
	uint32_t bytes;
	uint8_t data[];
};

/* One connection as the script sees it: numbers are relative to these. */
struct connection {
	uint16_t local_port, remote_port;
	bool local_known;       /* an outbound SYN was seen */
	uint32_t local_isn;     /* real number of script 0 of what we send */
	uint32_t remote_isn;    /* the same of what the peer sends */
	bool remote_known;
	uint8_t *written;       /* what the program wrote, to be found in the packets */
	uint32_t written_bytes, written_room;
	uint32_t ts_script[32], ts_real[32]; /* timestamps that we sent, under the script's names */
	unsigned ts_count;
	bool urgent_seen;
};

/* A descriptor of the emulated program. */
struct descriptor {
	int fd;
	bool open, nonblocking, listening, connecting, connected, was_connected, datagram;
	bool shut_read, shut_write, peer_closed, epoll;
	bool has_urgent;
	int kept_error;         /* taken from the engine, not yet told */
	struct socket *socket;
	struct connection *connection;
	uint64_t read_position;
	unsigned seen_events;
	struct { struct datagram d; uint8_t *data; size_t bytes; } inbox[16];
	unsigned inbox_count;
	struct { int fd; uint32_t events; } watch[16]; /* epoll */
	unsigned watch_count;
};

struct world {
	struct stack *stack;
	struct script *script;
	uint64_t now_ns, start_ns;
	uint32_t interface;
	struct captured *first, **last;
	struct connection connection[CONNECTIONS_MAX];
	unsigned connection_count;
	struct connection *current;
	bool listen_is_new;      /* listen() was called since the last connection began */
	uint16_t next_remote_port;
	struct descriptor descriptor[FDS_MAX];
	struct descriptor *under_test;
	int next_fd;
	uint16_t bound_port;
	/* A call that waits (T...T): tried again after every step of the engine. */
	const struct event *pending;
	uint64_t pending_since_ns, pending_end_ns;
	size_t allocated_bytes;
	struct mem mem;
	struct stack_config config;
	struct stack_owner owner;
};

/* ---- world.c ---- */
void world_create(struct world *w, struct script *s);
void world_destroy(struct world *w);
/* Lets the engine do what is due up to and at until_ns; with one: until a packet or a call has
 * come out. Returns true when it stopped for a packet. */
bool world_run(struct world *w, uint64_t until_ns, bool for_packet);
void world_settle(struct world *w);
struct captured *world_take_packet(struct world *w);
void world_inject(struct world *w, const uint8_t *packet, uint32_t bytes);
/* Script seconds for messages. */
double world_seconds(const struct world *w, uint64_t ns);
struct connection *world_connection(struct world *w, uint16_t local_port, uint16_t remote_port);
struct connection *world_new_connection(struct world *w, uint16_t local_port, uint16_t remote_port);
uint8_t pattern_byte(uint32_t position);

/* ---- wire.c: packets of the script as bytes, and bytes against the script ---- */
void wire_inject(struct world *w, const struct event *e);
/* Takes captured packets and compares; fails the script when they differ. */
void wire_expect(struct world *w, const struct event *e, struct captured *packet);
/* A captured packet in the script's notation. */
const char *wire_print(struct world *w, const struct captured *packet);

/* ---- calls.c, calls_data.c, calls_option.c ---- */
#define CALL_BLOCKS INT64_MIN
/* Result, or -errno; CALL_BLOCKS: would wait. */
int64_t call_try(struct world *w, const struct event *e, bool first);
/* Compares a finished call's result. */
void call_finish(struct world *w, const struct event *e, int64_t result);
struct descriptor *call_descriptor(struct world *w, const struct event *e, unsigned argument);
int64_t call_number(const struct event *e, unsigned argument);
struct descriptor *call_new_descriptor(struct world *w);
const struct expr *expr_field(const struct expr *e, const char *key);
int64_t call_take_error(struct descriptor *d);
unsigned call_poll(struct descriptor *d);
int64_t data_read(struct world *w, struct descriptor *d, int64_t bytes, int flags, const struct expr *text, bool first);
int64_t data_write(struct world *w, struct descriptor *d, const struct expr *text, int64_t bytes, int flags, bool first);
int64_t sockopt_set(struct world *w, const struct event *e);
int64_t sockopt_get(struct world *w, const struct event *e);
int64_t poll_call(struct world *w, const struct event *e, bool first);
int64_t epoll_ctl_call(struct world *w, const struct event *e);
int64_t epoll_wait_call(struct world *w, const struct event *e, bool first);

/* ---- code.c, sysctl.c ---- */
void code_run(struct world *w, const struct event *e);
void sysctl_apply(struct stack_config *c, const char *command, unsigned line);

/* ---- run.c ---- */
void run_script(struct script *s);

#endif
