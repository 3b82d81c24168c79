/* SPDX-License-Identifier: MIT */
/*
 * The second and third verb: is there a frame to send, and when to ask again. Ready-made packets
 * (ARP, ICMP, resets, datagrams) and ready sockets take turns: the packets are few and somebody
 * waits for them, so they go first, but a flood of datagrams does not silence the streams. Frames
 * that we send to ourselves (interface 1) are fed back in here, so that nothing ever recurses.
 */
#include "stack/engine/engine.h"
#include "stack/protocol/packet.h"
#include "stack/protocol/socket.h"

/* Ready-made packets in a row before a socket gets a turn. */
#define PACKETS_IN_TURN 16U
/* Segments in a row that went another way than to the driver (to ourselves, to wait for a
 * neighbour), before the caller gets a turn. */
#define DETOURS_MAX 256

static void trace_frame_out(struct stack *s, const struct frame_out *frame)
{
	struct trace_event e = {.kind = TRACE_FRAME_OUT, .interface = frame->interface, .frame_out = frame};

	if (trace_on(s) && s->config.trace_frames)
		trace_emit(s, &e);
}

static void feed_back(struct stack *s, const struct frame_out *out)
{
	struct frame_in in = {.data = s->scratch, .gso = out->gso,
	    .gso_bytes = out->gso == FRAME_GSO_NONE ? 0 : out->gso_bytes, .checksum_verified = true};

	in.bytes = frame_flatten(out, s->scratch, FRAME_PACKET_MAX);
	engine_frame_input(s, interface_find(s, STACK_LOOPBACK_INDEX), &in);
}

/* One frame from the socket that has waited longest; false: it had none to give. */
static bool pull_socket(struct stack *s, struct frame_out *frame)
{
	struct socket *so = container_of(list_take_first(&s->ready), struct socket, ready);

	frame_init(frame);
	switch (so->ops->output(so, frame)) {
	case SOCKET_OUTPUT_NOTHING:
		return false;
	case SOCKET_OUTPUT_FRAME:
		socket_mark_ready(so);
		return true;
	case SOCKET_OUTPUT_AGAIN:
		socket_mark_ready(so);
		return false;
	}
	return false;
}

static bool pull(struct stack *s, struct frame_out *frame)
{
	bool sockets_wait = !list_empty(&s->ready);

	if ((!sockets_wait || s->packets_in_turn < PACKETS_IN_TURN) &&
	    packet_queue_pull(s, s->packets, frame)) {
		s->packets_in_turn++;
		return true;
	}
	s->packets_in_turn = 0;
	return sockets_wait && pull_socket(s, frame);
}

static bool anything_waits(const struct stack *s)
{
	return s->packets->count > 0 || !list_empty(&s->ready);
}

/* A new batch begins: nothing that was pulled before is in use any more, so timers, which may free
 * what frames point to, can run. */
static void begin_batch(struct stack *s, uint64_t now_ns)
{
	engine_enter(s, now_ns);
	timer_heap_run(&s->timers, s->now_ns);
}

static bool find_frame(struct stack *s, struct frame_out *frame)
{
	for (int detours = 0; detours < DETOURS_MAX && anything_waits(s); detours++) {
		if (!pull(s, frame))
			continue;
		if (frame->interface != STACK_LOOPBACK_INDEX)
			return true;
		trace_frame_out(s, frame);
		feed_back(s, frame);
	}
	return false;
}

bool stack_output(struct stack *s, struct frame_out *frame, uint64_t now_ns)
{
	if (!s->pulling || now_ns > s->now_ns)
		begin_batch(s, now_ns);
	s->pulling = find_frame(s, frame);
	if (!s->pulling)
		return false;
	s->counters.link_out_frames++;
	trace_frame_out(s, frame);
	return true;
}

uint64_t stack_deadline(const struct stack *s)
{
	return anything_waits(s) ? s->now_ns : timer_heap_deadline(&s->timers);
}
