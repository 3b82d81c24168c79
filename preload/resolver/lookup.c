/* SPDX-License-Identifier: MIT */
/*
 * Owns the order of the sources, and what they share: the list of what was found, and addresses in
 * text. Exports the module.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "preload/resolver/lookup.h"

struct resolver_host lookup_host;

static void module_begin(const struct resolver_host *host)
{
	lookup_host = *host;
}

__attribute__((visibility("default"))) extern const struct resolver_module teachnet_resolver;
const struct resolver_module teachnet_resolver = {
	.begin = module_begin,
	.getaddrinfo = module_getaddrinfo,
	.getnameinfo = module_getnameinfo,
	.gethostbyname2_r = module_gethostbyname2_r,
	.gethostbyaddr_r = module_gethostbyaddr_r,
	.query = dns_query,
	.send = dns_send,
};

void lookup_add(struct lookup *l, int family, const void *bytes)
{
	struct lookup_address a = { .family = family };

	memcpy(a.bytes, bytes, lookup_address_bytes(family));
	for (unsigned i = 0; i < l->count; i++)
		if (memcmp(&l->address[i], &a, sizeof(a)) == 0)
			return;
	if (l->count < LOOKUP_ADDRESSES_MAX)
		l->address[l->count++] = a;
}

void lookup_add_alias(struct lookup *l, const char *name)
{
	if (l->alias_count == LOOKUP_ALIASES_MAX || strlen(name) >= LOOKUP_NAME_MAX || strcasecmp(name, l->name) == 0)
		return;
	for (unsigned i = 0; i < l->alias_count; i++)
		if (strcasecmp(l->alias[i], name) == 0)
			return;
	strcpy(l->alias[l->alias_count++], name);
}

uint32_t lookup_scope(const char *text, const unsigned char address[16])
{
	bool link_local = address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
	bool link_multicast = address[0] == 0xff && (address[1] & 0x0f) <= 2;
	char *end;
	unsigned long number;

	if (link_local || link_multicast) {
		number = if_nametoindex(text);
		if (number != 0)
			return (uint32_t)number;
	}
	number = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == 0 && number <= UINT32_MAX ? (uint32_t)number : 0;
}

bool lookup_numeric(const char *text, int family, struct lookup_address *a)
{
	char copy[LOOKUP_NAME_MAX];
	char *percent;
	struct in_addr in;

	memset(a, 0, sizeof(*a));
	if (strlen(text) >= sizeof(copy))
		return false;
	if (inet_aton(text, &in) != 0 && strpbrk(text, " \t\n") == NULL) {
		a->family = AF_INET;
		memcpy(a->bytes, &in, sizeof(in));
		return family != AF_INET6;
	}
	strcpy(copy, text);
	percent = strchr(copy, '%');
	if (percent != NULL)
		*percent = 0;
	if (family == AF_INET || inet_pton(AF_INET6, copy, a->bytes) != 1)
		return false;
	a->family = AF_INET6;
	if (percent == NULL)
		return true;
	a->scope = lookup_scope(percent + 1, a->bytes);
	return a->scope != 0;
}

/* RFC 6761 6.3: these names are the loopback's, whatever a server says. */
static bool is_localhost(const char *name)
{
	size_t bytes = strlen(name);

	if (bytes > 0 && name[bytes - 1] == '.')
		bytes--;
	return (bytes == 9 && strncasecmp(name, "localhost", 9) == 0) ||
	    (bytes > 10 && strncasecmp(name + bytes - 10, ".localhost", 10) == 0);
}

int lookup_name(const char *name, int family, struct lookup *l)
{
	static const unsigned char loopback[4] = { 127, 0, 0, 1 };

	memset(l, 0, sizeof(*l));
	if (name[0] == 0 || strlen(name) >= LOOKUP_NAME_MAX)
		return EAI_NONAME;
	if (hosts_name(name, family, l))
		return 0;
	if (is_localhost(name) && family != AF_INET6) {
		strcpy(l->name, name);
		lookup_add(l, AF_INET, loopback);
		return 0;
	}
	return dns_name(name, family, l);
}

int lookup_reverse(const struct lookup_address *a, struct lookup *l)
{
	memset(l, 0, sizeof(*l));
	if (hosts_address(a, l))
		return 0;
	return dns_address(a, l);
}
