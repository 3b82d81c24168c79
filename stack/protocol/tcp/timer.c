/* SPDX-License-Identifier: MIT */
/*
 * The timers of a connection. One timer serves everything that retransmits: the timeout of RFC 6298
 * 5, the tail loss probe and the reordering timer of RFC 8985, the persist timer of RFC 9293
 * 3.8.6.1; they exclude each other (as in Linux). How long a peer may be silent: RFC 1122 4.2.3.5
 * by Linux's tcp_retries2, RFC 5482.
 */
#include <errno.h>

#include "stack/base/check.h"
#include "stack/protocol/tcp/tcp.h"

static const char *const kind_names[] = {
    [TIMER_NONE] = "none",
    [TIMER_RTO] = "retransmission",
    [TIMER_PROBE_TAIL] = "tail loss probe",
    [TIMER_REORDER] = "reordering",
    [TIMER_PERSIST] = "persist",
};

static void trace_timer(struct tcb *t, enum trace_kind kind, const char *name, uint64_t span_ns)
{
	struct stack *s = t->socket.stack;

	if (trace_on(s))
		trace_emit(s, &(struct trace_event){
				  .kind = kind,
				  .socket_id = t->socket.id,
				  .local = t->socket.local,
				  .remote = t->socket.remote,
				  .text = name,
				  .number = {span_ns},
			      });
}

void tcp_timer_set(struct tcb *t, enum tcp_timer_kind kind, uint64_t span_ns)
{
	struct stack *s = t->socket.stack;

	if (span_ns > TCP_RTO_MAX_NS)
		span_ns = TCP_RTO_MAX_NS;
	t->timer_kind = kind;
	timer_arm(&s->timers, &t->retransmit_timer, s->now_ns + span_ns);
	trace_timer(t, TRACE_TIMER_SET, kind_names[kind], span_ns);
}

void tcp_timer_clear(struct tcb *t)
{
	t->timer_kind = TIMER_NONE;
	timer_cancel(&t->socket.stack->timers, &t->retransmit_timer);
}

/* RFC 5482: not later than the program's patience allows. */
static uint64_t within_user_timeout(const struct tcb *t, uint64_t span_ns, uint64_t since_ns)
{
	uint64_t elapsed = t->socket.stack->now_ns - since_ns;

	if (!t->user_timeout_ns || !since_ns)
		return span_ns;
	if (elapsed >= t->user_timeout_ns)
		return NSEC_PER_MSEC;
	return time_earlier(span_ns, t->user_timeout_ns - elapsed);
}

/* RFC 6298 5.1 to 5.3. When a shorter timer ran instead, the time since the oldest transmission
 * counts. */
void tcp_timer_rearm_rto(struct tcb *t)
{
	const struct sent *head = tcp_sent_first(t);
	uint64_t span = t->rto_ns, now = t->socket.stack->now_ns;

	if (!head) {
		if (t->timer_kind != TIMER_PERSIST)
			tcp_timer_clear(t);
		return;
	}
	if (t->timer_kind == TIMER_REORDER || t->timer_kind == TIMER_PROBE_TAIL) {
		uint64_t due = head->sent_ns + span;

		span = due > now ? due - now : NSEC_PER_MSEC;
	}
	tcp_timer_set(t, TIMER_RTO, span);
}

/* ---- when is it enough? ---- */

static unsigned log2_of(uint64_t n)
{
	unsigned log = 0;

	while (n >>= 1)
		log++;
	return log;
}

/* How long count timeouts take when the first is base_ns and each is twice the one before. */
static uint64_t model_ns(uint32_t count, uint64_t base_ns)
{
	uint32_t doubling = log2_of(TCP_RTO_MAX_NS / base_ns);

	if (count <= doubling)
		return ((2ULL << count) - 1) * base_ns;
	return ((2ULL << doubling) - 1) * base_ns + (count - doubling) * TCP_RTO_MAX_NS;
}

/* Since when the peer has left us waiting: the SYN itself, or the first retransmission. 0: it has not. */
static uint64_t waiting_since_ns(const struct tcb *t)
{
	return t->state == TCP_SYN_SENT ? t->last_ack_ns : t->retransmit_ns;
}

bool tcp_timed_out(const struct tcb *t, uint32_t retries, uint64_t span_ns)
{
	bool syn = state_in(t, TCP_STATE_BIT(TCP_SYN_SENT) | TCP_STATE_BIT(TCP_SYN_RECEIVED));

	if (!t->retransmits || !waiting_since_ns(t))
		return false;
	if (!span_ns)
		span_ns = model_ns(retries, syn ? TCP_RTO_INITIAL_NS : TCP_RTO_MIN_NS);
	return t->socket.stack->now_ns - waiting_since_ns(t) >= span_ns;
}

