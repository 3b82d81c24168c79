/* SPDX-License-Identifier: MIT */
/*
 * The engine's public face (DESIGN.md 2.3). It does no I/O, reads no clock, draws no entropy,
 * starts no thread and has no global state: everything that happens is a function of the calls
 * below. Three verbs drive it:
 *
 *     stack_input()     a frame has arrived
 *     stack_output()    is there a frame to send? (asked until it says no)
 *     stack_deadline()  when must stack_output() be asked again although nothing else happens?
 *
 * and every call that can make something happen takes the time. Frames, socket events and trace
 * events come out through stack_output() and the callbacks of struct stack_owner. A callback must
 * not call back into the engine; it notes what it saw and acts after the call has returned.
 *
 * Functions return 0 (or a count) or a negative errno value, that of the Linux call that they
 * serve. Addresses are struct ip_addr (base/addr.h), ports are in host order, times in nanoseconds.
 */
#ifndef STACK_STACK_H
#define STACK_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/base/addr.h"
#include "stack/base/frame.h"
#include "stack/base/mem.h"
#include "stack/base/time.h"
#include "stack/protocol/trace.h"

struct stack;
struct socket;

/* ---- what the engine asks of its owner ---- */

/* What has become true of a socket; bits, so that several can be told at once. */
enum socket_event {
	SOCKET_EVENT_CONNECTED = 1 << 0,   /* the handshake that socket_connect() began is done */
	SOCKET_EVENT_SENDABLE = 1 << 1,    /* socket_send_space() has room again */
	SOCKET_EVENT_RECEIVABLE = 1 << 2,  /* data waits that deliver() did not take */
	SOCKET_EVENT_ACCEPTABLE = 1 << 3,  /* socket_accept() has a connection */
	SOCKET_EVENT_PEER_CLOSED = 1 << 4, /* FIN received and all data before it delivered or waiting */
	SOCKET_EVENT_ERROR = 1 << 5,       /* socket_take_error() is not 0; for TCP: it is closed */
	SOCKET_EVENT_SENT_ALL = 1 << 6,    /* all that was queued (and FIN) has been acknowledged */
	SOCKET_EVENT_GONE = 1 << 7,        /* a socket_close()d socket needs no more: user may forget it */
};

/* A datagram's envelope, both ways. */
struct datagram {
	struct endpoint remote;   /* in: where from. out: where to; port 0 and unspecified: connected peer */
	struct ip_addr local;     /* in: destination address. out: source address, unspecified: ours to choose */
	uint32_t interface;       /* in: where it arrived. out: 0 is ours to choose */
	int16_t ttl;              /* in: received. out: -1 is the socket's own */
	int16_t tos;              /* likewise: TOS or traffic class, with the ECN bits */
	uint16_t gso_bytes;       /* in: pieces of this size, 0 is one datagram. out: UDP_SEGMENT */
	uint64_t time_ns;         /* in: when */
	bool checksum_verified;
};

/* An error about a datagram that was sent earlier (ICMP, or our own): IP_RECVERR's facts. */
struct datagram_error {
	int error;                /* positive errno */
	uint8_t origin;           /* SO_EE_ORIGIN_* */
	uint8_t type, code;       /* ICMP */
	uint32_t info;            /* MTU for EMSGSIZE */
	struct endpoint remote;   /* where the datagram was going */
	struct ip_addr offender;  /* who complained */
};

struct stack_owner {
	/*
	 * In-order stream data. The owner takes as much as it can at once and returns how many
	 * bytes; the rest waits in the socket and is told by RECEIVABLE. urgent: the last byte of
	 * data is the urgent one.
	 */
	size_t (*deliver)(void *user, struct span data, bool urgent);
	/* A datagram for user: true when taken, false drops and counts it. At most 2 parts. */
	bool (*deliver_datagram)(void *user, const struct datagram *d, const struct span *part, unsigned parts);
	/* An error for a datagram socket. payload: the beginning of the datagram that failed. */
	void (*datagram_error)(void *user, const struct datagram_error *e, struct span payload);
	/* enum socket_event bits that have become true. */
	void (*notify)(void *user, unsigned events);
	/* How many accepted connections the owner holds that no program has taken yet: they count
	 * against the backlog, beside those that wait in the engine. */
	unsigned (*accept_queued)(void *user);
	/* An address of ours: in_use tells whether the check found it free (RFC 5227). */
	void (*address)(void *context, uint32_t interface, const struct ip_addr *a, bool conflict,
	    const struct mac_addr *other);
	/* May be NULL: then no event is built. */
	void (*trace)(void *context, const struct trace_event *e);
	void *context;
};

