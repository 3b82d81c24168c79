/* SPDX-License-Identifier: MIT */
/*
 * A segment arrives: RFC 9293 3.10.7. Which connection is it for; then CLOSED (3.10.7.1), LISTEN
 * (3.10.7.2), SYN-SENT (3.10.7.3) or the eight steps of all other states (3.10.7.4), a function a
 * step, in the order of the RFC. Step 3, security, is declared out of use: nothing sends it.
 */
#include <errno.h>

#include "stack/base/check.h"
#include "stack/base/checksum.h"
#include "stack/protocol/tcp/tcp.h"

/* What the steps see. */
struct arrival {
	struct tcb *t;
	const struct ip_packet *packet;
	const struct tcp_segment *seg;
};

/* Does the segment go on to the next step? */
typedef bool (*step_fn)(const struct arrival *a);

/* RFC 9293 3.10.7.4: the four cases, with Linux's leniency: what touches the window is in it, and
 * the left edge is what was acknowledged, not what was received. */
static bool in_window(const struct tcb *t, const struct tcp_segment *seg)
{
	struct seq end = seq_add(seg->seq, seg->length);

	return !seq_before(end, t->rcv.wup) && !seq_after(seg->seq, seq_add(t->rcv.nxt, tcp_window_now(t)));
}

/* A reset that comes one before what we expect: some systems reset after a FIN that way. */
static bool reset_after_fin(const struct tcb *t, const struct tcp_segment *seg)
{
	return seq_equal(seg->seq, seq_sub(t->rcv.nxt, 1)) &&
	       state_in(t, TCP_STATE_BIT(TCP_CLOSE_WAIT) | TCP_STATE_BIT(TCP_LAST_ACK) | TCP_STATE_BIT(TCP_CLOSING));
}

static bool reset_in_place(const struct tcb *t, const struct tcp_segment *seg)
{
	const struct intervals *gaps = &t->out_of_order;

	if (seq_equal(seg->seq, t->rcv.nxt) || reset_after_fin(t, seg))
		return true;
	/* The sender may not know of a gap: the end of what we SACKed is in place, too. */
	return t->sack_on && gaps->count && seq_equal(seg->seq, receive_seq(t, gaps->item[gaps->count - 1].end));
}

static void answer_invalid(struct tcb *t, const struct tcp_segment *seg)
{
	struct stack *s = t->socket.stack;

	s->counters.tcp_in_unacceptable++;
	/* Data or FIN is never part of an ACK loop; anything else is answered at a limited rate. */
	if ((seg->length && !(seg->flags & TCP_SYN)) || tcp_invalid_rate_allows(s, &t->last_invalid_ns))
		tcp_ack_duplicate(t, seg);
}

static bool step_1_sequence(const struct arrival *a)
{
	const struct tcp_segment *seg = a->seg;
	struct tcb *t = a->t;
	enum paws_verdict paws;

	paws = seg->flags & TCP_RST ? PAWS_FINE : tcp_paws(t, seg);
	if (paws != PAWS_FINE) {
		t->socket.stack->counters.tcp_in_paws++;
		if (seg->flags & TCP_SYN)
			tcp_challenge_ack(t);
		else if (paws == PAWS_REJECTED)
			answer_invalid(t, seg);
		return false;
	}
	if (in_window(t, seg))
		return true;
	if (seg->flags & TCP_RST)
		return reset_after_fin(t, seg);
	if (seg->flags & TCP_SYN)
		tcp_challenge_ack(t);
	else
		answer_invalid(t, seg);
	return false;
}

static int reset_error(const struct tcb *t)
{
	if (t->state == TCP_SYN_SENT)
		return ECONNREFUSED;
	return t->state == TCP_CLOSE_WAIT ? EPIPE : ECONNRESET;
}

static void was_reset(struct tcb *t, const char *reason)
{
	struct stack *s = t->socket.stack;

	s->counters.tcp_in_resets++;
	if (state_in(t, TCP_STATE_BIT(TCP_SYN_SENT) | TCP_STATE_BIT(TCP_SYN_RECEIVED)))
		s->counters.tcp_attempt_fails++;
	else
		s->counters.tcp_established_resets++;
	tcp_finish(t, reset_error(t), reason);
}

