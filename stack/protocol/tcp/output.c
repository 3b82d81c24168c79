/* SPDX-License-Identifier: MIT */
/*
 * What do we owe the peer? One predicate per thing, asked in order of urgency each time the engine
 * wants a frame: SYN, retransmission, new data or FIN, a probe, an acknowledgement (a window
 * update is one). RFC 9293 3.8.6 (window), 3.7.4 (Nagle), 3.8.2 (PSH); segments of up to 64 KiB go out
 * straight from the send ring and are cut by the driver.
 */
#include "stack/base/check.h"
#include "stack/protocol/tcp/emit.h"
#include "stack/protocol/tcp/tcp.h"

#define CAN_SEND_DATA                                                                              \
	(TCP_STATE_BIT(TCP_ESTABLISHED) | TCP_STATE_BIT(TCP_CLOSE_WAIT) |                           \
	    TCP_STATE_BIT(TCP_FIN_WAIT_1) | TCP_STATE_BIT(TCP_CLOSING) | TCP_STATE_BIT(TCP_LAST_ACK))
#define HAS_PEER (TCP_SYNCHRONIZED | TCP_STATE_BIT(TCP_SYN_SENT) | TCP_STATE_BIT(TCP_SYN_RECEIVED))

static uint32_t unsent_bytes(const struct tcb *t)
{
	return seq_before(t->snd.nxt, send_end(t)) ? seq_distance(t->snd.nxt, send_end(t)) : 0;
}

static bool fin_waits(const struct tcb *t)
{
	return t->snd.fin_queued && !t->snd.fin_sent;
}

/* Something new could go if the windows let it. */
bool tcp_data_waits(const struct tcb *t)
{
	return (state_in(t, CAN_SEND_DATA) || (t->state == TCP_SYN_RECEIVED && t->fastopen_child)) &&
	       (unsent_bytes(t) || fin_waits(t));
}

/* The part of the peer's window that is not used yet. */
static uint32_t window_left(const struct tcb *t)
{
	struct seq end = seq_add(t->snd.una, t->snd.wnd);

	return seq_after(end, t->snd.nxt) ? seq_distance(t->snd.nxt, end) : 0;
}

/* ---- pacing: may anything that counts go now? ---- */

static bool paced_out(struct tcb *t)
{
	struct stack *s = t->socket.stack;
	uint64_t when = pacing_wait_until_ns(&t->pacing, s->now_ns);

	if (!t->pacing.on || !when)
		return false;
	if (!timer_armed(&t->pacing_timer))
		timer_arm(&s->timers, &t->pacing_timer, when);
	return true;
}

static uint32_t burst_bytes(const struct tcb *t, uint32_t room)
{
	uint32_t most = FRAME_PACKET_MAX - 120;

	return pacing_burst_bytes(&t->pacing, room, rtt_min_ns(&t->rtt),
	    t->congestion.ops->least_burst_segments, most / room * room);
}

/* ---- the predicates ---- */

static bool owes_syn(const struct tcb *t)
{
	return state_in(t, TCP_STATE_BIT(TCP_SYN_SENT) | TCP_STATE_BIT(TCP_SYN_RECEIVED)) &&
	       list_empty(&t->sent_list) && seq_equal(t->snd.nxt, t->iss);
}

/* Which record goes again now, if any. */
static struct sent *owes_retransmission(struct tcb *t)
{
	uint64_t flight = (uint64_t)in_flight(t) * t->mss_bytes;

	if (t->packets_out == 0)
		return NULL;
	if (t->retransmit_now)
		return tcp_sent_first(t);
	if (t->lost_out <= t->retransmitted_out || state_in(t, TCP_STATE_BIT(TCP_SYN_SENT)))
		return NULL;
	if (congestion_quota_bytes(&t->congestion, flight) < t->mss_bytes || paced_out(t))
		return NULL;
	return tcp_sent_next_lost(t);
}

/* Nagle as modified by Minshall: may a segment that is not full go? */
static bool nagle_allows(const struct tcb *t)
{
	bool small_out = seq_after(t->snd.small_end, t->snd.una) &&
			 !seq_after(t->snd.small_end, t->snd.nxt);

	if (t->snd.urgent || fin_waits(t))
		return true;
	if (t->cork || t->more)
		return false;
	return t->nodelay || t->packets_out == 0 || !small_out;
}

