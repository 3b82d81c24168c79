/* SPDX-License-Identifier: MIT */
/*
 * Waiting for descriptors. A process that sleeps is woken up late: some 30 us across processors,
 * which is more than the rest of a short exchange. So after events that came soon after one another
 * we look again and again for a moment (TEACHNET_POLL) before we sleep. Looking is bounded by the
 * clock and not done at all where there is only one processor. A look in vain (the one we wait for
 * needs our processor, perhaps) makes the next one come later, twice as late each time: an idle
 * stack sleeps, and a busy machine is not kept from its work. Off unless it is asked for: programs
 * on other processors get their answers sooner (64 bytes there and back: 78 us, then 55), but one
 * that would share ours with us is driven away from it (15 us, then 15 to 65).
 */
#include <errno.h>
#include <sched.h>
#include <sys/epoll.h>
#include <time.h>

#include "service/service.h"

/* Short sleeps between a look in vain and the next look, at most. */
#define PAUSE_MAX 1024U

static bool has_one_processor(void)
{
	cpu_set_t mask;

	return sched_getaffinity(0, sizeof(mask), &mask) == 0 && CPU_COUNT(&mask) == 1;
}

void wait_open(struct service *s, uint64_t limit_ns)
{
	s->wait = (struct wait){.limit_ns = has_one_processor() ? 0 : limit_ns};
}

static int look(struct service *s, struct epoll_event *events, int max)
{
	struct timespec none = {0};

	return epoll_pwait2(s->epoll_fd, events, max, &none, NULL);
}

static int look_for_a_moment(struct service *s, struct epoll_event *events, int max, uint64_t end_ns)
{
	for (;;) {
		int count = look(s, events, max);

		if (count != 0)
			return count;
		if (clock_now_ns() >= end_ns)
			return 0;
	}
}

static void judge_look(struct service *s, bool won)
{
	struct wait *w = &s->wait;

	if (won) {
		s->counters.polls_won++;
		w->pause_max /= 2;
		return;
	}
	s->counters.polls_lost++;
	w->pause_max = w->pause_max < PAUSE_MAX ? w->pause_max * 2 + 1 : PAUSE_MAX;
	w->pause = w->pause_max;
	w->eager = false;
}

/* A look would have seen the event that ended this sleep. */
static void judge_sleep(struct wait *w, bool is_short)
{
	if (w->pause)
		w->pause -= is_short;
	else
		w->eager = is_short;
}

static int sleep_until(struct service *s, struct epoll_event *events, int max, uint64_t span_ns)
{
	struct timespec t = {.tv_sec = (time_t)(span_ns / NSEC_PER_SEC), .tv_nsec = (long)(span_ns % NSEC_PER_SEC)};

	return epoll_pwait2(s->epoll_fd, events, max, span_ns == TIME_NEVER ? NULL : &t, NULL);
}

int wait_for_events(struct service *s, struct epoll_event *events, int max, uint64_t at_ns)
{
	struct wait *w = &s->wait;
	uint64_t start_ns = clock_now_ns();
	int count;

	if (at_ns <= start_ns)
		return look(s, events, max);
	if (w->eager) {
		count = look_for_a_moment(s, events, max, time_earlier(at_ns, start_ns + w->limit_ns));
		judge_look(s, count > 0);
		if (count != 0)
			return count;
		start_ns = clock_now_ns();
	}
	count = sleep_until(s, events, max, at_ns == TIME_NEVER ? TIME_NEVER : at_ns > start_ns ? at_ns - start_ns : 0);
	judge_sleep(w, count > 0 && clock_now_ns() - start_ns < w->limit_ns);
	return count;
}
