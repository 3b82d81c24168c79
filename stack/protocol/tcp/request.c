/* SPDX-License-Identifier: MIT */
/*
 * Half-open connections: the SYN queue. A SYN makes a small block, not a control block (RFC 4987
 * 3.3), which answers, answers again, and becomes a connection when the third segment of the
 * handshake comes. SYN-RECEIVED of RFC 9293 3.10.7.4 for a passive open lives here.
 */
#include "stack/base/check.h"
#include "stack/protocol/tcp/passive.h"

#include <errno.h>

static struct request *request_of(struct tcp_entry *e)
{
	return container_of(e, struct request, entry);
}

static const struct request *request_of_const(const struct tcp_entry *e)
{
	return container_of(e, const struct request, entry);
}

struct tcb *tcp_request_listener(struct tcp_entry *e)
{
	return request_of(e)->listener;
}

void tcp_request_free(struct tcp_entry *e)
{
	struct request *r = request_of(e);
	struct stack *s = r->stack;
	struct tcp_listener *q = r->listener->listener;

	timer_cancel(&s->timers, &r->timer);
	hash_remove(&s->tcp->connections, &e->link);
	list_remove(&r->link);
	if (q)
		q->request_count--;
	s->tcp->request_count--;
	stack_reserve_timers(s, -1);
	mem_give(&s->mem, r->saved_syn, r->saved_syn_bytes);
	mem_give(&s->mem, r, sizeof(*r));
}

bool tcp_request_expects(const struct tcp_entry *e, struct seq seq)
{
	return seq_equal(seq, request_of_const(e)->passive.iss);
}

void tcp_requests_drop(struct tcb *listener)
{
	for (struct list *l; (l = list_first(&listener->listener->requests));)
		tcp_request_free(&container_of(l, struct request, link)->entry);
}

/* ---- the answer ---- */

static uint32_t now_ms(const struct stack *s, const struct passive *p)
{
	return tcp_time_ms(s) + p->ts_offset;
}

/* <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK> */
void tcp_passive_reply(struct stack *s, const struct tcb *listener, const struct tuple *tuple,
    const struct passive *p)
{
	struct tcp_segment seg = {
	    .flags = TCP_SYN | TCP_ACK | (p->ecn ? TCP_ECE : 0),
	    .seq = p->iss,
	    .ack = seq_add(p->irs, 1),
	    .window = p->window < 65535 ? p->window : 65535,
	    .options = {.has_mss = true, .mss_bytes = p->mss_advertised},
	};

	if (p->cookie.has_cookie) {
		seg.options.has_cookie = true;
		seg.options.cookie_experimental = p->cookie.cookie_experimental;
		seg.options.cookie_bytes = p->cookie.cookie_bytes;
		memcpy(seg.options.cookie, p->cookie.cookie, p->cookie.cookie_bytes);
	}
	seg.options.sack_permitted = p->sack_on;
	seg.options.has_scale = p->scaling_on;
	seg.options.scale = p->receive_scale;
	if (p->timestamps_on) {
		seg.options.has_timestamps = true;
		seg.options.ts_value = p->ts_value ? p->ts_value : now_ms(s, p);
		seg.options.ts_echo = p->ts_recent;
	}
	tcp_send_bare(s, tuple, &seg, listener->socket.option.ttl > 0 ? (uint8_t)listener->socket.option.ttl : 0,
	    listener->socket.option.tos & 0xfc);
}

static void reply(struct request *r)
{
	r->ts_last = now_ms(r->stack, &r->passive);
	if (!r->replied)
		r->ts_first = r->ts_last;
	r->replied = true;
	tcp_passive_reply(r->stack, r->listener, &r->entry.tuple, &r->passive);
}

static void arm(struct request *r)
{
	uint64_t rto = TCP_RTO_INITIAL_NS << (r->timeouts < 7 ? r->timeouts : 7);

	timer_arm(&r->stack->timers, &r->timer, r->stack->now_ns + (rto < TCP_RTO_MAX_NS ? rto : TCP_RTO_MAX_NS));
}

/* RFC 6298 5.5 for SYN-ACKs: 1, 2, 4 ... seconds. */
static void request_fire(struct timer *timer, uint64_t now_ns)
{
	struct request *r = container_of(timer, struct request, timer);
	const struct tcb *l = r->listener;
	uint32_t most = l->syn_retries ? l->syn_retries : r->stack->config.tcp_synack_retries;

	if (r->timeouts >= most) {
		r->stack->counters.tcp_attempt_fails++;
		tcp_request_free(&r->entry);
		return;
	}
	r->timeouts++;
	/* TCP_DEFER_ACCEPT: the peer has answered already; silence until the time is over. */
	if (!r->acked || now_ns >= r->begin_ns + l->defer_accept_ns) {
		reply(r);
		r->retransmits++;
		r->stack->counters.tcp_retransmitted++;
	}
	arm(r);
}

