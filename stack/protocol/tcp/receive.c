/* SPDX-License-Identifier: MIT */
/*
 * Data that arrives: in order it goes straight to the owner of the socket, as much as it takes; the
 * rest, and what is out of order, lies in the receive ring at its place (RFC 9293 3.10.7.4 step 7).
 * FIN is taken after the last byte before it. Urgent data is delivered in its place, marked.
 */
#include "stack/base/check.h"
#include "stack/protocol/tcp/tcp.h"

static void trace_bytes(struct tcb *t, uint64_t bytes)
{
	struct stack *s = t->socket.stack;

	if (bytes && trace_on(s))
		trace_emit(s, &(struct trace_event){
				  .kind = TRACE_DELIVERED,
				  .socket_id = t->socket.id,
				  .local = t->socket.local,
				  .remote = t->socket.remote,
				  .number = {bytes},
			      });
}

/* How much of [position, position + bytes) comes before the end of the urgent byte; *urgent: it is
 * the last of them. */
static uint32_t up_to_urgent(const struct tcb *t, uint64_t position, uint32_t bytes, bool *urgent)
{
	uint32_t ahead;

	*urgent = false;
	if (!t->rcv.urgent)
		return bytes;
	ahead = seq_distance(receive_seq(t, position), t->rcv.up);
	if (ahead >= bytes)
		return bytes;
	*urgent = true;
	return ahead + 1;
}

/* The urgent byte has left the ring. */
static void passed(struct tcb *t, uint64_t position)
{
	if (t->rcv.urgent && (int32_t)seq_distance(t->rcv.up, receive_seq(t, position)) > 0)
		t->rcv.urgent = false;
}

/* Hands data at position to the owner. Returns how much it took. */
static uint32_t hand_over(struct tcb *t, uint64_t position, struct span data)
{
	const struct stack *s = t->socket.stack;
	uint32_t done = 0, piece, took;
	bool urgent;

	while (done < data.bytes) {
		piece = up_to_urgent(t, position + done, (uint32_t)data.bytes - done, &urgent);
		took = (uint32_t)s->owner.deliver(t->socket.user, (struct span){data.data + done, piece}, urgent);
		CHECK(took <= piece);
		done += took;
		passed(t, position + done);
		if (took < piece)
			break;
	}
	trace_bytes(t, done);
	return done;
}

/* Takes data that is next in order. Returns how many bytes of it could be kept. */
static uint32_t take_in_order(struct tcb *t, struct span data)
{
	struct stack *s = t->socket.stack;
	struct ring *r = &t->receive_ring;
	uint32_t direct = 0, rest;

	if (t->rcv.shut) { /* the program reads no more: acknowledged and forgotten */
		direct = (uint32_t)data.bytes;
		passed(t, r->end + direct);
	} else if (ring_used(r) == 0 && t->socket.user) {
		direct = hand_over(t, r->start, data);
		tcp_window_tune(t, direct);
	}
	r->start += ring_used(r) == 0 ? direct : 0;
	r->end += direct;
	rest = (uint32_t)data.bytes - direct;
	if (rest) {
		if (ring_reserve(r, &s->mem, ring_used(r) + rest) < 0) {
			s->counters.tcp_abort_on_memory++;
			rest = 0;
		}
		ring_store(r, r->end, data.data + direct, rest);
		ring_commit(r, rest);
	}
	t->rcv.nxt = receive_seq(t, r->end);
	t->total.bytes_received += direct + rest;
	return direct + rest;
}

/* What had come early is in order now. */
static void take_waiting(struct tcb *t)
{
	const struct interval *v = intervals_find(&t->out_of_order, t->receive_ring.end);
	uint32_t more;

	if (v) {
		more = (uint32_t)(v->end - t->receive_ring.end);
		ring_commit(&t->receive_ring, more);
		t->total.bytes_received += more;
		t->rcv.nxt = receive_seq(t, t->receive_ring.end);
	}
	intervals_remove_below(&t->out_of_order, t->receive_ring.end);
}

static void release_if_idle(struct tcb *t)
{
	if (t->out_of_order.count == 0)
		ring_release_if_empty(&t->receive_ring, &t->socket.stack->mem);
}

/* Offers what lies in the ring to the owner, and tells it what is left and what has ended. */
void tcp_receive_flush(struct tcb *t)
{
	struct ring *r = &t->receive_ring;
	struct span part[2];
	uint32_t took = 0;
	unsigned parts;

	if (!t->socket.user)
		return;
	parts = ring_spans(r, r->start, ring_used(r), part);
	for (unsigned i = 0; i < parts && !t->rcv.shut; i++) {
		uint32_t done = hand_over(t, r->start, part[i]);

		ring_consume(r, done);
		took += done;
		if (done < part[i].bytes)
			break;
	}
	if (took)
		tcp_window_tune(t, took);
	if (ring_used(r))
		socket_notify(&t->socket, SOCKET_EVENT_RECEIVABLE);
	release_if_idle(t);
	if (t->rcv.fin && !t->rcv.told_closed) {
		t->rcv.told_closed = true;
		socket_notify(&t->socket, SOCKET_EVENT_PEER_CLOSED);
	}
}

