/* SPDX-License-Identifier: MIT */
/*
 * An acknowledgement has arrived: RFC 9293 3.10.7.4 step 5. Is it acceptable, what does it
 * acknowledge, does it change the window; then the facts go to SACK, RACK, recovery, congestion
 * control and the timers, in that order.
 */
#include "stack/base/check.h"
#include "stack/protocol/tcp/tcp.h"

/* RFC 9293 3.10.7.4: is this segment's window newer than what we have? */
bool tcp_window_is_newer(const struct tcb *t, const struct tcp_segment *seg)
{
	uint32_t window = seg->window << (seg->flags & TCP_SYN ? 0 : t->snd.scale);

	return seq_after(seg->ack, t->snd.una) || seq_after(seg->seq, t->snd.wl1) ||
	       (seq_equal(seg->seq, t->snd.wl1) && (window > t->snd.wnd || window == 0));
}

/* SND.WND, WL1, WL2. True when the window was taken from this segment. */
bool tcp_window_input(struct tcb *t, const struct tcp_segment *seg)
{
	uint32_t window = seg->window << (seg->flags & TCP_SYN ? 0 : t->snd.scale);
	struct stack *s = t->socket.stack;
	bool closed = t->snd.wnd == 0;

	if (!tcp_window_is_newer(t, seg))
		return false;
	t->snd.wl1 = seg->seq;
	t->snd.wl2 = seg->ack;
	if (window > t->snd.wnd_max) {
		t->snd.wnd_max = window;
		tcp_update_mss(t);
		congestion_set_mss(&t->congestion, t->mss_bytes);
	}
	if (t->snd.wnd == window)
		return true;
	t->snd.wnd = window;
	if ((window == 0) != closed && trace_on(s))
		trace_emit(s, &(struct trace_event){
				  .kind = TRACE_WINDOW,
				  .socket_id = t->socket.id,
				  .local = t->socket.local,
				  .remote = t->socket.remote,
				  .text = window ? "the peer opens its window" : "the peer closes its window",
				  .reason = "RFC 9293 3.8.6.1",
				  .number = {window},
			      });
	return true;
}

/* A record, or n segments of it, has been delivered for the first time. */
static void delivered(struct tcb *t, struct ack_facts *a, const struct sent *r, uint32_t segments, uint32_t bytes)
{
	a->delivered_segments += segments;
	a->delivered_bytes += bytes;
	rate_on_delivered(&t->rate, &a->rate, &r->rate, bytes, r->ever_retransmitted, t->socket.stack->now_ns);
	tcp_rack_delivered(t, r);
}

static void note_rtt(struct tcb *t, struct ack_facts *a, const struct sent *r)
{
	uint64_t rtt = t->socket.stack->now_ns - r->sent_ns;

	if (r->ever_retransmitted) {
		a->retransmitted_acked = true;
		return;
	}
	if (r->sacked)
		return;
	if (!a->rtt_ns)
		a->rtt_ns = rtt ? rtt : 1;
	a->last_rtt_ns = rtt ? rtt : 1;
	if (!a->reordered || seq_before(r->first, a->reorder)) {
		a->reorder = r->first;
		a->reordered = true;
	}
	if (!seq_after(r->end, t->high_seq))
		a->original_acked = true;
}

/* The front of a record has been acknowledged: what is left is a smaller record. */
static void trim_front(struct tcb *t, struct sent *r, struct seq ack)
{
	uint16_t left = tcp_sent_segments(t, seq_distance(ack, r->end));
	uint32_t gone = r->segments > left ? r->segments - left : 0;

	t->packets_out -= gone;
	if (r->sacked)
		t->sacked_out -= gone;
	if (r->lost)
		t->lost_out -= gone;
	if (r->retransmitted)
		t->retransmitted_out -= gone;
	r->segments = (uint16_t)(r->segments - gone);
	r->first = ack;
}

