/* SPDX-License-Identifier: MIT */
/*
 * The loop. One round: wait for descriptors until the engine's next deadline, take what the wire has
 * brought, let the pairs and channels have their turns, then pull what the engine has to send. Each
 * part is bounded, so that no program and no flood keeps the others waiting; whoever has more is
 * asked again in the next round, which then does not wait. Nothing wakes up an idle stack.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "service/channel.h"
#include "service/dhcp.h"
#include "service/narrate.h"
#include "service/pair.h"
#include "service/service.h"

#define EVENTS_PER_ROUND 256

uint64_t clock_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

int watch_add(struct service *s, struct watch *w, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = w};

	w->events = events;
	return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, w->fd, &e) < 0 ? -errno : 0;
}

void watch_change(struct service *s, struct watch *w, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = w};

	w->events = events;
	epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, w->fd, &e);
}

void watch_remove(struct service *s, struct watch *w)
{
	if (w->fd >= 0)
		epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
	w->fd = -1;
}

void watch_close(struct watch *w)
{
	/* No other process has our end, so that close() takes it out of epoll. */
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

void service_bury(struct service *s, struct grave *g, void *block)
{
	g->block = block;
	SLIST_INSERT_HEAD(&s->graves, g, link);
}

void loop_bury_all(struct service *s)
{
	struct grave *g;

	while ((g = SLIST_FIRST(&s->graves))) {
		SLIST_REMOVE_HEAD(&s->graves, link);
		free(g->block);
	}
}

/* ---- when to leave ---- */

static bool is_idle(const struct service *s)
{
	return s->channel_count == 0 && pair_count(s) == 0;
}

/* Leaves after the configured time without programs and connections. */
static void consider_leaving(struct service *s)
{
	if (!s->auto_started)
		return;
	if (!is_idle(s)) {
		s->idle_since_ns = TIME_NEVER;
		return;
	}
	if (s->idle_since_ns == TIME_NEVER)
		s->idle_since_ns = s->now_ns;
	if (s->now_ns - s->idle_since_ns >= s->idle_exit_ns && channel_close_door(s)) {
		log_write(LOG_LEVEL_NOTE, "no program has asked for anything for a while: leaving");
		s->stopping = true;
	}
}

/* ---- a round ---- */

static uint64_t next_deadline_ns(const struct service *s)
{
	uint64_t at_ns = time_earlier(stack_deadline(s->stack), dhcp_deadline(s));

	if (s->netif && !s->netif_down)
		at_ns = time_earlier(at_ns, netif_deadline(s->netif));
	if (s->auto_started && s->idle_since_ns != TIME_NEVER)
		at_ns = time_earlier(at_ns, time_after(s->idle_since_ns, s->idle_exit_ns));
	return at_ns;
}

void loop_round(struct service *s, uint64_t timeout_ns)
{
	struct epoll_event events[EVENTS_PER_ROUND];
	uint64_t at_ns = s->busy ? 0 : next_deadline_ns(s);
	int count;

	if (timeout_ns != TIME_NEVER)
		at_ns = time_earlier(at_ns, time_after(clock_now_ns(), timeout_ns));
	count = wait_for_events(s, events, EVENTS_PER_ROUND, at_ns);

	s->now_ns = clock_now_ns();
	s->counters.rounds++;
	for (int i = 0; i < count; i++) {
		struct watch *w = events[i].data.ptr;

		if (w->fd >= 0)
			w->ready(s, w, events[i].events);
	}
	frames_receive(s);
	s->busy = pair_work(s);
	dhcp_work(s);
	s->busy = frames_transmit(s) || s->busy || s->netif_readable;
	/* Sending makes room and timers make events. */
	if (!TAILQ_EMPTY(&s->work))
		s->busy = true;
	narrate_flush(s);
	loop_bury_all(s);
	consider_leaving(s);
}

void loop_run(struct service *s)
{
	s->now_ns = clock_now_ns();
	s->idle_since_ns = s->now_ns;
	while (!s->stopping)
		loop_round(s, TIME_NEVER);
	loop_bury_all(s);
}
