/* SPDX-License-Identifier: MIT */
/*
 * Loss recovery: when does it begin, when does it end, was it needed? SACK-based (RFC 6675 with
 * RACK, 8985), NewReno without SACK (6582), after a timeout with F-RTO (5682), and undo by Eifel
 * (3522, 4015) or D-SACK (3708). Owns high_seq, the undo record and reordering; tells congestion
 * control, which owns the window.
 */
#include "stack/protocol/tcp/tcp.h"

static bool any_retransmission(const struct tcb *t)
{
	const struct sent *head = tcp_sent_first(t);

	return t->retransmitted_out || (head && head->ever_retransmitted);
}

static uint64_t now_of(const struct tcb *t)
{
	return t->socket.stack->now_ns;
}

/* ---- without SACK: duplicate ACKs are counted as if each SACKed a segment ---- */

static void reno_limit(struct tcb *t)
{
	uint32_t holes = t->lost_out ? t->lost_out : 1;

	if (holes > t->packets_out)
		holes = t->packets_out;
	if (t->sacked_out + holes > t->packets_out) {
		t->sacked_out = t->packets_out - holes;
		t->reordering_seen = true;
	}
}

static void reno_add(struct tcb *t, struct ack_facts *a)
{
	if (t->sack_on || !a->duplicate)
		return;
	t->sacked_out++;
	reno_limit(t);
	if (t->sacked_out > a->sacked_before)
		a->delivered_segments++;
}

void tcp_recovery_reno_acked(struct tcb *t, struct ack_facts *a)
{
	uint32_t acked = a->acked_segments;

	if (acked > 0) { /* one ACK filled the hole, the others were counted already */
		uint32_t news = t->sacked_out < acked ? acked - t->sacked_out : 1;

		a->delivered_segments += news;
		t->sacked_out = acked - 1 >= t->sacked_out ? 0 : t->sacked_out - (acked - 1);
	}
	reno_limit(t);
}

/* ---- states ---- */

static void undo_begin(struct tcb *t)
{
	t->undo_armed = true;
	t->undo_marker = t->snd.una;
	t->undo_retransmits = (int32_t)t->retransmitted_out;
	if (t->tail_probe.out && t->tail_probe.was_retransmission)
		t->undo_retransmits++;
	if (!t->undo_retransmits)
		t->undo_retransmits = -1;
}

void tcp_recovery_keep_open(struct tcb *t)
{
	bool disorder = t->sacked_out || t->lost_out || any_retransmission(t);
	enum congestion_state wanted = disorder ? CONGESTION_DISORDER : CONGESTION_OPEN;

	if (t->congestion.state == wanted)
		return;
	congestion_set_disorder(&t->congestion, disorder, now_of(t));
	t->high_seq = t->snd.nxt;
}

void tcp_recovery_enter_cwr(struct tcb *t, const char *why)
{
	if (t->congestion.state >= CONGESTION_CWR)
		return;
	t->undo_armed = false;
	t->high_seq = t->snd.nxt;
	t->tail_probe.out = false;
	congestion_enter_cwr(&t->congestion, now_of(t));
	t->ecn_cwr_due = t->ecn_on;
	tcp_trace_congestion(t, why, "RFC 3168 6.1.2");
}

static void try_to_open(struct tcb *t, const struct ack_facts *a)
{
	if (!any_retransmission(t))
		t->retransmit_ns = 0;
	if (a->ece)
		tcp_recovery_enter_cwr(t, "the network marked congestion");
	if (t->congestion.state != CONGESTION_CWR)
		tcp_recovery_keep_open(t);
}

static void enter_recovery(struct tcb *t, bool ece)
{
	undo_begin(t);
	t->high_seq = t->snd.nxt;
	t->tail_probe.out = false;
	congestion_enter_recovery(&t->congestion, ece, now_of(t));
	t->ecn_cwr_due = t->ecn_on;
	t->socket.stack->counters.tcp_fast_retransmits++;
	tcp_trace_congestion(t, "fast recovery", t->sack_on ? "RFC 6675 5, RFC 8985 6" : "RFC 6582 3.2");
}