/* RFC 1122 4.2.3.5 says to keep on; an orphan of a host in need may not (Linux: tcp_out_of_resources). */
bool tcp_orphans_too_many(struct tcb *t)
{
	const struct stack *s = t->socket.stack;

	return t->orphan && s->tcp->orphan_count > s->config.tcp_orphans_max;
}

static uint32_t orphan_retries(const struct tcb *t, bool alive)
{
	uint32_t retries = t->socket.stack->config.tcp_orphan_retries;

	if (!alive && t->socket.error)
		return 0;
	return retries == 0 && alive ? 8 : retries;
}

static void give_up(struct tcb *t, const char *reason)
{
	int error = t->soft_error ? t->soft_error : ETIMEDOUT;
	bool opening = state_in(t, TCP_STATE_BIT(TCP_SYN_SENT) | TCP_STATE_BIT(TCP_SYN_RECEIVED));

	if (opening)
		t->socket.stack->counters.tcp_attempt_fails++;
	tcp_finish(t, error, reason);
}

/* True: the connection is over. */
static bool out_of_patience(struct tcb *t)
{
	const struct stack_config *c = &t->socket.stack->config;
	uint32_t retries = c->tcp_retries2;
	bool expired = false;

	if (t->state == TCP_SYN_SENT) {
		/* Linux: as many more as are not backed off, but no longer than if all were. */
		retries = t->syn_retries ? t->syn_retries : c->tcp_syn_retries;
		expired = t->retransmits >= retries + TCP_SYN_LINEAR_TIMEOUTS;
	} else if (t->state == TCP_SYN_RECEIVED) {
		retries = t->syn_retries ? t->syn_retries : c->tcp_synack_retries;
		expired = t->retransmits >= retries;
	} else {
		if (tcp_timed_out(t, c->tcp_retries1, 0)) {
			t->socket.path.generation = 0; /* is there another way? */
			tcp_black_hole(t);
		}
		if (t->orphan) {
			bool alive = t->rto_ns < TCP_RTO_MAX_NS;

			retries = orphan_retries(t, alive);
			if (tcp_orphans_too_many(t)) {
				tcp_reset_send(t);
				tcp_finish(t, ETIMEDOUT, "too many orphans");
				return true;
			}
		}
	}
	if (expired || tcp_timed_out(t, retries, t->user_timeout_ns)) {
		give_up(t, "RFC 9293 3.8.3: the peer does not answer");
		return true;
	}
	return false;
}

/* ---- what the timer does ---- */

/* Linux: the first SYN timeouts are not backed off (tcp_syn_linear_timeouts). */
static void back_off(struct tcb *t)
{
	if (t->rto_count < UINT8_MAX)
		t->rto_count++;
	if (t->state == TCP_SYN_SENT && t->rto_count <= TCP_SYN_LINEAR_TIMEOUTS)
		return;
	if (t->backoff < 32)
		t->backoff++;
	t->rto_ns = time_earlier(2 * t->rto_ns, TCP_RTO_MAX_NS);
}

/* The peer took its window back: its segment is a probe, sent for as long as the peer answers. True:
 * it does not any more, and the connection is over (Linux: tcp_rtx_probe0_timed_out). */
static bool silent_behind_closed_window(struct tcb *t)
{
	uint64_t patience = t->user_timeout_ns ? t->user_timeout_ns : 2 * TCP_RTO_MAX_NS;
	uint64_t now = t->socket.stack->now_ns;

	if (!t->retransmit_ns || now - t->retransmit_ns < patience || now - t->last_ack_ns < patience)
		return false;
	give_up(t, "the peer took its window back and does not answer");
	return true;
}

/* RFC 6298 5.4 to 5.7 */
static void retransmission(struct tcb *t)
{
	struct stack *s = t->socket.stack;
	bool shrunk;

	if (t->packets_out == 0) {
		tcp_wake(t); /* there was no memory for the record of what was to be sent */
		return;
	}
	t->tail_probe.out = false;
	shrunk = t->snd.wnd == 0 && !t->orphan && state_in(t, TCP_SYNCHRONIZED);
	if (shrunk ? silent_behind_closed_window(t) : out_of_patience(t))
		return;
	s->counters.tcp_timeouts++;
	t->total.timeouts++;
	tcp_recovery_timeout(t);
	if (t->retransmits < UINT8_MAX && !shrunk)
		t->retransmits++;
	t->retransmit_now = true;
	back_off(t);
	tcp_timer_set(t, TIMER_RTO, within_user_timeout(t, t->rto_ns, waiting_since_ns(t)));
	tcp_wake(t);
}