/* Is it better to wait for the next ACK and send more at once? (Linux: tcp_tso_should_defer) */
static bool defers(const struct tcb *t, uint32_t limit, uint32_t burst)
{
	const struct sent *head = tcp_sent_first(t);
	uint64_t window = congestion_cwnd_bytes(&t->congestion);
	uint64_t now = t->socket.stack->now_ns, due;

	if (!head || congestion_reducing(&t->congestion) || t->congestion.state == CONGESTION_LOSS)
		return false;
	if (now - t->last_sent_ns > NSEC_PER_MSEC || limit >= burst || t->snd.fin_queued)
		return false;
	if (limit >= (t->snd.wnd < window ? t->snd.wnd : window) / 3)
		return false;
	/* Only if that ACK should come within a moment, or is late already. */
	due = head->sent_ns + t->rtt.srtt_ns;
	return due <= now + time_earlier(t->rtt.srtt_ns / 2, NSEC_PER_MSEC);
}

/* How many bytes of new data (FIN not counted) go in one frame now. */
static uint32_t owes_data(struct tcb *t, uint32_t room, bool *window_limited, bool *cwnd_limited)
{
	uint32_t unsent = unsent_bytes(t), window = window_left(t), limit, burst, half;
	uint64_t quota;

	if (!unsent)
		return 0;
	if (window < (unsent < room ? unsent : room)) {
		*window_limited = true;
		return 0;
	}
	quota = congestion_quota_bytes(&t->congestion, (uint64_t)in_flight(t) * t->mss_bytes) / t->mss_bytes;
	if (quota == 0) {
		*cwnd_limited = true;
		return 0;
	}
	half = t->congestion.cwnd_segments / 2;
	burst = burst_bytes(t, room);
	/* Linux: no more than half of the window in one train. */
	if (burst > (half ? half : 1) * room)
		burst = (half ? half : 1) * room;
	limit = unsent < window ? unsent : window;
	if (limit > quota * room) {
		limit = (uint32_t)quota * room;
		*cwnd_limited = true;
	}
	if (unsent > room && limit < unsent && defers(t, limit, burst))
		return 0;
	if (limit > burst)
		limit = burst;
	/* The tail that is not a full segment: only the very last one, and only if Nagle lets it. */
	if (limit % room != 0 && (limit < unsent || !nagle_allows(t)))
		limit -= limit % room;
	return limit;
}

/* Linux: the last FIN need not fit the congestion window. */
static bool owes_fin(const struct tcb *t)
{
	return fin_waits(t) && unsent_bytes(t) == 0 && window_left(t) > 0;
}

/* A window update is an ACK, too: acknowledge.c decides when the window has opened enough. */
static bool owes_ack(const struct tcb *t)
{
	return (t->ack.pending & ACK_NOW) || t->ack.extra;
}

/* ---- the actions ---- */

/* Fast open: the program has nothing to say yet, but it may think that it is connected. */
static bool syn_waits_for_data(struct tcb *t)
{
	if (!t->fastopen_waiting || ring_used(&t->send_ring))
		return false;
	if (!t->fastopen_told) {
		t->fastopen_told = true;
		socket_notify(&t->socket, SOCKET_EVENT_CONNECTED | SOCKET_EVENT_SENDABLE);
	}
	return !t->snd.fin_queued;
}

/* RFC 7413 4.2.1: what fits beside the options goes with the SYN, a record of its own. */
static struct sent *syn_data(struct tcb *t)
{
	uint32_t room = tcp_fastopen_room(t), bytes = ring_used(&t->send_ring);
	struct sent *r;

	if (!t->fastopen_waiting || !bytes)
		return NULL;
	r = tcp_sent_new(t, seq_add(t->iss, 1), bytes < room ? bytes : room);
	if (r) {
		r->pushed = true;
		t->snd.nxt = r->end;
		t->fastopen_data = true;
	}
	return r;
}

static enum socket_output send_syn(struct tcb *t, struct frame_out *f)
{
	enum socket_output result;
	struct sent *r, *data;

	if (syn_waits_for_data(t))
		return SOCKET_OUTPUT_NOTHING;
	r = tcp_sent_new(t, t->iss, 1);