void tcp_recovery_check_reordering(struct tcb *t, struct seq low, const char *why)
{
	uint32_t span;

	(void)why;
	if (!seq_before(low, t->highest_sacked))
		return;
	span = (seq_distance(low, t->highest_sacked) + t->mss_bytes - 1) / t->mss_bytes;
	if (span > t->reordering)
		t->reordering = (uint16_t)(span < TCP_REORDERING_MAX ? span : TCP_REORDERING_MAX);
	t->reordering_seen = true;
	t->total.reordering_seen++;
}

/* ---- was it needed? ---- */

/* RFC 3522: the ACK echoes a time before our first retransmission: the original had arrived. */
static bool original_arrived(const struct tcb *t, const struct tcp_segment *seg)
{
	return t->retransmit_ns && t->timestamps_on && seg->options.has_timestamps && seg->options.ts_echo &&
	       (int32_t)(seg->options.ts_echo - t->retransmit_ts) < 0;
}

static bool may_undo(const struct tcb *t, const struct tcp_segment *seg)
{
	return t->undo_armed && (t->undo_retransmits == 0 || original_arrived(t, seg));
}

static void undo(struct tcb *t, bool unmark_lost, bool to_open, const char *why, const char *reason)
{
	if (unmark_lost) {
		list_for_each(l, &t->sent_list)
			tcp_sent_unmark_lost(t, container_of(l, struct sent, order));
		t->retransmit_hint = NULL;
	}
	congestion_undo(&t->congestion, to_open, now_of(t));
	t->ecn_cwr_due = false;
	t->undo_armed = false;
	t->rack.advanced = true; /* look again with fresh eyes */
	t->socket.stack->counters.tcp_spurious++;
	tcp_trace_congestion(t, why, reason);
}

/* Everything up to high_seq is acknowledged. True: stay, for NewReno's sake, until more is. */
static bool recovered(struct tcb *t, const struct tcp_segment *seg)
{
	if (may_undo(t, seg))
		undo(t, false, false, "recovery was not needed", "RFC 3708, RFC 4015");
	if (seq_equal(t->snd.una, t->high_seq) && !t->sack_on) {
		if (!any_retransmission(t))
			t->retransmit_ns = 0;
		return true;
	}
	return false;
}

static void leave(struct tcb *t)
{
	congestion_exit(&t->congestion, now_of(t));
	if (t->rack.window_persist)
		t->rack.window_persist--;
	tcp_trace_congestion(t, "recovery is complete", "RFC 6675 5");
}

static bool try_undo_dsack(struct tcb *t)
{
	if (!t->undo_armed || t->undo_retransmits != 0)
		return false;
	undo(t, false, false, "every retransmission arrived twice", "RFC 3708");
	return true;
}

static bool try_undo_loss(struct tcb *t, const struct tcp_segment *seg, bool frto)
{
	if (!frto && !may_undo(t, seg))
		return false;
	undo(t, true, frto || t->sack_on, "the timeout was spurious", frto ? "RFC 5682" : "RFC 4015");
	t->retransmits = 0;
	return true;
}

/* A partial ACK in recovery shows that the original arrived. True: nothing more to do. */
static bool try_undo_partial(struct tcb *t, const struct tcp_segment *seg, const struct ack_facts *a)
{
	if (!t->undo_armed || !original_arrived(t, seg))
		return false;
	tcp_recovery_check_reordering(t, a->una_before, "a retransmission was not needed");
	if (t->retransmitted_out)
		return true;
	if (!any_retransmission(t))
		t->retransmit_ns = 0;
	undo(t, true, true, "recovery was not needed", "RFC 4015");
	tcp_recovery_keep_open(t);
	return false;
}

