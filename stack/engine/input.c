/* SPDX-License-Identifier: MIT */
/* The first verb: a frame has arrived. */
#include "stack/engine/engine.h"
#include "stack/protocol/internet_engine.h"

void engine_enter(struct stack *s, uint64_t now_ns)
{
	if (now_ns > s->now_ns)
		s->now_ns = now_ns;
	s->pulling = false;
	packets_recycle(s);
}

static void trace_frame_in(struct stack *s, uint32_t interface, const struct frame_in *frame)
{
	struct trace_event e = {.kind = TRACE_FRAME_IN, .interface = interface, .frame_in = frame};

	if (trace_on(s) && s->config.trace_frames)
		trace_emit(s, &e);
}

void stack_input(struct stack *s, uint32_t interface, const struct frame_in *frame, uint64_t now_ns)
{
	engine_enter(s, now_ns);
	trace_frame_in(s, interface, frame);
	s->counters.link_in_frames++;
	link_input(s, interface, frame);
}
