/* SPDX-License-Identifier: MIT */
/*
 * TIME-WAIT (RFC 9293 3.6.1, 3.10.7.4; RFC 1337; RFC 6191): a small block keeps the four-tuple, our
 * sequence numbers and the peer's last timestamp, answers what is late, and lets a new connection
 * in when its numbers are newer. It also waits for the FIN that an orphan in FIN-WAIT-2 has not got
 * (Linux: tw_substate).
 */
#include "stack/protocol/tcp/tcp.h"

struct time_wait {
	struct tcp_entry entry;
	struct stack *stack;
	struct port_entry port;  /* the local port stays taken */
	struct timer timer;
	struct list link;        /* host->time_wait */
	struct seq snd_nxt, rcv_nxt;
	uint32_t ts_recent, ts_offset;
	uint64_t ts_recent_ns;   /* 0: no timestamps */
	uint64_t invalid_ns;     /* last answer to a segment out of window */
	uint64_t socket_id;      /* for the trace */
	uint32_t receive_window; /* bytes */
	uint8_t receive_scale, tos;
	bool waits_for_fin;
};

static struct time_wait *time_wait_of(struct tcp_entry *e)
{
	return container_of(e, struct time_wait, entry);
}

static const struct time_wait *time_wait_of_const(const struct tcp_entry *e)
{
	return container_of(e, const struct time_wait, entry);
}

void tcp_time_wait_free(struct stack *s, struct tcp_entry *e)
{
	struct time_wait *w = time_wait_of(e);

	timer_cancel(&s->timers, &w->timer);
	hash_remove(&s->tcp->connections, &e->link);
	list_remove(&w->link);
	port_entry_release(s, &w->port);
	s->tcp->time_wait_count--;
	stack_reserve_timers(s, -1);
	mem_give(&s->mem, w, sizeof(*w));
}

static void time_wait_fire(struct timer *timer, uint64_t now_ns)
{
	struct time_wait *w = container_of(timer, struct time_wait, timer);
	struct stack *s = w->stack;

	(void)now_ns;
	if (trace_on(s))
		trace_emit(s, &(struct trace_event){
				  .kind = TRACE_STATE,
				  .socket_id = w->socket_id,
				  .local = {w->entry.tuple.local, w->entry.tuple.local_port, 0},
				  .remote = {w->entry.tuple.remote, w->entry.tuple.remote_port, 0},
				  .text = tcp_state_name(TCP_CLOSED),
				  .detail = tcp_state_name(w->waits_for_fin ? TCP_FIN_WAIT_2 : TCP_TIME_WAIT),
				  .reason = "RFC 9293 3.10.8: the time is over",
			      });
	tcp_time_wait_free(s, &w->entry);
}

static void restart(struct time_wait *w)
{
	timer_arm(&w->stack->timers, &w->timer, w->stack->now_ns + w->stack->config.tcp_time_wait_ns);
}

static struct time_wait *block_of(const struct tcb *t, bool waits_for_fin)
{
	struct stack *s = t->socket.stack;
	struct time_wait *w;

	if (s->tcp->time_wait_count >= s->config.tcp_time_wait_max)
		return NULL;
	w = mem_take_zeroed(&s->mem, sizeof(*w));
	if (!w)
		return NULL;
	if (stack_reserve_timers(s, 1) < 0) {
		mem_give(&s->mem, w, sizeof(*w));
		return NULL;
	}
	w->entry.kind = TCP_ENTRY_TIME_WAIT;
	w->entry.tuple = t->entry.tuple;
	w->stack = s;
	w->socket_id = t->socket.id;
	w->snd_nxt = t->snd.nxt;
	w->rcv_nxt = t->rcv.nxt;
	w->ts_offset = t->ts_offset;
	if (t->timestamps_on) {
		w->ts_recent = t->ts_recent;
		w->ts_recent_ns = t->ts_recent_ns;
	}
	w->receive_window = tcp_window_now(t);
	w->receive_scale = t->rcv.scale;
	w->tos = t->socket.option.tos;
	w->waits_for_fin = waits_for_fin;
	timer_init(&w->timer, time_wait_fire);
	list_init(&w->link);
	return w;
}

static void answer(struct time_wait *w)
{
	struct tcp_segment seg = {
	    .flags = TCP_ACK,
	    .seq = w->snd_nxt,
	    .ack = w->rcv_nxt,
	    .window = w->receive_window >> w->receive_scale,
	};

	if (w->ts_recent_ns) {
		seg.options.has_timestamps = true;
		seg.options.ts_value = tcp_time_ms(w->stack) + w->ts_offset;
		seg.options.ts_echo = w->ts_recent;
	}
	tcp_send_bare(w->stack, &w->entry.tuple, &seg, 0, w->tos);
}

void tcp_time_wait_enter(struct tcb *t, enum tcp_state state, uint64_t span_ns, const char *reason)
{
	struct stack *s = t->socket.stack;
	struct time_wait *w = block_of(t, state == TCP_FIN_WAIT_2);
	uint64_t least = 4 * t->rto_ns - t->rto_ns / 2;
	bool owes_ack = t->ack.pending != 0;

	if (state == TCP_TIME_WAIT)
		tcp_set_state(t, TCP_TIME_WAIT, reason);
	s->counters.tcp_time_wait++;
	if (w)
		port_hand_over(&t->socket, &w->port);
	tcp_finish(t, 0, reason);
	if (!w)
		return; /* too many, or no memory: as in Linux, the connection is just closed */
	tcp_entry_insert(s, &w->entry);
	list_append(&s->tcp->time_wait, &w->link);
	s->tcp->time_wait_count++;
	timer_arm(&s->timers, &w->timer, time_after(s->now_ns, span_ns > least ? span_ns : least));
	if (owes_ack)
		answer(w);
}