static bool step_2_reset(const struct arrival *a)
{
	if (!(a->seg->flags & TCP_RST))
		return true;
	if (reset_in_place(a->t, a->seg))
		was_reset(a->t, "RFC 9293 3.10.7.4, RFC 5961 3.2: reset by the peer");
	else
		tcp_challenge_ack(a->t);
	return false;
}

/* RFC 5961 4.2: a SYN is never right here, but for the last step of a simultaneous open. */
static bool step_4_syn(const struct arrival *a)
{
	const struct tcp_segment *seg = a->seg;
	const struct tcb *t = a->t;

	if (!(seg->flags & TCP_SYN))
		return true;
	if (t->state == TCP_SYN_RECEIVED && (seg->flags & TCP_ACK) && seg->length == 1 &&
	    seq_equal(seq_add(seg->seq, 1), t->rcv.nxt) && seq_equal(seg->ack, t->snd.nxt))
		return true;
	tcp_challenge_ack(a->t);
	return false;
}

static void ecn_input(struct tcb *t, const struct ip_packet *p, const struct tcp_segment *seg)
{
	if (!t->ecn_on)
		return;
	if (seg->flags & TCP_CWR) {
		t->ecn_echo = false;
		if (seg->length) /* its window may be a single segment now: do not let it wait */
			tcp_ack_now(t);
	}
	if ((p->tos & 3) == IP_ECN_CE) {
		if (!t->ecn_echo) /* the sender should know soon */
			tcp_ack_quick(t, 2);
		t->ecn_echo = true;
	}
}

/* Everything that was queued is acknowledged. */
static void all_acked(struct tcb *t)
{
	if (!seq_equal(t->snd.una, t->snd.nxt) || tcp_data_waits(t))
		return;
	if (!t->sent_all_told) {
		t->sent_all_told = true;
		socket_notify(&t->socket, SOCKET_EVENT_SENT_ALL);
	}
	if (t->snd.fin_sent)
		tcp_fin_acked(t);
}

static void note_fin(struct tcb *t, const struct tcp_segment *seg)
{
	if (!(seg->flags & TCP_FIN) || t->rcv.fin)
		return;
	t->rcv.fin_known = true;
	t->rcv.fin_seq = seq_add(seg->seq, seg->length - 1);
}

static bool step_5_ack(const struct arrival *a)
{
	const struct tcp_segment *seg = a->seg;
	struct tcb *t = a->t;
	enum ack_verdict verdict;

	if (!(seg->flags & TCP_ACK))
		return false;
	if (t->state == TCP_SYN_RECEIVED &&
	    (!seq_after(seg->ack, t->snd.una) || seq_after(seg->ack, t->snd.nxt))) {
		tcp_reset_reply(t->socket.stack, a->packet, seg);
		return false;
	}
	verdict = tcp_ack_input(t, seg);
	if (verdict == ACK_REJECTED) {
		/* RFC 9293: an ACK of what was never sent is answered; at RFC 5961's rate. */
		if (seq_after(seg->ack, t->snd.nxt))
			tcp_challenge_ack(t);
		return false;
	}
	tcp_note_timestamp(t, seg);
	ecn_input(t, a->packet, seg);
	if (t->state == TCP_SYN_RECEIVED) {
		tcp_established(t);
		if (t->fastopen_child && t->parent && t->parent->listener->fastopen_count) {
			t->parent->listener->fastopen_count--;
			t->fastopen_child = false;
		} else if (!t->parent && !t->fastopen_child)
			socket_notify(&t->socket, SOCKET_EVENT_CONNECTED | SOCKET_EVENT_SENDABLE);
		if (seg->flags & TCP_SYN) /* both opened: its SYN came twice, which Linux says as D-SACK */
			tcp_ack_duplicate(t, seg);
	}
	note_fin(t, seg);
	all_acked(t);
	return t->state != TCP_CLOSED;
}

