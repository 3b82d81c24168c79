/* SPDX-License-Identifier: MIT */
/*
 * TCP Fast Open (RFC 7413): data in the SYN. As a client: the cookies that servers gave us, a SYN
 * that waits for the program's first data (TCP_FASTOPEN_CONNECT), and what to do when the server
 * took the SYN only. As a server: cookies that prove an address, and a connection that may speak
 * before its handshake is done.
 */
#include "stack/base/check.h"
#include "stack/protocol/tcp/passive.h"

/* Linux's bits of tcp_fastopen. */
enum { CLIENT = 0x1, SERVER = 0x2, CLIENT_NO_COOKIE = 0x4, SERVER_NO_COOKIE = 0x200, SERVER_ALL = 0x400 };

#define COOKIE_BYTES 8U

static struct tcp_fastopen_cookie *slot_of(struct stack *s, const struct ip_addr *remote)
{
	uint64_t hash = siphash(&s->key, remote, sizeof(*remote));

	return &s->tcp->fastopen_cookie[hash % TCP_FASTOPEN_COOKIES];
}

/* ---- client ---- */

/* The cookie for this server; NULL: none, ask for one. */
static const struct tcp_fastopen_cookie *known_cookie(const struct tcb *t)
{
	const struct tcp_fastopen_cookie *c = slot_of(t->socket.stack, &t->socket.remote.addr);

	return c->bytes && ip_equal(&c->remote, &t->socket.remote.addr) ? c : NULL;
}

static bool without_cookie(const struct tcb *t)
{
	return t->fastopen_no_cookie || (t->socket.stack->config.tcp_fastopen & CLIENT_NO_COOKIE);
}

/* A connection begins: true when its SYN shall wait for data. */
bool tcp_fastopen_begin(struct tcb *t)
{
	if (!t->fastopen_connect || !(t->socket.stack->config.tcp_fastopen & CLIENT))
		return false;
	t->fastopen_ask = true;
	t->fastopen_waiting = known_cookie(t) || without_cookie(t);
	return t->fastopen_waiting;
}

/* RFC 7413 4.1.3.1: what the server said last time of its segments, less room for all options. */
uint32_t tcp_fastopen_room(const struct tcb *t)
{
	const struct tcp_fastopen_cookie *c = known_cookie(t);
	uint32_t mss = tcp_mss_for_mtu(!ip_is_v4(&t->socket.remote.addr), t->socket.path.mtu_bytes);

	if (c && c->mss_bytes < mss)
		mss = c->mss_bytes;
	return mss > TCP_OPTIONS_MAX + TCP_MSS_MIN ? mss - TCP_OPTIONS_MAX : TCP_MSS_MIN;
}

/* The option of our first SYN. */
void tcp_fastopen_syn_option(struct tcb *t, struct tcp_options *o)
{
	const struct tcp_fastopen_cookie *c = known_cookie(t);

	if (!t->fastopen_ask || t->total.retransmits || without_cookie(t))
		return;
	o->has_cookie = true;
	if (!c)
		return;
	o->cookie_bytes = c->bytes;
	memcpy(o->cookie, c->cookie, c->bytes);
}

/* What came with the SYN-ACK: a cookie for the next time; and data that was not taken goes again. */
void tcp_fastopen_answer(struct tcb *t, const struct tcp_segment *seg)
{
	struct tcp_fastopen_cookie *c = slot_of(t->socket.stack, &t->socket.remote.addr);
	const struct tcp_options *o = &seg->options;
	struct sent *r = tcp_sent_first(t);

	if (o->has_cookie && o->cookie_bytes && t->fastopen_ask) {
		c->remote = t->socket.remote.addr;
		c->mss_bytes = t->mss_peer;
		c->bytes = o->cookie_bytes;
		memcpy(c->cookie, o->cookie, o->cookie_bytes);
	} else if (t->fastopen_data && t->total.retransmits && ip_equal(&c->remote, &t->socket.remote.addr)) {
		c->bytes = 0; /* the SYN with data did not get through: a plain one the next time */
	}
	if (!t->fastopen_data)
		return;
	t->fastopen_taken = r == NULL;
	for (; r; r = tcp_sent_next(t, r))
		tcp_sent_mark_lost(t, r);
	t->retransmit_now = !t->fastopen_taken;
}

/* ---- server ---- */

static void make_cookie(const struct stack *s, const struct tuple *tuple, struct tcp_options *o)
{
	struct hash_key key = {s->key.k0 ^ 0x666f, s->key.k1 ^ 0x636b};
	struct ip_addr pair[2] = {tuple->remote, tuple->local};
	uint64_t hash = siphash(&key, pair, sizeof(pair));

	memcpy(o->cookie, &hash, COOKIE_BYTES);
	o->cookie_bytes = COOKIE_BYTES;
	o->has_cookie = true;
}

static bool enabled(const struct tcb *listener)
{
	return (listener->socket.stack->config.tcp_fastopen & SERVER) && listener->listener->fastopen_limit;
}

static bool cookie_is_ours(const struct stack *s, const struct tuple *tuple, const struct tcp_options *o)
{
	struct tcp_options ours = {0};

	make_cookie(s, tuple, &ours);
	return o->cookie_bytes == ours.cookie_bytes && memcmp(o->cookie, ours.cookie, COOKIE_BYTES) == 0;
}

/* A SYN for a listener. *passive gets the cookie to give. True: the SYN has become a connection that
 * waits to be accepted. */
bool tcp_fastopen_syn(struct tcb *listener, const struct ip_packet *p, const struct tcp_segment *seg,
    struct passive *passive)
{
	struct stack *s = listener->socket.stack;
	struct tuple tuple = {p->destination, p->source, seg->destination_port, seg->source_port};
	bool free_for_all = s->config.tcp_fastopen & SERVER_NO_COOKIE;
	struct tcb *t;

	if (!enabled(listener) || (!seg->options.has_cookie && !(free_for_all && seg->data.bytes)))
		return false;
	if (!free_for_all && !cookie_is_ours(s, &tuple, &seg->options)) {
		passive->cookie.cookie_experimental = seg->options.cookie_experimental;
		make_cookie(s, &tuple, &passive->cookie);
		return false;
	}
	if (listener->listener->fastopen_count >= listener->listener->fastopen_limit)
		return false;
	t = tcp_passive_accept(listener, &tuple, passive, p->interface, s->now_ns);
	if (!t)
		return false;
	t->snd.nxt = t->snd.up = t->snd.small_end = t->snd.pushed = t->iss;
	t->highest_sacked = t->high_seq = t->iss;
	t->ack.receive_mss = (uint16_t)TCP_MSS_DEFAULT;
	t->fastopen_child = true;
	tcp_update_mss(t);
	congestion_set_mss(&t->congestion, t->mss_bytes);
	tcp_entry_insert(s, &t->entry);
	listener->listener->fastopen_count++;
	s->counters.tcp_passive_opens++;
	if (seg->data.bytes)
		tcp_receive_data(t, p, seg);
	t->ack.pending = 0; /* the SYN-ACK acknowledges it */
	tcp_accept_queue_add(listener, t);
	tcp_wake(t);
	return true;
}