/* ---- what is lost? ---- */

/* RFC 6582: the first unacknowledged segment, on the third duplicate ACK or on a partial ACK. */
static void newreno_mark(struct tcb *t, const struct ack_facts *a)
{
	struct sent *head = tcp_sent_first(t);
	bool due = t->congestion.state < CONGESTION_RECOVERY ? t->sacked_out >= t->reordering
							     : t->congestion.state == CONGESTION_RECOVERY && a->una_advanced;

	if (!due || head->lost)
		return;
	if (seq_distance(head->first, head->end) - head->fin > t->mss_bytes &&
	    !tcp_sent_split(t, head, seq_add(head->first, t->mss_bytes)))
		return;
	tcp_sent_mark_lost(t, head);
}

static void identify(struct tcb *t, struct ack_facts *a)
{
	uint32_t retransmitted = t->retransmitted_out;

	if (list_empty(&t->sent_list))
		return;
	if (!t->sack_on) {
		newreno_mark(t, a);
		return;
	}
	if (tcp_rack_mark(t))
		a->set_timer = false;
	if (retransmitted > t->retransmitted_out)
		a->lost_retransmission = true;
}

/* The peer has thrown away what it had SACKed (RFC 2018 8): forget it, and what follows. */
static bool reneged(struct tcb *t)
{
	struct sent *head = tcp_sent_first(t);

	if (!head || !head->sacked)
		return false;
	/* The rest of what it holds may be on its way into its ACKs: wait half a round trip. */
	tcp_timer_set(t, TIMER_RTO,
	    t->rtt.srtt_ns / 2 > 10 * NSEC_PER_MSEC ? t->rtt.srtt_ns / 2 : 10 * NSEC_PER_MSEC);
	return true;
}

/* ---- in LOSS, after a timeout ---- */

/* True when the usual processing goes on. */
static void loss_input(struct tcb *t, const struct tcp_segment *seg, struct ack_facts *a)
{
	bool done = !seq_before(t->snd.una, t->high_seq);

	if (a->una_advanced && try_undo_loss(t, seg, false))
		return;
	if (t->frto) { /* RFC 5682 3.1 (SACK: appendix A) */
		if (a->original_acked && try_undo_loss(t, seg, true))
			return;
		if (seq_after(t->snd.nxt, t->high_seq)) {
			if (a->sacked || a->duplicate)
				t->frto = false;
		} else if (a->una_advanced && !done) {
			t->high_seq = t->snd.nxt;
			if (tcp_data_waits(t) && seq_after(seq_add(t->snd.una, t->snd.wnd), t->snd.nxt)) {
				t->frto_hold = true;
				return;
			}
			t->frto = false;
		}
	}
	if (done) {
		if (!recovered(t, seg))
			leave(t);
		return;
	}
	if (!t->sack_on) {
		if (seq_after(t->snd.nxt, t->high_seq) && a->duplicate)
			reno_add(t, a);
		else if (a->una_advanced)
			t->sacked_out = 0;
	}
}

/* ---- the machine (Linux: tcp_fastretrans_alert) ---- */

/* Ends CWR and RECOVERY when their data is acknowledged. True: nothing more to do. */
static bool end_if_done(struct tcb *t, const struct tcp_segment *seg)
{
	if (seq_before(t->snd.una, t->high_seq))
		return false;
	if (t->congestion.state == CONGESTION_CWR) {
		if (!seq_equal(t->snd.una, t->high_seq))
			congestion_exit(&t->congestion, now_of(t));
	} else if (t->congestion.state == CONGESTION_RECOVERY) {
		if (!t->sack_on)
			t->sacked_out = 0;
		if (recovered(t, seg))
			return true;
		leave(t);
	}
	return false;
}

