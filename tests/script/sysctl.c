/* SPDX-License-Identifier: MIT */
/*
 * The command lines of published scripts set the kernel up. What the engine has is mapped to its
 * configuration; whatever is left is named in the output, so that nobody believes it was done.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/script/world.h"

static int8_t switch_of(long value)
{
	return value ? 0 : -1; /* the default is on */
}

static bool set_number(struct stack_config *c, const char *key, long v)
{
	const struct {
		const char *key;
		uint8_t *to;
	} small[] = {
	    {"tcp_syn_retries", &c->tcp_syn_retries}, {"tcp_synack_retries", &c->tcp_synack_retries},
	    {"tcp_retries1", &c->tcp_retries1}, {"tcp_retries2", &c->tcp_retries2},
	    {"tcp_orphan_retries", &c->tcp_orphan_retries}, {"tcp_fastopen", &c->tcp_fastopen},
	    {"tcp_keepalive_probes", &c->tcp_keepalive_probes},
	};

	for (unsigned i = 0; i < sizeof(small) / sizeof(small[0]); i++)
		if (!strcmp(key, small[i].key)) {
			*small[i].to = (uint8_t)v;
			return true;
		}
	if (!strcmp(key, "tcp_ecn"))
		c->tcp_ecn = (int8_t)(v == 0 ? -1 : v == 1 ? 1 : 2);
	else if (!strcmp(key, "tcp_timestamps"))
		c->tcp_timestamps = switch_of(v);
	else if (!strcmp(key, "tcp_sack"))
		c->tcp_sack = switch_of(v);
	else if (!strcmp(key, "tcp_window_scaling"))
		c->tcp_window_scaling = switch_of(v);
	else if (!strcmp(key, "tcp_fin_timeout"))
		c->tcp_fin_timeout_ns = (uint64_t)v * NSEC_PER_SEC;
	else if (!strcmp(key, "tcp_keepalive_time"))
		c->tcp_keepalive_time_ns = (uint64_t)v * NSEC_PER_SEC;
	else if (!strcmp(key, "tcp_keepalive_intvl"))
		c->tcp_keepalive_interval_ns = (uint64_t)v * NSEC_PER_SEC;
	else if (!strcmp(key, "somaxconn"))
		c->somaxconn = (uint32_t)v;
	else
		return false;
	return true;
}

static bool set_one(struct stack_config *c, const char *key, const char *value)
{
	unsigned a, b, d;

	if (!strcmp(key, "tcp_congestion_control")) {
		snprintf(c->tcp_congestion, sizeof(c->tcp_congestion), "%.15s", value);
		return true;
	}
	if (!strcmp(key, "tcp_rmem") && sscanf(value, "%u %u %u", &a, &b, &d) == 3) {
		memcpy(c->tcp_receive_buffer_bytes, (uint32_t[]){a, b, d}, 12);
		return true;
	}
	if (!strcmp(key, "tcp_wmem") && sscanf(value, "%u %u %u", &a, &b, &d) == 3) {
		memcpy(c->tcp_send_buffer_bytes, (uint32_t[]){a, b, d}, 12);
		return true;
	}
	return set_number(c, key, strtol(value, NULL, 0));
}

/* What is Linux's default and ours: asking for it is no news. */
static bool is_default(const char *key, const char *value)
{
	static const char *const same[][2] = {
	    {"tcp_slow_start_after_idle", "1"}, {"tcp_early_retrans", "3"}, {"tcp_recovery", "1"},
	    {"tcp_frto", "2"}, {"tcp_dsack", "1"}, {"tcp_reordering", "3"}, {"tcp_moderate_rcvbuf", "1"},
	    {"tcp_syn_linear_timeouts", "4"}, {"tcp_min_tso_segs", "2"}, {"ip_no_pmtu_disc", "0"},
	};

	for (unsigned i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (!strcmp(key, same[i][0]) && !strcmp(value, same[i][1]))
			return true;
	return false;
}

void sysctl_apply(struct stack_config *c, const char *command, unsigned line)
{
	const char *at = command;
	bool any = false;

	while ((at = strstr(at, "net."))) {
		char key[80] = "", value[80] = "";
		const char *name;
		char quote;
		int used = 0;

		sscanf(at, "%79[a-z0-9_./]%n", key, &used);
		at += used;
		at += strspn(at, " ");
		if (*at != '=')
			continue;
		at += 1 + strspn(at + 1, " ");
		quote = *at == '"' || *at == '\'' ? *at : 0;
		if (quote)
			snprintf(value, sizeof(value), "%.*s", (int)strcspn(at + 1, "\"'"), at + 1);
		else
			snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, " \n;&"), at);
		name = strrchr(key, '.') + 1;
		any = true;
		if (!set_one(c, name, value) && !is_default(name, value))
			script_note("line %u: ignored: %s=%s, the engine has no such setting", line, key, value);
	}
	if (!any && strspn(command, " \n\t") != strlen(command))
		script_note("line %u: ignored: %.60s", line, command);
}
