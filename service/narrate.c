/* SPDX-License-Identifier: MIT */
/*
 * Who listens to the trace, and how the lines get there: each listener has a buffer of its own, which
 * is written once a round. What an event says is narrate_lines.c's affair.
 */
#include "service/narrate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "service/narrate_lines.h"
#include "service/pair.h"

#define LISTENERS_MAX 8U
#define BUFFER_BYTES (512U * 1024U)

struct listener {
	struct watch watch; /* fd -1: free place */
	enum narrate_form form;
	bool borrowed;      /* the log's descriptor: not ours to close */
	bool waiting;       /* EPOLLOUT is awaited */
	uint64_t lost;      /* lines, since the last one that had room */
	uint32_t start, end;
	char *buffer;
};

struct narrator {
	struct listener listener[LISTENERS_MAX];
	unsigned count;
	uint64_t wall_offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC */
};

/* ---- buffers ---- */

static void append(struct service *s, struct listener *l, const char *line, uint32_t bytes)
{
	if (l->start && BUFFER_BYTES - l->end < bytes + 128) {
		memmove(l->buffer, l->buffer + l->start, l->end - l->start);
		l->end -= l->start;
		l->start = 0;
	}
	if (BUFFER_BYTES - l->end < bytes + 128) {
		l->lost++;
		s->counters.narrated_lost++;
		return;
	}
	if (l->lost) {
		l->end += (uint32_t)snprintf(l->buffer + l->end, 128,
		    l->form == NARRATE_JSON ? "{\"kind\":\"lost\",\"lines\":%llu}\n"
		                            : "(%llu lines are missing here: the reader is too slow)\n",
		    (unsigned long long)l->lost);
		l->lost = 0;
		if (BUFFER_BYTES - l->end < bytes)
			return;
	}
	memcpy(l->buffer + l->end, line, bytes);
	l->end += bytes;
}

static void tell(struct service *s, const char *text, const char *json)
{
	for (unsigned i = 0; i < LISTENERS_MAX; i++) {
		struct listener *l = &s->narrator->listener[i];
		const char *line = l->form == NARRATE_JSON ? json : text;

		if (l->watch.fd >= 0 && *line)
			append(s, l, line, (uint32_t)strlen(line));
	}
}

/* ---- events ---- */

static bool any_listener(const struct service *s, enum narrate_form form)
{
	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		if (s->narrator->listener[i].watch.fd >= 0 && s->narrator->listener[i].form == form)
			return true;
	return false;
}

static void on_event(void *context, const struct trace_event *e)
{
	struct service *s = context;
	static char text[NARRATE_LINE_BYTES], json[NARRATE_LINE_BYTES];
	uint64_t wall_ns = e->time_ns + s->narrator->wall_offset_ns;

	text[0] = json[0] = '\0';
	if (any_listener(s, NARRATE_TEXT))
		narrate_text(s, e, wall_ns, text);
	if (any_listener(s, NARRATE_JSON))
		narrate_json(s, e, wall_ns, json);
	tell(s, text, json);
}

bool narrate_wanted(const struct service *s)
{
	return s->narrator && s->narrator->count > 0;
}

void narrate_call(struct service *s, const char *program, int pid, uint64_t socket_id, const char *text, uint32_t bytes)
{
	char call[256], who[64];
	struct trace_event e = {.kind = TRACE_CALL, .time_ns = s->now_ns, .socket_id = socket_id, .text = call, .detail = who};
	uint32_t length = bytes < sizeof(call) ? bytes : (uint32_t)sizeof(call) - 1;

	if (!narrate_wanted(s))
		return;
	for (uint32_t i = 0; i < length; i++)
		call[i] = text[i] >= ' ' && text[i] < 127 ? text[i] : '?';
	call[length] = '\0';
	snprintf(who, sizeof(who), "%s[%d]", program, pid);
	on_event(s, &e);
}

/* ---- listeners ---- */

