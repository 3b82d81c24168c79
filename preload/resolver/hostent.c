/* SPDX-License-Identifier: MIT */
/*
 * gethostbyname2_r and gethostbyaddr_r: a struct hostent in the caller's buffer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "preload/resolver/lookup.h"

/* Takes from the caller's buffer; NULL when it is used up. */
struct arena {
	char *at;
	size_t left;
};

static void *arena_take(struct arena *a, size_t bytes, size_t alignment)
{
	size_t skip = (alignment - (uintptr_t)a->at % alignment) % alignment;
	void *taken;

	if (a->left < skip + bytes)
		return NULL;
	taken = a->at + skip;
	a->at += skip + bytes;
	a->left -= skip + bytes;
	return taken;
}

static char *arena_text(struct arena *a, const char *text)
{
	size_t bytes = strlen(text) + 1;
	char *copy = arena_take(a, bytes, 1);

	return copy != NULL ? memcpy(copy, text, bytes) : NULL;
}

/* 0 or ERANGE. */
static int fill(const struct lookup *l, int family, struct hostent *entry, struct arena *a)
{
	char **aliases = arena_take(a, (l->alias_count + 1) * sizeof(char *), sizeof(char *));
	char **addresses = arena_take(a, (l->count + 1) * sizeof(char *), sizeof(char *));
	unsigned used = 0;

	entry->h_name = arena_text(a, l->name);
	if (aliases == NULL || addresses == NULL || entry->h_name == NULL)
		return ERANGE;
	for (unsigned i = 0; i < l->alias_count; i++)
		if ((aliases[i] = arena_text(a, l->alias[i])) == NULL)
			return ERANGE;
	aliases[l->alias_count] = NULL;
	for (unsigned i = 0; i < l->count; i++) {
		if (l->address[i].family != family)
			continue;
		addresses[used] = arena_take(a, lookup_address_bytes(family), 4);
		if (addresses[used] == NULL)
			return ERANGE;
		memcpy(addresses[used++], l->address[i].bytes, lookup_address_bytes(family));
	}
	addresses[used] = NULL;
	entry->h_aliases = aliases;
	entry->h_addr_list = addresses;
	entry->h_addrtype = family;
	entry->h_length = (int)lookup_address_bytes(family);
	return 0;
}

static int host_error(int error)
{
	switch (error) {
	case EAI_AGAIN:
		return TRY_AGAIN;
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
		return NO_DATA;
	case EAI_NONAME:
		return HOST_NOT_FOUND;
	default:
		return NO_RECOVERY;
	}
}

static int finish(const struct lookup *l, int family, struct hostent *entry, char *buffer, size_t room,
    struct hostent **result, int *error)
{
	struct arena a = { .at = buffer, .left = room };

	if (fill(l, family, entry, &a) != 0) {
		*error = NETDB_INTERNAL;
		errno = ERANGE;
		return ERANGE;
	}
	*error = NETDB_SUCCESS;
	*result = entry;
	return 0;
}

int module_gethostbyname2_r(const char *name, int family, struct hostent *entry, char *buffer, size_t room,
    struct hostent **result, int *error)
{
	struct lookup l = { .count = 0 };
	struct lookup_address numeric;
	int failed = 0;

	*result = NULL;
	if (family != AF_INET && family != AF_INET6) {
		*error = NETDB_INTERNAL;
		errno = EAFNOSUPPORT;
		return EAFNOSUPPORT;
	}
	if (lookup_numeric(name, AF_UNSPEC, &numeric)) {
		if (numeric.family != family)
			failed = EAI_NONAME;
		l.address[l.count++] = numeric;
		strncpy(l.name, name, sizeof(l.name) - 1);
	} else {
		failed = lookup_name(name, family, &l);
	}
	if (failed != 0) {
		*error = host_error(failed);
		return 0;
	}
	if (l.name[0] == 0)
		strncpy(l.name, name, sizeof(l.name) - 1);
	return finish(&l, family, entry, buffer, room, result, error);
}

int module_gethostbyaddr_r(const void *address, socklen_t bytes, int family, struct hostent *entry, char *buffer,
    size_t room, struct hostent **result, int *error)
{
	struct lookup l;
	struct lookup_address a = { .family = family };
	int failed;

	*result = NULL;
	if ((family != AF_INET && family != AF_INET6) || bytes != lookup_address_bytes(family)) {
		*error = NETDB_INTERNAL;
		errno = family == AF_INET || family == AF_INET6 ? EINVAL : EAFNOSUPPORT;
		return errno;
	}
	memcpy(a.bytes, address, bytes);
	failed = lookup_reverse(&a, &l);
	if (failed != 0) {
		*error = host_error(failed);
		return 0;
	}
	return finish(&l, family, entry, buffer, room, result, error);
}
