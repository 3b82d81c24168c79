/* SPDX-License-Identifier: MIT */
/*
 * What all connections share: the table that finds a connection, a half-open one or a TIME-WAIT
 * block by its four-tuple; the making and unmaking of control blocks.
 */
#include <errno.h>

#include "stack/base/check.h"
#include "stack/protocol/tcp/tcp.h"

static const struct socket_ops tcp_ops = {
    .name = "tcp",
    .connect = tcp_connect,
    .listen = tcp_listen,
    .accept = tcp_accept,
    .send_space = tcp_send_space,
    .send_commit = tcp_send_commit,
    .receive_spans = tcp_receive_spans,
    .receive_consume = tcp_receive_consume,
    .shutdown = tcp_shutdown,
    .close = tcp_close,
    .abort = tcp_abort,
    .set_option = tcp_set_option,
    .get_option = tcp_get_option,
    .option_changed = tcp_option_changed,
    .output = tcp_output,
    .info = tcp_info,
    .queues = tcp_queues,
};

uint64_t tcp_tuple_hash(const struct stack *s, const struct tuple *tuple)
{
	return siphash(&s->key, tuple, sizeof(*tuple));
}

struct tcp_entry *tcp_entry_find(const struct stack *s, const struct tuple *tuple)
{
	_Static_assert(sizeof(struct tuple) == 36, "a tuple has no padding: it is compared as bytes");
	struct hash_link *l = hash_first(&s->tcp->connections, tcp_tuple_hash(s, tuple));

	for (; l; l = hash_next(l)) {
		struct tcp_entry *e = container_of(l, struct tcp_entry, link);

		if (memcmp(&e->tuple, tuple, sizeof(*tuple)) == 0)
			return e;
	}
	return NULL;
}

void tcp_entry_insert(struct stack *s, struct tcp_entry *e)
{
	hash_insert(&s->tcp->connections, &e->link, tcp_tuple_hash(s, &e->tuple));
}

struct tuple tcp_tuple_of(const struct tcb *t)
{
	return (struct tuple){t->socket.local.addr, t->socket.remote.addr, t->socket.local.port,
	    t->socket.remote.port};
}

int tcp_host_create(struct stack *s)
{
	struct tcp_host *h = mem_take_zeroed(&s->mem, sizeof(*h));
	int result;

	if (!h)
		return -ENOMEM;
	result = hash_table_init(&h->connections, &s->mem);
	if (result < 0) {
		mem_give(&s->mem, h, sizeof(*h));
		return result;
	}
	list_init(&h->time_wait);
	list_init(&h->sent_free);
	s->tcp = h;
	return 0;
}

/* Any entry of the table that satisfies kind; NULL when there is none. */
static struct tcp_entry *entry_of_kind(struct tcp_host *h, enum tcp_entry_kind kind)
{
	hash_for_each(l, &h->connections)
	{
		struct tcp_entry *e = container_of(l, struct tcp_entry, link);

		if (e->kind == kind)
			return e;
	}
	return NULL;
}

void tcp_host_destroy(struct stack *s)
{
	struct tcp_host *h = s->tcp;
	struct tcp_entry *e;

	list_for_each_safe(l, &s->sockets)
	{
		struct socket *so = container_of(l, struct socket, all);

		if (so->kind != SOCKET_TCP)
			continue;
		so->user = NULL;
		tcb_of(so)->closed_user = NULL;
		list_remove(&tcb_of(so)->accept_link);
	}
	while ((e = entry_of_kind(h, TCP_ENTRY_REQUEST)))
		tcp_request_free(e);
	while ((e = entry_of_kind(h, TCP_ENTRY_TIME_WAIT)))
		tcp_time_wait_free(s, e);
	for (struct list *l = s->sockets.next; l != &s->sockets;) {
		struct socket *so = container_of(l, struct socket, all);

		l = l->next;
		if (so->kind != SOCKET_TCP)
			continue;
		if (tcb_of(so)->listener)
			mem_give(&s->mem, tcb_of(so)->listener, sizeof(struct tcp_listener));
		tcb_of(so)->listener = NULL;
		tcp_finish(tcb_of(so), 0, "the stack ends");
		tcp_destroy(tcb_of(so));
	}
	for (struct list *l; (l = list_take_first(&h->sent_free));)
		mem_give(&s->mem, container_of(l, struct sent, order), sizeof(struct sent));
	hash_table_destroy(&h->connections);
	mem_give(&s->mem, h, sizeof(*h));
	s->tcp = NULL;
}

