/* SPDX-License-Identifier: MIT */
/*
 * %{ assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd }%: assertions over TCP_INFO of the socket under test, in
 * as much of Python as they are written in: integers, names, arithmetic, comparisons (chained as
 * well), and, or, not, print. Other statements end the script.
 */
#include <ctype.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/script/world.h"

#define FIELD_OF(name) {#name, offsetof(struct tcp_info, name), sizeof(((struct tcp_info *)0)->name)}
static const struct {
	const char *name;
	size_t at, bytes;
} fields[] = {
    FIELD_OF(tcpi_state), FIELD_OF(tcpi_ca_state), FIELD_OF(tcpi_retransmits), FIELD_OF(tcpi_probes),
    FIELD_OF(tcpi_backoff), FIELD_OF(tcpi_options), FIELD_OF(tcpi_rto), FIELD_OF(tcpi_ato),
    FIELD_OF(tcpi_snd_mss), FIELD_OF(tcpi_rcv_mss), FIELD_OF(tcpi_unacked), FIELD_OF(tcpi_sacked),
    FIELD_OF(tcpi_lost), FIELD_OF(tcpi_retrans), FIELD_OF(tcpi_fackets), FIELD_OF(tcpi_last_data_sent),
    FIELD_OF(tcpi_last_data_recv), FIELD_OF(tcpi_last_ack_recv), FIELD_OF(tcpi_pmtu),
    FIELD_OF(tcpi_rcv_ssthresh), FIELD_OF(tcpi_rtt), FIELD_OF(tcpi_rttvar), FIELD_OF(tcpi_snd_ssthresh),
    FIELD_OF(tcpi_snd_cwnd), FIELD_OF(tcpi_advmss), FIELD_OF(tcpi_reordering), FIELD_OF(tcpi_rcv_rtt),
    FIELD_OF(tcpi_rcv_space), FIELD_OF(tcpi_total_retrans), FIELD_OF(tcpi_pacing_rate),
    FIELD_OF(tcpi_max_pacing_rate), FIELD_OF(tcpi_bytes_acked), FIELD_OF(tcpi_bytes_received),
    FIELD_OF(tcpi_segs_out), FIELD_OF(tcpi_segs_in), FIELD_OF(tcpi_notsent_bytes), FIELD_OF(tcpi_min_rtt),
    FIELD_OF(tcpi_data_segs_in), FIELD_OF(tcpi_data_segs_out), FIELD_OF(tcpi_delivery_rate),
    FIELD_OF(tcpi_busy_time), FIELD_OF(tcpi_rwnd_limited), FIELD_OF(tcpi_sndbuf_limited),
    FIELD_OF(tcpi_delivered), FIELD_OF(tcpi_delivered_ce), FIELD_OF(tcpi_bytes_sent),
    FIELD_OF(tcpi_bytes_retrans), FIELD_OF(tcpi_dsack_dups), FIELD_OF(tcpi_reord_seen),
    FIELD_OF(tcpi_rcv_ooopack), FIELD_OF(tcpi_snd_wnd),
};

struct code {
	const char *at;
	const struct event *event;
	struct tcp_info info;
};

static int64_t either(struct code *c);

static void blanks(struct code *c)
{
	while (*c->at == ' ' || *c->at == '\t')
		c->at++;
}

static bool token(struct code *c, const char *t)
{
	size_t n = strlen(t);

	blanks(c);
	if (strncmp(c->at, t, n) != 0)
		return false;
	if (isalpha((unsigned char)*t) && (isalnum((unsigned char)c->at[n]) || c->at[n] == '_'))
		return false;
	c->at += n;
	return true;
}

static int64_t name_value(struct code *c)
{
	size_t n = 0;
	int64_t v;

	while (isalnum((unsigned char)c->at[n]) || c->at[n] == '_')
		n++;
	if (n == 0)
		script_fail("line %u: not understood: %.40s", c->event->line, c->at);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strlen(fields[i].name) == n && !memcmp(fields[i].name, c->at, n)) {
			v = 0;
			memcpy(&v, (const char *)&c->info + fields[i].at, fields[i].bytes);
			c->at += n;
			return v;
		}
	if (n == 15 && !memcmp(c->at, "tcpi_snd_wscale", n))
		v = c->info.tcpi_snd_wscale;
	else if (n == 15 && !memcmp(c->at, "tcpi_rcv_wscale", n))
		v = c->info.tcpi_rcv_wscale;
	else if (n == 30 && !memcmp(c->at, "tcpi_delivery_rate_app_limited", n))
		v = c->info.tcpi_delivery_rate_app_limited;
	else if (!symbol_value(c->at, n, &v))
		script_fail("line %u: unknown name %.*s", c->event->line, (int)n, c->at);
	c->at += n;
	return v;
}