/* Step 6, the urgent pointer, needs the data beside it: note_urgent() in receive.c. */
static bool step_7_text(const struct arrival *a)
{
	const struct tcp_segment *seg = a->seg;
	struct tcb *t = a->t;
	bool more = seg->data.bytes && seq_after(seq_add(seg->seq, (uint32_t)seg->data.bytes), t->rcv.nxt);

	if (!seg->data.bytes)
		return true;
	if (t->rcv.fin) /* CLOSE-WAIT, CLOSING, LAST-ACK: nothing can come after FIN */
		return true;
	/* RFC 1122 4.2.2.13: data for a program that has closed. */
	if (more && t->orphan && state_in(t, TCP_STATE_BIT(TCP_FIN_WAIT_1) | TCP_STATE_BIT(TCP_FIN_WAIT_2))) {
		tcp_reset_reply(t->socket.stack, a->packet, seg);
		tcp_finish(t, 0, "RFC 1122 4.2.2.13: data came after close");
		return false;
	}
	tcp_receive_data(t, a->packet, seg);
	return true;
}

static void fin_in_order(struct tcb *t)
{
	uint64_t wait = t->socket.stack->config.tcp_time_wait_ns;

	t->rcv.fin = true;
	t->rcv.nxt = seq_add(t->rcv.nxt, 1);
	intervals_clear(&t->out_of_order);
	tcp_ack_schedule(t);
	switch (t->state) {
	case TCP_SYN_RECEIVED:
	case TCP_ESTABLISHED:
		tcp_set_state(t, TCP_CLOSE_WAIT, "RFC 9293 3.10.7.4: FIN");
		t->ack.pingpong = 1; /* the answer may carry the ACK */
		break;
	case TCP_FIN_WAIT_1:
		tcp_ack_now(t);
		tcp_set_state(t, TCP_CLOSING, "RFC 9293 3.10.7.4: FIN before ours was acknowledged");
		break;
	case TCP_FIN_WAIT_2:
		tcp_ack_now(t);
		tcp_receive_flush(t);
		tcp_time_wait_enter(t, TCP_TIME_WAIT, wait, "RFC 9293 3.10.7.4: FIN");
		break;
	case TCP_CLOSED:
	case TCP_LISTEN:
	case TCP_SYN_SENT:
	case TCP_CLOSE_WAIT:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
	case TCP_TIME_WAIT:
		break;
	}
	tcp_receive_flush(t);
}

static bool step_8_fin(const struct arrival *a)
{
	const struct tcp_segment *seg = a->seg;
	struct tcb *t = a->t;

	if ((seg->flags & TCP_FIN) && t->rcv.fin) {
		tcp_ack_schedule(t);
		t->ack.pending |= ACK_NOW;
	}
	/* It may have come before data that was missing. */
	if (t->rcv.fin_known && !t->rcv.fin && seq_equal(t->rcv.fin_seq, t->rcv.nxt))
		fin_in_order(t);
	else if ((seg->flags & TCP_FIN) && !t->rcv.fin && !seg->data.bytes)
		tcp_ack_now(t); /* a gap before it */
	return true;
}

static const step_fn steps[] = {
    step_1_sequence, step_2_reset, /* step 3: security */ step_4_syn, step_5_ack,
    /* step 6: urgent */ step_7_text, step_8_fin,
};

/* ---- 3.10.7.3: SYN-SENT ---- */

static void syn_sent_established(struct tcb *t, const struct tcp_segment *seg)
{
	bool wants_ecn = t->syn_ecn && (seg->flags & (TCP_ECE | TCP_CWR)) == TCP_ECE;

	t->ecn_on = wants_ecn;
	tcp_ack_input(t, seg);
	tcp_window_input(t, seg);
	tcp_established(t);
	tcp_fastopen_answer(t, seg);
	/* Linux: the program's first data may carry the ACK, if it is there already or is asked to. */
	if (seg->data.bytes) /* a server's fast open answer: it is acknowledged with its data */
		tcp_ack_schedule(t);
	else if (ring_used(&t->send_ring) || t->defer_accept_ns || t->ack.pingpong) {
		t->ack.quick = 0;
		t->ack.pingpong = 1;
		tcp_ack_schedule(t);
		t->ack.ato_ns = (uint32_t)TCP_ATO_MAX_NS;
		tcp_ack_check(t);
	} else {
		tcp_ack_now(t);
	}
	if (!t->fastopen_told)
		socket_notify(&t->socket, SOCKET_EVENT_CONNECTED | SOCKET_EVENT_SENDABLE);
}

