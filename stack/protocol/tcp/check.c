/* SPDX-License-Identifier: MIT */
/*
 * tcp_check(): every invariant of a connection, for tests, which call it after every event. Never
 * called by the stack itself. The first that does not hold is a trap.
 */
#include "stack/base/check.h"
#include "stack/protocol/tcp/tcp.h"

/* The scoreboard covers snd.una to snd.nxt without a hole, and its counts are those of its records. */
static void check_scoreboard(const struct tcb *t)
{
	uint32_t out = 0, sacked = 0, lost = 0, again = 0;
	struct seq at = t->snd.una;

	list_for_each(l, &t->sent_list)
	{
		const struct sent *r = container_of(l, struct sent, order);

		CHECK(seq_equal(r->first, at) && seq_before(r->first, r->end));
		CHECK(!(r->sacked && (r->lost || r->retransmitted)));
		CHECK(!r->retransmitted || r->ever_retransmitted);
		CHECK(r->segments > 0);
		at = r->end;
		out += r->segments;
		sacked += r->sacked ? r->segments : 0;
		lost += r->lost ? r->segments : 0;
		again += r->retransmitted ? r->segments : 0;
	}
	if (!list_empty(&t->sent_list))
		CHECK(seq_equal(at, t->snd.nxt));
	CHECK(out == t->packets_out && lost == t->lost_out && again == t->retransmitted_out);
	CHECK(t->sack_on ? sacked == t->sacked_out : sacked == 0);
	CHECK(t->sacked_out + t->lost_out <= t->packets_out);
	CHECK(t->retransmitted_out <= t->packets_out);
}

static void check_send(const struct tcb *t)
{
	CHECK(!seq_after(t->snd.una, t->snd.nxt));
	CHECK(ring_used(&t->send_ring) <= t->send_ring.capacity_bytes);
	CHECK(!t->snd.fin_sent || t->snd.fin_queued);
	if (!state_in(t, TCP_SYNCHRONIZED))
		return;
	CHECK(!seq_after(t->snd.nxt, seq_add(send_end(t), t->snd.fin_sent)));
	/* What is not acknowledged is still held. (The SYN may be out: closed in SYN-RECEIVED.) */
	CHECK(seq_equal(t->snd.una, t->iss) || !seq_before(t->snd.una, send_seq(t, t->send_ring.start)));
	CHECK(!t->snd.fin_sent || seq_equal(t->snd.nxt, seq_add(send_end(t), 1)));
}

static void check_receive(const struct tcb *t)
{
	const struct intervals *set = &t->out_of_order;
	const struct ring *r = &t->receive_ring;
	uint64_t before = r->end;

	if (!state_in(t, TCP_SYNCHRONIZED))
		return;
	CHECK(seq_equal(t->rcv.nxt, seq_add(receive_seq(t, r->end), t->rcv.fin)));
	CHECK(!seq_after(t->rcv.wup, t->rcv.nxt));
	for (uint32_t i = 0; i < set->count; i++) {
		CHECK(set->item[i].first > before && set->item[i].end > set->item[i].first);
		before = set->item[i].end;
	}
	if (set->count)
		CHECK(before <= r->start + r->capacity_bytes);
	CHECK(set->count <= TCP_OUT_OF_ORDER_MAX);
}

/* Whatever is out has a timer that will look after it. */
static void check_timers(const struct tcb *t)
{
	bool armed = timer_armed(&t->retransmit_timer);

	CHECK(armed == (t->timer_kind != TIMER_NONE));
	if (t->packets_out && t->state != TCP_CLOSED)
		CHECK(armed || list_linked(&t->socket.ready));
	if (t->state == TCP_CLOSED)
		CHECK(!armed && !timer_armed(&t->ack_timer) && !timer_armed(&t->keepalive_timer));
}

void tcp_check(const struct tcb *t)
{
	CHECK(t->state != TCP_TIME_WAIT);
	CHECK((t->state == TCP_LISTEN) == (t->listener != NULL));
	CHECK(hash_linked(&t->entry.link) == (t->state != TCP_CLOSED && t->state != TCP_LISTEN));
	if (t->state == TCP_LISTEN)
		return;
	check_scoreboard(t);
	check_timers(t);
	if (t->state == TCP_CLOSED) {
		CHECK(list_empty(&t->sent_list) && t->packets_out == 0);
		return;
	}
	check_send(t);
	check_receive(t);
	CHECK(t->congestion.cwnd_segments >= 1);
	CHECK(t->mss_bytes >= TCP_MSS_MIN);
	CHECK(t->rto_ns >= TCP_RTO_MIN_NS && t->rto_ns <= TCP_RTO_MAX_NS);
}