/* ---- life ---- */

/* Bounds and habits; 0 in any field takes the default that Linux has or that DESIGN.md names. */
struct stack_config {
	uint8_t secret[32];           /* drawn by the owner; all randomness comes from it */
	uint32_t sockets_max;
	uint64_t memory_max_bytes;    /* rings, queues and caches together */
	uint32_t neighbours_max;
	uint16_t port_first, port_last; /* ephemeral ports, inclusive */
	uint32_t tcp_send_buffer_bytes[3];    /* minimum, default, maximum: tcp_wmem */
	uint32_t tcp_receive_buffer_bytes[3]; /* tcp_rmem */
	uint8_t tcp_syn_retries, tcp_synack_retries, tcp_retries1, tcp_retries2, tcp_orphan_retries;
	uint64_t tcp_fin_timeout_ns;
	uint64_t tcp_time_wait_ns;
	uint32_t tcp_time_wait_max;
	uint32_t tcp_orphans_max;
	uint64_t tcp_keepalive_time_ns, tcp_keepalive_interval_ns;
	uint8_t tcp_keepalive_probes;
	char tcp_congestion[16];      /* "" is cubic */
	int8_t tcp_ecn;               /* 0 default: 2 (accept only), 1: ask for it, -1: never */
	int8_t tcp_timestamps, tcp_sack, tcp_window_scaling; /* 0 default: on, -1: off */
	uint8_t tcp_fastopen;         /* Linux's bits: 1 client, 2 server, ...; 0 default: client only */
	uint32_t somaxconn;
	bool trace_frames;            /* build FRAME_IN and FRAME_OUT events as well */
};

/* NULL when there is no memory. The owner's callbacks and mem must outlive the stack. */
struct stack *stack_create(const struct stack_config *config, const struct stack_owner *owner,
    const struct mem *mem, uint64_t now_ns);
/* Frees everything; sockets vanish without a word to their peers. */
void stack_destroy(struct stack *s);
/* Somebody listens to the trace from now on, or (NULL) nobody does any more. */
void stack_trace_to(struct stack *s, void (*trace)(void *context, const struct trace_event *e));

/* ---- the three verbs ---- */

void stack_input(struct stack *s, uint32_t interface, const struct frame_in *frame, uint64_t now_ns);
/* Runs what is due and fills one frame: true. False: nothing to send now. Frames may be pulled in
 * batches: the parts of each stay valid until a call other than stack_output() and stack_deadline(),
 * a stack_output() with a later time, or one after a stack_output() that said false. */
bool stack_output(struct stack *s, struct frame_out *frame, uint64_t now_ns);
/* TIME_NEVER when nothing is pending. In the past when stack_output() is wanted at once. */
uint64_t stack_deadline(const struct stack *s);

/* ---- interfaces, addresses, routes ---- */

struct interface_config {
	char name[16];
	struct mac_addr mac;
	uint32_t mtu_bytes;          /* largest IP packet on the link */
	bool has_link_header;        /* false: tun, PPP: frames begin with IP, no ARP */
	bool gso_tcp, gso_udp;       /* may the engine give frames beyond the MTU? */
	bool checksum_offload;       /* may it leave the transport checksum to the driver? */
	bool ipv6;                   /* link-local address, router solicitation, autoconfiguration */
};

/* Indices are small and start at 1 (0 is the loopback's absence; the loopback is index 1 itself). */
#define STACK_LOOPBACK_INDEX 1U
/* Returns the new interface's index or a negative errno. */
int stack_interface_add(struct stack *s, const struct interface_config *config);
/* Another limit for packets, within the link's own (at least 68). 0, -ENODEV, -EINVAL. */
int stack_interface_set_mtu(struct stack *s, uint32_t interface, uint32_t mtu_bytes);
/* Takes an interface away with its addresses, routes and neighbours. */
int stack_interface_remove(struct stack *s, uint32_t interface);