/* ---- a SYN has come ---- */

/* What the SYN and our configuration say of the connection to be. */
void tcp_passive_init(struct passive *r, const struct tcb *listener, const struct ip_packet *p,
    const struct tcp_segment *seg, const struct ip_path *path, const struct tuple *tuple)
{
	struct stack *s = listener->socket.stack;
	const struct stack_config *c = &s->config;
	uint32_t space = tcp_receive_space_all(listener), mss, clamp;

	*r = (struct passive){
	    .irs = seg->seq,
	    .iss = tcp_isn(s, tuple),
	    .ts_offset = tcp_timestamp_offset(s, tuple),
	    .mss_peer = seg->options.has_mss ? seg->options.mss_bytes : TCP_MSS_DEFAULT,
	    .timestamps_on = seg->options.has_timestamps && c->tcp_timestamps >= 0,
	    .sack_on = seg->options.sack_permitted && c->tcp_sack >= 0,
	    .scaling_on = seg->options.has_scale && c->tcp_window_scaling >= 0,
	    .peer_window = seg->window,
	};
	if (r->scaling_on)
		r->send_scale = seg->options.scale < TCP_SCALE_MAX ? seg->options.scale : TCP_SCALE_MAX;
	if (r->timestamps_on)
		r->ts_recent = seg->options.ts_value;
	/* RFC 3168 6.1.1: ECE and CWR ask; AE with them asks for AccECN, which we do not speak: plain
	 * ECN is the answer. Linux: not when the SYN itself was marked. */
	r->ecn = c->tcp_ecn >= 0 && (seg->flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR) &&
		 (p->tos & 3) == IP_ECN_NONE;
	r->mss_advertised = tcp_mss_for_mtu(!ip_is_v4(&tuple->remote), path->mtu_bytes);
	if (listener->mss_user && listener->mss_user < r->mss_advertised)
		r->mss_advertised = listener->mss_user;
	if (listener->mss_user && listener->mss_user < r->mss_peer)
		r->mss_peer = listener->mss_user;
	mss = r->mss_advertised - (r->timestamps_on ? 12U : 0U);
	clamp = tcp_window_clamp_for(listener);
	if (space > clamp)
		space = clamp;
	if (space > mss)
		space -= space % mss;
	r->receive_scale = r->scaling_on ? tcp_window_scale_for(s, clamp) : 0;
	r->window = r->scaling_on || space < 65535 ? space : 65535;
}

/* TCP_SAVE_SYN: its headers are kept for the program. Without memory they are just not there. */
static void save_syn(struct request *r, const struct ip_packet *p, const struct tcp_segment *seg)
{
	size_t tcp = (size_t)(seg->data.data - p->payload.data), all = p->header.bytes + tcp;

	if (!r->listener->save_syn)
		return;
	r->saved_syn = mem_take(&r->stack->mem, all);
	if (!r->saved_syn)
		return;
	memcpy(r->saved_syn, p->header.data, p->header.bytes);
	memcpy(r->saved_syn + p->header.bytes, p->payload.data, tcp);
	r->saved_syn_bytes = (uint16_t)all;
}

static bool queue_full(const struct tcp_listener *q)
{
	return q->request_count > q->backlog;
}

void tcp_request_syn(struct tcb *listener, const struct ip_packet *p, const struct tcp_segment *seg,
    const struct seq *isn_at_least)
{
	struct stack *s = listener->socket.stack;
	struct tcp_listener *q = listener->listener;
	struct tuple tuple = {p->destination, p->source, seg->destination_port, seg->source_port};
	struct passive passive;
	struct request *r;
	struct ip_path path;

	if (tcp_accept_queue_full(listener)) {
		s->counters.tcp_listen_overflows++;
		return;
	}
	if (ip_path_find(s, &p->source, &p->destination, listener->socket.bound_interface, &path) < 0)
		return;
	tcp_passive_init(&passive, listener, p, seg, &path, &tuple);
	if (isn_at_least)
		passive.iss = *isn_at_least;
	if (tcp_fastopen_syn(listener, p, seg, &passive))
		return;
	if (queue_full(q)) {
		tcp_cookie_reply(listener, p, seg, &passive);
		return;
	}
	r = mem_take_zeroed(&s->mem, sizeof(*r));
	if (!r || stack_reserve_timers(s, 1) < 0) {
		mem_give(&s->mem, r, sizeof(*r));
		s->counters.tcp_abort_on_memory++;
		return;
	}
	r->entry.kind = TCP_ENTRY_REQUEST;
	r->entry.tuple = tuple;
	r->stack = s;
	r->listener = listener;
	r->passive = passive;
	r->interface = p->interface;
	r->begin_ns = s->now_ns;
	timer_init(&r->timer, request_fire);
	list_init(&r->link);
	list_append(&q->requests, &r->link);
	q->request_count++;
	s->tcp->request_count++;
	tcp_entry_insert(s, &r->entry);
	save_syn(r, p, seg);
	reply(r);
	arm(r);
}