static void tcb_init(struct tcb *t, struct stack *s)
{
	t->entry.kind = TCP_ENTRY_CONNECTION;
	t->state = TCP_CLOSED;
	ring_init(&t->send_ring);
	ring_init(&t->receive_ring);
	intervals_init(&t->out_of_order, TCP_OUT_OF_ORDER_MAX);
	list_init(&t->sent_list);
	list_init(&t->rack.sent_list);
	list_init(&t->accept_link);
	t->mss_peer = TCP_MSS_DEFAULT;
	t->reordering = TCP_REORDERING;
	t->rto_ns = TCP_RTO_INITIAL_NS;
	rtt_init(&t->rtt);
	rate_init(&t->rate, s->now_ns);
	pacing_init(&t->pacing);
	congestion_init(&t->congestion, congestion_find(s->config.tcp_congestion), TCP_MSS_DEFAULT,
	    random_next(&s->random), s->now_ns);
	t->rack.window_steps = 1;
	if (!t->socket.option.send_buffer_locked)
		t->socket.option.send_buffer_bytes = s->config.tcp_send_buffer_bytes[1];
	if (!t->socket.option.receive_buffer_locked)
		t->socket.option.receive_buffer_bytes = s->config.tcp_receive_buffer_bytes[1];
}

void tcp_reinit(struct tcb *t)
{
	const struct congestion_ops *chosen = t->congestion.ops;

	CHECK(t->state == TCP_CLOSED && !hash_linked(&t->entry.link) && list_empty(&t->sent_list));
	tcp_timers_stop(t);
	ring_destroy(&t->receive_ring, &t->socket.stack->mem);
	mem_give(&t->socket.stack->mem, t->saved_syn, t->saved_syn_bytes);
	memset((char *)t + offsetof(struct tcb, entry), 0, sizeof(*t) - offsetof(struct tcb, entry));
	tcb_init(t, t->socket.stack);
	/* A program that chose its algorithm keeps it through connect() and listen(). */
	if (t->congestion.ops != chosen)
		congestion_switch(&t->congestion, chosen, t->socket.stack->now_ns);
	tcp_timers_init(t);
}

#define TCP_TIMERS 4

struct tcb *tcp_create(struct stack *s, uint8_t family, uint64_t id, void *user)
{
	struct tcb *t = mem_take_zeroed(&s->mem, sizeof(*t));

	if (!t)
		return NULL;
	if (stack_reserve_timers(s, TCP_TIMERS) < 0)
		goto no_timers;
	if (socket_setup(&t->socket, s, &tcp_ops, SOCKET_TCP, family, IP_PROTOCOL_TCP, id, user) < 0)
		goto no_socket;
	tcb_init(t, s);
	tcp_timers_init(t);
	return t;
no_socket:
	stack_reserve_timers(s, -TCP_TIMERS);
no_timers:
	mem_give(&s->mem, t, sizeof(*t));
	return NULL;
}

int tcp_socket_create(struct stack *s, uint8_t family, uint64_t id, void *user, struct socket **out)
{
	struct tcb *t = tcp_create(s, family, id, user);

	if (!t)
		return -ENOBUFS;
	*out = &t->socket;
	return 0;
}

void tcp_destroy(struct tcb *t)
{
	struct stack *s = t->socket.stack;

	CHECK(t->state == TCP_CLOSED && !t->listener && list_empty(&t->sent_list));
	CHECK(!hash_linked(&t->entry.link));
	tcp_timers_stop(t);
	mem_give(&s->mem, t->saved_syn, t->saved_syn_bytes);
	ring_destroy(&t->receive_ring, &s->mem);
	ring_destroy(&t->send_ring, &s->mem);
	intervals_destroy(&t->out_of_order, &s->mem);
	socket_teardown(&t->socket);
	stack_reserve_timers(s, -TCP_TIMERS);
	mem_give(&s->mem, t, sizeof(*t));
}

void tcp_visit_minor(struct stack *s, void (*visit)(void *context, const struct socket_info *i), void *context)
{
	hash_for_each(l, &s->tcp->connections)
	{
		struct tcp_entry *e = container_of(l, struct tcp_entry, link);
		struct socket_info info = {.kind = SOCKET_TCP, .protocol = IP_PROTOCOL_TCP, .timer = ""};

		info.family = ip_is_v4(&e->tuple.local) ? 4 : 6;
		info.local = (struct endpoint){e->tuple.local, e->tuple.local_port, 0};
		info.remote = (struct endpoint){e->tuple.remote, e->tuple.remote_port, 0};
		if (e->kind == TCP_ENTRY_REQUEST)
			tcp_request_info(e, &info);
		else if (e->kind == TCP_ENTRY_TIME_WAIT)
			tcp_time_wait_info(e, &info);
		else
			continue;
		visit(context, &info);
	}
}

void tcp_visit_bounds(struct stack *s,
    void (*visit)(void *context, const char *name, const char *text, uint64_t value, uint64_t limit), void *context)
{
	const struct tcp_host *h = s->tcp;

	visit(context, "tcp_connections_now", "TCP connections, half-open and TIME-WAIT included",
	    h->connections.count, 0);
	visit(context, "tcp_requests_now", "TCP half-open connections", h->request_count, 0);
	visit(context, "tcp_time_wait_now", "TCP connections in TIME-WAIT", h->time_wait_count,
	    s->config.tcp_time_wait_max);
	visit(context, "tcp_orphans_now", "TCP connections that no program holds", h->orphan_count,
	    s->config.tcp_orphans_max);
	visit(context, "tcp_sent_records_now", "TCP transmissions not acknowledged", h->sent_count, 0);
}
