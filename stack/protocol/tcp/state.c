/* SPDX-License-Identifier: MIT */
/*
 * The states of RFC 9293 3.3.2: one function sets them, a table says which transitions exist, and
 * each is traced. Also the two ends of a control block's life: finished, and retired.
 */
#include "stack/base/check.h"
#include "stack/protocol/tcp/tcp.h"

#define TO(state) TCP_STATE_BIT(TCP_##state)

/* From each state: where the RFC's diagram (with its corrections in 3.3.2) and Linux can go. Every
 * state may become CLOSED (abort, reset, timeout). */
static const struct {
	const char *name;
	unsigned to;
} states[] = {
    [TCP_CLOSED] = {"UNCONN", TO(LISTEN) | TO(SYN_SENT) | TO(SYN_RECEIVED) | TO(ESTABLISHED)},
    [TCP_LISTEN] = {"LISTEN", TO(CLOSED)},
    [TCP_SYN_SENT] = {"SYN-SENT", TO(SYN_RECEIVED) | TO(ESTABLISHED) | TO(CLOSED)},
    [TCP_SYN_RECEIVED] = {"SYN-RECV",
	TO(ESTABLISHED) | TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED)},
    [TCP_ESTABLISHED] = {"ESTAB", TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED)},
    [TCP_FIN_WAIT_1] = {"FIN-WAIT-1", TO(FIN_WAIT_2) | TO(CLOSING) | TO(TIME_WAIT) | TO(CLOSED)},
    [TCP_FIN_WAIT_2] = {"FIN-WAIT-2", TO(TIME_WAIT) | TO(CLOSED)},
    [TCP_CLOSE_WAIT] = {"CLOSE-WAIT", TO(LAST_ACK) | TO(CLOSED)},
    [TCP_CLOSING] = {"CLOSING", TO(TIME_WAIT) | TO(CLOSED)},
    [TCP_LAST_ACK] = {"LAST-ACK", TO(CLOSED)},
    [TCP_TIME_WAIT] = {"TIME-WAIT", TO(CLOSED)},
};

const char *tcp_state_name(enum tcp_state state)
{
	return states[state].name;
}

void tcp_set_state(struct tcb *t, enum tcp_state state, const char *reason)
{
	struct stack *s = t->socket.stack;
	enum tcp_state old = t->state;

	if (old == state)
		return;
	CHECK(states[old].to & TCP_STATE_BIT(state));
	t->state = state;
	t->socket.connected = state_in(t, TCP_SYNCHRONIZED | TCP_STATE_BIT(TCP_SYN_RECEIVED));
	/* From TIME-WAIT on a small block goes on: timewait.c tells its end. */
	if (trace_on(s) && old != TCP_TIME_WAIT)
		trace_emit(s, &(struct trace_event){
				  .kind = TRACE_STATE,
				  .socket_id = t->socket.id,
				  .local = t->socket.local,
				  .remote = t->socket.remote,
				  .text = states[state].name,
				  .detail = states[old].name,
				  .reason = reason,
			      });
}

static void orphan_end(struct tcb *t)
{
	if (t->orphan)
		t->socket.stack->tcp->orphan_count--;
	t->orphan = false;
}

void tcp_finish(struct tcb *t, int error, const char *reason)
{
	struct stack *s = t->socket.stack;
	bool unread = ring_used(&t->receive_ring) != 0;

	tcp_timers_stop(t);
	tcp_sent_release_all(t);
	ring_destroy(&t->send_ring, &s->mem);
	intervals_destroy(&t->out_of_order, &s->mem);
	if (!unread)
		ring_destroy(&t->receive_ring, &s->mem);
	hash_remove(&s->tcp->connections, &t->entry.link);
	list_remove(&t->socket.ready);
	t->ack.pending = 0;
	t->ack.extra = 0;
	t->retransmit_now = t->probe_now = t->window_probe_now = t->keepalive_now = false;
	tcp_set_state(t, TCP_CLOSED, reason);
	orphan_end(t);
	if (!t->socket.bound_port)
		port_release(&t->socket);
	if (t->socket.closing)
		t->gone_due = true;
	else if (error)
		socket_fail(&t->socket, error);
}

void tcp_retire(struct tcb *t)
{
	struct stack *s = t->socket.stack;
	void *user = t->closed_user;

	CHECK(t->state == TCP_CLOSED);
	tcp_destroy(t);
	if (user)
		s->owner.notify(user, SOCKET_EVENT_GONE);
}