	if (!r) /* no memory: the timer tries again */
		goto later;
	r->syn = true;
	t->snd.nxt = seq_add(t->iss, 1);
	data = syn_data(t);
	result = tcp_emit_syn(t, f, r, data);
	tcp_timer_set(t, TIMER_RTO, t->rto_ns);
	return result;
later:
	tcp_timer_set(t, TIMER_RTO, t->rto_ns);
	return SOCKET_OUTPUT_NOTHING;
}

static void trace_retransmit(struct tcb *t, const struct sent *r)
{
	struct stack *s = t->socket.stack;
	bool timeout = t->congestion.state == CONGESTION_LOSS || r->syn;

	if (trace_on(s))
		trace_emit(s, &(struct trace_event){
				  .kind = TRACE_RETRANSMIT,
				  .socket_id = t->socket.id,
				  .local = t->socket.local,
				  .remote = t->socket.remote,
				  .text = timeout ? "timeout" : "found lost",
				  .reason = timeout ? "RFC 6298 5.4" : "RFC 8985 7.2, RFC 6675 5",
				  .number = {r->first.n, seq_distance(r->first, r->end),
				      timeout ? t->rto_ns : s->now_ns - r->sent_ns},
			      });
}

/* How much of r may go in one frame. */
static uint32_t retransmission_bytes(struct tcb *t, const struct sent *r, uint32_t room)
{
	uint64_t quota = congestion_quota_bytes(&t->congestion, (uint64_t)in_flight(t) * t->mss_bytes);
	uint32_t bytes = seq_distance(r->first, r->end), burst = burst_bytes(t, room);
	struct seq window_end = seq_add(t->snd.una, t->snd.wnd);
	uint32_t limit = (uint32_t)(quota / t->mss_bytes) * room;

	if (limit > burst)
		limit = burst;
	if (seq_after(r->end, window_end)) { /* the peer has shrunk its window */
		uint32_t left = seq_after(window_end, r->first) ? seq_distance(r->first, window_end) : 0;

		if (left == 0 && !seq_equal(r->first, t->snd.una))
			return 0;
		if (limit > left / room * room)
			limit = left / room * room;
	}
	if (limit < room)
		limit = room;
	/* FIN takes no room in a segment. */
	return bytes - r->fin <= limit ? bytes : limit;
}

/* Small segments that follow go along, as far as they fit (Linux: tcp_retrans_try_collapse). */
static void gather(struct tcb *t, struct sent *r, uint32_t room)
{
	struct seq window_end = seq_add(t->snd.una, t->snd.wnd);
	struct sent *next;

	while (r->segments == 1 && !r->fin && (next = tcp_sent_next(t, r))) {
		if (next->sacked || seq_distance(r->first, next->end) - next->fin > room ||
		    seq_after(seq_sub(next->end, next->fin), window_end))
			return;
		tcp_sent_merge(t, r, next);
	}
}

static enum socket_output send_again(struct tcb *t, struct frame_out *f, struct sent *r)
{
	bool forced = t->retransmit_now;
	uint32_t bytes;

	t->retransmit_now = false;
	if (!r->syn) {
		bytes = retransmission_bytes(t, r, tcp_segment_room(t));
		if (bytes == 0)
			return SOCKET_OUTPUT_NOTHING;
		if (bytes < seq_distance(r->first, r->end) &&
		    !tcp_sent_split(t, r, seq_add(r->first, bytes)))
			return SOCKET_OUTPUT_NOTHING;
		gather(t, r, tcp_segment_room(t));
	}
	trace_retransmit(t, r);
	t->total.retransmits += r->segments;
	t->total.bytes_retransmitted += seq_distance(r->first, r->end);
	t->socket.stack->counters.tcp_retransmitted += r->segments;
	if (!t->retransmit_ns) {
		t->retransmit_ns = t->socket.stack->now_ns;
		t->retransmit_ts = tcp_timestamp(t);
	}
	if (t->undo_retransmits < 0)
		t->undo_retransmits = 0;
	t->undo_retransmits += r->segments;
	congestion_on_send(&t->congestion, r->segments * t->mss_bytes, t->snd.nxt);
	if (timer_armed(&t->retransmit_timer) && t->timer_kind != TIMER_REORDER && !forced &&
	    r == tcp_sent_first(t))
		tcp_timer_set(t, TIMER_RTO, t->rto_ns);
	return tcp_emit_record(t, f, r, true);
}

