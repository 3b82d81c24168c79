/* SPDX-License-Identifier: MIT */
/* setsockopt and getsockopt: values of a script as the bytes that the engine reads, and back. */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "tests/script/world.h"

static int64_t field_or(const struct expr *e, const char *a, const char *b, unsigned at)
{
	const struct expr *f = expr_field(e, a);

	if (!f && b)
		f = expr_field(e, b);
	if (!f && e->kind == EXPR_STRUCT && at < e->count)
		f = e->item[at];
	return f && f->kind == EXPR_NUMBER ? f->number : 0;
}

int64_t sockopt_set(struct world *w, const struct event *e)
{
	struct descriptor *d = call_descriptor(w, e, 0);
	int level = (int)call_number(e, 1), name = (int)call_number(e, 2);
	const struct expr *v = e->argument[3];
	struct linger linger;
	struct timeval tv;
	int number;

	if (v->kind == EXPR_LIST && v->count == 1)
		v = v->item[0];
	if (v->kind == EXPR_STRING)
		return socket_set_option(d->socket, level, name, v->text, (uint32_t)call_number(e, 4), w->now_ns);
	if (v->kind == EXPR_STRUCT && level == SOL_SOCKET && name == SO_LINGER) {
		linger.l_onoff = (int)field_or(v, "onoff", "l_onoff", 0);
		linger.l_linger = (int)field_or(v, "linger", "l_linger", 1);
		return socket_set_option(d->socket, level, name, &linger, sizeof(linger), w->now_ns);
	}
	if (v->kind == EXPR_STRUCT) {
		tv.tv_sec = field_or(v, "tv_sec", NULL, 0);
		tv.tv_usec = field_or(v, "tv_usec", NULL, 1);
		return socket_set_option(d->socket, level, name, &tv, sizeof(tv), w->now_ns);
	}
	if (v->kind != EXPR_NUMBER)
		script_fail("line %u: the value of a socket option is a number, a string or a struct", e->line);
	number = (int)v->number;
	return socket_set_option(d->socket, level, name, &number, (uint32_t)call_number(e, 4), w->now_ns);
}

static void compare(const struct event *e, int64_t seen)
{
	const struct expr *v = e->argument[3];

	if (v->kind == EXPR_LIST && v->count == 1)
		v = v->item[0];
	if (v->kind == EXPR_NUMBER && v->number != seen)
		script_fail("line %u: another value\nexpected %s\nseen     %lld", e->line, e->source, (long long)seen);
}

int64_t sockopt_get(struct world *w, const struct event *e)
{
	struct descriptor *d = call_descriptor(w, e, 0);
	int level = (int)call_number(e, 1), name = (int)call_number(e, 2);
	const struct expr *v = e->argument[3];
	uint8_t buffer[512] = {0};
	uint32_t bytes = sizeof(buffer);
	int number, result;

	if (level == SOL_SOCKET && name == SO_ERROR) {
		compare(e, call_take_error(d));
		return 0;
	}
	result = socket_get_option(d->socket, level, name, buffer, &bytes, w->now_ns);
	if (result < 0)
		return result;
	if (v->kind == EXPR_LIST && v->count == 1)
		v = v->item[0];
	if (v->kind == EXPR_STRING) {
		if (strncmp((const char *)buffer, v->text, sizeof(buffer)) != 0)
			script_fail("line %u: %s gave \"%.100s\"", e->line, e->source, (const char *)buffer);
	} else if (v->kind == EXPR_STRUCT) {
		struct linger linger;

		memcpy(&linger, buffer, sizeof(linger));
		if (linger.l_onoff != field_or(v, "onoff", "l_onoff", 0) ||
		    linger.l_linger != field_or(v, "linger", "l_linger", 1))
			script_fail("line %u: linger is {%d, %d}", e->line, linger.l_onoff, linger.l_linger);
	} else {
		memcpy(&number, buffer, sizeof(number));
		compare(e, number);
	}
	return 0;
}