static int64_t factor(struct code *c)
{
	int64_t v;
	char *end;

	if (token(c, "-"))
		return -factor(c);
	if (token(c, "(")) {
		v = either(c);
		if (!token(c, ")"))
			script_fail("line %u: missing )", c->event->line);
		return v;
	}
	blanks(c);
	if (isdigit((unsigned char)*c->at)) {
		v = strtoll(c->at, &end, 0);
		c->at = end;
		return v;
	}
	return name_value(c);
}

static int64_t product(struct code *c)
{
	int64_t v = factor(c), by;

	for (;;) {
		if (token(c, "*")) {
			v *= factor(c);
			continue;
		}
		bool modulo = token(c, "%");

		if (!modulo && !token(c, "//") && !token(c, "/"))
			return v;
		by = factor(c);
		if (by == 0)
			script_fail("line %u: division by zero", c->event->line);
		v = modulo ? v % by : v / by;
	}
}

static int64_t total(struct code *c)
{
	int64_t v = product(c);

	for (;;) {
		if (token(c, "+"))
			v += product(c);
		else if (token(c, "-"))
			v -= product(c);
		else if (token(c, "&"))
			v &= product(c);
		else
			return v;
	}
}

static int64_t comparison(struct code *c)
{
	int64_t left = total(c), right;
	bool holds = true, any = false;

	for (;; left = right, any = true) {
		if (token(c, "=="))
			holds &= left == (right = total(c));
		else if (token(c, "!="))
			holds &= left != (right = total(c));
		else if (token(c, "<="))
			holds &= left <= (right = total(c));
		else if (token(c, ">="))
			holds &= left >= (right = total(c));
		else if (token(c, "<"))
			holds &= left < (right = total(c));
		else if (token(c, ">"))
			holds &= left > (right = total(c));
		else
			return any ? holds : left;
	}
}

static int64_t negation(struct code *c)
{
	return token(c, "not") ? !negation(c) : comparison(c);
}

static int64_t both(struct code *c)
{
	int64_t v = negation(c);

	while (token(c, "and"))
		v = negation(c) && v;
	return v;
}

static int64_t either(struct code *c)
{
	int64_t v = both(c);

	while (token(c, "or"))
		v = both(c) || v;
	return v;
}

/* What follows an assertion is told when it fails. */
static void message(struct code *c, bool tell)
{
	if (!token(c, ","))
		return;
	blanks(c);
	if (*c->at == '\'' || *c->at == '"') {
		const char *end = strchr(c->at + 1, *c->at);

		c->at = end ? end + 1 : c->at + strlen(c->at);
	} else if (*c->at != '\n' && *c->at != ';' && *c->at) {
		int64_t value = either(c);

		if (tell)
			script_note("line %u: it is %lld", c->event->line, (long long)value);
	}
}

static void statement(struct code *c)
{
	const char *begin = c->at;

	if (token(c, "assert")) {
		bool holds = either(c) != 0;

		message(c, !holds);
		if (!holds)
			script_fail("line %u: does not hold: %.*s", c->event->line, (int)strcspn(begin, "\n;"), begin);
	} else if (token(c, "print")) {
		script_note("line %u: %lld", c->event->line, (long long)either(c));
	} else {
		script_fail("line %u: only assert and print are understood: %.40s", c->event->line, c->at);
	}
}

void code_run(struct world *w, const struct event *e)
{
	struct code c = {.at = e->text, .event = e};
	uint32_t bytes = sizeof(c.info);
	struct descriptor *d = w->under_test;

	if (!d || !d->socket)
		script_fail("line %u: there is no socket to ask", e->line);
	if (socket_get_option(d->socket, IPPROTO_TCP, TCP_INFO, &c.info, &bytes, w->now_ns) < 0)
		script_fail("line %u: TCP_INFO failed", e->line);
	for (;;) {
		while (isspace((unsigned char)*c.at) || *c.at == ';')
			c.at++;
		if (*c.at == '#')
			c.at += strcspn(c.at, "\n");
		else if (!*c.at)
			return;
		else
			statement(&c);
	}
}