static void syn_received(struct tcb *t, const struct tcp_segment *seg)
{
	t->irs = seg->seq;
	t->rcv.nxt = t->rcv.wup = t->rcv.up = seq_add(seg->seq, 1);
	t->snd.wl1 = seg->seq;
	tcp_options_negotiate(t, &seg->options);
	t->snd.wnd = seg->window;
	if (t->snd.wnd > t->snd.wnd_max)
		t->snd.wnd_max = t->snd.wnd;
	if (!t->scaling_on && t->rcv.clamp_bytes > 65535) {
		t->rcv.clamp_bytes = 65535;
		if (t->rcv.wnd > 65535)
			t->rcv.wnd = 65535;
		t->rcv.ssthresh_bytes = t->rcv.wnd;
	}
	tcp_update_mss(t);
	congestion_set_mss(&t->congestion, t->mss_bytes);
}

/* Is the ACK one of our SYN? */
static bool syn_ack_acceptable(const struct tcb *t, const struct tcp_segment *seg)
{
	uint32_t now = tcp_timestamp(t), span = tcp_time_ms(t->socket.stack) - (uint32_t)(t->last_received_ns / NSEC_PER_MSEC);

	if (!seq_after(seg->ack, t->snd.una) || seq_after(seg->ack, t->snd.nxt))
		return false;
	/* RFC 7323: an echo of a time at which we had sent nothing. */
	return !seg->options.has_timestamps || !seg->options.ts_echo || (now - seg->options.ts_echo) <= span;
}

static void input_syn_sent(struct tcb *t, const struct ip_packet *p, const struct tcp_segment *seg)
{
	/* First, ACK */
	if ((seg->flags & TCP_ACK) && !syn_ack_acceptable(t, seg)) {
		/* Linux: whoever that is, our SYN should come before the next one of theirs. */
		if (!t->retransmits && !(seg->flags & TCP_RST))
			tcp_timer_set(t, TIMER_RTO, 8 * NSEC_PER_MSEC);
		tcp_reset_reply(t->socket.stack, p, seg);
		return;
	}
	/* Second, RST */
	if (seg->flags & TCP_RST) {
		if (seg->flags & TCP_ACK)
			was_reset(t, "RFC 9293 3.10.7.3: refused");
		return;
	}
	/* Fourth, SYN */
	if (!(seg->flags & TCP_SYN))
		return;
	syn_received(t, seg);
	if (seg->flags & TCP_ACK) {
		syn_sent_established(t, seg);
		return;
	}
	/* Simultaneous open, RFC 9293 3.5 figure 8: our SYN goes again, now with ACK. */
	t->ecn_on = false;
	tcp_set_state(t, TCP_SYN_RECEIVED, "RFC 9293 3.10.7.3: simultaneous open");
	t->retransmit_now = true;
	tcp_wake(t);
}

/* ---- all other states ---- */

void tcp_connection_input(struct tcb *t, const struct ip_packet *p, struct tcp_segment *seg)
{
	struct arrival a = {t, p, seg};

	t->total.segments_in += p->gso_bytes && seg->data.bytes ? (seg->data.bytes + p->gso_bytes - 1) / p->gso_bytes : 1;
	t->last_received_ns = t->state == TCP_SYN_SENT ? t->last_received_ns : t->socket.stack->now_ns;
	if (t->state == TCP_SYN_SENT) {
		input_syn_sent(t, p, seg);
	} else {
		for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
			if (!steps[i](&a) || t->state == TCP_CLOSED)
				break;
		if (t->state != TCP_CLOSED)
			tcp_ack_check(t);
	}
	if (t->gone_due)
		tcp_retire(t);
}

