/* SPDX-License-Identifier: MIT */
/*
 * Runs one script: its events in order, each at its time. Packets that are expected must come when
 * the script says (within its tolerance); a packet that no line expected is a failure as well.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/script/world.h"

#define WAIT_LIMIT_NS (UINT64_C(3600) * NSEC_PER_SEC)

/* When an event is due. TIME_ANY: whenever. */
static uint64_t due_ns(const struct world *w, const struct event *e, uint64_t previous_ns, int64_t time_ns)
{
	switch (e->time_kind) {
	case TIME_ABSOLUTE:
		return w->start_ns + (uint64_t)time_ns;
	case TIME_RELATIVE:
		return previous_ns + (uint64_t)time_ns;
	case TIME_ANY:
		break;
	}
	return previous_ns;
}

static void expect_packet(struct world *w, const struct event *e, uint64_t from_ns, uint64_t until_ns)
{
	uint64_t slack = (uint64_t)w->script->tolerance_ns;
	uint64_t limit = e->time_kind == TIME_ANY ? w->now_ns + WAIT_LIMIT_NS : until_ns + slack;
	struct captured *p;

	if (!w->first && !world_run(w, limit, true))
		script_fail("line %u: no packet came\nexpected %s", e->line, e->source);
	p = world_take_packet(w);
	wire_expect(w, e, p);
	if (e->time_kind != TIME_ANY && (p->time_ns + slack < from_ns || p->time_ns > until_ns + slack))
		script_fail("line %u: at another time\nexpected %s\nseen     %.6f %s", e->line, e->source,
		    world_seconds(w, p->time_ns), wire_print(w, p));
	free(p);
}

static void start_call(struct world *w, const struct event *e, uint64_t end_ns)
{
	int64_t result;

	/* One call at a time: the program has one thread. */
	if (w->pending && !world_run(w, w->now_ns + WAIT_LIMIT_NS, false) && w->pending)
		script_fail("line %u: %s is still blocked", w->pending->line, w->pending->name);
	result = call_try(w, e, true);
	if (result == CALL_BLOCKS) {
		w->pending = e;
		w->pending_since_ns = w->now_ns;
		w->pending_end_ns = end_ns;
		/* Without an end it keeps the script itself waiting. */
		for (uint64_t limit = w->now_ns + WAIT_LIMIT_NS; !end_ns && w->pending && w->now_ns < limit;) {
			uint64_t next = stack_deadline(w->stack);

			if (next == TIME_NEVER)
				break;
			world_run(w, next > w->now_ns ? next : w->now_ns, false);
		}
		if (!end_ns && w->pending)
			call_finish(w, e, CALL_BLOCKS);
		return;
	}
	if (end_ns && end_ns > w->now_ns + (uint64_t)w->script->tolerance_ns)
		script_fail("line %u: %s did not block\nexpected %s\nseen     result %lld", e->line, e->name,
		    e->source, (long long)result);
	call_finish(w, e, result);
	world_settle(w);
}

static void run_event(struct world *w, const struct event *e, uint64_t *previous_ns)
{
	uint64_t from = due_ns(w, e, *previous_ns, e->time_ns);
	uint64_t until = e->range_ns >= 0 ? due_ns(w, e, *previous_ns, e->range_ns) : from;
	uint64_t end = e->end_ns >= 0 ? due_ns(w, e, *previous_ns, e->end_ns) : 0;

	if (e->kind == EVENT_PACKET && !e->packet.inbound) {
		expect_packet(w, e, from, until);
		*previous_ns = w->now_ns > from && w->now_ns <= until + (uint64_t)w->script->tolerance_ns ? w->now_ns : from;
		if (w->now_ns > *previous_ns)
			*previous_ns = w->now_ns;
		return;
	}
	if (from > w->now_ns)
		world_run(w, from, false);
	if (w->now_ns > until + (uint64_t)w->script->tolerance_ns && e->time_kind != TIME_ANY)
		script_fail("line %u: its time is over (it is %.6f): %s", e->line, world_seconds(w, w->now_ns), e->source);
	*previous_ns = w->now_ns;
	switch (e->kind) {
	case EVENT_PACKET:
		wire_inject(w, e);
		break;
	case EVENT_CALL:
		start_call(w, e, end);
		if (!end)
			*previous_ns = w->now_ns;
		break;
	case EVENT_CODE:
		code_run(w, e);
		break;
	case EVENT_SHELL:
		if (w->now_ns != w->start_ns)
			sysctl_apply(&w->config, e->text, e->line);
		break;
	}
}

static struct world world;

static void run_events(struct world *w, struct script *s)
{
	uint64_t previous_ns = w->start_ns;

	for (unsigned i = 0; i < s->event_count; i++)
		run_event(w, &s->event[i], &previous_ns);
	if (w->pending && w->pending_end_ns)
		world_run(w, w->pending_end_ns + (uint64_t)s->tolerance_ns, false);
	if (w->pending)
		script_fail("line %u: %s is still blocked at the end", w->pending->line, w->pending->name);
	if (w->first)
		script_fail("a packet that no line expects\nseen     %.6f %s", world_seconds(w, w->first->time_ns),
		    wire_print(w, w->first));
}

void run_script(struct script *s)
{
	struct world *w = &world;

	if (s->v6)
		script_fail("IPv6 scripts are not run: the peer speaks IPv4");
	if (setjmp(script_run.failed) == 0) {
		world_create(w, s);
		run_events(w, s);
		world_destroy(w);
		if (w->allocated_bytes)
			snprintf(script_run.message, sizeof(script_run.message), "%zu bytes of the engine leaked",
			    w->allocated_bytes);
	} else {
		world_destroy(w);
	}
}
