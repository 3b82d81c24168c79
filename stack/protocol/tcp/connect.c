/* SPDX-License-Identifier: MIT */
/*
 * The active open: RFC 9293 3.10.1 and the SYN-SENT part of 3.10.7.3, simultaneous open included
 * (3.5, figure 8); and what every connection does when its handshake is done.
 */
#include <errno.h>

#include "stack/base/check.h"
#include "stack/protocol/tcp/tcp.h"

/* May another connection use this four-tuple? Asked by ports.c. */
static bool tuple_is_free(struct socket *so, const struct endpoint *local, const struct endpoint *remote)
{
	struct tuple tuple = {local->addr, remote->addr, local->port, remote->port};
	struct tcp_entry *e = tcp_entry_find(so->stack, &tuple);

	return !e || (e->kind == TCP_ENTRY_TIME_WAIT && tcp_time_wait_reusable(so->stack, e));
}

static int choose_local(struct tcb *t, const struct endpoint *remote)
{
	struct socket *so = &t->socket;
	struct endpoint local = so->local;
	int result;

	if (!so->bound_address)
		local.addr = so->path.source;
	if (!so->bound || so->local.port == 0) {
		local.port = 0;
		return port_bind_for_connect(so, &local, remote, tuple_is_free);
	}
	result = tuple_is_free(so, &local, remote) ? 0 : -EADDRNOTAVAIL;
	if (result == 0)
		so->local = local;
	return result;
}

static int may_connect(const struct tcb *t, const struct endpoint *remote)
{
	if (t->state == TCP_SYN_SENT || t->state == TCP_SYN_RECEIVED)
		return -EALREADY;
	if (t->state != TCP_CLOSED)
		return -EISCONN;
	if (ip_is_multicast(&remote->addr) || ip_is_broadcast_here(t->socket.stack, &remote->addr))
		return -ENETUNREACH;
	return 0;
}

/* The numbers of a new connection. */
static void begin(struct tcb *t)
{
	struct stack *s = t->socket.stack;

	t->entry.tuple = tcp_tuple_of(t);
	t->iss = tcp_isn(s, &t->entry.tuple);
	t->ts_offset = tcp_timestamp_offset(s, &t->entry.tuple);
	t->snd.una = t->snd.nxt = t->snd.up = t->snd.small_end = t->snd.pushed = t->iss;
	t->highest_sacked = t->high_seq = t->iss;
	t->mss_advertised = tcp_advertised_mss(t);
	tcp_window_initial(t);
	tcp_update_mss(t);
	congestion_set_mss(&t->congestion, t->mss_bytes);
	t->syn_ecn = s->config.tcp_ecn == 1;
	t->last_received_ns = s->now_ns;
}

/* connect() to AF_UNSPEC: the socket is as new (Linux: tcp_disconnect). */
static int disconnect(struct tcb *t)
{
	struct socket *so = &t->socket;

	if (t->state == TCP_LISTEN)
		tcp_listener_close(t);
	if (state_in(t, TCP_SYNCHRONIZED | TCP_STATE_BIT(TCP_SYN_RECEIVED))) {
		tcp_reset_send(t);
		so->error = ECONNRESET; /* as Linux: the next call hears of it once */
	}
	if (t->state != TCP_CLOSED)
		tcp_finish(t, 0, "dissolved by the program");
	tcp_reinit(t);
	so->remote = (struct endpoint){.addr = so->family == 4 ? ip_from_v4(0) : (struct ip_addr){{0}}};
	if (!so->bound_address)
		so->local.addr = so->remote.addr;
	return 0;
}

/* Linux takes 0.0.0.0 and :: for this host itself: where the socket is bound, or loopback. */
static struct endpoint real_remote(const struct socket *so, const struct endpoint *remote)
{
	static const struct ip_addr loopback6 = {.octet = {[15] = 1}};
	struct endpoint real = *remote;

	if (!ip_is_unspecified(&remote->addr))
		return real;
	if (so->bound_address)
		real.addr = so->local.addr;
	else
		real.addr = ip_is_v4(&remote->addr) ? ip_from_v4(0x7f000001) : loopback6;
	return real;
}

int tcp_connect(struct socket *so, const struct endpoint *asked)
{
	struct tcb *t = tcb_of(so);
	struct stack *s = so->stack;
	struct endpoint real;
	const struct endpoint *remote = &real;
	struct tcp_entry *old;
	struct tuple tuple;
	int result;

	if (!asked)
		return disconnect(t);
	real = real_remote(so, asked);
	result = may_connect(t, remote);
	if (result < 0)
		return result;
	result = ip_path_find(s, &remote->addr, so->bound_address ? &so->local.addr : NULL,
	    so->bound_interface, &so->path);
	if (result < 0)
		return result;
	tcp_reinit(t);
	result = choose_local(t, remote);
	if (result < 0)
		return result;
	so->remote = *remote;
	begin(t);
	tuple = t->entry.tuple;
	old = tcp_entry_find(s, &tuple);
	if (old) /* a TIME-WAIT block that may be reused, or choose_local() would have refused */
		tcp_time_wait_free(s, old);
	tcp_entry_insert(s, &t->entry);
	s->counters.tcp_active_opens++;
	t->last_ack_ns = s->now_ns; /* patience with the peer begins now */
	tcp_set_state(t, TCP_SYN_SENT, "RFC 9293 3.10.1: active open");
	tcp_fastopen_begin(t);
	tcp_wake(t);
	return -EINPROGRESS;
}

/* What a receiver first believes of the sender's segments (Linux: tcp_initialize_rcv_mss). */
static uint16_t first_receive_mss(const struct tcb *t)
{
	uint32_t mss = t->mss_advertised < t->mss_bytes ? t->mss_advertised : t->mss_bytes;

	if (mss > t->rcv.wnd / 2)
		mss = t->rcv.wnd / 2;
	if (mss > TCP_MSS_DEFAULT)
		mss = TCP_MSS_DEFAULT;
	return (uint16_t)(mss < 88 ? 88 : mss);
}

void tcp_established(struct tcb *t)
{
	struct stack *s = t->socket.stack;
	/* RFC 6298 5.7 and Linux: a SYN that was lost twice says something of the path. */
	bool lossy = t->total.retransmits > 1;

	tcp_update_mss(t);
	congestion_established(&t->congestion, t->mss_bytes, lossy ? 1 : 0, t->rtt.srtt_ns, s->now_ns);
	pacing_set(&t->pacing, t->congestion.ops->needs_pacing, t->congestion.pacing_bytes_per_s,
	    t->socket.option.max_pacing_bytes_per_s);
	t->ack.receive_mss = first_receive_mss(t);
	tcp_window_established(t);
	t->tuning.space_bytes = t->rcv.wnd < 10U * t->mss_advertised ? t->rcv.wnd : 10U * t->mss_advertised;
	t->tuning.since_ns = s->now_ns;
	t->last_ack_ns = t->ack.received_ns = s->now_ns;
	t->retransmits = 0;
	t->rto_count = 0;
	t->retransmit_ns = 0;
	t->undo_armed = t->frto = t->frto_hold = false;
	t->high_seq = t->snd.nxt;
	tcp_rto_reset(t);
	if (!t->rtt.srtt_ns) /* RFC 6298 5.7: no sample from the handshake */
		t->rto_ns = TCP_RTO_FALLBACK_NS;
	tcp_set_state(t, TCP_ESTABLISHED, "RFC 9293 3.10.7: the handshake is done");
	tcp_keepalive_start(t);
	tcp_wake(t);
}