/* Adds an address. probe: RFC 5227 checks first that nobody else has it (usable at once all the
 * same, as in Linux; a conflict is told through owner->address), and then announces it. */
int stack_address_add(struct stack *s, uint32_t interface, const struct prefix *p, bool probe, uint64_t now_ns);
int stack_address_remove(struct stack *s, uint32_t interface, const struct ip_addr *a, uint64_t now_ns);

enum route_kind { ROUTE_UNICAST, ROUTE_LOCAL, ROUTE_BLACKHOLE };
struct route {
	struct prefix destination;
	struct ip_addr gateway;   /* unspecified: on the link */
	struct ip_addr source;    /* preferred source; unspecified: chosen by rule */
	uint32_t interface;
	uint32_t metric;
	enum route_kind kind;
};
int stack_route_add(struct stack *s, const struct route *r);
int stack_route_remove(struct stack *s, const struct route *r);

/* ---- sockets ---- */

enum socket_kind {
	SOCKET_TCP,
	SOCKET_UDP,
	SOCKET_ICMP, /* datagram ping socket: SOCK_DGRAM with IPPROTO_ICMP */
	SOCKET_RAW,  /* SOCK_RAW; protocol says which */
};

/* family: 4 or 6. user is handed back in every callback about this socket. */
int socket_create(struct stack *s, enum socket_kind kind, uint8_t family, uint8_t protocol,
    uint64_t id, void *user, uint64_t now_ns, struct socket **out);
int socket_bind(struct socket *so, const struct endpoint *local, uint64_t now_ns);
/* TCP: -EINPROGRESS when the handshake has begun. Datagram: 0. remote NULL: AF_UNSPEC dissolves. */
int socket_connect(struct socket *so, const struct endpoint *remote, uint64_t now_ns);
int socket_listen(struct socket *so, int backlog, uint64_t now_ns);
/* The oldest established connection, or NULL. The caller gives it its id and user at once. */
struct socket *socket_accept(struct socket *so, uint64_t id, void *user, uint64_t now_ns);

/* Stream data out: fill the spaces (at most 2; returns how many), then commit what was filled.
 * urgent: the last byte committed is urgent (RFC 9293 3.8.5, RFC 6093). more: MSG_MORE. */
unsigned socket_send_space(struct socket *so, struct space out[2]);
void socket_send_commit(struct socket *so, uint32_t bytes, bool urgent, bool more, uint64_t now_ns);
/* Stream data in, that deliver() did not take at once (at most 2 spans). */
unsigned socket_receive_spans(struct socket *so, struct span out[2], bool *urgent_at_end);
void socket_receive_consume(struct socket *so, uint32_t bytes, uint64_t now_ns);
int socket_send_datagram(struct socket *so, const struct datagram *d, struct span payload, uint64_t now_ns);

enum socket_shutdown { SOCKET_SHUT_READ = 1, SOCKET_SHUT_WRITE = 2 };
int socket_shutdown(struct socket *so, unsigned how, uint64_t now_ns);
/* The program has let go: what is queued is sent, then FIN. The block may live on (FIN-WAIT,
 * TIME-WAIT); user hears nothing more but GONE and then may free. unread: the program left data
 * unread: RST instead (RFC 2525 2.17). Honour SO_LINGER. */
void socket_close(struct socket *so, bool unread, uint64_t now_ns);
/* Reset at once and forget; no callback follows. */
void socket_abort(struct socket *so, uint64_t now_ns);

/* Linux's level and name (SOL_SOCKET, IPPROTO_TCP ...). -ENOPROTOOPT, -EINVAL ... as Linux. */
int socket_set_option(struct socket *so, int level, int name, const void *value, uint32_t bytes, uint64_t now_ns);
/* *bytes: room in, length out. */
int socket_get_option(struct socket *so, int level, int name, void *value, uint32_t *bytes, uint64_t now_ns);
/* Pending error as a positive errno, and forgets it: SO_ERROR. */
int socket_take_error(struct socket *so);
/* SIOCOUTQ, SIOCOUTQNSD, SIOCINQ of the engine's own queues. */
uint32_t socket_unsent_bytes(const struct socket *so);   /* not yet sent */
uint32_t socket_unacked_bytes(const struct socket *so);  /* not yet acknowledged, unsent included */
uint32_t socket_unread_bytes(const struct socket *so);

