/* SPDX-License-Identifier: MIT */
/*
 * The acknowledgements that we owe: RFC 9293 3.8.6.3 and 5681 4.2 (every second full segment, at
 * most 500 ms late), with Linux's habits: quick acknowledgements at the start and after trouble,
 * an interactive ("ping-pong") mode that waits for the answer to carry them, 40 ms at least and
 * 200 ms at most, and duplicate ACKs for a gap that are compressed from the fourth on.
 * Owns t->ack and its timer.
 */
#include "stack/protocol/tcp/tcp.h"

#define COMPRESS_FROM 3U
#define COMPRESS_MOST_NS NSEC_PER_MSEC

static bool quick_mode(const struct tcb *t)
{
	return t->ack.quick && !t->ack.pingpong;
}

static void trace_delayed(struct tcb *t, const char *why, uint64_t span_ns)
{
	struct stack *s = t->socket.stack;

	if (trace_on(s))
		trace_emit(s, &(struct trace_event){
				  .kind = TRACE_ACK_DELAYED,
				  .socket_id = t->socket.id,
				  .local = t->socket.local,
				  .remote = t->socket.remote,
				  .text = why,
				  .reason = "RFC 9293 3.8.6.3",
				  .number = {span_ns},
			      });
}

void tcp_ack_now(struct tcb *t)
{
	t->ack.pending |= ACK_NOW;
	tcp_wake(t);
}

void tcp_ack_schedule(struct tcb *t)
{
	t->ack.pending |= ACK_SCHEDULED;
}

/* The next ACKs go at once, so many that the sender's window can open (Linux: tcp_incr_quickack). */
static void add_quick(struct tcb *t, uint32_t most)
{
	uint32_t mss = t->ack.receive_mss ? t->ack.receive_mss : TCP_MSS_DEFAULT;
	uint32_t count = t->rcv.wnd / (2 * mss);

	if (count == 0)
		count = 2;
	if (count > most)
		count = most;
	if (count > t->ack.quick)
		t->ack.quick = (uint8_t)count;
}

void tcp_ack_quick(struct tcb *t, uint32_t most)
{
	add_quick(t, most);
	t->ack.pingpong = 0;
	t->ack.ato_ns = (uint32_t)TCP_ATO_MIN_NS;
}

/* What size does the sender use? */
static void measure_mss(struct tcb *t, uint32_t bytes, bool pushed)
{
	if (bytes >= t->ack.receive_mss) {
		t->ack.receive_mss = (uint16_t)(bytes < t->mss_advertised ? bytes : t->mss_advertised);
		if (pushed)
			t->ack.pending |= ACK_PUSHED;
		return;
	}
	/* Segments of one size, smaller than we thought: that is the size. */
	if (bytes + 12 >= TCP_MSS_DEFAULT || (bytes >= 88 && !pushed)) {
		bool again = bytes == t->ack.last_bytes;

		t->ack.last_bytes = (uint16_t)bytes;
		if (again) {
			t->ack.receive_mss = (uint16_t)bytes;
			return;
		}
	}
	if (t->ack.pending & ACK_PUSHED)
		t->ack.pending |= ACK_PUSHED_TWICE;
	t->ack.pending |= ACK_PUSHED;
}

/* Data arrived in order (Linux: tcp_event_data_recv). */
void tcp_ack_data_arrived(struct tcb *t, const struct tcp_segment *seg, uint16_t gso_bytes)
{
	uint64_t now = t->socket.stack->now_ns, since = now - t->ack.received_ns;
	uint32_t bytes = gso_bytes ? gso_bytes : (uint32_t)seg->data.bytes;

	tcp_ack_schedule(t);
	measure_mss(t, bytes, seg->flags & TCP_PSH);
	if (t->ack.ato_ns == 0) {
		add_quick(t, TCP_QUICK_ACKS_MAX);
		t->ack.ato_ns = (uint32_t)TCP_ATO_MIN_NS;
	} else if (since <= TCP_ATO_MIN_NS / 2) {
		t->ack.ato_ns = t->ack.ato_ns / 2 + (uint32_t)(TCP_ATO_MIN_NS / 2);
	} else if (since < t->ack.ato_ns) {
		t->ack.ato_ns = t->ack.ato_ns / 2 + (uint32_t)since;
		if (t->ack.ato_ns > t->rto_ns)
			t->ack.ato_ns = (uint32_t)t->rto_ns;
	} else if (since > t->rto_ns) {
		/* The sender has been idle so long that it starts anew. */
		add_quick(t, TCP_QUICK_ACKS_MAX);
	}
	t->ack.received_ns = now;
}

static void delay(struct tcb *t)
{
	struct stack *s = t->socket.stack;
	uint64_t ato = t->ack.ato_ns, due; /* 0 before the first data: at once */

	if (ato > TCP_ATO_MIN_NS) {
		uint64_t most = 500 * NSEC_PER_MSEC;

		if (t->ack.pingpong || (t->ack.pending & ACK_PUSHED))
			most = TCP_ATO_MAX_NS;
		if (t->rtt.srtt_ns) {
			uint64_t rtt = t->rtt.srtt_ns > TCP_ATO_MIN_NS ? t->rtt.srtt_ns : TCP_ATO_MIN_NS;

			if (rtt < most)
				most = rtt;
		}
		if (ato > most)
			ato = most;
	}
	if (ato > TCP_ATO_MAX_NS)
		ato = TCP_ATO_MAX_NS;
	due = s->now_ns + ato;
	if (timer_armed(&t->ack_timer)) {
		/* About to expire: now rather than a moment later. */
		if (t->ack_timer.due_ns <= s->now_ns + ato / 4) {
			tcp_ack_now(t);
			return;
		}
		if (due > t->ack_timer.due_ns)
			due = t->ack_timer.due_ns;
	}
	t->ack.pending |= ACK_SCHEDULED;
	timer_arm(&s->timers, &t->ack_timer, due);
	trace_delayed(t, t->ack.pingpong ? "the answer may carry it" : "a second segment may come", due - s->now_ns);
}

