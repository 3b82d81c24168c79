/* SPDX-License-Identifier: MIT */
/*
 * The trace (DESIGN.md 2.5): everything that happens in the stack as typed events in one stream.
 * The log, the ladder diagram, the socket tables, captures and the comparison with the kernel are
 * readers of it; protocol code never prints. An event is valid only during the call that hands it
 * over. Nothing is built when nobody listens: trace_on() is asked first.
 */
#ifndef STACK_PROTOCOL_TRACE_H
#define STACK_PROTOCOL_TRACE_H

#include <stdint.h>

#include "stack/base/addr.h"
#include "stack/base/frame.h"

/* TRACE(NAME, "what a reader calls it") */
#define TRACE_KINDS(TRACE)                                                                         \
	TRACE(FRAME_IN, "frame in")             /* frame_in, before it is parsed */                \
	TRACE(FRAME_OUT, "frame out")           /* frame_out, as handed to the driver */           \
	TRACE(DROP, "drop")                     /* text: why; number[0]: bytes */                  \
	TRACE(SOCKET_OPENED, "socket opened")   /* text: protocol */                               \
	TRACE(SOCKET_BOUND, "socket bound")                                                        \
	TRACE(SOCKET_CLOSED, "socket closed")   /* the block is gone; text: why */                 \
	TRACE(STATE, "state")                   /* text: new state; detail: old state; reason */   \
	TRACE(TIMER_SET, "timer set")           /* text: timer; number[0]: span in ns */           \
	TRACE(TIMER_FIRED, "timer fired")       /* text: timer */                                  \
	TRACE(RETRANSMIT, "retransmit")         /* text: why, with the RFC clause; number[0]: first seq, [1]: bytes, [2]: span in ns */ \
	TRACE(CONGESTION, "congestion")         /* text: why; number[0]: cwnd in bytes, [1]: ssthresh */ \
	TRACE(RTT, "round trip")                /* number[0]: sample ns, [1]: srtt ns, [2]: rto ns */ \
	TRACE(WINDOW, "window")                 /* text: zero window, opened ...; number[0]: bytes */ \
	TRACE(ACK_DELAYED, "ack delayed")       /* text: why; number[0]: span in ns */             \
	TRACE(DELIVERED, "delivered")           /* number[0]: bytes handed to the program */       \
	TRACE(QUEUED, "queued")                 /* number[0]: bytes that the program gave us */    \
	TRACE(NEIGHBOUR, "neighbour")           /* text: new state; detail: old; remote; mac */    \
	TRACE(ADDRESS, "address")               /* text: added, removed, conflict ...; local */    \
	TRACE(ROUTE, "route")                   /* text: added, removed */                         \
	TRACE(ICMP_ERROR, "icmp error")         /* text: what it says; number[0]: errno */         \
	TRACE(CALL, "call")                     /* from service/: text: the call; detail: result */

enum trace_kind {
#define TRACE(name, text) TRACE_##name,
	TRACE_KINDS(TRACE)
#undef TRACE
};

struct trace_event {
	enum trace_kind kind;
	uint64_t time_ns;
	uint64_t socket_id;  /* 0 when it concerns no socket */
	uint32_t interface;  /* 0 when it concerns none */
	struct endpoint local, remote;
	struct mac_addr mac;
	const char *text;    /* static strings or valid during the call; may be NULL */
	const char *detail;
	const char *reason;  /* RFC clause or Linux habit that explains it; may be NULL */
	uint64_t number[3];
	const struct frame_in *frame_in;
	const struct frame_out *frame_out;
};

#endif