void socket_local(const struct socket *so, struct endpoint *out);
/* 0 or -ENOTCONN. */
int socket_peer(const struct socket *so, struct endpoint *out);
uint64_t socket_id(const struct socket *so);
/* Which local address and interface would serve remote? For the shim's early errors, getaddrinfo's
 * order (RFC 6724) and unconnected datagrams. 0, -ENETUNREACH, -EHOSTUNREACH. */
int stack_source_for(struct stack *s, const struct endpoint *remote, struct ip_addr *source, uint32_t *mtu_bytes);

/* ---- looking inside: teachnet ss, neigh, route, addr, stat ---- */

struct socket_info {
	uint64_t id;
	enum socket_kind kind;
	uint8_t family, protocol;
	const char *state;          /* "ESTAB", "LISTEN", "TIME-WAIT", "UNCONN" ...: the words of ss */
	struct endpoint local, remote;
	uint32_t receive_queue_bytes, send_queue_bytes; /* a listener: accept queue, backlog */
	bool orphan;                /* no program holds it any more */
	const char *timer;          /* "", "on", "keepalive", "timewait", "persist", "delack", "pacing" */
	uint64_t timer_expires_ns;  /* absolute */
	uint32_t timer_retries;
	bool has_tcp;
	struct {                    /* the control block */
		const char *congestion, *congestion_state;
		uint64_t srtt_ns, rttvar_ns, rto_ns, rtt_min_ns, pacing_bytes_per_s, delivery_bytes_per_s;
		uint32_t mss_bytes, peer_mss_bytes, path_mtu_bytes, cwnd_bytes, ssthresh_bytes;
		uint32_t iss, irs, snd_una, snd_nxt, snd_wnd, snd_wl1, snd_wl2, snd_up;
		uint32_t rcv_nxt, rcv_wnd, rcv_up;
		uint8_t snd_scale, rcv_scale;
		bool timestamps, sack, ecn, fastopen;
		uint32_t in_flight_bytes, lost_bytes, sacked_bytes, out_of_order_bytes;
		uint32_t send_buffer_bytes, receive_buffer_bytes;
		uint64_t bytes_sent, bytes_acked, bytes_received, bytes_retransmitted;
		uint64_t segments_out, segments_in, retransmits;
	} tcp;
};
/* visit is called once for each socket, TIME-WAIT and half-open ones included. */
void stack_visit_sockets(struct stack *s, uint64_t now_ns,
    void (*visit)(void *context, const struct socket_info *i), void *context);

struct neighbour_info {
	uint32_t interface;
	struct ip_addr addr;
	struct mac_addr mac;
	const char *state;          /* "INCOMPLETE", "REACHABLE", "STALE", "DELAY", "PROBE", "FAILED" */
	uint64_t confirmed_ns, used_ns;
	uint32_t probes, queued_packets;
};
void stack_visit_neighbours(struct stack *s, void (*visit)(void *context, const struct neighbour_info *i), void *context);
void stack_visit_routes(struct stack *s, void (*visit)(void *context, const struct route *r), void *context);

struct address_info {
	uint32_t interface;
	const char *interface_name;
	struct mac_addr mac;
	uint32_t mtu_bytes;
	bool has_address;           /* false: an interface without an address is visited once */
	struct prefix prefix;
	const char *state;          /* "TENTATIVE", "PREFERRED", "CONFLICT" */
};
void stack_visit_addresses(struct stack *s, void (*visit)(void *context, const struct address_info *i), void *context);

/* Counters and the bounds of every cache and queue. limit 0: none. */
void stack_visit_counters(struct stack *s,
    void (*visit)(void *context, const char *name, const char *text, uint64_t value, uint64_t limit), void *context);
/* One of them by itself, as it is asked for after each batch: segments with a hole before them. */
uint64_t stack_out_of_order(const struct stack *s);

#endif