/* RFC 9293 3.8.6.1 */
uint64_t tcp_persist_when(const struct tcb *t)
{
	uint64_t base = t->rto_ns > TCP_RTO_MIN_NS ? t->rto_ns : TCP_RTO_MIN_NS;
	unsigned shift = t->backoff < 10 ? t->backoff : 10;

	return within_user_timeout(t, time_earlier(base << shift, TCP_RTO_MAX_NS), t->probing_ns);
}

static void persist(struct tcb *t)
{
	const struct stack *s = t->socket.stack;
	uint32_t most = s->config.tcp_retries2;

	if (t->packets_out || !tcp_data_waits(t)) {
		t->probes_out = 0;
		t->probing_ns = 0;
		return;
	}
	if (!t->probing_ns) {
		t->probing_ns = s->now_ns;
	} else if (t->user_timeout_ns && s->now_ns - t->probing_ns >= t->user_timeout_ns) {
		give_up(t, "RFC 5482: the window stayed closed for too long");
		return;
	}
	if (t->orphan) {
		bool alive = tcp_persist_when(t) < TCP_RTO_MAX_NS;

		most = orphan_retries(t, alive);
		if ((!alive && t->backoff >= most) || tcp_orphans_too_many(t)) {
			give_up(t, "an orphan's window stayed closed");
			return;
		}
	}
	if (t->probes_out >= most) {
		give_up(t, "RFC 9293 3.8.6.1: the peer does not answer window probes");
		return;
	}
	t->probes_out++;
	if (t->backoff < s->config.tcp_retries2)
		t->backoff++;
	t->window_probe_now = true;
	tcp_timer_set(t, TIMER_PERSIST, tcp_persist_when(t));
	tcp_wake(t);
}

/* Data waits, nothing is out and no timer runs: the window is closed or silly; or the program holds
 * a partial segment back by TCP_CORK, which Linux ends in the same way after 200 ms. */
void tcp_persist_check(struct tcb *t)
{
	if (t->packets_out == 0 && tcp_data_waits(t) && !timer_armed(&t->retransmit_timer) &&
	    !timer_armed(&t->pacing_timer))
		tcp_timer_set(t, TIMER_PERSIST, t->rto_ns > TCP_RTO_MIN_NS ? t->rto_ns : TCP_RTO_MIN_NS);
}

static void retransmit_fire(struct timer *timer, uint64_t now_ns)
{
	struct tcb *t = container_of(timer, struct tcb, retransmit_timer);
	enum tcp_timer_kind kind = t->timer_kind;

	(void)now_ns;
	t->timer_kind = TIMER_NONE;
	trace_timer(t, TRACE_TIMER_FIRED, kind_names[kind], 0);
	switch (kind) {
	case TIMER_NONE:
		break;
	case TIMER_RTO:
		retransmission(t);
		break;
	case TIMER_PROBE_TAIL:
		t->probe_now = true;
		tcp_wake(t);
		break;
	case TIMER_REORDER:
		tcp_recovery_reorder_timeout(t);
		break;
	case TIMER_PERSIST:
		persist(t);
		break;
	}
	if (t->gone_due)
		tcp_retire(t);
}

static void pacing_fire(struct timer *timer, uint64_t now_ns)
{
	(void)now_ns;
	tcp_wake(container_of(timer, struct tcb, pacing_timer));
}

void tcp_timers_init(struct tcb *t)
{
	timer_init(&t->retransmit_timer, retransmit_fire);
	timer_init(&t->ack_timer, tcp_ack_timer);
	timer_init(&t->keepalive_timer, tcp_keepalive_timer);
	timer_init(&t->pacing_timer, pacing_fire);
}

void tcp_timers_stop(struct tcb *t)
{
	struct timer_heap *heap = &t->socket.stack->timers;

	timer_cancel(heap, &t->retransmit_timer);
	timer_cancel(heap, &t->ack_timer);
	timer_cancel(heap, &t->keepalive_timer);
	timer_cancel(heap, &t->pacing_timer);
	t->timer_kind = TIMER_NONE;
}
