/* SPDX-License-Identifier: MIT */
/*
 * The hosts file (hosts(5)), read anew for each lookup, as programs expect that edit it.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "preload/resolver/lookup.h"

/* A line's address and names, cut in place. False: neither. */
static bool parse_line(char *line, struct lookup_address *a, char **names)
{
	char *address;
	char *hash = strchr(line, '#');

	if (hash != NULL)
		*hash = 0;
	address = strtok_r(line, " \t\r\n", names);
	return address != NULL && lookup_numeric(address, AF_UNSPEC, a);
}

static bool line_names(const char *wanted, size_t wanted_bytes, const char *names)
{
	while (*(names += strspn(names, " \t\r\n")) != 0) {
		size_t bytes = strcspn(names, " \t\r\n");

		if (bytes == wanted_bytes && strncasecmp(names, wanted, bytes) == 0)
			return true;
		names += bytes;
	}
	return false;
}

/* The first name of a line is the canonical one, if no line before gave it. */
static void take_names(struct lookup *l, char *names)
{
	char *rest;

	for (char *name = strtok_r(names, " \t\r\n", &rest); name != NULL; name = strtok_r(NULL, " \t\r\n", &rest)) {
		if (l->name[0] == 0 && strlen(name) < LOOKUP_NAME_MAX)
			strcpy(l->name, name);
		else
			lookup_add_alias(l, name);
	}
}

/* Calls use() for each good line until it says that it is done. */
static void each_line(bool (*use)(void *context, const struct lookup_address *a, char *names), void *context)
{
	FILE *file = fopen(lookup_host.hosts_path, "re");
	char *line = NULL;
	size_t room = 0;
	bool done = false;

	if (file == NULL)
		return;
	while (!done && getline(&line, &room, file) >= 0) {
		struct lookup_address a;
		char *names;

		if (parse_line(line, &a, &names))
			done = use(context, &a, names);
	}
	free(line);
	fclose(file);
}

struct name_search {
	const char *name;
	size_t name_bytes;
	int family;
	struct lookup *found;
};

static bool use_for_name(void *context, const struct lookup_address *a, char *names)
{
	static const unsigned char loopback6[16] = { [15] = 1 };
	static const unsigned char loopback[4] = { 127, 0, 0, 1 };
	struct name_search *s = context;
	struct lookup_address wanted = *a;

	/* Like the C library: a loopback line answers for IPv4, too. */
	if (s->family == AF_INET && a->family == AF_INET6 && memcmp(a->bytes, loopback6, 16) == 0) {
		wanted = (struct lookup_address){ .family = AF_INET };
		memcpy(wanted.bytes, loopback, sizeof(loopback));
	}
	if ((s->family != AF_UNSPEC && wanted.family != s->family) || !line_names(s->name, s->name_bytes, names))
		return false;
	lookup_add(s->found, wanted.family, wanted.bytes);
	take_names(s->found, names);
	return false;
}

bool hosts_name(const char *name, int family, struct lookup *l)
{
	struct name_search s = { .name = name, .name_bytes = strlen(name), .family = family, .found = l };

	if (s.name_bytes > 0 && name[s.name_bytes - 1] == '.')
		s.name_bytes--;
	each_line(use_for_name, &s);
	return l->count > 0;
}

struct address_search {
	const struct lookup_address *address;
	struct lookup *found;
};

static bool use_for_address(void *context, const struct lookup_address *a, char *names)
{
	struct address_search *s = context;

	if (a->family != s->address->family ||
	    memcmp(a->bytes, s->address->bytes, lookup_address_bytes(a->family)) != 0)
		return false;
	lookup_add(s->found, a->family, a->bytes);
	take_names(s->found, names);
	return s->found->name[0] != 0;
}

bool hosts_address(const struct lookup_address *a, struct lookup *l)
{
	struct address_search s = { .address = a, .found = l };

	each_line(use_for_address, &s);
	return l->name[0] != 0;
}
