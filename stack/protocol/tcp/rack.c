/* SPDX-License-Identifier: MIT */
/*
 * Loss by time: RACK (RFC 8985 6) says a segment is lost when one that was sent later, by more than
 * a reordering window, has been delivered; TLP (7) provokes an ACK when the tail is silent. Owns
 * t->rack and t->tail_probe. What follows from a loss is recovery.c's.
 */
#include "stack/protocol/tcp/tcp.h"

#define TIMEOUT_MIN_NS (2 * NSEC_PER_MSEC) /* Linux: two ticks */
#define WINDOW_PERSIST 16

static bool sent_after(uint64_t a_ns, struct seq a_end, uint64_t b_ns, struct seq b_end)
{
	return a_ns > b_ns || (a_ns == b_ns && seq_after(a_end, b_end));
}

/* 6.2 step 2: r has been delivered. */
void tcp_rack_delivered(struct tcb *t, const struct sent *r)
{
	uint64_t rtt = t->socket.stack->now_ns - r->sent_ns;

	/* Is it the original that was acknowledged, not the retransmission? */
	if (r->ever_retransmitted && rtt < rtt_min_ns(&t->rtt))
		return;
	t->rack.advanced = true;
	t->rack.rtt_ns = rtt;
	if (sent_after(r->sent_ns, r->end, t->rack.sent_ns, t->rack.end)) {
		t->rack.sent_ns = r->sent_ns;
		t->rack.end = r->end;
	}
}

/* 6.2 step 4: how much later may it be? */
static uint64_t reorder_window(const struct tcb *t)
{
	uint64_t window, most = t->rtt.srtt_ns;

	if (!t->reordering_seen) {
		if (t->congestion.state >= CONGESTION_RECOVERY)
			return 0;
		if (t->sacked_out >= t->reordering)
			return 0;
	}
	if (rtt_min_ns(&t->rtt) == UINT64_MAX)
		return 0;
	window = rtt_min_ns(&t->rtt) / 4 * t->rack.window_steps;
	return window < most ? window : most;
}

void tcp_rack_detect(struct tcb *t, uint64_t *again_ns)
{
	uint64_t window = reorder_window(t), now = t->socket.stack->now_ns;

	*again_ns = 0;
	list_for_each_safe(l, &t->rack.sent_list)
	{
		struct sent *r = container_of(l, struct sent, time);
		uint64_t due = r->sent_ns + t->rack.rtt_ns + window;

		if (!sent_after(t->rack.sent_ns, t->rack.end, r->sent_ns, r->end))
			break;
		if (due <= now)
			tcp_sent_mark_lost(t, r);
		else if (due - now > *again_ns)
			*again_ns = due - now;
	}
}

bool tcp_rack_mark(struct tcb *t)
{
	uint64_t again;

	if (!t->rack.advanced)
		return false;
	t->rack.advanced = false;
	tcp_rack_detect(t, &again);
	if (!again)
		return false;
	tcp_timer_set(t, TIMER_REORDER, again + TIMEOUT_MIN_NS);
	return true;
}

/* Sent so recently that a timeout says nothing about it. */
bool tcp_rack_recent(const struct tcb *t, const struct sent *r)
{
	return r->sent_ns + t->rack.rtt_ns > t->socket.stack->now_ns;
}

/* 6.2 step 4: D-SACKs widen the window, at most once a round trip; sixteen recoveries without one
 * narrow it again. */
void tcp_rack_window(struct tcb *t, const struct ack_facts *a)
{
	if (!a->rate.valid)
		return;
	if (a->rate.prior_delivered_bytes < t->rack.round_bytes)
		t->rack.dsack_seen = false;
	if (t->rack.dsack_seen) {
		if (t->rack.window_steps < UINT8_MAX)
			t->rack.window_steps++;
		t->rack.dsack_seen = false;
		t->rack.round_bytes = t->rate.delivered_bytes;
		t->rack.window_persist = WINDOW_PERSIST;
	} else if (!t->rack.window_persist) {
		t->rack.window_steps = 1;
	}
}

/* ---- tail loss probe ---- */

/* When the timeout falls due, from now. */
static uint64_t until_rto(const struct tcb *t)
{
	const struct sent *head = tcp_sent_first(t);
	uint64_t due = head->sent_ns + t->rto_ns, now = t->socket.stack->now_ns;

	return due > now ? due - now : 0;
}

/* 7.2: true when a probe is scheduled, in place of the timeout. */
bool tcp_tail_probe_schedule(struct tcb *t, bool advancing_rto)
{
	uint64_t span, rto;

	if (t->packets_out == 0 || !t->sack_on || t->state == TCP_SYN_RECEIVED ||
	    (t->congestion.state != CONGESTION_OPEN && t->congestion.state != CONGESTION_CWR))
		return false;
	span = TCP_RTO_INITIAL_NS;
	if (t->rtt.srtt_ns)
		span = 2 * t->rtt.srtt_ns + (t->packets_out == 1 ? TCP_RTO_MIN_NS : TIMEOUT_MIN_NS);
	rto = advancing_rto ? t->rto_ns : until_rto(t);
	if (rto && rto < span)
		span = rto;
	tcp_timer_set(t, TIMER_PROBE_TAIL, span);
	return true;
}

/* 7.4: what the ACK says about the probe. */
void tcp_tail_probe_input(struct tcb *t, const struct tcp_segment *seg, struct ack_facts *a)
{
	if (seq_before(seg->ack, t->tail_probe.high))
		return;
	if (!t->tail_probe.was_retransmission || a->dsack_of_probe) {
		t->tail_probe.out = false;
	} else if (seq_after(seg->ack, t->tail_probe.high)) {
		/* The probe repaired a loss: the window is reduced for it. */
		t->tail_probe.out = false;
		t->high_seq = t->snd.nxt;
		congestion_enter_cwr(&t->congestion, t->socket.stack->now_ns);
		congestion_exit(&t->congestion, t->socket.stack->now_ns);
		tcp_recovery_keep_open(t);
		tcp_trace_congestion(t, "the tail loss probe repaired a loss", "RFC 8985 7.4.2");
	} else if (!a->una_advanced && !a->data && !a->window_changed && !a->sacked) {
		t->tail_probe.out = false; /* both arrived: no loss */
	}
}
