/* SPDX-License-Identifier: MIT */
/*
 * The passive open as a program sees it: listen, the accept queue and its limit as in Linux
 * (backlog + 1 established connections), accept, and what happens to the queue when the listener
 * goes. Half-open connections are request.c's.
 */
#include <errno.h>

#include "stack/base/check.h"
#include "stack/protocol/tcp/tcp.h"

static uint32_t backlog_within(const struct stack *s, int backlog)
{
	uint32_t wanted = backlog < 0 ? UINT32_MAX : (uint32_t)backlog;

	return wanted < s->config.somaxconn ? wanted : s->config.somaxconn;
}

int tcp_listen(struct socket *so, int backlog)
{
	struct endpoint any = so->local;
	struct tcb *t = tcb_of(so);
	struct stack *s = so->stack;
	int result = 0;

	if (t->state == TCP_LISTEN) {
		t->listener->backlog = backlog_within(s, backlog);
		return 0;
	}
	if (t->state != TCP_CLOSED)
		return -EINVAL;
	if (!so->bound || so->local.port == 0) {
		any.port = 0;
		if (ip_is_unspecified(&any.addr) && so->family == 4)
			any.addr = ip_from_v4(0);
		result = port_bind(so, &any);
		if (result < 0)
			return result;
	}
	result = port_check_listen(so);
	if (result < 0)
		return result;
	tcp_reinit(t);
	t->listener = mem_take_zeroed(&s->mem, sizeof(*t->listener));
	if (!t->listener)
		return -ENOBUFS;
	list_init(&t->listener->accept);
	list_init(&t->listener->requests);
	t->listener->backlog = backlog_within(s, backlog);
	t->listener->fastopen_limit = t->fastopen_limit;
	tcp_set_state(t, TCP_LISTEN, "RFC 9293 3.10.1: passive open");
	return 0;
}

/* Linux: more than backlog wait already. Those that the owner holds for the program count, too. */
bool tcp_accept_queue_full(const struct tcb *listener)
{
	const struct stack *s = listener->socket.stack;
	uint32_t waiting = listener->listener->accept_count;

	if (s->owner.accept_queued && listener->socket.user)
		waiting += s->owner.accept_queued(listener->socket.user);
	return waiting > listener->listener->backlog;
}

void tcp_accept_queue_add(struct tcb *listener, struct tcb *child)
{
	child->parent = listener;
	list_append(&listener->listener->accept, &child->accept_link);
	listener->listener->accept_count++;
	socket_notify(&listener->socket, SOCKET_EVENT_ACCEPTABLE);
}

void tcp_accept_queue_remove(struct tcb *child)
{
	if (!child->parent)
		return;
	if (child->fastopen_child && child->parent->listener->fastopen_count)
		child->parent->listener->fastopen_count--;
	child->parent->listener->accept_count--;
	list_remove(&child->accept_link);
	child->parent = NULL;
}

struct socket *tcp_accept(struct socket *so, uint64_t id, void *user)
{
	struct tcb *listener = tcb_of(so), *t;
	struct list *l;

	if (listener->state != TCP_LISTEN)
		return NULL;
	l = list_first(&listener->listener->accept);
	if (!l)
		return NULL;
	t = container_of(l, struct tcb, accept_link);
	tcp_accept_queue_remove(t);
	t->socket.id = id;
	t->socket.user = user;
	/* What has happened before somebody could be told. */
	if (ring_used(&t->receive_ring))
		socket_notify(&t->socket, SOCKET_EVENT_RECEIVABLE);
	if (t->rcv.fin) {
		t->rcv.told_closed = true;
		socket_notify(&t->socket, SOCKET_EVENT_PEER_CLOSED);
	}
	if (t->socket.error)
		socket_notify(&t->socket, SOCKET_EVENT_ERROR);
	return &t->socket;
}

/* The listener goes: what nobody has accepted is reset, as in Linux. */
void tcp_listener_close(struct tcb *listener)
{
	struct stack *s = listener->socket.stack;
	struct tcp_listener *q = listener->listener;

	tcp_requests_drop(listener);
	for (struct list *l; (l = list_first(&q->accept));) {
		struct tcb *t = container_of(l, struct tcb, accept_link);

		tcp_accept_queue_remove(t);
		if (state_in(t, TCP_SYNCHRONIZED | TCP_STATE_BIT(TCP_SYN_RECEIVED)))
			tcp_reset_send(t);
		if (t->state != TCP_CLOSED)
			tcp_finish(t, 0, "the listener was closed");
		tcp_destroy(t);
	}
	mem_give(&s->mem, q, sizeof(*q));
	listener->listener = NULL;
}
