/* SPDX-License-Identifier: MIT */
/*
 * What our segments carry in options and what the peer's mean for the connection: negotiation
 * (RFC 9293 3.7.1, 7323 2.2, 2018 2), PAWS (7323 5), SACK blocks (2018 4, 2883 4), and the size of
 * a segment that follows from them.
 */
#include "stack/protocol/tcp/tcp.h"

#define TIMESTAMPS_BYTES 12U

uint16_t tcp_mss_for_mtu(bool v6, uint32_t mtu_bytes)
{
	uint32_t headers = TCP_HEADER_BYTES + (v6 ? 40 : 20);
	uint32_t most = FRAME_PACKET_MAX - headers;

	if (mtu_bytes < headers + TCP_MSS_MIN)
		return TCP_MSS_MIN;
	return (uint16_t)(mtu_bytes - headers < most ? mtu_bytes - headers : most);
}

static bool over_v6(const struct tcb *t)
{
	return !ip_is_v4(&t->socket.remote.addr);
}

uint16_t tcp_advertised_mss(const struct tcb *t)
{
	uint16_t mss = tcp_mss_for_mtu(over_v6(t), t->socket.path.mtu_bytes);

	return t->mss_user && t->mss_user < mss ? t->mss_user : mss;
}

void tcp_update_mss(struct tcb *t)
{
	uint32_t mtu = t->path_mtu && t->path_mtu < t->socket.path.mtu_bytes ? t->path_mtu
									    : t->socket.path.mtu_bytes;
	uint32_t mss = tcp_mss_for_mtu(over_v6(t), mtu);
	uint32_t half;

	if (mss > t->mss_peer)
		mss = t->mss_peer;
	if (t->mss_user && mss > t->mss_user)
		mss = t->mss_user;
	if (t->timestamps_on)
		mss -= TIMESTAMPS_BYTES;
	/* Linux: never more than half of the largest window that the peer offered. */
	half = t->snd.wnd_max > TCP_MSS_DEFAULT ? t->snd.wnd_max / 2 : t->snd.wnd_max;
	if (half && mss > half)
		mss = half;
	t->mss_bytes = (uint16_t)(mss < TCP_MSS_MIN ? TCP_MSS_MIN : mss);
}

/* ---- what we say ---- */

void tcp_options_for_syn(struct tcb *t, struct tcp_options *o, bool reply)
{
	const struct stack_config *c = &t->socket.stack->config;

	*o = (struct tcp_options){.has_mss = true, .mss_bytes = t->mss_advertised};
	o->has_timestamps = reply ? t->timestamps_on : c->tcp_timestamps >= 0;
	o->sack_permitted = reply ? t->sack_on : c->tcp_sack >= 0;
	o->has_scale = reply ? t->scaling_on : c->tcp_window_scaling >= 0;
	o->scale = t->rcv.scale;
	if (!reply)
		tcp_fastopen_syn_option(t, o);
	if (o->has_timestamps) {
		o->ts_value = tcp_timestamp(t);
		o->ts_echo = t->ts_recent;
	}
}

void tcp_options_for_segment(struct tcb *t, struct tcp_options *o)
{
	uint32_t room = TCP_OPTIONS_MAX;

	*o = (struct tcp_options){.has_timestamps = t->timestamps_on};
	if (t->timestamps_on) {
		o->ts_value = tcp_timestamp(t);
		o->ts_echo = t->ts_recent;
		room -= TIMESTAMPS_BYTES;
	}
	if (t->sack_on && (t->out_of_order.count || t->has_duplicate))
		o->sack_count = (uint8_t)tcp_sack_blocks(t, o->sack, (room - 4) / 8);
}

/* How much data fits into one segment now: SACK blocks take from it. */
uint32_t tcp_segment_room(struct tcb *t)
{
	uint32_t blocks = t->sack_on ? t->out_of_order.count + t->has_duplicate : 0;
	uint32_t most = t->timestamps_on ? 3 : 4;

	if (!blocks)
		return t->mss_bytes;
	return t->mss_bytes - (4 + 8 * (blocks < most ? blocks : most));
}