/* RFC 9293 3.8.2 with Linux's habit (forced_push): the end of what the program gave, and within a
 * long run about once a window, so that a receiver with little room is told to hand data on. */
static bool is_pushed(struct tcb *t, const struct sent *r, bool fin)
{
	uint32_t half = t->snd.wnd_max / 2;
	uint32_t often = half < t->mss_bytes ? 1 : 2 * (half - half % t->mss_bytes);

	if (!seq_equal(seq_sub(r->end, fin), send_end(t)) && seq_distance(t->snd.pushed, r->end) < often)
		return false;
	t->snd.pushed = r->end;
	return true;
}

static enum socket_output send_data(struct tcb *t, struct frame_out *f, uint32_t bytes)
{
	uint64_t now = t->socket.stack->now_ns;
	bool first = t->packets_out == 0, fin;
	struct sent *r;

	if (first && t->last_sent_ns && now - t->last_sent_ns > t->rto_ns)
		congestion_on_restart(&t->congestion, now - t->last_sent_ns, t->rto_ns,
		    t->rate.app_limited_until_bytes != 0, now);
	fin = fin_waits(t) && bytes == unsent_bytes(t);
	r = tcp_sent_new(t, t->snd.nxt, bytes + fin);
	if (!r) {
		tcp_timer_set(t, TIMER_RTO, t->rto_ns);
		return SOCKET_OUTPUT_NOTHING;
	}
	r->fin = fin;
	t->snd.nxt = r->end;
	r->pushed = is_pushed(t, r, fin);
	if (bytes % t->mss_bytes != 0)
		t->snd.small_end = r->end;
	t->snd.fin_sent |= fin;
	t->burst = true;
	congestion_on_send(&t->congestion, r->segments * t->mss_bytes, t->snd.nxt);
	if (first || t->timer_kind == TIMER_PROBE_TAIL || t->timer_kind == TIMER_PERSIST)
		tcp_timer_rearm_rto(t);
	return tcp_emit_record(t, f, r, false);
}

/* The tail loss probe (RFC 8985 7.3): new data if there is and the window lets it, else the last
 * segment again. */
static enum socket_output send_tail_probe(struct tcb *t, struct frame_out *f)
{
	uint32_t room = tcp_segment_room(t), bytes = unsent_bytes(t);
	struct list *last = t->sent_list.prev;
	enum socket_output result;
	struct sent *r;

	t->probe_now = false;
	if (t->tail_probe.out || t->packets_out == 0)
		return SOCKET_OUTPUT_NOTHING;
	if (bytes > room)
		bytes = room;
	t->tail_probe.was_retransmission = false;
	if (bytes && window_left(t) >= bytes) {
		result = send_data(t, f, bytes);
		goto sent;
	}
	r = container_of(last, struct sent, order);
	if (r->sacked)
		return SOCKET_OUTPUT_NOTHING;
	if (seq_distance(r->first, r->end) - r->fin > room) {
		struct seq at = seq_sub(r->end, r->fin);
		uint32_t tail = seq_distance(r->first, at) % room;

		r = tcp_sent_split(t, r, seq_sub(at, tail ? tail : room));
		if (!r)
			return SOCKET_OUTPUT_NOTHING;
	}
	t->tail_probe.was_retransmission = true;
	tcp_sent_unmark_lost(t, r);
	result = send_again(t, f, r);
sent:
	t->burst = false; /* no probe for the probe */
	t->tail_probe.out = true;
	t->tail_probe.high = t->snd.nxt;
	t->socket.stack->counters.tcp_tail_probes++;
	tcp_timer_rearm_rto(t);
	return result;
}

/* RFC 9293 3.8.6.1: one segment that the window has no room for, or an old sequence number that
 * provokes an ACK (Linux: tcp_write_wakeup). */
static enum socket_output send_window_probe(struct tcb *t, struct frame_out *f)
{
	uint32_t window = window_left(t), unsent = unsent_bytes(t), room = tcp_segment_room(t);

