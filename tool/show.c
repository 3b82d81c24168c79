/* SPDX-License-Identifier: MIT */
/*
 * teachnet neigh, route, addr, stat, config: one document of the stack each (service/README.md),
 * as a table or as JSON; route and addr also hand changes on.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/client.h"
#include "tool/command.h"
#include "tool/table.h"

static int want_json, want_all;

static const struct poptOption options[] = {
	{"json", 'j', POPT_ARG_NONE, &want_json, 0, "Print JSON (service/README.md names the fields)", NULL},
	OPTIONS_END
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static long long integer_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void heading(struct table *t, const char *const *names)
{
	*t = (struct table){.row = NULL};
	table_start_row(t);
	for (; *names; names++)
		table_cell(t, "%s", *names);
}

/* How long ago, as people say it. */
static void ago_cell(struct table *t, const json_t *entry, const char *key)
{
	const json_t *span = json_object_get(entry, key);
	double ms = json_number_value(span);

	if (!span)
		table_cell(t, "never");
	else if (ms < 1000)
		table_cell(t, "%.0f ms ago", ms);
	else
		table_cell(t, "%.1f s ago", ms / 1000);
}

static void print_neigh(const json_t *status)
{
	static const char *const names[] = {"Address", "HW address", "Interface", "State", "Confirmed", "Used",
		"Probes", "Waiting", NULL};
	struct table t;
	size_t index;
	json_t *n;

	heading(&t, names);
	json_array_foreach(json_object_get(status, "neighbours"), index, n) {
		table_start_row(&t);
		table_cell(&t, "%s", text_of(n, "address"));
		table_cell(&t, "%s", *text_of(n, "mac") ? text_of(n, "mac") : "(unknown)");
		table_cell(&t, "%s", text_of(n, "interface_name"));
		table_cell(&t, "%s", text_of(n, "state"));
		ago_cell(&t, n, "confirmed_ms");
		ago_cell(&t, n, "used_ms");
		table_cell(&t, "%lld", integer_of(n, "probes"));
		table_cell(&t, "%lld", integer_of(n, "queued_packets"));
	}
	table_print(&t);
}

static void print_route(const json_t *status)
{
	static const char *const names[] = {"Destination", "Gateway", "Interface", "Source", "Metric", "Kind", NULL};
	struct table t;
	size_t index;
	json_t *r;

	heading(&t, names);
	json_array_foreach(json_object_get(status, "routes"), index, r) {
		table_start_row(&t);
		table_cell(&t, "%s", text_of(r, "destination"));
		table_cell(&t, "%s", *text_of(r, "gateway") ? text_of(r, "gateway") : "(on the link)");
		table_cell(&t, "%s", text_of(r, "interface_name"));
		table_cell(&t, "%s", *text_of(r, "source") ? text_of(r, "source") : "-");
		table_cell(&t, "%lld", integer_of(r, "metric"));
		table_cell(&t, "%s", text_of(r, "kind"));
	}
	table_print(&t);
}

static void print_addr(const json_t *status)
{
	size_t i, j;
	json_t *interface, *a;

	json_array_foreach(json_object_get(status, "interfaces"), i, interface) {
		printf("%lld: %s: mtu %lld", integer_of(interface, "index"), text_of(interface, "name"),
		    integer_of(interface, "mtu_bytes"));
		if (*text_of(interface, "mac"))
			printf(" link/ether %s", text_of(interface, "mac"));
		putchar('\n');
		json_array_foreach(json_object_get(interface, "addresses"), j, a)
			printf("    %s %s/%lld %s\n", strchr(text_of(a, "address"), ':') ? "inet6" : "inet",
			    text_of(a, "address"), integer_of(a, "prefix_bits"), text_of(a, "state"));
	}
}