/* The gap at position has changed: its block is the newest, and those that it swallowed are gone. */
void tcp_sack_note(struct tcb *t, uint64_t position)
{
	const struct interval *v = intervals_find(&t->out_of_order, position);
	uint64_t old[TCP_SACK_BLOCKS_MAX];
	uint8_t count = t->recent_count;

	memcpy(old, t->recent_block, sizeof(old));
	t->recent_block[0] = position;
	t->recent_count = 1;
	for (uint8_t i = 0; i < count && t->recent_count < TCP_SACK_BLOCKS_MAX; i++)
		if (old[i] < v->first || old[i] >= v->end)
			t->recent_block[t->recent_count++] = old[i];
}

/* RFC 2018 4: the block that changed last comes first, then the others in the order of change;
 * RFC 2883 4: a duplicate that arrived comes before all. */
uint32_t tcp_sack_blocks(struct tcb *t, struct sack_block *out, uint32_t room)
{
	uint32_t count = 0;

	if (t->has_duplicate && count < room)
		out[count++] = t->duplicate;
	for (uint8_t i = 0; i < t->recent_count && count < room; i++) {
		const struct interval *v = intervals_find(&t->out_of_order, t->recent_block[i]);

		if (v) /* else it is in order by now */
			out[count++] = (struct sack_block){receive_seq(t, v->first), receive_seq(t, v->end)};
	}
	return count;
}

/* ---- what the peer's SYN means ---- */

void tcp_options_negotiate(struct tcb *t, const struct tcp_options *o)
{
	const struct stack_config *c = &t->socket.stack->config;

	t->mss_peer = o->has_mss ? o->mss_bytes : TCP_MSS_DEFAULT;
	t->timestamps_on = o->has_timestamps && c->tcp_timestamps >= 0;
	t->sack_on = o->sack_permitted && c->tcp_sack >= 0;
	t->scaling_on = o->has_scale && c->tcp_window_scaling >= 0;
	t->snd.scale = 0;
	if (t->scaling_on) /* RFC 7323 2.3: above 14 is taken as 14 */
		t->snd.scale = o->scale < TCP_SCALE_MAX ? o->scale : TCP_SCALE_MAX;
	else
		t->rcv.scale = 0;
	if (t->timestamps_on) {
		t->ts_recent = o->ts_value;
		t->ts_recent_ns = t->socket.stack->now_ns;
	}
}

/* ---- PAWS, RFC 7323 5.3 ---- */

/* A pure acknowledgement may be older than the newest segment: our peer's segments may be reordered
 * (Linux: tcp_disordered_ack_check). */
static enum paws_verdict disordered_ack(const struct tcb *t, const struct tcp_segment *seg)
{
	uint64_t age_ns = (uint64_t)(t->ts_recent - seg->options.ts_value) * NSEC_PER_MSEC;

	if (!(seg->flags & TCP_ACK) || seg->length)
		return PAWS_REJECTED;
	if (!seq_equal(seg->seq, t->rcv.nxt))
		return seq_before(seg->seq, t->rcv.nxt) ? PAWS_OLD_ACK : PAWS_REJECTED;
	if (!seq_equal(seg->ack, t->snd.una) || tcp_window_is_newer(t, seg))
		return PAWS_REJECTED;
	return age_ns > t->rto_ns + t->rto_ns / 5 ? PAWS_REJECTED : PAWS_FINE;
}

enum paws_verdict tcp_paws(const struct tcb *t, const struct tcp_segment *seg)
{
	if (!t->timestamps_on || !seg->options.has_timestamps || !t->ts_recent_ns)
		return PAWS_FINE;
	if ((int32_t)(t->ts_recent - seg->options.ts_value) <= 0)
		return PAWS_FINE;
	/* 5.5: after 24 days of silence the clock may have wrapped. */
	if (t->socket.stack->now_ns - t->ts_recent_ns > TCP_PAWS_NS)
		return PAWS_FINE;
	return disordered_ack(t, seg);
}

/* RFC 7323 4.3: the timestamp to echo is that of the segment at the left edge of what we have
 * acknowledged. */
void tcp_note_timestamp(struct tcb *t, const struct tcp_segment *seg)
{
	if (!t->timestamps_on || !seg->options.has_timestamps || seq_after(seg->seq, t->rcv.wup))
		return;
	if ((int32_t)(seg->options.ts_value - t->ts_recent) < 0 &&
	    t->socket.stack->now_ns - t->ts_recent_ns <= TCP_PAWS_NS)
		return;
	t->ts_recent = seg->options.ts_value;
	t->ts_recent_ns = t->socket.stack->now_ns;
}