/* ---- the third segment ---- */

/* Makes the connection. NULL: no memory, or the port is gone. */
struct tcb *tcp_passive_accept(struct tcb *listener, const struct tuple *tuple, const struct passive *p,
    uint32_t interface, uint64_t begin_ns)
{
	struct stack *s = listener->socket.stack;
	struct tcb *t = tcp_create(s, listener->socket.family, 0, NULL);
	struct socket *so;

	if (!t)
		return NULL;
	so = &t->socket;
	memcpy((char *)t + sizeof(struct socket), (char *)listener + sizeof(struct socket),
	    offsetof(struct tcb, entry) - sizeof(struct socket));
	if (t->congestion.ops != listener->congestion.ops) /* TCP_CONGESTION of the listener */
		congestion_switch(&t->congestion, listener->congestion.ops, s->now_ns);
	so->option = listener->socket.option;
	so->bound_interface = listener->socket.bound_interface;
	so->local = (struct endpoint){tuple->local, tuple->local_port, ip_is_link_local(&tuple->local) ? interface : 0};
	so->remote = (struct endpoint){tuple->remote, tuple->remote_port, ip_is_link_local(&tuple->remote) ? interface : 0};
	if (ip_path_find(s, &tuple->remote, &tuple->local, so->bound_interface, &so->path) < 0) {
		tcp_destroy(t);
		return NULL;
	}
	port_share(so, &listener->socket);
	t->entry.tuple = *tuple;
	t->iss = p->iss;
	t->irs = p->irs;
	t->ts_offset = p->ts_offset;
	t->snd.una = t->iss;
	t->snd.nxt = t->snd.up = t->snd.small_end = t->snd.pushed = seq_add(t->iss, 1);
	t->highest_sacked = t->high_seq = t->snd.nxt;
	t->snd.scale = p->send_scale;
	t->snd.wnd = p->peer_window; /* wnd_max: not before the first scaled window */
	t->snd.wl1 = p->irs;
	t->rcv.nxt = t->rcv.wup = seq_add(p->irs, 1);
	t->rcv.up = t->rcv.nxt;
	t->rcv.wnd = t->rcv.ssthresh_bytes = p->window;
	t->rcv.scale = p->receive_scale;
	t->rcv.clamp_bytes = tcp_window_clamp_for(listener);
	if (t->rcv.clamp_bytes > 65535U << p->receive_scale)
		t->rcv.clamp_bytes = 65535U << p->receive_scale;
	t->mss_peer = p->mss_peer;
	t->mss_advertised = p->mss_advertised;
	t->timestamps_on = p->timestamps_on;
	t->sack_on = p->sack_on;
	t->scaling_on = p->scaling_on;
	t->ecn_on = p->ecn;
	t->ts_recent = p->ts_recent;
	t->ts_recent_ns = p->timestamps_on ? begin_ns : 0;
	tcp_set_state(t, TCP_SYN_RECEIVED, "RFC 9293 3.10.7.2: a SYN came and was answered");
	return t;
}

static void child_established(struct request *r, struct tcb *t)
{
	struct stack *s = r->stack;

	t->snd.una = t->snd.nxt;
	/* Karn: only a SYN-ACK that was sent once measures the path. */
	if (r->retransmits == 0 && s->now_ns > r->begin_ns)
		tcp_rtt_sample(t, s->now_ns - r->begin_ns);
	t->total.retransmits = r->retransmits;
	tcp_established(t);
	t->total.retransmits = 0;
}

/* RFC 9293 3.10.7.4 for SYN-RECEIVED, as far as a half-open connection goes. */
static bool acceptable(const struct request *r, const struct tcp_segment *seg)
{
	struct seq next = seq_add(r->passive.irs, 1);
	uint32_t window = r->passive.window ? r->passive.window : 1;

	if (seg->length == 0)
		return seq_within(seg->seq, next, window) || seq_equal(seg->seq, next);
	return seq_within(seg->seq, next, window) || seq_within(seq_add(seg->seq, seg->length - 1), next, window);
}