/* Takes what is acknowledged off the scoreboard. */
static void clean(struct tcb *t, const struct tcp_segment *seg, struct ack_facts *a)
{
	struct sent *r;

	while ((r = tcp_sent_first(t)) && seq_before(r->first, seg->ack)) {
		struct seq end = seq_earlier(r->end, seg->ack);
		uint32_t bytes = seq_distance(r->first, end), segments = r->segments;

		note_rtt(t, a, r);
		if (seq_before(end, r->end)) {
			uint16_t left = tcp_sent_segments(t, seq_distance(end, r->end));

			segments = r->segments > left ? r->segments - left : 0;
		}
		if (!r->sacked && t->sack_on)
			delivered(t, a, r, segments, bytes);
		else if (!t->sack_on)
			rate_on_delivered(&t->rate, &a->rate, &r->rate, bytes, r->ever_retransmitted,
			    t->socket.stack->now_ns);
		a->acked_segments += segments;
		a->syn_acked |= r->syn;
		if (seq_before(end, r->end)) {
			trim_front(t, r, end);
			break;
		}
		tcp_sent_release(t, r);
	}
	if (a->acked_segments)
		a->set_timer = true;
}

/* The program's bytes that this acknowledges leave the ring. */
static void release_bytes(struct tcb *t, struct seq ack)
{
	struct seq first = send_seq(t, t->send_ring.start);
	uint32_t bytes = seq_after(ack, first) ? seq_distance(first, ack) : 0;

	if (bytes > ring_used(&t->send_ring)) /* FIN */
		bytes = ring_used(&t->send_ring);
	ring_consume(&t->send_ring, bytes);
	if (ring_used(&t->send_ring) == 0 && list_empty(&t->sent_list))
		ring_release_if_empty(&t->send_ring, &t->socket.stack->mem);
	if (t->snd.urgent && !seq_before(ack, t->snd.up))
		t->snd.urgent = false;
}

/* RFC 5681 2's duplicate: nothing new acknowledged, no data, no window change, data outstanding. */
static bool is_duplicate(const struct tcb *t, const struct ack_facts *a)
{
	return !a->una_advanced && !a->data && !a->window_changed && !a->dsack && t->packets_out > 0;
}

static bool dubious(const struct tcb *t, const struct ack_facts *a)
{
	bool not_duplicate = a->data || a->window_changed || a->una_advanced;

	return !not_duplicate || a->sacked || a->dsack || a->ece || t->congestion.state != CONGESTION_OPEN;
}

static void tell_congestion(struct tcb *t, const struct tcp_segment *seg, struct ack_facts *a)
{
	uint64_t now = t->socket.stack->now_ns;
	struct congestion_ack c = {
	    .now_ns = now,
	    .una = t->snd.una,
	    .nxt = t->snd.nxt,
	    .acked_bytes = a->acked_segments * t->mss_bytes,
	    .delivered_bytes = a->delivered_segments * t->mss_bytes,
	    .lost_bytes = (uint32_t)(t->total.lost - a->lost_before) * t->mss_bytes,
	    .in_flight_before_bytes = a->flight_before * t->mss_bytes,
	    .in_flight_bytes = in_flight(t) * t->mss_bytes,
	    .rtt_ns = a->last_rtt_ns,
	    .srtt_ns = t->rtt.srtt_ns,
	    .min_rtt_ns = rtt_min_ns(&t->rtt),
	    .una_advanced = a->una_advanced,
	    .ece = a->ece,
	    .reordering_seen = t->reordering_seen,
	    .rtt_is_delayed = a->may_be_delayed,
	};

	(void)seg;
	t->total.delivered += a->delivered_segments;
	if (c.lost_bytes)
		rate_on_lost(&t->rate, &a->rate, c.lost_bytes);
	rate_sample_end(&t->rate, &a->rate, c.min_rtt_ns, now);
	c.rate = a->rate;
	congestion_on_ack(&t->congestion, &c);
	pacing_set(&t->pacing, t->congestion.ops->needs_pacing, t->congestion.pacing_bytes_per_s,
	    t->socket.option.max_pacing_bytes_per_s);
	timer_cancel(&t->socket.stack->timers, &t->pacing_timer);
}

/* The window has changed or data was acknowledged while nothing is out: probe on, or stop. */
static void persist_input(struct tcb *t)
{
	if (t->packets_out || !tcp_data_waits(t))
		return;
	if (t->snd.wnd) {
		t->backoff = 0;
		t->probes_out = 0;
		if (t->timer_kind == TIMER_PERSIST)
			tcp_timer_clear(t);
	} else {
		tcp_timer_set(t, TIMER_PERSIST, tcp_persist_when(t));
	}
}