/* ---- which one is it for? ---- */

static bool is_listening(const struct socket *so)
{
	return tcb_of_const(so)->state == TCP_LISTEN;
}

static struct tcb *find_listener(struct stack *s, const struct ip_packet *p, const struct tcp_segment *seg)
{
	struct endpoint local = {p->destination, seg->destination_port, p->interface};
	struct endpoint remote = {p->source, seg->source_port, p->interface};
	struct socket *so = port_find(s, SOCKET_TCP, IP_PROTOCOL_TCP, &local, &remote, p->interface, is_listening);

	return so ? tcb_of(so) : NULL;
}

/* 3.10.7.2 */
static void input_listen(struct tcb *listener, const struct ip_packet *p, struct tcp_segment *seg,
    const struct seq *isn_at_least)
{
	struct tcb *child;

	if (seg->flags & TCP_RST)
		return;
	if (seg->flags & TCP_ACK) {
		if (seg->flags & TCP_SYN || !tcp_cookie_input(listener, p, seg, &child))
			tcp_reset_reply(listener->socket.stack, p, seg);
		else if (child)
			tcp_connection_input(child, p, seg);
		return;
	}
	if ((seg->flags & (TCP_SYN | TCP_FIN)) == TCP_SYN)
		tcp_request_syn(listener, p, seg, isn_at_least);
}

/* 3.10.7.1, and whatever has no block of its own. */
static void input_unconnected(struct stack *s, const struct ip_packet *p, struct tcp_segment *seg,
    const struct seq *isn_at_least)
{
	struct tcb *listener = find_listener(s, p, seg);

	if (listener) {
		input_listen(listener, p, seg, isn_at_least);
		return;
	}
	s->counters.tcp_in_no_socket++;
	tcp_reset_reply(s, p, seg);
}

static void input_time_wait(struct stack *s, struct tcp_entry *e, const struct ip_packet *p, struct tcp_segment *seg)
{
	struct seq isn;

	if (!tcp_time_wait_input(s, e, p, seg, &isn))
		return;
	if (!find_listener(s, p, seg)) {
		tcp_time_wait_answer(e);
		return;
	}
	tcp_time_wait_free(s, e);
	input_unconnected(s, p, seg, &isn);
}

static bool checksum_is_right(const struct ip_packet *p)
{
	struct checksum sum;

	if (p->checksum_verified)
		return true;
	sum = checksum_pseudo_header(&p->source, &p->destination, IP_PROTOCOL_TCP, (uint32_t)p->payload.bytes);
	return be16_get(checksum_finish(checksum_add(sum, p->payload.data, p->payload.bytes))) == 0;
}

void tcp_input(struct stack *s, const struct ip_packet *p)
{
	struct tcp_segment seg;
	struct tcp_entry *e;
	struct tuple tuple;
	struct tcb *t;

	if (p->broadcast)
		return;
	if (tcp_parse(&seg, p->payload) < 0 || !checksum_is_right(p)) {
		s->counters.tcp_in_errors++;
		trace_drop(s, "malformed or damaged TCP segment", "RFC 9293 3.1", (uint32_t)p->payload.bytes);
		return;
	}
	s->counters.tcp_in_segments++;
	tuple = (struct tuple){p->destination, p->source, seg.destination_port, seg.source_port};
	e = tcp_entry_find(s, &tuple);
	if (!e) {
		input_unconnected(s, p, &seg, NULL);
		return;
	}
	switch (e->kind) {
	case TCP_ENTRY_CONNECTION:
		tcp_connection_input(tcp_entry_tcb(e), p, &seg);
		break;
	case TCP_ENTRY_REQUEST:
		t = tcp_request_input(e, p, &seg);
		if (t)
			tcp_connection_input(t, p, &seg);
		break;
	case TCP_ENTRY_TIME_WAIT:
		input_time_wait(s, e, p, &seg);
		break;
	}
}