/* Without -a, what has never happened is left out, as netstat -s does. */
static void print_stat(const json_t *status)
{
	static const char *const names[] = {"Value", "Counter", "What it counts", NULL};
	struct table t;
	size_t index;
	json_t *c;

	heading(&t, names);
	json_array_foreach(json_object_get(status, "counters"), index, c) {
		const json_t *limit = json_object_get(c, "limit");

		if (!integer_of(c, "value") && !want_all)
			continue;
		table_start_row(&t);
		if (limit)
			table_cell(&t, "%lld of %lld", integer_of(c, "value"), (long long)json_integer_value(limit));
		else
			table_cell(&t, "%lld", integer_of(c, "value"));
		table_cell(&t, "%s", text_of(c, "name"));
		table_cell(&t, "%s", text_of(c, "text"));
	}
	table_print(&t);
}

static void print_config(const json_t *status)
{
	static const char *const names[] = {"Variable", "Value", "From", NULL};
	struct table t;
	size_t index;
	json_t *s;

	heading(&t, names);
	json_array_foreach(json_object_get(status, "settings"), index, s) {
		table_start_row(&t);
		table_cell(&t, "%s", text_of(s, "name"));
		table_cell(&t, "%s", *text_of(s, "value") ? text_of(s, "value") : "-");
		table_cell(&t, "%s", text_of(s, "source"));
	}
	table_print(&t);
}

static int show(const char *document, void (*print)(const json_t *status))
{
	json_t *status = client_status(document);

	if (!status)
		return STATUS_ERROR;
	if (want_json) {
		json_dumpf(status, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		print(status);
	}
	json_decref(status);
	return STATUS_OK;
}

/* Sends "route add ..." as words; the stack knows what they mean, and says what is wrong with them. */
static int change(const char *table, int count, const char **words)
{
	char payload[CONTROL_PAYLOAD_MAX], sentence[CONTROL_PAYLOAD_MAX + 1];
	struct client c;
	size_t used = strlen(table) + 1;
	int result;

	memcpy(payload, table, used);
	for (int i = 0; i < count; i++) {
		size_t bytes = strlen(words[i]) + 1;

		if (used + bytes > sizeof(payload))
			return complain("that is too long"), STATUS_USAGE;
		memcpy(payload + used, words[i], bytes);
		used += bytes;
	}
	if (client_open(&c))
		return STATUS_ERROR;
	result = client_request(&c, CONTROL_CHANGE, payload, (uint32_t)used - 1, -1, NULL, sentence);
	client_close(&c);
	if (result == -EPIPE && !*sentence)
		return STATUS_ERROR;
	if (result < 0)
		return complain("%s", *sentence ? sentence : strerror(-result));
	if (*sentence)
		puts(sentence);
	return STATUS_OK;
}

static int show_or_change(int argc, const char **argv, const char *document, void (*print)(const json_t *))
{
	int first = options_parse(argc, argv, options);

	if (first < 0)
		return STATUS_USAGE;
	if (first == argc || !strcmp(argv[first], "show") || !strcmp(argv[first], "list"))
		return show(document, print);
	if (strcmp(argv[first], "add") && strcmp(argv[first], "del"))
		return complain("'%s' is neither add nor del (see --help)", argv[first]), STATUS_USAGE;
	return change(document, argc - first, argv + first);
}

static int show_only(int argc, const char **argv, const struct poptOption *table, const char *document,
    void (*print)(const json_t *))
{
	int first = options_parse(argc, argv, table);

	if (first < 0)
		return STATUS_USAGE;
	if (first < argc)
		return complain("'%s' is not understood: there are options only (see --help)", argv[first]), STATUS_USAGE;
	return show(document, print);
}

int command_neigh(int argc, const char **argv)
{
	return show_only(argc, argv, options, "neigh", print_neigh);
}

int command_route(int argc, const char **argv)
{
	return show_or_change(argc, argv, "route", print_route);
}

int command_addr(int argc, const char **argv)
{
	return show_or_change(argc, argv, "addr", print_addr);
}

int command_stat(int argc, const char **argv)
{
	static const struct poptOption with_all[] = {
		{"json", 'j', POPT_ARG_NONE, &want_json, 0, "Print JSON (service/README.md names the fields)", NULL},
		{"all", 'a', POPT_ARG_NONE, &want_all, 0, "Counters that are zero, too", NULL},
		OPTIONS_END
	};

	return show_only(argc, argv, with_all, "stat", print_stat);
}

int command_config(int argc, const char **argv)
{
	return show_only(argc, argv, options, "config", print_config);
}