static void input_default(struct tcb *t, struct ack_facts *a)
{
	if (!t->sack_on) {
		if (a->una_advanced)
			t->sacked_out = 0;
		reno_add(t, a);
	}
	if (t->congestion.state <= CONGESTION_DISORDER)
		try_undo_dsack(t);
	identify(t, a);
	if (!t->lost_out) {
		try_to_open(t, a);
		return;
	}
	enter_recovery(t, a->ece);
}

void tcp_recovery_input(struct tcb *t, const struct tcp_segment *seg, struct ack_facts *a)
{
	if (!t->packets_out)
		t->sacked_out = 0;
	if (t->sack_on && reneged(t)) {
		a->set_timer = false;
		return;
	}
	if (t->congestion.state == CONGESTION_OPEN)
		t->retransmit_ns = 0;
	else if (end_if_done(t, seg))
		return;
	switch (t->congestion.state) {
	case CONGESTION_RECOVERY:
		if (!a->una_advanced)
			reno_add(t, a);
		else if (try_undo_partial(t, seg, a))
			return;
		if (try_undo_dsack(t))
			try_to_open(t, a);
		identify(t, a);
		if (t->congestion.state != CONGESTION_RECOVERY && t->lost_out)
			enter_recovery(t, a->ece);
		return;
	case CONGESTION_LOSS:
		loss_input(t, seg, a);
		identify(t, a);
		if (t->congestion.state == CONGESTION_OPEN || a->lost_retransmission)
			input_default(t, a);
		return;
	case CONGESTION_OPEN:
	case CONGESTION_DISORDER:
	case CONGESTION_CWR:
		input_default(t, a);
		return;
	}
}

/* The reordering window has passed without news (RFC 8985 6.3). */
void tcp_recovery_reorder_timeout(struct tcb *t)
{
	uint32_t before = in_flight(t);
	uint64_t again;

	tcp_rack_detect(t, &again);
	if (in_flight(t) != before && t->congestion.state != CONGESTION_RECOVERY &&
	    t->congestion.state != CONGESTION_LOSS)
		enter_recovery(t, false);
	if (again)
		tcp_timer_set(t, TIMER_REORDER, again + 2 * NSEC_PER_MSEC);
	else
		tcp_timer_rearm_rto(t);
	tcp_wake(t);
}

static void mark_all_lost(struct tcb *t)
{
	struct sent *head = tcp_sent_first(t);
	bool renege = head && head->sacked;

	if (renege)
		memset(t->seen_sack, 0, sizeof(t->seen_sack));
	if (!t->sack_on)
		t->sacked_out = 0;
	list_for_each(l, &t->sent_list)
	{
		struct sent *r = container_of(l, struct sent, order);

		if (renege && r->sacked) {
			r->sacked = false;
			t->sacked_out -= r->segments;
		} else if (r != head && t->sack_on && tcp_rack_recent(t, r)) {
			continue;
		}
		tcp_sent_mark_lost(t, r);
	}
}

/* RFC 6298 5 and RFC 5681 3.1: the timer has expired. */
void tcp_recovery_timeout(struct tcb *t)
{
	enum congestion_state state = t->congestion.state;
	bool new_recovery = state < CONGESTION_RECOVERY;
	bool episode = state <= CONGESTION_DISORDER || !seq_after(t->high_seq, t->snd.una) ||
		       (state == CONGESTION_LOSS && !t->retransmits);

	mark_all_lost(t);
	if (episode)
		undo_begin(t);
	if (state <= CONGESTION_DISORDER && t->sacked_out >= TCP_REORDERING && t->reordering > TCP_REORDERING)
		t->reordering = TCP_REORDERING;
	congestion_enter_loss(&t->congestion, episode, in_flight(t) * t->mss_bytes, now_of(t));
	t->high_seq = t->snd.nxt;
	t->tail_probe.out = false;
	t->ecn_cwr_due = t->ecn_on;
	t->frto = new_recovery || t->retransmits;
	t->frto_hold = false;
	tcp_trace_congestion(t, "retransmission timeout", "RFC 5681 3.1");
}
