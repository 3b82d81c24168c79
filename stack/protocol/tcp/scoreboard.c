/* SPDX-License-Identifier: MIT */
/*
 * The scoreboard: a record for each transmission that is not acknowledged, in sequence order, with
 * the counts that the pipe is made of (RFC 6675 4; in segments, as Linux counts). A record may
 * stand for many segments of one large frame; it is cut when only part of it is acknowledged,
 * SACKed or sent again. Owns the records and the four counts; decides nothing.
 */
#include "stack/base/check.h"
#include "stack/protocol/tcp/tcp.h"

/* Records kept by the host for the next sending. */
#define SENT_FREE_MAX 4096U

struct sent *tcp_sent_first(const struct tcb *t)
{
	struct list *l = list_first(&t->sent_list);

	return l ? container_of(l, struct sent, order) : NULL;
}

struct sent *tcp_sent_next(const struct tcb *t, const struct sent *r)
{
	return r->order.next == &t->sent_list ? NULL : container_of(r->order.next, struct sent, order);
}

uint16_t tcp_sent_segments(const struct tcb *t, uint32_t length)
{
	return (uint16_t)(length <= t->mss_bytes ? 1 : (length + t->mss_bytes - 1) / t->mss_bytes);
}

static struct sent *sent_take(struct stack *s)
{
	struct list *l = list_take_first(&s->tcp->sent_free);
	struct sent *r;

	if (l) {
		s->tcp->sent_free_count--;
		r = container_of(l, struct sent, order);
	} else {
		r = mem_take(&s->mem, sizeof(*r));
		if (!r)
			return NULL;
	}
	s->tcp->sent_count++;
	*r = (struct sent){0};
	list_init(&r->order);
	list_init(&r->time);
	return r;
}

static void sent_give(struct stack *s, struct sent *r)
{
	s->tcp->sent_count--;
	if (s->tcp->sent_free_count < SENT_FREE_MAX) {
		list_prepend(&s->tcp->sent_free, &r->order);
		s->tcp->sent_free_count++;
	} else {
		mem_give(&s->mem, r, sizeof(*r));
	}
}

struct sent *tcp_sent_new(struct tcb *t, struct seq first, uint32_t length)
{
	struct sent *r = sent_take(t->socket.stack);

	if (!r)
		return NULL;
	r->first = first;
	r->end = seq_add(first, length);
	r->segments = tcp_sent_segments(t, length);
	list_append(&t->sent_list, &r->order);
	t->packets_out += r->segments;
	return r;
}

/* The record has just been handed over, for the first time or again. */
void tcp_sent_transmitted(struct tcb *t, struct sent *r, bool again)
{
	uint64_t now = t->socket.stack->now_ns;
	uint32_t flight = in_flight(t) - (again ? 0 : r->segments);

	rate_on_send(&t->rate, &r->rate, flight * t->mss_bytes, seq_distance(r->first, r->end), now);
	r->sent_ns = now;
	if (!again)
		r->first_sent_ns = now;
	if (again && !r->retransmitted) {
		r->retransmitted = true;
		t->retransmitted_out += r->segments;
	}
	r->ever_retransmitted |= again;
	list_remove(&r->time);
	list_append(&t->rack.sent_list, &r->time);
}

void tcp_sent_release(struct tcb *t, struct sent *r)
{
	CHECK(t->packets_out >= r->segments);
	t->packets_out -= r->segments;
	if (r->sacked)
		t->sacked_out -= r->segments;
	if (r->lost)
		t->lost_out -= r->segments;
	if (r->retransmitted)
		t->retransmitted_out -= r->segments;
	if (t->retransmit_hint == r)
		t->retransmit_hint = NULL;
	if (t->cut == r)
		t->cut = NULL;
	if (t->sack_hint == r)
		t->sack_hint = NULL;
	list_remove(&r->order);
	list_remove(&r->time);
	sent_give(t->socket.stack, r);
}

void tcp_sent_release_all(struct tcb *t)
{
	for (struct sent *r; (r = tcp_sent_first(t));)
		tcp_sent_release(t, r);
}

/* The counts follow when a record's number of segments changes. */
static void recount(struct tcb *t, struct sent *r, uint16_t segments)
{
	int difference = segments - r->segments;

	t->packets_out = (uint32_t)((int)t->packets_out + difference);
	if (r->sacked)
		t->sacked_out = (uint32_t)((int)t->sacked_out + difference);
	if (r->lost)
		t->lost_out = (uint32_t)((int)t->lost_out + difference);
	if (r->retransmitted)
		t->retransmitted_out = (uint32_t)((int)t->retransmitted_out + difference);
	r->segments = segments;
}

struct sent *tcp_sent_split(struct tcb *t, struct sent *r, struct seq at)
{
	struct sent *rest = sent_take(t->socket.stack);
	struct list links;

	CHECK(seq_after(at, r->first) && seq_before(at, r->end));
	if (!rest)
		return NULL;
	links = rest->order;
	*rest = *r;
	rest->order = links;
	list_init(&rest->order);
	list_init(&rest->time);
	list_prepend(&r->order, &rest->order);
	if (list_linked(&r->time))
		list_prepend(&r->time, &rest->time);
	rest->first = at;
	r->end = at;
	r->fin = false;
	r->pushed = false;
	if (t->cut == r && !seq_before(t->cut_next, at))
		t->cut = rest;
	rest->syn = false;
	/* The second half is counted anew: as nothing at first. */
	rest->segments = 0;
	recount(t, rest, tcp_sent_segments(t, seq_distance(rest->first, rest->end)));
	recount(t, r, tcp_sent_segments(t, seq_distance(r->first, r->end)));
	return rest;
}

/* What follows r becomes part of it: one segment instead of two. */
void tcp_sent_merge(struct tcb *t, struct sent *r, struct sent *next)
{
	CHECK(seq_equal(r->end, next->first) && !r->fin && !next->sacked);
	r->end = next->end;
	r->fin = next->fin;
	r->pushed |= next->pushed;
	r->ever_retransmitted |= next->ever_retransmitted;
	/* Without SACK the count of duplicate ACKs may not exceed what is out (Linux: tcp_adjust_pcount). */
	if (!t->sack_on)
		t->sacked_out -= next->segments < t->sacked_out ? next->segments : t->sacked_out;
	tcp_sent_release(t, next);
}

void tcp_sent_mark_lost(struct tcb *t, struct sent *r)
{
	if (r->sacked)
		return;
	if (r->retransmitted) {
		r->retransmitted = false;
		t->retransmitted_out -= r->segments;
	} else if (r->lost) {
		return;
	}
	t->total.lost += r->segments;
	if (!r->lost) {
		r->lost = true;
		t->lost_out += r->segments;
	}
	list_remove(&r->time);
	if (!t->retransmit_hint || seq_before(r->first, t->retransmit_hint->first))
		t->retransmit_hint = r;
}

void tcp_sent_unmark_lost(struct tcb *t, struct sent *r)
{
	if (!r->lost)
		return;
	r->lost = false;
	t->lost_out -= r->segments;
}

struct sent *tcp_sent_next_lost(struct tcb *t)
{
	struct sent *r = t->retransmit_hint;

	if (t->lost_out <= t->retransmitted_out && !r)
		return NULL;
	for (r = r ? r : tcp_sent_first(t); r; r = tcp_sent_next(t, r))
		if (r->lost && !r->retransmitted && !r->sacked) {
			t->retransmit_hint = r;
			return r;
		}
	t->retransmit_hint = NULL;
	return NULL;
}
