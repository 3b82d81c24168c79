/* SPDX-License-Identifier: MIT */
/*
 * Reads a script: times, calls, code and shell lines, header options. Packets are
 * parse_packet.c's. Whatever is not understood ends the script with its line: nothing is skipped.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/script/script.h"

/* White space and comments. */
void skip_space(struct reader *r)
{
	for (;;) {
		if (*r->at == '\n') {
			r->line++;
			r->at++;
		} else if (isspace((unsigned char)*r->at)) {
			r->at++;
		} else if (strncmp(r->at, "//", 2) == 0 || *r->at == '#') {
			while (*r->at && *r->at != '\n')
				r->at++;
		} else if (strncmp(r->at, "/*", 2) == 0) {
			const char *end = strstr(r->at + 2, "*/");

			if (!end)
				script_fail("line %u: comment without an end", r->line);
			for (; r->at < end + 2; r->at++)
				r->line += *r->at == '\n';
		} else {
			return;
		}
	}
}

bool accept_text(struct reader *r, const char *text)
{
	skip_space(r);
	if (strncmp(r->at, text, strlen(text)) != 0)
		return false;
	r->at += strlen(text);
	return true;
}

bool accept_word(struct reader *r, const char *word)
{
	size_t bytes = strlen(word);

	skip_space(r);
	if (strncmp(r->at, word, bytes) != 0 || isalnum((unsigned char)r->at[bytes]) || r->at[bytes] == '_')
		return false;
	r->at += bytes;
	return true;
}

void expect_text(struct reader *r, const char *text)
{
	if (!accept_text(r, text))
		script_fail("line %u: expected '%s' at '%.30s'", r->line, text, r->at);
}

int64_t parse_number(struct reader *r)
{
	char *end;
	int64_t n;

	skip_space(r);
	n = strtoll(r->at, &end, 0);
	if (end == r->at)
		script_fail("line %u: expected a number at '%.30s'", r->line, r->at);
	r->at = end;
	return n;
}

/* Decimal seconds, without sign, as nanoseconds. */
static int64_t parse_seconds(struct reader *r)
{
	int64_t whole = 0, part = 0, scale = 1000000000;
	bool any = false;

	for (; isdigit((unsigned char)*r->at); r->at++, any = true)
		whole = whole * 10 + (*r->at - '0');
	if (r->at[0] == '.' && r->at[1] != '.') {
		for (r->at++; isdigit((unsigned char)*r->at); r->at++, any = true)
			if (scale >= 10) {
				scale /= 10;
				part += (*r->at - '0') * scale;
			}
	}
	if (!any)
		script_fail("line %u: expected a time at '%.30s'", r->line, r->at);
	return whole * 1000000000 + part;
}

/* T, +T, *, T~T, +T~+T, T...T */
static void parse_time(struct reader *r, struct event *e)
{
	e->range_ns = e->end_ns = -1;
	skip_space(r);
	if (*r->at == '*') {
		r->at++;
		e->time_kind = TIME_ANY;
		return;
	}
	e->time_kind = TIME_ABSOLUTE;
	if (*r->at == '+') {
		r->at++;
		while (*r->at == ' ')
			r->at++;
		e->time_kind = TIME_RELATIVE;
	}
	e->time_ns = parse_seconds(r);
	if (*r->at == '~') {
		r->at++;
		if (*r->at == '+')
			r->at++;
		e->range_ns = parse_seconds(r);
	} else if (strncmp(r->at, "...", 3) == 0) {
		r->at += 3;
		e->end_ns = parse_seconds(r);
	}
}

/* ---- expressions ---- */

static struct expr *new_expr(enum expr_kind kind)
{
	struct expr *e = script_take(sizeof(*e));

	*e = (struct expr){.kind = kind};
	return e;
}

static void add_item(struct expr *list, struct expr *item, const char *key)
{
	struct expr **items = script_take((list->count + 1) * sizeof(struct expr *));
	const char **keys = script_take((list->count + 1) * sizeof(char *));

	for (unsigned i = 0; i < list->count; i++) {
		items[i] = list->item[i];
		keys[i] = list->key[i];
	}
	items[list->count] = item;
	keys[list->count++] = key;
	list->item = items;
	list->key = keys;
}

static struct expr *parse_string(struct reader *r)
{
	struct expr *e = new_expr(EXPR_STRING);
	char *out = script_take(strlen(r->at) + 1);
	size_t n = 0;

