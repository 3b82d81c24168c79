/* SPDX-License-Identifier: MIT */
/*
 * Which round trips are measured (RFC 6298 3, Karn; RFC 7323 4 when only a timestamp can tell), and
 * the retransmission timeout that follows. The arithmetic is rtt.c's.
 */
#include "stack/protocol/tcp/tcp.h"

void tcp_rto_reset(struct tcb *t)
{
	t->backoff = 0;
	t->rto_ns = rtt_rto_ns(&t->rtt);
}

void tcp_rtt_sample(struct tcb *t, uint64_t sample_ns)
{
	struct stack *s = t->socket.stack;

	rtt_sample(&t->rtt, sample_ns, t->snd.una, t->snd.nxt, s->now_ns);
	tcp_rto_reset(t);
	if (trace_on(s))
		trace_emit(s, &(struct trace_event){
				  .kind = TRACE_RTT,
				  .socket_id = t->socket.id,
				  .local = t->socket.local,
				  .remote = t->socket.remote,
				  .reason = "RFC 6298 2",
				  .number = {sample_ns, t->rtt.srtt_ns, t->rto_ns},
			      });
}

/* The echo is of a segment that we sent: true, and how long ago. */
static bool echoed(const struct tcb *t, const struct tcp_segment *seg, uint64_t *span_ns)
{
	uint32_t ms = tcp_timestamp(t) - seg->options.ts_echo;

	if (!t->timestamps_on || !seg->options.has_timestamps || !seg->options.ts_echo || (int32_t)ms < 0)
		return false;
	*span_ns = (ms ? ms : 1) * NSEC_PER_MSEC;
	return true;
}

void tcp_rtt_input(struct tcb *t, const struct tcp_segment *seg, struct ack_facts *a)
{
	uint64_t sample = a->retransmitted_acked ? 0 : a->rtt_ns;

	if (a->retransmitted_acked)
		a->last_rtt_ns = 0;
	if (a->sack_rtt_ns)
		a->last_rtt_ns = a->sack_last_rtt_ns;
	if (!sample)
		sample = a->sack_rtt_ns;
	if (!sample && a->acked_segments && echoed(t, seg, &sample))
		a->last_rtt_ns = sample;
	if (!sample)
		return;
	a->may_be_delayed = a->acked_segments == 1 && !a->sacked_before &&
			    seq_distance(a->una_before, t->snd.una) < t->mss_bytes;
	tcp_rtt_sample(t, sample);
}

void tcp_trace_congestion(struct tcb *t, const char *why, const char *reason)
{
	struct stack *s = t->socket.stack;

	if (trace_on(s))
		trace_emit(s, &(struct trace_event){
				  .kind = TRACE_CONGESTION,
				  .socket_id = t->socket.id,
				  .local = t->socket.local,
				  .remote = t->socket.remote,
				  .text = why,
				  .detail = congestion_state_name(t->congestion.state),
				  .reason = reason,
				  .number = {congestion_cwnd_bytes(&t->congestion),
				      congestion_ssthresh_bytes(&t->congestion)},
			      });
}
