/* SPDX-License-Identifier: MIT */
/*
 * Looking inside: struct tcp_info as Linux fills it for programs, and struct socket_info for
 * `teachnet ss`. Only reads.
 */
#include "stack/protocol/tcp/info.h"

#include "stack/protocol/tcp/tcp.h"

/* Linux's struct tcp_info up to 6.7 (include/uapi/linux/tcp.h); libc's header has the beginning
 * only. Times are in microseconds, but for those in milliseconds that say so. */
struct linux_tcp_info {
	uint8_t state, ca_state, retransmits, probes, backoff, options;
	uint8_t scales;           /* send scale in the low bits, receive scale in the high */
	uint8_t flags;            /* 1: delivery rate was limited by the program; fast open client: bits 1, 2 */
	uint32_t rto, ato, snd_mss, rcv_mss;
	uint32_t unacked, sacked, lost, retrans, fackets;
	uint32_t last_data_sent_ms, last_ack_sent_ms, last_data_recv_ms, last_ack_recv_ms;
	uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
	uint32_t rcv_rtt, rcv_space, total_retrans;
	uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
	uint32_t segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
	uint64_t delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
	uint32_t delivered, delivered_ce;
	uint64_t bytes_sent, bytes_retrans;
	uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd;
	uint32_t rcv_wnd, rehash;
	uint16_t total_rto, total_rto_recoveries;
	uint32_t total_rto_time_ms;
};

enum { OPTION_TIMESTAMPS = 1, OPTION_SACK = 2, OPTION_SCALE = 4, OPTION_ECN = 8 };

static uint32_t microseconds(uint64_t ns)
{
	return ns / NSEC_PER_USEC > UINT32_MAX ? UINT32_MAX : (uint32_t)(ns / NSEC_PER_USEC);
}

static uint32_t ms_since(const struct tcb *t, uint64_t when_ns)
{
	return (uint32_t)((t->socket.stack->now_ns - when_ns) / NSEC_PER_MSEC);
}

static uint32_t notsent_bytes(const struct tcb *t)
{
	return state_in(t, TCP_SYNCHRONIZED) && seq_before(t->snd.nxt, send_end(t))
		   ? seq_distance(t->snd.nxt, send_end(t))
		   : 0;
}

static uint64_t rate_or_max(uint64_t bytes_per_s)
{
	return bytes_per_s == PACING_NO_LIMIT ? UINT64_MAX : bytes_per_s;
}

static void fill_sending(const struct tcb *t, struct linux_tcp_info *i)
{
	i->rto = microseconds(t->rto_ns);
	i->snd_mss = t->mss_bytes;
	i->unacked = t->packets_out;
	i->sacked = t->sacked_out;
	i->lost = t->lost_out;
	i->retrans = t->retransmitted_out;
	i->rtt = microseconds(t->rtt.srtt_ns);
	i->rttvar = microseconds(t->rtt.mdev_ns);
	i->snd_ssthresh = t->congestion.ssthresh_segments;
	i->snd_cwnd = t->congestion.cwnd_segments;
	i->reordering = t->reordering;
	i->total_retrans = t->total.retransmits;
	i->pacing_rate = rate_or_max(t->congestion.pacing_bytes_per_s);
	i->max_pacing_rate = t->socket.option.max_pacing_bytes_per_s;
	i->notsent_bytes = notsent_bytes(t);
	i->min_rtt = microseconds(rtt_min_ns(&t->rtt));
	i->delivery_rate = rate_bytes_per_s(&t->rate);
	i->flags = t->rate.shown_app_limited;
	i->delivered = t->total.delivered;
	i->dsack_dups = t->total.dsacks;
	i->reord_seen = t->total.reordering_seen;
	i->snd_wnd = t->snd.wnd;
}

static void fill(const struct tcb *t, struct linux_tcp_info *i)
{
	*i = (struct linux_tcp_info){
	    .state = (uint8_t)t->state,
	    .ca_state = (uint8_t)t->congestion.state,
	    .retransmits = t->retransmits,
	    .probes = t->probes_out,
	    .backoff = t->backoff,
	    .advmss = t->mss_advertised - (t->timestamps_on ? 12U : 0U),
	    .max_pacing_rate = t->socket.option.max_pacing_bytes_per_s,
	};
	if (t->state == TCP_LISTEN) { /* Linux puts the queue and its limit here */
		i->unacked = t->listener->accept_count;
		i->sacked = t->listener->backlog;
		return;
	}
	i->options = (uint8_t)((t->timestamps_on ? OPTION_TIMESTAMPS : 0) | (t->sack_on ? OPTION_SACK : 0) |
			       (t->scaling_on ? OPTION_SCALE : 0) | (t->ecn_on ? OPTION_ECN : 0));
	if (t->scaling_on)
		i->scales = (uint8_t)(t->snd.scale | t->rcv.scale << 4);
	fill_sending(t, i);
	i->ato = microseconds(t->ack.ato_ns);
	i->rcv_mss = t->ack.receive_mss;
	i->last_data_sent_ms = ms_since(t, t->last_sent_ns);
	i->last_data_recv_ms = ms_since(t, t->ack.received_ns);
	i->last_ack_recv_ms = ms_since(t, t->last_ack_ns);
	i->pmtu = t->path_mtu ? t->path_mtu : t->socket.path.mtu_bytes;
	i->rcv_ssthresh = t->rcv.ssthresh_bytes;
	i->rcv_rtt = microseconds(t->tuning.rtt_ns);
	i->rcv_space = t->tuning.space_bytes;
	i->bytes_acked = t->total.bytes_acked;
	i->bytes_received = t->total.bytes_received;
	i->segs_out = (uint32_t)t->total.segments_out;
	i->segs_in = (uint32_t)t->total.segments_in;
	i->data_segs_in = (uint32_t)t->total.data_segments_in;
	i->data_segs_out = (uint32_t)t->total.data_segments_out;
	i->bytes_sent = t->total.bytes_sent;
	i->bytes_retrans = t->total.bytes_retransmitted;
	i->rcv_ooopack = t->total.out_of_order;
	i->rcv_wnd = tcp_window_now(t);
	i->total_rto = t->total.timeouts;
}

