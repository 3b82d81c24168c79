/* SPDX-License-Identifier: MIT */
/*
 * What ICMP says about a connection: path MTU discovery (RFC 1191, 8201) and unreachable
 * destinations (RFC 1122 4.2.3.9), believed only when the quoted sequence number is one that is in
 * flight (RFC 5927 4.1).
 */
#include <errno.h>
#include <netinet/in.h>

#include "stack/protocol/tcp/passive.h"

/* The smallest path MTU that we adapt to, as Linux (route.min_pmtu); IPv6 has its own. */
#define MTU_MIN_V4 552U
#define MTU_MIN_V6 1280U

/* Everything that is larger than the path takes goes again, smaller; that is no congestion. */
static void resend_smaller(struct tcb *t)
{
	bool any = false;

	list_for_each(l, &t->sent_list)
	{
		struct sent *r = container_of(l, struct sent, order);

		if (seq_distance(r->first, r->end) - r->fin > t->mss_bytes && !r->sacked) {
			tcp_sent_mark_lost(t, r);
			any = true;
		}
	}
	if (!any)
		return;
	t->retransmit_now = true;
	tcp_trace_congestion(t, "the path takes smaller packets only", "RFC 1191 6.4");
	tcp_wake(t);
}

static void lower_mtu(struct tcb *t, uint32_t mtu_bytes)
{
	bool v4 = ip_is_v4(&t->socket.remote.addr);
	uint32_t least = v4 ? MTU_MIN_V4 : MTU_MIN_V6;
	uint8_t discover = v4 ? t->socket.option.mtu_discover : t->socket.option.mtu_discover6;
	uint32_t before = t->mss_bytes;

	if (discover >= IP_PMTUDISC_INTERFACE || state_in(t, TCP_STATE_BIT(TCP_SYN_SENT)))
		return;
	if (mtu_bytes < least)
		mtu_bytes = least;
	ip_path_lower_mtu(t->socket.stack, &t->socket.remote.addr, mtu_bytes);
	if (ip_path_refresh(t->socket.stack, &t->socket.remote.addr, &t->socket.local.addr,
		t->socket.bound_interface, &t->socket.path) < 0)
		return;
	tcp_update_mss(t);
	if (t->mss_bytes >= before)
		return;
	congestion_set_mss(&t->congestion, t->mss_bytes);
	resend_smaller(t);
}

/* RFC 4821 7.7: a path that drops large segments and says nothing. Segments shrink to a size that
 * nearly every path takes, then to what every path must take; only this connection believes it. */
#define BLACK_HOLE_MTU 1064U /* segments of 1024 (Linux: tcp_base_mss) */

void tcp_black_hole(struct tcb *t)
{
	const struct sent *head = tcp_sent_first(t);
	bool v4 = ip_is_v4(&t->socket.remote.addr);
	uint32_t before = t->mss_bytes, least = v4 ? 576 : MTU_MIN_V6;

	if (!head || t->socket.path.local || seq_distance(head->first, head->end) - head->fin < before)
		return;
	if (t->socket.path.mtu_bytes > BLACK_HOLE_MTU && (!t->path_mtu || t->path_mtu > BLACK_HOLE_MTU) && v4)
		t->path_mtu = BLACK_HOLE_MTU;
	else if (!t->path_mtu || t->path_mtu > least)
		t->path_mtu = (uint16_t)least;
	tcp_update_mss(t);
	if (t->mss_bytes >= before)
		return;
	congestion_set_mss(&t->congestion, t->mss_bytes);
	tcp_trace_congestion(t, "large segments may be swallowed: smaller ones are tried", "RFC 4821 7.7");
}

/* Linux: a connection that is being opened fails; one that lives remembers what to say when it
 * gives up. */
static void unreachable(struct tcb *t, const struct ip_error *e)
{
	bool opening = state_in(t, TCP_STATE_BIT(TCP_SYN_SENT) | TCP_STATE_BIT(TCP_SYN_RECEIVED));

	if (opening && e->error) {
		t->socket.stack->counters.tcp_attempt_fails++;
		tcp_finish(t, e->error, "RFC 1122 4.2.3.9: ICMP error");
		if (t->gone_due)
			tcp_retire(t);
		return;
	}
	if (t->socket.user && (t->socket.option.receive_error || t->socket.option.receive_error6))
		socket_fail(&t->socket, e->error);
	else
		t->soft_error = e->error;
}

static void connection_error(struct tcb *t, const struct ip_error *e, struct seq seq)
{
	if (t->state == TCP_LISTEN || t->state == TCP_CLOSED)
		return;
	if (seq_before(seq, t->snd.una) || seq_after(seq, t->snd.nxt))
		return; /* RFC 5927: not of ours, or too late */
	if (e->mtu_bytes)
		lower_mtu(t, e->mtu_bytes);
	else
		unreachable(t, e);
}

void tcp_error(struct stack *s, const struct ip_error *e)
{
	struct tuple tuple = {.local = e->source, .remote = e->destination};
	struct tcp_entry *entry;
	struct be16 port;
	struct be32 number;
	struct seq seq;

	if (e->payload.bytes < 8)
		return;
	memcpy(&port, e->payload.data, 2);
	tuple.local_port = be16_get(port);
	memcpy(&port, e->payload.data + 2, 2);
	tuple.remote_port = be16_get(port);
	memcpy(&number, e->payload.data + 4, 4);
	seq = seq_make(be32_get(number));
	entry = tcp_entry_find(s, &tuple);
	if (!entry)
		return;
	switch (entry->kind) {
	case TCP_ENTRY_CONNECTION:
		connection_error(tcp_entry_tcb(entry), e, seq);
		break;
	case TCP_ENTRY_REQUEST: /* Linux drops a half-open connection whose SYN-ACK was refused */
		if (!e->mtu_bytes && tcp_request_expects(entry, seq))
			tcp_request_free(entry);
		break;
	case TCP_ENTRY_TIME_WAIT:
		break;
	}
}
