/* SPDX-License-Identifier: MIT */
/*
 * What is known of a passive open before there is a control block: what a request remembers, and
 * what a SYN cookie brings back.
 */
#ifndef STACK_PROTOCOL_TCP_PASSIVE_H
#define STACK_PROTOCOL_TCP_PASSIVE_H

#include "stack/protocol/tcp/tcp.h"

struct passive {
	struct seq irs, iss;
	uint32_t ts_recent, ts_offset;
	uint32_t ts_value;       /* to be sent in place of the clock (cookies); 0: the clock */
	uint32_t window;         /* ours */
	uint32_t peer_window;    /* the field of the SYN */
	uint16_t mss_peer, mss_advertised;
	struct tcp_options cookie; /* fast open: has_cookie and what follows from it */
	uint8_t send_scale, receive_scale;
	bool timestamps_on, sack_on, scaling_on, ecn;
};

struct request {
	struct tcp_entry entry;
	struct stack *stack;
	struct tcb *listener;
	struct list link;        /* listener->requests */
	struct passive passive;
	struct timer timer;
	uint8_t *saved_syn;      /* IP and TCP headers; moves to the connection */
	uint16_t saved_syn_bytes;
	uint64_t begin_ns, repeated_ns;
	uint32_t ts_first, ts_last; /* timestamps of our SYN-ACKs: nothing else can be echoed */
	uint32_t interface;
	uint8_t timeouts, retransmits;
	bool replied;
	bool acked;              /* the third segment has come, but could not be used yet */
};

void tcp_passive_init(struct passive *r, const struct tcb *listener, const struct ip_packet *p,
    const struct tcp_segment *seg, const struct ip_path *path, const struct tuple *tuple);
void tcp_passive_reply(struct stack *s, const struct tcb *listener, const struct tuple *tuple,
    const struct passive *p);
/* A control block in SYN-RECEIVED, in no table yet. NULL: no memory, or no way back. */
struct tcb *tcp_passive_accept(struct tcb *listener, const struct tuple *tuple, const struct passive *p,
    uint32_t interface, uint64_t begin_ns);
/* The SYN queue is full: answer without remembering (RFC 4987 3.6). */
void tcp_cookie_reply(struct tcb *listener, const struct ip_packet *p, const struct tcp_segment *seg,
    struct passive *passive);

#endif
