/* SPDX-License-Identifier: MIT */
/*
 * Ending a connection: RFC 9293 3.6 and 3.10.4, 3.10.5 from the program's side, with what Linux does
 * about SO_LINGER, data that nobody read (RFC 2525 2.17) and orphans.
 */
#include <errno.h>

#include "stack/base/check.h"
#include "stack/protocol/tcp/tcp.h"

/* How long an orphan waits in FIN-WAIT-2 (tcp_fin_timeout, TCP_LINGER2). */
uint64_t tcp_fin_timeout(const struct tcb *t)
{
	uint64_t span = t->linger2_ns ? t->linger2_ns : t->socket.stack->config.tcp_fin_timeout_ns;
	uint64_t least = 4 * t->rto_ns - t->rto_ns / 2;

	return span > least ? span : least;
}

/* The orphan's FIN is acknowledged, the peer's has not come: wait, in as little memory as can be. */
static void fin_wait_2_orphan(struct tcb *t)
{
	uint64_t span = tcp_fin_timeout(t), full = t->socket.stack->config.tcp_time_wait_ns;

	if (t->linger2_ns == TIME_NEVER) { /* TCP_LINGER2 below 0 */
		/* As Linux: the answer to the ACK of our FIN, not a segment of a living connection. */
		struct tuple tuple = tcp_tuple_of(t);
		struct tcp_segment reset = {.flags = TCP_RST, .seq = t->snd.nxt};

		t->socket.stack->counters.tcp_out_resets++;
		tcp_send_bare(t->socket.stack, &tuple, &reset, 0, 0);
		tcp_finish(t, 0, "TCP_LINGER2: no patience for the peer's FIN");
	} else if (span > full || t->rcv.fin_known) {
		/* The FIN may be in the very segment that acknowledges ours: the block must see it. */
		tcp_keepalive_set(t, span > full ? span - full : span);
	} else {
		tcp_time_wait_enter(t, TCP_FIN_WAIT_2, span, "an orphan waits for the peer's FIN");
	}
}

/* RFC 9293 3.10.7.4 step 5: our FIN has been acknowledged. */
void tcp_fin_acked(struct tcb *t)
{
	switch (t->state) {
	case TCP_FIN_WAIT_1:
		tcp_set_state(t, TCP_FIN_WAIT_2, "RFC 9293 3.10.7.4: our FIN is acknowledged");
		if (t->orphan)
			fin_wait_2_orphan(t);
		break;
	case TCP_CLOSING:
		tcp_time_wait_enter(t, TCP_TIME_WAIT, t->socket.stack->config.tcp_time_wait_ns,
		    "RFC 9293 3.10.7.4: both FINs are acknowledged");
		break;
	case TCP_LAST_ACK:
		tcp_finish(t, 0, "RFC 9293 3.10.7.4: our FIN is acknowledged, the peer's came before");
		break;
	case TCP_CLOSED:
	case TCP_LISTEN:
	case TCP_SYN_SENT:
	case TCP_SYN_RECEIVED:
	case TCP_ESTABLISHED:
	case TCP_FIN_WAIT_2:
	case TCP_CLOSE_WAIT:
	case TCP_TIME_WAIT:
		break;
	}
}

/* The program sends no more. */
static void close_send_side(struct tcb *t, const char *reason)
{
	if (state_in(t, TCP_STATE_BIT(TCP_ESTABLISHED) | TCP_STATE_BIT(TCP_SYN_RECEIVED))) {
		tcp_set_state(t, TCP_FIN_WAIT_1, reason);
		tcp_send_fin(t);
	} else if (t->state == TCP_CLOSE_WAIT) {
		tcp_set_state(t, TCP_LAST_ACK, reason);
		tcp_send_fin(t);
	}
}

static void stop_listening(struct tcb *t, const char *reason)
{
	tcp_listener_close(t);
	tcp_finish(t, 0, reason);
}

int tcp_shutdown(struct socket *so, unsigned how)
{
	struct tcb *t = tcb_of(so);

	if (t->state == TCP_CLOSED)
		return -ENOTCONN;
	if (t->state == TCP_LISTEN) {
		if (how & SOCKET_SHUT_READ)
			stop_listening(t, "shutdown");
		return 0;
	}
	if (t->state == TCP_SYN_SENT) {
		tcp_finish(t, 0, "shutdown");
		return 0;
	}
	if (how & SOCKET_SHUT_READ) {
		t->rcv.shut = true;
		ring_consume(&t->receive_ring, ring_used(&t->receive_ring));
		if (t->out_of_order.count == 0)
			ring_release_if_empty(&t->receive_ring, &so->stack->mem);
	}
	if (how & SOCKET_SHUT_WRITE)
		close_send_side(t, "RFC 9293 3.10.4: the program sends no more");
	return 0;
}

static void orphan(struct tcb *t)
{
	struct stack *s = t->socket.stack;

	t->orphan = true;
	s->tcp->orphan_count++;
	if (s->tcp->orphan_count > s->config.tcp_orphans_max) {
		tcp_reset_send(t);
		tcp_finish(t, 0, "too many orphans");
	} else if (t->state == TCP_FIN_WAIT_2) {
		fin_wait_2_orphan(t);
	}
}

static bool resets_on_close(const struct tcb *t, bool unread)
{
	const struct socket_options *o = &t->socket.option;

	if (!state_in(t, TCP_SYNCHRONIZED | TCP_STATE_BIT(TCP_SYN_RECEIVED)))
		return false;
	return unread || ring_used(&t->receive_ring) != 0 || (o->linger_on && o->linger_seconds == 0);
}

void tcp_close(struct socket *so, bool unread)
{
	struct tcb *t = tcb_of(so);

	t->closed_user = so->user;
	so->user = NULL;
	so->closing = true;
	if (t->state == TCP_LISTEN) {
		stop_listening(t, "RFC 9293 3.10.4: the program closes");
	} else if (t->state == TCP_SYN_SENT) {
		tcp_finish(t, 0, "RFC 9293 3.10.4: the program closes");
	} else if (resets_on_close(t, unread)) {
		tcp_reset_send(t);
		tcp_finish(t, 0, "RFC 2525 2.17: the program closes with data unread, or lingers for no time");
	} else if (t->state != TCP_CLOSED) {
		t->rcv.shut = true;
		close_send_side(t, "RFC 9293 3.10.4: the program closes");
		orphan(t);
	}
	if (t->state == TCP_CLOSED)
		tcp_retire(t);
}

void tcp_abort(struct socket *so)
{
	struct tcb *t = tcb_of(so);

	so->user = NULL;
	so->closing = true;
	if (state_in(t, TCP_SYNCHRONIZED | TCP_STATE_BIT(TCP_SYN_RECEIVED)))
		tcp_reset_send(t);
	if (t->state == TCP_LISTEN)
		tcp_listener_close(t);
	if (t->state != TCP_CLOSED)
		tcp_finish(t, 0, "RFC 9293 3.10.5: abort");
	tcp_retire(t);
}
