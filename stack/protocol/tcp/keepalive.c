/* SPDX-License-Identifier: MIT */
/*
 * Keepalive (RFC 9293 3.8.4) with Linux's three numbers, and on the same timer the patience with
 * which an orphan in FIN-WAIT-2 waits for the peer's FIN.
 */
#include <errno.h>

#include "stack/protocol/tcp/tcp.h"

uint64_t tcp_keepalive_time(const struct tcb *t)
{
	return t->keepalive_time_ns ? t->keepalive_time_ns : t->socket.stack->config.tcp_keepalive_time_ns;
}

uint64_t tcp_keepalive_interval(const struct tcb *t)
{
	return t->keepalive_interval_ns ? t->keepalive_interval_ns
					: t->socket.stack->config.tcp_keepalive_interval_ns;
}

uint32_t tcp_keepalive_probes(const struct tcb *t)
{
	return t->keepalive_probes ? t->keepalive_probes : t->socket.stack->config.tcp_keepalive_probes;
}

void tcp_keepalive_set(struct tcb *t, uint64_t span_ns)
{
	timer_arm(&t->socket.stack->timers, &t->keepalive_timer, time_after(t->socket.stack->now_ns, span_ns));
}

void tcp_keepalive_start(struct tcb *t)
{
	if (t->socket.option.keepalive && !state_in(t, TCP_STATE_BIT(TCP_CLOSED) | TCP_STATE_BIT(TCP_LISTEN)))
		tcp_keepalive_set(t, tcp_keepalive_time(t));
	else if (!t->orphan)
		timer_cancel(&t->socket.stack->timers, &t->keepalive_timer);
}

static uint64_t silence(const struct tcb *t)
{
	uint64_t heard = t->last_ack_ns > t->ack.received_ns ? t->last_ack_ns : t->ack.received_ns;

	return t->socket.stack->now_ns - heard;
}

static void probe(struct tcb *t)
{
	uint64_t quiet = silence(t), wait;
	bool spent = t->user_timeout_ns ? quiet >= t->user_timeout_ns && t->probes_out > 0
					: t->probes_out >= tcp_keepalive_probes(t);

	if (!list_empty(&t->sent_list) || tcp_data_waits(t)) {
		tcp_keepalive_set(t, tcp_keepalive_time(t));
		return;
	}
	if (quiet < tcp_keepalive_time(t)) {
		wait = tcp_keepalive_time(t) - quiet;
	} else if (spent) {
		tcp_reset_send(t);
		tcp_finish(t, t->soft_error ? t->soft_error : ETIMEDOUT, "RFC 9293 3.8.4: keepalive unanswered");
		return;
	} else {
		t->probes_out++;
		t->keepalive_now = true;
		t->socket.stack->counters.tcp_keepalive_probes++;
		tcp_wake(t);
		wait = tcp_keepalive_interval(t);
	}
	tcp_keepalive_set(t, wait);
}

void tcp_keepalive_timer(struct timer *timer, uint64_t now_ns)
{
	struct tcb *t = container_of(timer, struct tcb, keepalive_timer);
	const struct stack *s = t->socket.stack;

	(void)now_ns;
	if (t->orphan && t->state == TCP_FIN_WAIT_2) {
		uint64_t span = tcp_fin_timeout(t);

		if (span > s->config.tcp_time_wait_ns) {
			tcp_time_wait_enter(t, TCP_FIN_WAIT_2, span - s->config.tcp_time_wait_ns,
			    "an orphan waits for the peer's FIN");
		} else {
			tcp_reset_send(t);
			tcp_finish(t, 0, "an orphan waited long enough for the peer's FIN");
		}
	} else if (t->socket.option.keepalive && state_in(t, TCP_SYNCHRONIZED)) {
		probe(t);
	}
	if (t->gone_due)
		tcp_retire(t);
}