int tcp_info_copy(const struct tcb *t, void *value, uint32_t *bytes)
{
	struct linux_tcp_info i;

	_Static_assert(sizeof(i) == 248, "the size that programs know");
	fill(t, &i);
	if (*bytes > sizeof(i))
		*bytes = sizeof(i);
	memcpy(value, &i, *bytes);
	return 0;
}

/* ---- for ss ---- */

static void timer_info(const struct tcb *t, struct socket_info *out)
{
	out->timer = "";
	if (timer_armed(&t->retransmit_timer)) {
		out->timer = t->timer_kind == TIMER_PERSIST ? "persist" : "on";
		out->timer_expires_ns = t->retransmit_timer.due_ns;
		out->timer_retries = t->timer_kind == TIMER_PERSIST ? t->probes_out : t->retransmits;
	} else if (timer_armed(&t->pacing_timer)) {
		out->timer = "pacing";
		out->timer_expires_ns = t->pacing_timer.due_ns;
	} else if (timer_armed(&t->ack_timer)) {
		out->timer = "delack";
		out->timer_expires_ns = t->ack_timer.due_ns;
	} else if (timer_armed(&t->keepalive_timer)) {
		out->timer = "keepalive";
		out->timer_expires_ns = t->keepalive_timer.due_ns;
		out->timer_retries = t->probes_out;
	}
}

static void block_info(const struct tcb *t, struct socket_info *out)
{
	const struct congestion *c = &t->congestion;

	out->has_tcp = true;
	out->tcp.congestion = c->ops->name;
	out->tcp.congestion_state = congestion_state_name(c->state);
	out->tcp.srtt_ns = t->rtt.srtt_ns;
	out->tcp.rttvar_ns = t->rtt.mdev_ns;
	out->tcp.rto_ns = t->rto_ns;
	out->tcp.rtt_min_ns = rtt_min_ns(&t->rtt) == UINT64_MAX ? 0 : rtt_min_ns(&t->rtt);
	out->tcp.pacing_bytes_per_s = rate_or_max(c->pacing_bytes_per_s);
	out->tcp.delivery_bytes_per_s = rate_bytes_per_s(&t->rate);
	out->tcp.mss_bytes = t->mss_bytes;
	out->tcp.peer_mss_bytes = t->mss_peer;
	out->tcp.path_mtu_bytes = t->path_mtu ? t->path_mtu : t->socket.path.mtu_bytes;
	out->tcp.cwnd_bytes = (uint32_t)congestion_cwnd_bytes(c);
	out->tcp.ssthresh_bytes = congestion_ssthresh_bytes(c) > UINT32_MAX
				      ? UINT32_MAX
				      : (uint32_t)congestion_ssthresh_bytes(c);
	out->tcp.iss = t->iss.n;
	out->tcp.irs = t->irs.n;
	out->tcp.snd_una = t->snd.una.n;
	out->tcp.snd_nxt = t->snd.nxt.n;
	out->tcp.snd_wnd = t->snd.wnd;
	out->tcp.snd_wl1 = t->snd.wl1.n;
	out->tcp.snd_wl2 = t->snd.wl2.n;
	out->tcp.snd_up = t->snd.up.n;
	out->tcp.rcv_nxt = t->rcv.nxt.n;
	out->tcp.rcv_wnd = tcp_window_now(t);
	out->tcp.rcv_up = t->rcv.up.n;
	out->tcp.snd_scale = t->snd.scale;
	out->tcp.rcv_scale = t->rcv.scale;
	out->tcp.timestamps = t->timestamps_on;
	out->tcp.sack = t->sack_on;
	out->tcp.ecn = t->ecn_on;
	out->tcp.in_flight_bytes = in_flight(t) * t->mss_bytes;
	out->tcp.lost_bytes = t->lost_out * t->mss_bytes;
	out->tcp.sacked_bytes = t->sacked_out * t->mss_bytes;
	out->tcp.out_of_order_bytes = (uint32_t)intervals_total(&t->out_of_order);
	out->tcp.send_buffer_bytes = tcp_send_limit(t);
	out->tcp.receive_buffer_bytes = t->socket.option.receive_buffer_bytes;
	out->tcp.bytes_sent = t->total.bytes_sent;
	out->tcp.bytes_acked = t->total.bytes_acked;
	out->tcp.bytes_received = t->total.bytes_received;
	out->tcp.bytes_retransmitted = t->total.bytes_retransmitted;
	out->tcp.segments_out = t->total.segments_out;
	out->tcp.segments_in = t->total.segments_in;
	out->tcp.retransmits = t->total.retransmits;
}

void tcp_info(const struct socket *so, struct socket_info *out)
{
	const struct tcb *t = tcb_of_const(so);
	uint32_t unsent;

	out->state = tcp_state_name(t->state);
	out->orphan = t->orphan;
	if (t->state == TCP_LISTEN) {
		out->receive_queue_bytes = t->listener->accept_count;
		out->send_queue_bytes = t->listener->backlog;
		out->timer = "";
		return;
	}
	tcp_queues(so, &unsent, &out->send_queue_bytes, &out->receive_queue_bytes);
	timer_info(t, out);
	if (t->state != TCP_CLOSED)
		block_info(t, out);
}