	t->window_probe_now = false;
	t->socket.stack->counters.tcp_window_probes++;
	if (unsent && window) {
		uint32_t bytes = unsent < window ? unsent : window;

		return send_data(t, f, bytes < room ? bytes : room);
	}
	return tcp_emit_bare(t, f, TCP_ACK, seq_sub(t->snd.una, 1));
}

static enum socket_output send_ack(struct tcb *t, struct frame_out *f)
{
	if (t->ack.extra)
		t->ack.extra--;
	return tcp_emit_bare(t, f, TCP_ACK, tcp_acceptable_seq(t));
}

/* Nothing (more) goes now: tell congestion control why, and watch over what waits. */
static void stopped(struct tcb *t, bool cwnd_limited, bool window_limited)
{
	uint64_t now = t->socket.stack->now_ns;

	(void)window_limited;
	if (t->burst) {
		t->burst = false;
		congestion_on_send_stop(&t->congestion, cwnd_limited, t->packets_out * t->mss_bytes,
		    t->snd.una, t->snd.nxt, t->rto_ns, t->send_blocked, now);
		if (!cwnd_limited && !unsent_bytes(t) && t->lost_out <= t->retransmitted_out)
			rate_mark_app_limited(&t->rate, in_flight(t) * t->mss_bytes);
		tcp_tail_probe_schedule(t, false);
	}
	tcp_persist_check(t);
}

/* RFC 5682 3.1 step 2b: after a timeout, new data tells whether it was spurious; if none can go,
 * the usual way. */
static enum socket_output send_new_first(struct tcb *t, struct frame_out *f)
{
	bool window_limited, cwnd_limited;
	uint32_t bytes = owes_data(t, tcp_segment_room(t), &window_limited, &cwnd_limited);

	if (bytes)
		return send_data(t, f, bytes);
	if (seq_after(t->snd.nxt, t->high_seq))
		return SOCKET_OUTPUT_NOTHING;
	t->frto = t->frto_hold = false;
	return SOCKET_OUTPUT_NOTHING;
}

static enum socket_output output_stream(struct tcb *t, struct frame_out *f)
{
	bool window_limited = false, cwnd_limited = false, paced = false;
	enum socket_output result;
	struct sent *again;
	uint32_t bytes;

	if (t->frto_hold) {
		result = send_new_first(t, f);
		if (t->frto_hold)
			return result;
	}
	again = owes_retransmission(t);
	if (again) {
		result = send_again(t, f, again);
		if (result != SOCKET_OUTPUT_NOTHING)
			return result;
	}
	if (t->probe_now) {
		result = send_tail_probe(t, f);
		if (result != SOCKET_OUTPUT_NOTHING)
			return result;
		tcp_timer_rearm_rto(t);
	}
	if (tcp_data_waits(t) && !(paced = paced_out(t))) {
		bytes = owes_data(t, tcp_segment_room(t), &window_limited, &cwnd_limited);
		if (bytes || owes_fin(t))
			return send_data(t, f, bytes);
	}
	if (t->window_probe_now)
		return send_window_probe(t, f);
	stopped(t, cwnd_limited || paced, window_limited);
	return SOCKET_OUTPUT_NOTHING;
}

enum socket_output tcp_output(struct socket *so, struct frame_out *f)
{
	struct tcb *t = tcb_of(so);
	enum socket_output result = SOCKET_OUTPUT_NOTHING;

	if (!state_in(t, HAS_PEER))
		return SOCKET_OUTPUT_NOTHING;
	if (t->cut)
		return tcp_emit_cut(t, f);
	if (owes_syn(t))
		return send_syn(t, f);
	if (t->retransmit_now && t->state == TCP_SYN_SENT)
		return send_again(t, f, tcp_sent_first(t));
	if (t->state == TCP_SYN_SENT)
		return SOCKET_OUTPUT_NOTHING;
	result = output_stream(t, f);
	if (result != SOCKET_OUTPUT_NOTHING)
		return result;
	if (t->keepalive_now) {
		t->keepalive_now = false;
		return tcp_emit_bare(t, f, TCP_ACK, seq_sub(t->snd.una, 1));
	}
	if (owes_ack(t))
		return send_ack(t, f);
	return SOCKET_OUTPUT_NOTHING;
}