static void count_listeners(struct service *s)
{
	s->narrator->count = 0;
	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		s->narrator->count += s->narrator->listener[i].watch.fd >= 0;
	stack_trace_to(s->stack, s->narrator->count ? on_event : NULL);
}

static void leave(struct service *s, struct listener *l)
{
	free(l->buffer);
	l->buffer = NULL;
	if (l->borrowed)
		watch_remove(s, &l->watch);
	else
		watch_close(&l->watch);
	count_listeners(s);
}

/* 0: all written; 1: there is more and the listener is full; negative: it is gone. */
static int write_out(struct listener *l)
{
	while (l->start < l->end) {
		ssize_t n = write(l->watch.fd, l->buffer + l->start, l->end - l->start);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 1 : -errno;
		l->start += (uint32_t)n;
	}
	l->start = l->end = 0;
	return 0;
}

static void flush_one(struct service *s, struct listener *l)
{
	int result = write_out(l);

	if (result < 0) {
		leave(s, l);
		return;
	}
	if (l->waiting != (result == 1))
		watch_change(s, &l->watch, result == 1 ? EPOLLOUT : 0);
	l->waiting = result == 1;
}

void narrate_flush(struct service *s)
{
	if (!narrate_wanted(s))
		return;
	for (unsigned i = 0; i < LISTENERS_MAX; i++) {
		struct listener *l = &s->narrator->listener[i];

		if (l->watch.fd >= 0 && l->start < l->end && !l->waiting)
			flush_one(s, l);
	}
}

static void listener_ready(struct service *s, struct watch *w, uint32_t events)
{
	struct listener *l = (struct listener *)((char *)w - offsetof(struct listener, watch));

	if (events & (EPOLLERR | EPOLLHUP))
		leave(s, l);
	else
		flush_one(s, l);
}

static int add_listener(struct service *s, int fd, enum narrate_form form, bool borrowed)
{
	struct listener *l = NULL;
	struct timespec t;
	int error;

	for (unsigned i = 0; i < LISTENERS_MAX && !l; i++)
		if (s->narrator->listener[i].watch.fd < 0)
			l = &s->narrator->listener[i];
	if (!l)
		return -EBUSY;
	*l = (struct listener){.watch = {.fd = fd, .ready = listener_ready}, .form = form, .borrowed = borrowed};
	l->buffer = malloc(BUFFER_BYTES);
	error = l->buffer ? watch_add(s, &l->watch, 0) : -ENOMEM;
	/* EPERM: a plain file, which is always ready. */
	if (error < 0 && error != -EPERM) {
		free(l->buffer);
		l->watch.fd = -1;
		return error;
	}
	clock_gettime(CLOCK_REALTIME, &t);
	s->narrator->wall_offset_ns = (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec - clock_now_ns();
	count_listeners(s);
	return 0;
}

int narrate_subscribe(struct service *s, int fd, enum narrate_form form)
{
	return add_listener(s, fd, form, false);
}

/* The terminal of --foreground, or the log file, without touching the flags that others see. */
static void listen_to_log(struct service *s)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", log_fd());
	fd = open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0 && add_listener(s, fd, NARRATE_TEXT, false) == 0)
		return;
	if (fd >= 0)
		close(fd);
	add_listener(s, log_fd(), NARRATE_TEXT, true);
}

int narrate_create(struct service *s)
{
	s->narrator = calloc(1, sizeof(*s->narrator));
	if (!s->narrator)
		return -ENOMEM;
	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		s->narrator->listener[i].watch.fd = -1;
	if (!s->auto_started || s->config->value[CONFIG_KEY_NARRATE].yes)
		listen_to_log(s);
	return 0;
}

void narrate_destroy(struct service *s)
{
	if (!s->narrator)
		return;
	narrate_flush(s);
	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		if (s->narrator->listener[i].watch.fd >= 0)
			leave(s, &s->narrator->listener[i]);
	free(s->narrator);
	s->narrator = NULL;
}
