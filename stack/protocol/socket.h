/* SPDX-License-Identifier: MIT */
/*
 * What every kind of socket has: the memory block with its control information that a descriptor
 * names. TCP's block (struct tcb, tcp/tcb.h) and the datagram block begin with a struct socket.
 */
#ifndef STACK_PROTOCOL_SOCKET_H
#define STACK_PROTOCOL_SOCKET_H

#include "stack/protocol/host.h"
#include "stack/protocol/ip.h"

struct socket;

enum socket_output {
	SOCKET_OUTPUT_NOTHING, /* nothing (more) to send: off the ready list */
	SOCKET_OUTPUT_FRAME,   /* the frame is complete; ask again later */
	SOCKET_OUTPUT_AGAIN,   /* a segment went another way (queued for a neighbour, dropped): ask again */
};

/* What differs between the kinds. NULL means EOPNOTSUPP. Checks that are common to all (is it
 * bound, is the address of the right family and ours) are done before. */
struct socket_ops {
	const char *name; /* "tcp", "udp", ... */
	int (*connect)(struct socket *so, const struct endpoint *remote);
	int (*listen)(struct socket *so, int backlog);
	struct socket *(*accept)(struct socket *so, uint64_t id, void *user);
	unsigned (*send_space)(struct socket *so, struct space out[2]);
	void (*send_commit)(struct socket *so, uint32_t bytes, bool urgent, bool more);
	unsigned (*receive_spans)(struct socket *so, struct span out[2], bool *urgent_at_end);
	void (*receive_consume)(struct socket *so, uint32_t bytes);
	int (*send_datagram)(struct socket *so, const struct datagram *d, struct span payload);
	int (*shutdown)(struct socket *so, unsigned how);
	void (*close)(struct socket *so, bool unread);
	void (*abort)(struct socket *so);
	/* Options of the kind's own level (IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP) and, for
	 * SOL_SOCKET, those that the kind has to know of at once (option_changed). */
	int (*set_option)(struct socket *so, int level, int name, const void *value, uint32_t bytes);
	int (*get_option)(struct socket *so, int level, int name, void *value, uint32_t *bytes);
	void (*option_changed)(struct socket *so, int level, int name);
	/* Fill the next frame. */
	enum socket_output (*output)(struct socket *so, struct frame_out *f);
	void (*info)(const struct socket *so, struct socket_info *out);
	void (*queues)(const struct socket *so, uint32_t *unsent, uint32_t *unacked, uint32_t *unread);
};

/* Options that mean the same for every kind (SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6). */
struct socket_options {
	bool reuse_address, reuse_port, broadcast, keepalive, dont_route, oob_inline, ip_free_bind,
	    bind_address_no_port, receive_options, return_options;
	bool linger_on, v6_only, no_check, timestamp_on, timestamp_ns_on;
	int linger_seconds;
	int priority, mark;
	uint32_t send_buffer_bytes, receive_buffer_bytes; /* as getsockopt shows them (doubled) */
	bool send_buffer_locked, receive_buffer_locked;   /* set by the program: no auto-tuning */
	int receive_low_water;
	uint64_t max_pacing_bytes_per_s;                  /* UINT64_MAX: none */
	int16_t ttl, hop_limit;            /* -1: default */
	uint8_t tos, traffic_class;
	int16_t multicast_ttl, multicast_hops;
	bool multicast_loop, multicast_loop6, multicast_all, multicast_all6;
	uint32_t multicast_interface, multicast_interface6;
	uint8_t multicast_address[4];      /* how IP_MULTICAST_IF named it */
	uint8_t mtu_discover, mtu_discover6;              /* IP_PMTUDISC_* */
	bool packet_info, packet_info6, receive_ttl, receive_tos, receive_error, receive_error6;
	bool receive_hop_limit, receive_traffic_class;
	int busy_poll, incoming_cpu;
};

/* One user of a port; belongs to ports.c but for listening. A TIME-WAIT block, which has no socket
 * any more, keeps one as well. */
struct port_entry {
	struct list link;           /* in its bucket */
	struct port_bucket *bucket; /* NULL: holds no port */
	struct socket *socket;      /* NULL: TIME-WAIT */
	struct ip_addr addr;
	uint32_t interface;
	bool v6_only, reuse_address, reuse_port;
	bool listening;             /* TCP: after port_check_listen() has allowed it */
};

