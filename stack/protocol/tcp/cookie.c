/* SPDX-License-Identifier: MIT */
/*
 * SYN cookies (RFC 4987 3.6): when the SYN queue is full, all that we need to know of the
 * connection travels in our initial sequence number and timestamp, and comes back with the third
 * segment. The number is a keyed hash of the four-tuple and the minute, with the peer's MSS (of a
 * table) in it; the low bits of the timestamp hold its window scale, SACK and ECN, as in Linux.
 */
#include "stack/protocol/tcp/passive.h"

#define MINUTE_NS (60 * NSEC_PER_SEC)
#define MINUTES_VALID 2U
#define HASH_MASK 0x00ffffffU

/* The four that cover what is seen (as Linux measured), in rising order. */
static const uint16_t mss_table[] = {536, 1300, 1440, 1460};

/* In the timestamp: scale (15: none), SACK, ECN. */
#define TS_SCALE_MASK 0xfU
#define TS_SACK 0x10U
#define TS_ECN 0x20U
#define TS_BITS 0x3fU

static uint32_t cookie_hash(const struct stack *s, const struct tuple *tuple, struct seq irs, uint32_t salt)
{
	struct {
		struct tuple tuple;
		uint32_t irs, salt;
	} input = {*tuple, irs.n, salt};
	struct hash_key key = {s->key.k0 ^ 0x636f6f6b, s->key.k1 ^ 0x6965};

	_Static_assert(sizeof(input) == sizeof(struct tuple) + 8, "no padding is hashed");
	return (uint32_t)siphash(&key, &input, sizeof(input));
}

/* 8 bits of minute, 24 bits of the index of the MSS, each hidden by a hash. */
static struct seq cookie_make(const struct stack *s, const struct tuple *tuple, struct seq irs, uint32_t minute,
    uint32_t index)
{
	uint32_t first = cookie_hash(s, tuple, irs, 0), second = cookie_hash(s, tuple, irs, minute + 1);

	return seq_make(first + irs.n + (minute << 24) + ((second + index) & HASH_MASK));
}

/* The index that was put in, or -1: not ours, or too old. */
static int cookie_check(const struct stack *s, const struct tuple *tuple, struct seq irs, struct seq cookie)
{
	uint32_t minute = (uint32_t)(s->now_ns / MINUTE_NS), age, index;
	uint32_t inside = cookie.n - cookie_hash(s, tuple, irs, 0) - irs.n;

	age = (minute - (inside >> 24)) & 0xff;
	if (age >= MINUTES_VALID)
		return -1;
	index = (inside - cookie_hash(s, tuple, irs, minute - age + 1)) & HASH_MASK;
	return index < sizeof(mss_table) / sizeof(mss_table[0]) ? (int)index : -1;
}

void tcp_cookie_reply(struct tcb *listener, const struct ip_packet *p, const struct tcp_segment *seg,
    struct passive *passive)
{
	struct stack *s = listener->socket.stack;
	struct tuple tuple = {p->destination, p->source, seg->destination_port, seg->source_port};
	uint32_t index = sizeof(mss_table) / sizeof(mss_table[0]) - 1, bits, ts;

	while (index > 0 && mss_table[index] > passive->mss_peer)
		index--;
	passive->iss = cookie_make(s, &tuple, seg->seq, (uint32_t)(s->now_ns / MINUTE_NS), index);
	if (passive->timestamps_on) {
		bits = passive->scaling_on ? passive->send_scale : TS_SCALE_MASK;
		bits |= (passive->sack_on ? TS_SACK : 0) | (passive->ecn ? TS_ECN : 0);
		ts = tcp_time_ms(s) + passive->ts_offset;
		passive->ts_value = (ts & ~TS_BITS) | bits;
		if ((int32_t)(passive->ts_value - ts) > 0) /* never ahead of the clock */
			passive->ts_value -= TS_BITS + 1;
	} else { /* nowhere to keep them */
		passive->scaling_on = passive->sack_on = passive->ecn = false;
		passive->receive_scale = 0;
		if (passive->window > 65535)
			passive->window = 65535;
	}
	s->tcp->cookie_sent_ns = s->now_ns;
	s->counters.tcp_syn_cookies_sent++;
	tcp_passive_reply(s, listener, &tuple, passive);
}

/* What the timestamp brings back. False: not one of ours. */
static bool options_back(const struct stack *s, struct passive *r, const struct tcp_segment *seg)
{
	uint32_t bits = seg->options.ts_echo & TS_BITS;

	r->sack_on = r->scaling_on = r->ecn = false;
	r->timestamps_on = seg->options.has_timestamps && seg->options.ts_echo && s->config.tcp_timestamps >= 0;
	if (!r->timestamps_on)
		return true;
	r->sack_on = bits & TS_SACK;
	r->ecn = bits & TS_ECN;
	r->scaling_on = (bits & TS_SCALE_MASK) != TS_SCALE_MASK;
	if (r->scaling_on)
		r->send_scale = bits & TS_SCALE_MASK;
	return r->send_scale <= TCP_SCALE_MAX && (!r->sack_on || s->config.tcp_sack >= 0) &&
	       (!r->scaling_on || s->config.tcp_window_scaling >= 0);
}

/* A segment for a listener that belongs to no request: does it bring a cookie back? */
bool tcp_cookie_input(struct tcb *listener, const struct ip_packet *p, const struct tcp_segment *seg, struct tcb **child)
{
	struct stack *s = listener->socket.stack;
	struct tuple tuple = {p->destination, p->source, seg->destination_port, seg->source_port};
	struct tcp_segment syn = *seg;
	struct passive passive;
	struct ip_path path;
	struct tcb *t;
	int index;

	*child = NULL;
	if (!s->tcp->cookie_sent_ns || s->now_ns - s->tcp->cookie_sent_ns > MINUTES_VALID * MINUTE_NS)
		return false;
	syn.seq = seq_sub(seg->seq, 1);
	index = cookie_check(s, &tuple, syn.seq, seq_sub(seg->ack, 1));
	if (index < 0 || ip_path_find(s, &p->source, &p->destination, listener->socket.bound_interface, &path) < 0) {
		s->counters.tcp_syn_cookies_failed++;
		return false;
	}
	syn.flags = TCP_SYN;
	tcp_passive_init(&passive, listener, p, &syn, &path, &tuple);
	passive.iss = seq_sub(seg->ack, 1);
	passive.mss_peer = mss_table[index];
	if (!options_back(s, &passive, seg)) {
		s->counters.tcp_syn_cookies_failed++;
		return false;
	}
	passive.receive_scale = passive.scaling_on ? tcp_window_scale_for(s, UINT32_MAX) : 0;
	if (!passive.scaling_on && passive.window > 65535)
		passive.window = 65535;
	if (tcp_accept_queue_full(listener)) {
		s->counters.tcp_listen_overflows++;
		return true;
	}
	s->counters.tcp_syn_cookies_received++;
	t = tcp_passive_accept(listener, &tuple, &passive, p->interface, s->now_ns);
	if (!t)
		return true;
	t->snd.una = t->snd.nxt;
	tcp_established(t);
	tcp_entry_insert(s, &t->entry);
	s->counters.tcp_passive_opens++;
	tcp_accept_queue_add(listener, t);
	*child = t;
	return true;
}