static void facts_begin(const struct tcb *t, const struct tcp_segment *seg, struct ack_facts *a)
{
	*a = (struct ack_facts){
	    .una_before = t->snd.una,
	    .highest_before = t->highest_sacked,
	    .flight_before = in_flight(t),
	    .packets_before = t->packets_out,
	    .sacked_before = t->sacked_out,
	    .lost_before = t->total.lost,
	    .una_advanced = seq_after(seg->ack, t->snd.una),
	    .data = seg->data.bytes != 0,
	    .ece = t->ecn_on && (seg->flags & TCP_ECE) && !(seg->flags & TCP_SYN),
	};
	rate_sample_begin(&a->rate);
}

static void advance(struct tcb *t, const struct tcp_segment *seg, struct ack_facts *a)
{
	if (a->una_advanced) {
		ip_path_confirm(t->socket.stack, &t->socket.path); /* the neighbour lives */
		t->retransmits = 0;
		t->total.bytes_acked += seq_distance(t->snd.una, seg->ack); /* SYN and FIN as well, as in Linux */
		t->snd.una = seg->ack;
		if (seq_before(t->highest_sacked, seg->ack))
			t->highest_sacked = seg->ack;
		if (seq_before(t->snd.small_end, seg->ack))
			t->snd.small_end = seg->ack;
		if (seq_before(t->snd.pushed, seg->ack))
			t->snd.pushed = seg->ack;
	}
	clean(t, seg, a);
	if (!t->sack_on)
		tcp_recovery_reno_acked(t, a);
	release_bytes(t, t->snd.una);
	tcp_rtt_input(t, seg, a);
	if (a->acked_segments && t->sack_on && a->reordered && seq_before(a->reorder, a->highest_before))
		tcp_recovery_check_reordering(t, a->reorder, "a hole was filled by what was never sent again");
	tcp_rack_window(t, a);
	if (t->tail_probe.out)
		tcp_tail_probe_input(t, seg, a);
}

/* Of data that was acknowledged long ago: only its SACK blocks may be news. */
static enum ack_verdict old_ack(struct tcb *t, const struct tcp_segment *seg)
{
	uint32_t most = t->snd.wnd_max < t->total.bytes_acked ? t->snd.wnd_max : (uint32_t)t->total.bytes_acked;
	struct ack_facts a;

	/* RFC 5961 5.2 */
	if (seq_before(seg->ack, seq_sub(t->snd.una, most))) {
		tcp_challenge_ack(t);
		return ACK_REJECTED;
	}
	if (seg->options.sack_count && t->sack_on && t->packets_out) {
		facts_begin(t, seg, &a);
		a.una_advanced = false;
		a.window_changed = true; /* never a duplicate */
		tcp_sack_input(t, seg, &a);
		tcp_recovery_input(t, seg, &a);
		tell_congestion(t, seg, &a);
		tcp_wake(t);
	}
	return ACK_OLD;
}

enum ack_verdict tcp_ack_input(struct tcb *t, const struct tcp_segment *seg)
{
	struct ack_facts a;

	if (seq_before(seg->ack, t->snd.una))
		return old_ack(t, seg);
	if (seq_after(seg->ack, t->snd.nxt))
		return ACK_REJECTED;
	facts_begin(t, seg, &a);
	a.window_changed = tcp_window_input(t, seg);
	t->last_ack_ns = t->socket.stack->now_ns;
	t->probes_out = 0;
	t->frto_hold = false;
	if (a.packets_before == 0) {
		if (seg->options.sack_count && t->sack_on) {
			tcp_sack_input(t, seg, &a);
			if (a.dsack) /* a recovery that is over may still prove unneeded */
				tcp_recovery_input(t, seg, &a);
		}
		persist_input(t);
		if (tcp_data_waits(t))
			tcp_wake(t);
		return ACK_FINE;
	}
	if (seg->options.sack_count && t->sack_on)
		tcp_sack_input(t, seg, &a);
	advance(t, seg, &a);
	a.duplicate = is_duplicate(t, &a);
	if (a.duplicate)
		t->socket.stack->counters.tcp_in_duplicate_acks++;
	if (dubious(t, &a))
		tcp_recovery_input(t, seg, &a);
	if (a.set_timer && !tcp_tail_probe_schedule(t, true))
		tcp_timer_rearm_rto(t);
	tell_congestion(t, seg, &a);
	tcp_wake(t);
	if (t->packets_out == 0)
		persist_input(t);
	tcp_send_room(t);
	return ACK_FINE;
}
