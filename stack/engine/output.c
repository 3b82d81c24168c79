/* SPDX-License-Identifier: MIT */
/*
 * The second and third verb: is there a frame to send, and when to ask again. Ready-made packets
 * (ARP, ICMP, resets, datagrams) go first, because they are few and somebody waits for them; then
 * each ready socket sends one frame in turn. Packets to ourselves are fed back in here, so that
 * nothing ever recurses.
 */
#include "stack/engine/engine.h"
#include "stack/protocol/internet_engine.h"
#include "stack/protocol/socket.h"

/* Packets to ourselves that one call feeds back before the driver gets a turn. */
#define LOOPBACK_BURST 64
/* Segments in a row that went another way than to the driver, before a call gives up its turn. */
#define SOCKET_BURST 64
/* Two programs on this stack can keep it busy with itself: rounds before the caller gets a turn. */
#define ROUNDS 64

static void trace_frame_out(struct stack *s, const struct frame_out *frame)
{
	struct trace_event e = {.kind = TRACE_FRAME_OUT, .interface = frame->interface, .frame_out = frame};

	if (trace_on(s) && s->config.trace_frames)
		trace_emit(s, &e);
}

static void feed_back(struct stack *s)
{
	struct span packet;
	uint16_t gso_bytes;

	for (int i = 0; i < LOOPBACK_BURST && loopback_next(s, &packet, &gso_bytes); i++)
		loopback_input(s, packet, gso_bytes);
}

/* One frame from the socket that has waited longest. */
static bool pull_socket(struct stack *s, struct frame_out *frame)
{
	for (int i = 0; i < SOCKET_BURST; i++) {
		struct list *link = list_first(&s->ready);
		struct socket *so;

		if (!link)
			return false;
		so = container_of(link, struct socket, ready);
		list_remove(link);
		frame_init(frame);
		switch (so->ops->output(so, frame)) {
		case SOCKET_OUTPUT_NOTHING:
			break;
		case SOCKET_OUTPUT_FRAME:
			socket_mark_ready(so);
			return true;
		case SOCKET_OUTPUT_AGAIN:
			socket_mark_ready(so);
			break;
		}
	}
	return false;
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
	for (int round = 0; round < ROUNDS; round++) {
		feed_back(s);
		frame_init(frame);
		if (packets_next(s, frame) || pull_socket(s, frame))
			return true;
		if (!loopback_waiting(s) && list_empty(&s->ready))
			break;
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
	if (packets_waiting(s) || loopback_waiting(s) || !list_empty(&s->ready))
		return s->now_ns;
	return timer_heap_deadline(&s->timers);
}