/* A gap: the first duplicate ACKs at once, later ones together (Linux: tcp_comp_sack). */
static void duplicate(struct tcb *t)
{
	struct stack *s = t->socket.stack;
	uint64_t span = t->rtt.srtt_ns ? t->rtt.srtt_ns : t->tuning.rtt_ns;

	if (!t->sack_on || t->ack.duplicates < COMPRESS_FROM) {
		if (t->sack_on)
			t->ack.duplicates++;
		if (t->ack.pending & ACK_NOW && t->ack.extra < 64)
			t->ack.extra++;
		tcp_ack_now(t);
		return;
	}
	if (timer_armed(&t->ack_timer) && t->ack_timer.due_ns <= s->now_ns + COMPRESS_MOST_NS)
		return;
	span = span / 20 < COMPRESS_MOST_NS ? span / 20 : COMPRESS_MOST_NS;
	timer_arm(&s->timers, &t->ack_timer, s->now_ns + span);
	trace_delayed(t, "duplicate ACKs for one gap are compressed", span);
}

/* Something was taken in: is an ACK due now, or later? (Linux: __tcp_ack_snd_check) */
void tcp_ack_check(struct tcb *t)
{
	uint32_t pending_bytes = seq_distance(t->rcv.wup, t->rcv.nxt);

	if (!(t->ack.pending & (ACK_SCHEDULED | ACK_NOW)))
		return;
	if ((pending_bytes > t->ack.receive_mss && tcp_window_could_be(t) >= t->rcv.wnd) || quick_mode(t) ||
	    (t->ack.pending & ACK_NOW))
		tcp_ack_now(t);
	else if (t->out_of_order.count == 0)
		delay(t);
	else
		duplicate(t);
}

/* The program has taken data: has the window opened so far that the peer should know? (Linux:
 * tcp_cleanup_rbuf) */
void tcp_ack_consumed(struct tcb *t, uint32_t bytes)
{
	uint32_t now, could;
	bool empty = ring_used(&t->receive_ring) == 0;

	if (t->ack.pending & ACK_SCHEDULED) {
		uint32_t pending_bytes = seq_distance(t->rcv.wup, t->rcv.nxt);
		bool pushed = (t->ack.pending & ACK_PUSHED_TWICE) ||
			      ((t->ack.pending & ACK_PUSHED) && !t->ack.pingpong);

		if (pending_bytes > t->ack.receive_mss || (bytes && pushed && empty)) {
			tcp_ack_now(t);
			return;
		}
	}
	if (!bytes || t->rcv.shut)
		return;
	now = tcp_window_now(t);
	if (2ULL * now > t->rcv.clamp_bytes)
		return;
	could = tcp_window_could_be(t);
	if (could && could >= 2 * now)
		tcp_ack_now(t);
}

/* A segment with ACK has left: nothing is owed any more. */
void tcp_ack_sent(struct tcb *t)
{
	uint32_t count = t->ack.pending & ACK_SCHEDULED ? 1 : 0;

	if (t->ack.quick) {
		if (count >= t->ack.quick) {
			t->ack.quick = 0;
			t->ack.ato_ns = (uint32_t)TCP_ATO_MIN_NS;
		} else {
			t->ack.quick = (uint8_t)(t->ack.quick - count);
		}
	}
	t->ack.pending = 0;
	timer_cancel(&t->socket.stack->timers, &t->ack_timer);
}

void tcp_ack_timer(struct timer *timer, uint64_t now_ns)
{
	struct tcb *t = container_of(timer, struct tcb, ack_timer);

	(void)now_ns;
	if (!(t->ack.pending & ACK_SCHEDULED))
		return;
	if (t->out_of_order.count == 0) {
		if (!t->ack.pingpong) { /* we were too late: be later (Linux inflates ato) */
			uint64_t ato = 2ULL * t->ack.ato_ns;

			t->ack.ato_ns = (uint32_t)(ato < t->rto_ns ? ato : t->rto_ns);
		} else {
			t->ack.pingpong = 0;
			t->ack.ato_ns = (uint32_t)TCP_ATO_MIN_NS;
		}
	}
	tcp_ack_now(t);
}

/* The segment was outside the window: an ACK tells where we are, and D-SACK what it was. */
void tcp_ack_duplicate(struct tcb *t, const struct tcp_segment *seg)
{
	struct seq end = seq_add(seg->seq, seg->length);

	if (seg->length && seq_before(seg->seq, t->rcv.nxt)) {
		tcp_ack_quick(t, TCP_QUICK_ACKS_MAX);
		if (t->sack_on) {
			t->has_duplicate = true;
			t->duplicate = (struct sack_block){seg->seq, seq_earlier(end, t->rcv.nxt)};
		}
	}
	tcp_ack_now(t);
}