	for (r->at++; *r->at && *r->at != '"'; r->at++) {
		char c = *r->at;

		if (c == '\\') {
			c = *++r->at;
			if (c == 'x') {
				c = (char)strtol((char[]){r->at[1], r->at[2], 0}, NULL, 16);
				r->at += 2;
			} else if (c == 'n') {
				c = '\n';
			} else if (c == 'r') {
				c = '\r';
			} else if (c == 't') {
				c = '\t';
			} else if (isdigit((unsigned char)c)) {
				c = (char)(c - '0');
			}
		}
		out[n++] = c;
	}
	if (*r->at != '"')
		script_fail("line %u: string without an end", r->line);
	r->at++;
	out[n] = 0;
	e->text = out;
	e->bytes = n;
	return e;
}

static size_t word_bytes(const char *at)
{
	size_t n = 0;

	while (isalnum((unsigned char)at[n]) || at[n] == '_')
		n++;
	return n;
}

/* htons(80), inet_addr("1.2.3.4") and their kin stand for their argument. */
static struct expr *parse_named(struct reader *r)
{
	size_t n = word_bytes(r->at);
	struct expr *e;
	int64_t value;
	const char *name = script_copy(r->at, n);

	if (n == 0)
		script_fail("line %u: expected a value at '%.30s'", r->line, r->at);
	r->at += n;
	if (accept_text(r, "(")) {
		e = parse_expr(r);
		while (accept_text(r, ","))
			parse_expr(r);
		expect_text(r, ")");
		return e;
	}
	if (!symbol_value(name, n, &value))
		script_fail("line %u: unknown name %s", r->line, name);
	e = new_expr(EXPR_NUMBER);
	e->number = value;
	e->text = name;
	return e;
}

static struct expr *parse_list(struct reader *r, const char *close, enum expr_kind kind)
{
	struct expr *list = new_expr(kind);

	while (!accept_text(r, close)) {
		const char *key = NULL;
		struct reader back;
		size_t n;

		skip_space(r);
		if (*r->at == '.' && r->at[1] != '.')
			r->at++;
		back = *r;
		n = word_bytes(r->at);
		if (kind == EXPR_STRUCT && n) {
			r->at += n;
			if (accept_text(r, "(")) { /* msg_iov(1)= */
				while (*r->at && *r->at != ')')
					r->at++;
				expect_text(r, ")");
			}
			if (accept_text(r, "="))
				key = script_copy(back.at, n);
			else
				*r = back;
		}
		add_item(list, parse_expr(r), key);
		if (!accept_text(r, ",")) {
			expect_text(r, close);
			break;
		}
	}
	return list;
}

static struct expr *parse_primary(struct reader *r)
{
	struct expr *e;

	skip_space(r);
	if (accept_text(r, "..."))
		return new_expr(EXPR_ELLIPSIS);
	if (accept_text(r, "?"))
		return new_expr(EXPR_ANY);
	if (accept_text(r, "["))
		return parse_list(r, "]", EXPR_LIST);
	if (accept_text(r, "{"))
		return parse_list(r, "}", EXPR_STRUCT);
	if (*r->at == '"')
		return parse_string(r);
	if (accept_text(r, "&"))
		return parse_primary(r);
	if (isdigit((unsigned char)*r->at) || *r->at == '-') {
		e = new_expr(EXPR_NUMBER);
		e->number = parse_number(r);
		return e;
	}
	return parse_named(r);
}

struct expr *parse_expr(struct reader *r)
{
	struct expr *e = parse_primary(r);

	while (e->kind == EXPR_NUMBER && accept_text(r, "|"))
		e->number |= parse_primary(r)->number;
	return e;
}

/* ---- events ---- */

