/* SPDX-License-Identifier: MIT */
/*
 * The teachnet command: finds the sub-command in commands.def and calls it. What it does lies in
 * the sub-commands' own files; this one owns the table, the help, and how errors look.
 */
#include "tool/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command {
	const char *name, *full_name, *arguments, *help;
	int (*run)(int argc, const char **argv);
} commands[] = {
#define COMMAND(name, arguments, help) {#name, "teachnet " #name, arguments, help, command_##name},
#include "tool/commands.def"
#undef COMMAND
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]), NAME_MAX_BYTES = 32 };

const char *command_name = "teachnet";
static const struct command *current;

int complain(const char *format, ...)
{
	va_list list;

	fflush(stdout);
	fprintf(stderr, "%s: ", command_name);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	return STATUS_ERROR;
}

int options_parse(int argc, const char **argv, const struct poptOption *table)
{
	char arguments[128];
	poptContext context = poptGetContext("teachnet", argc, argv, table, POPT_CONTEXT_POSIXMEHARDER);
	int code, left = 0;

	snprintf(arguments, sizeof(arguments), "%s\n%s\n", current->arguments, current->help);
	poptSetOtherOptionHelp(context, arguments);
	while ((code = poptGetNextOpt(context)) > 0)
		;
	if (code < -1) {
		complain("%s: %s (see %s --help)", poptBadOption(context, 0), poptStrerror(code), command_name);
		left = -1;
	} else {
		const char **rest = poptGetArgs(context);

		while (rest && rest[left])
			left++;
		left = argc - left;
	}
	poptFreeContext(context);
	return left;
}

static void help(FILE *to)
{
	fputs("Usage: teachnet COMMAND [OPTIONS]\n"
	      "\n"
	      "A TCP/IP stack of our own for unmodified programs, in full view.\n"
	      "\n",
	    to);
	for (unsigned i = 0; i < COMMAND_COUNT; i++)
		fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].help);
	fputs("\nteachnet COMMAND --help tells its options. A first step: teachnet lab curl http://www.lab/\n",
	    to);
}

/* Insertions, deletions, replacements and exchanges of neighbours that make b out of a. */
static unsigned edit_distance(const char *a, const char *b)
{
	unsigned cost[NAME_MAX_BYTES + 1][NAME_MAX_BYTES + 1];
	size_t a_bytes = strnlen(a, NAME_MAX_BYTES), b_bytes = strnlen(b, NAME_MAX_BYTES);

	for (size_t i = 0; i <= a_bytes; i++) {
		for (size_t j = 0; j <= b_bytes; j++) {
			unsigned best, changed;

			if (!i || !j) {
				cost[i][j] = (unsigned)(i + j);
				continue;
			}
			changed = a[i - 1] != b[j - 1];
			best = cost[i - 1][j - 1] + changed;
			if (cost[i - 1][j] + 1 < best)
				best = cost[i - 1][j] + 1;
			if (cost[i][j - 1] + 1 < best)
				best = cost[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    cost[i - 2][j - 2] + 1 < best)
				best = cost[i - 2][j - 2] + 1;
			cost[i][j] = best;
		}
	}
	return cost[a_bytes][b_bytes];
}

static int unknown(const char *word)
{
	const char *nearest = NULL;
	unsigned best = 4;

	for (unsigned i = 0; i < COMMAND_COUNT; i++) {
		unsigned distance = edit_distance(word, commands[i].name);
		bool begins = strncmp(word, commands[i].name, strlen(word)) == 0;

		if (begins)
			distance = 1;
		if (distance < best && distance < strlen(commands[i].name)) {
			best = distance;
			nearest = commands[i].name;
		}
	}
	if (nearest)
		complain("there is no command '%s'; did you mean 'teachnet %s'?", word, nearest);
	else
		complain("there is no command '%s'; teachnet --help lists them", word);
	return STATUS_USAGE;
}

int main(int argc, char **argv)
{
	const char **words = (const char **)argv;

	if (argc < 2) {
		help(stderr);
		return STATUS_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		help(stdout);
		return STATUS_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("teachnet " TEACHNET_VERSION);
		return STATUS_OK;
	}
	for (unsigned i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		current = &commands[i];
		command_name = words[1] = current->full_name;
		return current->run(argc - 1, words + 1);
	}
	return unknown(argv[1]);
}