struct socket {
	struct stack *stack;
	const struct socket_ops *ops;
	enum socket_kind kind;
	uint8_t family;    /* 4 or 6 */
	uint8_t protocol;  /* IPPROTO_* */
	uint64_t id;
	void *user;        /* NULL: no callback any more (orphan, or not accepted yet) */
	struct endpoint local, remote; /* unspecified and port 0 until known */
	bool bound;        /* has a local port (or, raw, address) */
	bool bound_address; /* the program chose the local address: it survives a disconnect */
	bool bound_port;   /* the program chose the port */
	bool connected;    /* datagram: remote is fixed. TCP keeps its own state */
	bool closing;      /* the program has let go */
	uint32_t bound_interface; /* SO_BINDTODEVICE; 0: any */
	int error;         /* pending, positive errno */
	struct socket_options option;
	struct ip_path path; /* cached way to remote; ip_path_refresh() before use */
	struct list all;     /* stack->sockets */
	struct list ready;   /* stack->ready */
	struct port_entry port;
};

/* Fills the common part; adds to stack->sockets. 0 or -ENFILE. */
int socket_setup(struct socket *so, struct stack *s, const struct socket_ops *ops,
    enum socket_kind kind, uint8_t family, uint8_t protocol, uint64_t id, void *user);
/* Takes it out of every list and table of the common part. The owner of the block then frees it. */
void socket_teardown(struct socket *so);

static inline void socket_mark_ready(struct socket *so)
{
	if (!list_linked(&so->ready))
		list_append(&so->stack->ready, &so->ready);
}

static inline void socket_notify(struct socket *so, unsigned events)
{
	if (so->user)
		so->stack->owner.notify(so->user, events);
}

/* Sets the pending error and tells the owner. */
void socket_fail(struct socket *so, int error);

/* Frees every datagram and raw socket; TCP frees its own. */
void datagram_sockets_destroy(struct stack *s);
/* kind other than SOCKET_TCP. 0 or a negative errno. */
int datagram_socket_create(struct stack *s, enum socket_kind kind, uint8_t family, uint8_t protocol,
    uint64_t id, void *user, struct socket **out);

/* ---- options.c: what means the same for every kind (SOL_SOCKET, IPPROTO_IP) ---- */

int option_set(struct socket *so, int level, int name, const void *value, uint32_t bytes);
int option_get(struct socket *so, int level, int name, void *value, uint32_t *bytes);
/* Copies an int answer, cut to the room there is, as Linux does. */
void option_answer_int(int answer, void *value, uint32_t *bytes);

/* ---- ports.c: who has which port ---- */

int ports_create(struct stack *s);
void ports_destroy(struct stack *s);

/* Linux's rules (SO_REUSEADDR, SO_REUSEPORT, wildcard against specific, IPV6_V6ONLY, bound device).
 * port 0 chooses an ephemeral one. 0, -EADDRINUSE, -EADDRNOTAVAIL. Sets so->local and so->bound. */
int port_bind(struct socket *so, const struct endpoint *local);
/* An ephemeral port for connecting to remote from local->addr, which may be shared by connections to
 * different remotes as in Linux (is_free asks TCP whether the 4-tuple is unused). */
int port_bind_for_connect(struct socket *so, const struct endpoint *local, const struct endpoint *remote,
    bool (*is_free)(struct socket *so, const struct endpoint *local, const struct endpoint *remote));
/* A child of listener shares its port. */
void port_share(struct socket *child, struct socket *listener);
void port_release(struct socket *so);
/* A datagram socket's local address changes when it is connected or dissolved. */
void port_set_address(struct socket *so, const struct ip_addr *addr);
/* A TIME-WAIT block goes on holding the port of the connection that it was, until it lets go. */
void port_hand_over(struct socket *so, struct port_entry *heir);
void port_entry_release(struct stack *s, struct port_entry *e);
/* Best match among the bound sockets of a kind: most specific local, remote, device; balanced over
 * SO_REUSEPORT groups by the hash of the 4-tuple. accepts: NULL, or asks whether it may be chosen
 * (TCP: is it listening?). */
struct socket *port_find(struct stack *s, enum socket_kind kind, uint8_t protocol, const struct endpoint *local,
    const struct endpoint *remote, uint32_t interface, bool (*accepts)(const struct socket *so));
/* All of them: multicast and broadcast datagrams, raw sockets (local->port: the protocol). */
void port_for_each(struct stack *s, enum socket_kind kind, const struct endpoint *local,
    const struct endpoint *remote, uint32_t interface,
    void (*visit)(struct socket *so, void *context), void *context);
/* TCP: LISTEN makes conflicts that an only bound port does not (Linux: reuse_address). */
int port_check_listen(struct socket *so);

#endif