static void note_duplicate(struct tcb *t, struct seq first, struct seq end)
{
	if (!t->sack_on)
		return;
	t->has_duplicate = true;
	t->duplicate = (struct sack_block){first, end};
}

/* RFC 9293 3.8.5: where the urgent byte is. Linux: the pointer names the byte behind it. */
static void note_urgent(struct tcb *t, const struct tcp_segment *seg)
{
	struct seq up = seq_add(seg->seq, seg->urgent ? seg->urgent - 1U : 0);

	if (!(seg->flags & TCP_URG) || t->rcv.shut)
		return;
	if (seq_before(up, t->rcv.nxt) || (t->rcv.urgent && !seq_after(up, t->rcv.up)))
		return;
	t->rcv.urgent = true;
	t->rcv.up = up;
}

static void out_of_order(struct tcb *t, struct seq first, struct span data)
{
	struct stack *s = t->socket.stack;
	struct ring *r = &t->receive_ring;
	uint64_t position = receive_position(t, first);
	uint64_t before = intervals_covered(&t->out_of_order, position, position + data.bytes);
	struct interval merged;

	s->counters.tcp_in_out_of_order++;
	t->total.out_of_order++;
	if (ring_reserve(r, &s->mem, (uint32_t)(position + data.bytes - r->start)) < 0 ||
	    intervals_add(&t->out_of_order, &s->mem, position, position + data.bytes, &merged) < 0) {
		s->counters.tcp_abort_on_memory++;
		return;
	}
	ring_store(r, position, data.data, (uint32_t)data.bytes);
	tcp_sack_note(t, position);
	if (before == data.bytes) /* all of it was here already */
		note_duplicate(t, first, seq_add(first, (uint32_t)data.bytes));
	else if (t->sack_on) /* on a path that loses much, hardly anything comes in order; without SACK
			      * a new window would make the duplicate ACK none */
		tcp_window_grow(t, (uint32_t)data.bytes);
	tcp_ack_schedule(t);
}

/* Cuts away what lies outside the window. False: nothing is left. */
static bool trim(struct tcb *t, struct seq *first, struct span *data)
{
	uint32_t window = tcp_window_now(t);
	uint32_t old;

	if (seq_before(*first, t->rcv.nxt)) {
		old = seq_distance(*first, t->rcv.nxt);
		if (old >= data->bytes)
			return false;
		note_duplicate(t, *first, t->rcv.nxt);
		data->data += old;
		data->bytes -= old;
		*first = t->rcv.nxt;
	}
	old = seq_distance(t->rcv.nxt, *first);
	if (old >= window)
		return false;
	if (data->bytes > window - old)
		data->bytes = window - old;
	return true;
}

void tcp_receive_data(struct tcb *t, const struct ip_packet *p, const struct tcp_segment *seg)
{
	struct span data = seg->data;
	struct seq first = seg->seq;
	uint32_t gaps = t->out_of_order.count;

	if (seg->flags & TCP_SYN)
		first = seq_add(first, 1);
	note_urgent(t, seg);
	t->total.data_segments_in += p->gso_bytes ? (data.bytes + p->gso_bytes - 1) / p->gso_bytes : 1;
	if (!trim(t, &first, &data)) {
		if (seq_before(first, t->rcv.nxt))
			note_duplicate(t, first, seq_earlier(seq_add(first, (uint32_t)data.bytes), t->rcv.nxt));
		tcp_ack_quick(t, TCP_QUICK_ACKS_MAX);
		tcp_ack_now(t);
		return;
	}
	if (!seq_equal(first, t->rcv.nxt)) {
		if (t->ack.duplicates && gaps == 0)
			t->ack.duplicates = 0;
		out_of_order(t, first, data);
		return;
	}
	tcp_window_rtt(t, seg);
	if (take_in_order(t, data) == 0) {
		tcp_ack_now(t);
		return;
	}
	t->ack.duplicates = 0;
	tcp_ack_data_arrived(t, seg, p->gso_bytes && p->gso_bytes < data.bytes ? p->gso_bytes : 0);
	tcp_window_grow(t, (uint32_t)data.bytes);
	if (gaps) {
		take_waiting(t);
		/* RFC 5681 4.2: a segment that fills a gap is acknowledged at once. */
		if (t->out_of_order.count == 0)
			tcp_ack_now(t);
	}
	if (ring_used(&t->receive_ring))
		tcp_receive_flush(t);
	release_if_idle(t);
}

unsigned tcp_receive_spans(struct socket *so, struct span out[2], bool *urgent_at_end)
{
	const struct tcb *t = tcb_of_const(so);
	const struct ring *r = &t->receive_ring;
	uint32_t bytes = up_to_urgent(t, r->start, ring_used(r), urgent_at_end);

	return ring_spans(r, r->start, bytes, out);
}

void tcp_receive_consume(struct socket *so, uint32_t bytes)
{
	struct tcb *t = tcb_of(so);

	ring_consume(&t->receive_ring, bytes);
	passed(t, t->receive_ring.start);
	trace_bytes(t, bytes);
	release_if_idle(t);
	if (!state_in(t, TCP_SYNCHRONIZED))
		return;
	tcp_window_tune(t, bytes);
	tcp_ack_consumed(t, bytes);
}