static bool limited_answer(struct time_wait *w, const struct tcp_segment *seg)
{
	/* What takes sequence space is never part of an ACK loop. */
	if ((seg->length && !(seg->flags & TCP_SYN)) ||
	    tcp_invalid_rate_allows(w->stack, &w->invalid_ns))
		answer(w);
	return false;
}

static bool old_timestamp(const struct time_wait *w, const struct tcp_segment *seg)
{
	return w->ts_recent_ns && seg->options.has_timestamps &&
	       (int32_t)(seg->options.ts_value - w->ts_recent) < 0 &&
	       w->stack->now_ns - w->ts_recent_ns <= TCP_PAWS_NS;
}

static void note_timestamp(struct time_wait *w, const struct tcp_segment *seg)
{
	if (!w->ts_recent_ns || !seg->options.has_timestamps)
		return;
	w->ts_recent = seg->options.ts_value;
	w->ts_recent_ns = w->stack->now_ns;
}

static bool in_window(const struct time_wait *w, const struct tcp_segment *seg)
{
	struct seq end = seq_add(seg->seq, seg->length);

	if (seq_equal(seg->seq, w->rcv_nxt))
		return true;
	if (seq_after(end, w->rcv_nxt) && seq_before(seg->seq, seq_add(w->rcv_nxt, w->receive_window)))
		return true;
	return seq_equal(seg->seq, end) && seq_equal(seg->seq, seq_add(w->rcv_nxt, w->receive_window));
}

/* For an orphan in FIN-WAIT-2: only its peer's FIN is welcome. */
static bool waiting_input(struct time_wait *w, const struct ip_packet *p, const struct tcp_segment *seg)
{
	struct seq end = seq_add(seg->seq, seg->length);

	if (old_timestamp(w, seg) || !in_window(w, seg))
		return seg->flags & TCP_RST ? false : limited_answer(w, seg);
	if (seg->flags & TCP_RST) {
		tcp_time_wait_free(w->stack, &w->entry);
		return false;
	}
	if ((seg->flags & TCP_SYN) && !seq_before(seg->seq, w->rcv_nxt)) {
		tcp_reset_reply(w->stack, p, seg);
		return false;
	}
	if (!(seg->flags & TCP_ACK) || !seq_after(end, w->rcv_nxt) || seg->length == 0)
		return false;
	if (!(seg->flags & TCP_FIN) || !seq_equal(end, seq_add(w->rcv_nxt, 1))) {
		/* Data for a program that is gone (RFC 9293 3.6.1, RFC 1122 4.2.2.13). */
		tcp_reset_reply(w->stack, p, seg);
		tcp_time_wait_free(w->stack, &w->entry);
		return false;
	}
	w->waits_for_fin = false;
	w->rcv_nxt = end;
	note_timestamp(w, seg);
	restart(w);
	answer(w);
	return false;
}

void tcp_time_wait_answer(struct tcp_entry *e)
{
	answer(time_wait_of(e));
}

bool tcp_time_wait_input(struct stack *s, struct tcp_entry *e, const struct ip_packet *p,
    const struct tcp_segment *seg, struct seq *isn_at_least)
{
	struct time_wait *w = time_wait_of(e);
	bool old = old_timestamp(w, seg);

	if (w->waits_for_fin)
		return waiting_input(w, p, seg);
	if (!old && seq_equal(seg->seq, w->rcv_nxt) && (seg->length == 0 || (seg->flags & TCP_RST))) {
		/* A bare ACK or RST in place. RFC 1337 would ignore the RST; Linux by default obeys. */
		if (seg->flags & TCP_RST) {
			tcp_time_wait_free(s, e);
			return false;
		}
		note_timestamp(w, seg);
		restart(w);
		return false;
	}
	/* RFC 6191 2, RFC 9293 3.6.1: a new SYN with newer numbers. */
	if ((seg->flags & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_SYN && !old &&
	    (seq_after(seg->seq, w->rcv_nxt) ||
		(w->ts_recent_ns && seg->options.has_timestamps &&
		    (int32_t)(w->ts_recent - seg->options.ts_value) < 0))) {
		*isn_at_least = seq_add(w->snd_nxt, 65535 + 2);
		return true;
	}
	if (seg->flags & TCP_RST)
		return false;
	if (old || (seg->flags & TCP_ACK))
		restart(w);
	return limited_answer(w, seg);
}

/* May an active open take the four-tuple over? Linux (tcp_tw_reuse 2): on the loopback, after a
 * second, when timestamps tell old from new. */
bool tcp_time_wait_reusable(const struct stack *s, const struct tcp_entry *e)
{
	const struct time_wait *w = time_wait_of_const(e);

	return !w->waits_for_fin && w->ts_recent_ns && ip_is_local(s, &e->tuple.remote) &&
	       s->now_ns - w->ts_recent_ns > NSEC_PER_SEC;
}

void tcp_time_wait_info(struct tcp_entry *e, struct socket_info *out)
{
	const struct time_wait *w = time_wait_of(e);

	out->state = w->waits_for_fin ? "FIN-WAIT-2" : "TIME-WAIT";
	out->timer = "timewait";
	out->timer_expires_ns = w->timer.due_ns;
	out->orphan = true;
}