static void repeat_reply(struct request *r)
{
	if (!tcp_invalid_rate_allows(r->stack, &r->repeated_ns))
		return;
	reply(r);
	r->retransmits++;
	arm(r); /* the peer is alive: begin to wait anew */
}

static void challenge(struct request *r)
{
	const struct passive *p = &r->passive;
	struct tcp_segment seg = {
	    .flags = TCP_ACK,
	    .seq = seq_add(p->iss, 1),
	    .ack = seq_add(p->irs, 1),
	    .window = p->window >> p->receive_scale,
	};

	if (!tcp_invalid_rate_allows(r->stack, &r->repeated_ns))
		return;
	if (p->timestamps_on) {
		seg.options.has_timestamps = true;
		seg.options.ts_value = now_ms(r->stack, p);
		seg.options.ts_echo = p->ts_recent;
	}
	tcp_send_bare(r->stack, &r->entry.tuple, &seg, 0, 0);
}

static bool too_old(const struct request *r, const struct tcp_segment *seg)
{
	return r->passive.timestamps_on && seg->options.has_timestamps &&
	       (int32_t)(seg->options.ts_value - r->passive.ts_recent) < 0;
}

/* RFC 7323 3.2: the echo is of something that we sent. */
static bool echo_is_ours(const struct request *r, const struct tcp_segment *seg)
{
	if (!r->passive.timestamps_on || !seg->options.has_timestamps || !seg->options.ts_echo)
		return true;
	return seg->options.ts_echo - r->ts_first <= r->ts_last - r->ts_first;
}

/* The acknowledgement of our SYN: a connection, unless nobody could take it. */
static struct tcb *complete(struct request *r, const struct tcp_segment *seg)
{
	struct stack *s = r->stack;
	struct tcb *listener = r->listener, *t;

	/* TCP_DEFER_ACCEPT: a bare ACK is not enough. */
	if (listener->defer_accept_ns && seg->length == 0 && r->timeouts < 1 + listener->syn_retries &&
	    s->now_ns < r->begin_ns + listener->defer_accept_ns) {
		r->acked = true;
		return NULL;
	}
	if (tcp_accept_queue_full(listener)) {
		s->counters.tcp_listen_overflows++;
		r->acked = true; /* as Linux: keep it, answer again, perhaps there is room then */
		return NULL;
	}
	if (r->passive.timestamps_on && seg->options.has_timestamps)
		r->passive.ts_recent = seg->options.ts_value;
	t = tcp_passive_accept(listener, &r->entry.tuple, &r->passive, r->interface, r->begin_ns);
	if (!t) {
		s->counters.tcp_abort_on_memory++;
		return NULL;
	}
	t->saved_syn = r->saved_syn;
	t->saved_syn_bytes = r->saved_syn_bytes;
	r->saved_syn = NULL;
	r->saved_syn_bytes = 0;
	child_established(r, t);
	tcp_request_free(&r->entry);
	tcp_entry_insert(s, &t->entry);
	s->counters.tcp_passive_opens++;
	tcp_accept_queue_add(listener, t);
	return t;
}

struct tcb *tcp_request_input(struct tcp_entry *e, const struct ip_packet *p, const struct tcp_segment *seg)
{
	struct request *r = request_of(e);
	bool same_syn = seq_equal(seg->seq, r->passive.irs) &&
			(seg->flags & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_SYN;

	if (same_syn && !too_old(r, seg)) { /* our answer was lost, or is late */
		repeat_reply(r);
		return NULL;
	}
	if (too_old(r, seg) || !acceptable(r, seg) || !echo_is_ours(r, seg)) {
		if (!(seg->flags & TCP_RST))
			challenge(r);
		return NULL;
	}
	/* RFC 9293 3.10.7.4, steps 2 and 4; Linux gives a half-open connection up for either: there is
	 * little to protect, and the peer can ask again. */
	if (seg->flags & (TCP_RST | TCP_SYN)) {
		tcp_reset_reply(r->stack, p, seg);
		r->stack->counters.tcp_attempt_fails++;
		tcp_request_free(e);
		return NULL;
	}
	if (!(seg->flags & TCP_ACK))
		return NULL;
	if (!seq_equal(seg->ack, seq_add(r->passive.iss, 1))) {
		tcp_reset_reply(r->stack, p, seg);
		return NULL;
	}
	return complete(r, seg);
}

void tcp_request_info(struct tcp_entry *e, struct socket_info *out)
{
	const struct request *r = request_of_const(e);

	out->state = "SYN-RECV";
	out->timer = "on";
	out->timer_expires_ns = r->timer.due_ns;
	out->timer_retries = r->retransmits;
}
