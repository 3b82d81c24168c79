/* SPDX-License-Identifier: MIT */
/*
 * What the program gives us: room in the send ring, SO_SNDBUF and its auto-tuning (Linux:
 * tcp_sndbuf_expand), urgent marks, pushes, and the FIN that ends it. Sends nothing itself: it
 * says that something waits.
 */
#include "stack/base/check.h"
#include "stack/protocol/tcp/tcp.h"

#define CAN_SEND                                                                                   \
	(TCP_STATE_BIT(TCP_ESTABLISHED) | TCP_STATE_BIT(TCP_CLOSE_WAIT) | TCP_STATE_BIT(TCP_SYN_SENT) | \
	    TCP_STATE_BIT(TCP_SYN_RECEIVED))

/* What the program may have queued in all. Auto-tuning: two windows' worth, so that the next one is
 * there when the first has been acknowledged. */
uint32_t tcp_send_limit(const struct tcb *t)
{
	const struct stack *s = t->socket.stack;
	uint64_t wanted, limit = t->socket.option.send_buffer_bytes;

	if (!t->socket.option.send_buffer_locked) {
		wanted = 4ULL * t->congestion.cwnd_segments * t->mss_bytes;
		if (wanted < limit)
			wanted = limit;
		limit = wanted < s->config.tcp_send_buffer_bytes[2] ? wanted
								    : s->config.tcp_send_buffer_bytes[2];
	}
	return (uint32_t)limit;
}

/* Bytes that may be queued now. TCP_NOTSENT_LOWAT bounds what is not sent yet. */
static uint32_t room_bytes(const struct tcb *t)
{
	uint32_t limit = tcp_send_limit(t), used = ring_used(&t->send_ring);
	uint32_t low = t->notsent_low_water;

	if (used >= limit)
		return 0;
	if (low && seq_distance(t->snd.nxt, send_end(t)) >= low)
		return 0;
	return limit - used;
}

unsigned tcp_send_space(struct socket *so, struct space out[2])
{
	struct tcb *t = tcb_of(so);
	struct ring *r = &t->send_ring;
	uint32_t room, held;

	if (!state_in(t, CAN_SEND) || t->snd.fin_queued)
		return 0;
	room = room_bytes(t);
	if (room > 0) {
		/* Memory grows with what is in use: at first a little, then by doubling. */
		held = r->capacity_bytes - ring_used(r);
		if (held < room && held < 65536) {
			uint32_t more = ring_used(r) + (room < 65536 ? room : 65536);

			(void)ring_reserve(r, &so->stack->mem, more);
		}
		if (room > ring_free(r))
			room = ring_free(r);
	}
	if (room == 0)
		t->send_blocked = true;
	return ring_spaces(r, r->end, room, out);
}

void tcp_send_commit(struct socket *so, uint32_t bytes, bool urgent, bool more)
{
	struct tcb *t = tcb_of(so);

	if (bytes == 0)
		return;
	CHECK(state_in(t, CAN_SEND) && !t->snd.fin_queued);
	ring_commit(&t->send_ring, bytes);
	t->more = more;
	t->sent_all_told = false;
	if (urgent) { /* RFC 6093: points behind the urgent byte on the wire, as Linux does */
		t->snd.up = send_end(t);
		t->snd.urgent = true;
	}
	if (trace_on(so->stack))
		trace_emit(so->stack, &(struct trace_event){
					  .kind = TRACE_QUEUED,
					  .socket_id = so->id,
					  .local = so->local,
					  .remote = so->remote,
					  .number = {bytes},
				      });
	tcp_wake(t);
}

/* Nothing more comes from the program: FIN goes after the last byte. */
void tcp_send_fin(struct tcb *t)
{
	t->snd.fin_queued = true;
	t->sent_all_told = false;
	t->more = false;
	tcp_wake(t);
}

/* Acknowledgements have made room: tell a program that was refused (Linux: a third must be free). */
void tcp_send_room(struct tcb *t)
{
	uint32_t limit;

	if (!t->send_blocked || t->snd.fin_queued)
		return;
	limit = tcp_send_limit(t);
	if (room_bytes(t) == 0 || ring_used(&t->send_ring) > limit - limit / 3)
		return;
	t->send_blocked = false;
	socket_notify(&t->socket, SOCKET_EVENT_SENDABLE);
}

void tcp_queues(const struct socket *so, uint32_t *unsent, uint32_t *unacked, uint32_t *unread)
{
	const struct tcb *t = tcb_of_const(so);
	uint32_t queued = ring_used(&t->send_ring);

	*unread = ring_used(&t->receive_ring);
	*unacked = queued;
	*unsent = queued;
	if (state_in(t, TCP_SYNCHRONIZED)) {
		struct seq sent = seq_earlier(t->snd.nxt, send_end(t));

		*unsent = seq_after(send_end(t), sent) ? seq_distance(sent, send_end(t)) : 0;
		*unacked += t->snd.fin_sent; /* Linux counts FIN: write_seq - snd_una */
	}
}