static void parse_call(struct reader *r, struct event *e)
{
	size_t n;
	unsigned depth = 0;

	skip_space(r);
	n = word_bytes(r->at);
	if (n == 0)
		script_fail("line %u: expected a packet, a call, code or a command at '%.30s'", r->line, r->at);
	e->kind = EVENT_CALL;
	e->name = script_copy(r->at, n);
	r->at += n;
	expect_text(r, "(");
	while (!accept_text(r, ")")) {
		if (e->argument_count == sizeof(e->argument) / sizeof(e->argument[0]))
			script_fail("line %u: too many arguments", r->line);
		e->argument[e->argument_count++] = parse_expr(r);
		if (!accept_text(r, ",")) {
			expect_text(r, ")");
			break;
		}
	}
	expect_text(r, "=");
	e->result = parse_expr(r);
	skip_space(r);
	n = word_bytes(r->at);
	if (*r->at == 'E' && n) {
		int64_t value;

		if (!symbol_value(r->at, n, &value))
			script_fail("line %u: unknown error %.*s", r->line, (int)n, r->at);
		e->error = (int)value;
		r->at += n;
	}
	/* (Connection refused), (flags O_RDWR|O_NONBLOCK): for readers only. */
	if (accept_text(r, "(")) {
		for (depth = 1; depth && *r->at && *r->at != '\n'; r->at++)
			depth += *r->at == '(' ? 1U : *r->at == ')' ? -1U : 0U;
	}
}

static void parse_until(struct reader *r, struct event *e, enum event_kind kind, const char *close)
{
	const char *end = strstr(r->at, close);

	if (!end)
		script_fail("line %u: no %s", r->line, close);
	e->kind = kind;
	e->text = script_copy(r->at, (size_t)(end - r->at));
	for (; r->at < end; r->at++)
		r->line += *r->at == '\n';
	r->at += strlen(close);
}

static struct event *new_event(struct script *s)
{
	if (s->event_count == s->event_room) {
		unsigned room = s->event_room ? s->event_room * 2 : 32;
		struct event *all = script_take(room * sizeof(*all));

		if (s->event_count)
			memcpy(all, s->event, s->event_count * sizeof(*all));
		s->event = all;
		s->event_room = room;
	}
	s->event[s->event_count] = (struct event){.range_ns = -1, .end_ns = -1};
	return &s->event[s->event_count++];
}

static void parse_event(struct reader *r, struct script *s)
{
	struct event *e = new_event(s);
	const char *line_end = strchr(r->at, '\n');

	e->line = r->line;
	e->source = script_copy(r->at, line_end ? (size_t)(line_end - r->at) : strlen(r->at));
	if (*r->at == '`' || strncmp(r->at, "%{", 2) == 0)
		e->time_kind = TIME_RELATIVE; /* without a time: at once */
	else
		parse_time(r, e);
	skip_space(r);
	if (accept_text(r, "`")) {
		parse_until(r, e, EVENT_SHELL, "`");
	} else if (accept_text(r, "%{")) {
		parse_until(r, e, EVENT_CODE, "}%");
	} else if (*r->at == '<' || *r->at == '>') {
		e->kind = EVENT_PACKET;
		e->packet.inbound = *r->at == '<';
		r->at++;
		parse_packet(r, &e->packet);
	} else {
		parse_call(r, e);
	}
}

/* --name=value. What only concerns a real network device has no meaning here and is said. */
static void parse_option(struct reader *r, struct script *s)
{
	char name[40], value[60];
	int used = 0;

	if (sscanf(r->at, "--%39[a-z_0-9]=%59[^ \n]%n", name, value, &used) < 2 || used == 0) {
		used = 0;
		value[0] = 0;
		if (sscanf(r->at, "--%39[a-z_0-9]%n", name, &used) < 1)
			script_fail("line %u: option not understood: %.40s", r->line, r->at);
	}
	r->at += used;
	if (!strcmp(name, "tolerance_usecs"))
		s->tolerance_ns = atoll(value) * 1000;
	else if (!strcmp(name, "tolerance_percent"))
		script_note("option %s is not used: time is virtual", name);
	else if (!strcmp(name, "mtu"))
		s->mtu = (uint32_t)atoi(value);
	else if (!strcmp(name, "ip_version"))
		s->v6 = !strcmp(value, "ipv6");
	else
		script_note("option --%s=%s has no meaning in virtual time", name, value);
}

static const char *first_comment(const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	if (strncmp(text, "//", 2) == 0 || *text == '#') {
		text += *text == '#' ? 1 : 2;
		while (*text == ' ')
			text++;
		return script_copy(text, strcspn(text, "\n"));
	}
	return "";
}

void parse_script(struct script *s, const char *path, const char *text)
{
	struct reader r = {text, 1};

	*s = (struct script){.path = path, .tolerance_ns = 4000000, .mtu = 1500};
	s->story = first_comment(text);
	for (skip_space(&r); *r.at; skip_space(&r)) {
		if (strncmp(r.at, "--", 2) == 0)
			parse_option(&r, s);
		else
			parse_event(&r, s);
	}
}
