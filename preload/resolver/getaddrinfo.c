/* SPDX-License-Identifier: MIT */
/*
 * getaddrinfo(3), with glibc's checks, their order, and its three entries for each address. The
 * result is laid out as glibc's: its own freeaddrinfo() frees it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "preload/resolver/lookup.h"

#define FLAGS_KNOWN                                                                                \
	(AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_ADDRCONFIG | AI_V4MAPPED | AI_NUMERICSERV | AI_ALL |    \
	    AI_IDN | AI_CANONIDN)

/* ---- kinds of sockets, and the port that a service has with each ---- */

static const struct kind {
	int type, protocol;
	bool any_protocol;
	const char *service_protocol; /* NULL: has no named services */
	bool by_default;              /* listed when the hints do not ask for one */
} kinds[] = {
	{ SOCK_STREAM, IPPROTO_TCP, false, "tcp", true },
	{ SOCK_DGRAM, IPPROTO_UDP, false, "udp", true },
	{ SOCK_DCCP, IPPROTO_DCCP, false, "dccp", false },
	{ SOCK_DGRAM, IPPROTO_UDPLITE, false, "udplite", false },
	{ SOCK_STREAM, IPPROTO_SCTP, false, "sctp", false },
	{ SOCK_SEQPACKET, IPPROTO_SCTP, false, "sctp", false },
	{ SOCK_RAW, IPPROTO_IP, true, NULL, true },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct port {
	int type, protocol;
	in_port_t port; /* network order */
};

static bool port_of_service(const char *service, const char *protocol, in_port_t *port)
{
	struct servent entry;
	struct servent *found = NULL;
	char buffer[1024];

	if (getservbyname_r(service, protocol, &entry, buffer, sizeof(buffer), &found) != 0 || found == NULL)
		return false;
	*port = (in_port_t)found->s_port;
	return true;
}

/* The row that the hints name, or NULL for all. EAI_* in *error. */
static const struct kind *find_kind(const struct addrinfo *hints, int *error)
{
	*error = 0;
	if (hints->ai_socktype == 0 && hints->ai_protocol == 0)
		return NULL;
	for (unsigned i = 0; i < KINDS; i++)
		if ((hints->ai_socktype == 0 || hints->ai_socktype == kinds[i].type) &&
		    (hints->ai_protocol == 0 || kinds[i].any_protocol || hints->ai_protocol == kinds[i].protocol))
			return &kinds[i];
	*error = hints->ai_socktype != 0 ? EAI_SOCKTYPE : EAI_SERVICE;
	return NULL;
}

/* Fills ports and *count. 0 or EAI_*. */
static int find_ports(const char *service, const struct addrinfo *hints, struct port ports[KINDS], unsigned *count)
{
	char *end = NULL;
	/* As glibc reads it: an empty one is port 0, a large one wraps, a negative one is a name. */
	unsigned long number = service != NULL ? strtoul(service, &end, 10) : 0;
	bool named = service != NULL && (*end != 0 || (int)number < 0);
	int error;
	const struct kind *wanted = find_kind(hints, &error);

	if (error != 0)
		return error;
	if (named && *end != 0 && (hints->ai_flags & AI_NUMERICSERV) != 0)
		return EAI_NONAME;
	if (named && wanted != NULL && wanted->service_protocol == NULL)
		return EAI_SERVICE;
	for (unsigned i = 0; i < KINDS; i++) {
		struct port p = { .type = kinds[i].type, .protocol = kinds[i].protocol, .port = htons((in_port_t)number) };

		if (wanted != NULL ? wanted != &kinds[i] : !kinds[i].by_default)
			continue;
		if (named && (kinds[i].service_protocol == NULL ||
		    !port_of_service(service, kinds[i].service_protocol, &p.port)))
			continue;
		if (kinds[i].any_protocol && hints->ai_protocol != 0)
			p.protocol = hints->ai_protocol;
		ports[(*count)++] = p;
	}
	return *count > 0 ? 0 : EAI_SERVICE;
}

/* ---- addresses ---- */

/* No name: every address to listen on, or this host to talk to. */
static void add_own(int family, bool passive, struct lookup *l)
{
	static const unsigned char any[16] = { 0 };
	static const unsigned char loopback6[16] = { [15] = 1 };
	static const unsigned char loopback[4] = { 127, 0, 0, 1 };

	if (family != AF_INET6)
		lookup_add(l, AF_INET, passive ? any : loopback);
	if (family != AF_INET)
		lookup_add(l, AF_INET6, passive ? any : loopback6);
}

static void map_to_six(struct lookup *l, bool keep_all)
{
	bool have_six = false;

	for (unsigned i = 0; i < l->count; i++)
		have_six = have_six || l->address[i].family == AF_INET6;
	for (unsigned i = 0; i < l->count; i++) {
		struct lookup_address mapped = { .family = AF_INET6, .bytes = { [10] = 0xff, [11] = 0xff } };

		if (l->address[i].family != AF_INET)
			continue;
		if (have_six && !keep_all) {
			l->address[i--] = l->address[--l->count];
			continue;
		}
		memcpy(mapped.bytes + 12, l->address[i].bytes, 4);
		l->address[i] = mapped;
	}
}

static int find_addresses(const char *node, int family, const struct addrinfo *hints, struct lookup *l)
{
	struct lookup_address numeric;
	bool mapped = family == AF_INET6 && (hints->ai_flags & AI_V4MAPPED) != 0;
	int error;

	if (node == NULL) {
		add_own(family, (hints->ai_flags & AI_PASSIVE) != 0, l);
		return 0;
	}
	if (lookup_numeric(node, AF_UNSPEC, &numeric)) {
		if (family != AF_UNSPEC && numeric.family != family && !(mapped && numeric.family == AF_INET))
			return EAI_ADDRFAMILY;
		l->address[l->count++] = numeric;
		strncpy(l->name, node, sizeof(l->name) - 1);
	} else if ((hints->ai_flags & AI_NUMERICHOST) != 0) {
		return EAI_NONAME;
	} else {
		error = lookup_name(node, mapped ? AF_UNSPEC : family, l);
		if (error != 0)
			return error;
	}
	if (mapped)
		map_to_six(l, (hints->ai_flags & AI_ALL) != 0);
	return l->count > 0 ? 0 : EAI_NODATA;
}

static socklen_t make_sockaddr(const struct lookup_address *a, in_port_t port, struct sockaddr_storage *to)
{
	memset(to, 0, sizeof(*to));
	if (a->family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)to;

		in->sin_family = AF_INET;
		in->sin_port = port;
		memcpy(&in->sin_addr, a->bytes, 4);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = port;
	memcpy(&in6->sin6_addr, a->bytes, 16);
	in6->sin6_scope_id = a->scope;
	return sizeof(*in6);
}

/*
 * ---- RFC 6724: which address first ----
 *
 * Rules 3 and 4 have no case here: a source is not deprecated when there is a better one, and there
 * is no mobile home. Nor has rule 7: this stack has no tunnels. Rule 9 is for IPv6: with IPv4 it
 * undoes the turns that name servers take.
 */

struct candidate {
	struct lookup_address address;
	bool usable;
	bool scopes_match;
	bool labels_match;
	unsigned prefix_bits; /* in common with its source; 0 for IPv4 */
	int precedence;
	unsigned order;
};

/* 2 link-local, 5 site-local, 14 global (RFC 4291 2.7); IPv4 by RFC 6724 3.2. */
static int scope_of(const struct lookup_address *a)
{
	const unsigned char *b = a->bytes;

	if (a->family == AF_INET)
		return b[0] == 127 || (b[0] == 169 && b[1] == 254) ? 2 : 14;
	if (b[0] == 0xff)
		return b[1] & 15;
	if (IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)b) || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80))
		return 2;
	return b[0] == 0xfe && (b[1] & 0xc0) == 0xc0 ? 5 : 14;
}

/* RFC 6724 2.1's policy, with glibc's numbers (gai.conf(5)); IPv4 is ::ffff:0:0/96. First match. */
static const struct policy {
	unsigned char prefix[16];
	unsigned bits;
	int precedence, label;
} policies[] = {
	{ { [15] = 1 }, 128, 50, 0 },
	{ { [10] = 0xff, [11] = 0xff }, 96, 10, 4 },
	{ { 0 }, 96, 20, 3 },
	{ { 0x20, 0x02 }, 16, 30, 2 },
	{ { 0x20, 0x01 }, 32, 40, 7 },
	{ { 0xfe, 0xc0 }, 10, 40, 5 },
	{ { 0xfc }, 7, 40, 6 },
	{ { 0 }, 0, 40, 1 },
};

static unsigned common_bits(const unsigned char *a, const unsigned char *b)
{
	unsigned bits = 0;

	while (bits < 128 && ((a[bits / 8] ^ b[bits / 8]) & 0x80 >> bits % 8) == 0)
		bits++;
	return bits;
}

static const struct policy *policy_of(const struct lookup_address *a)
{
	unsigned char six[16] = { [10] = 0xff, [11] = 0xff };
	const struct policy *p = policies;

	if (a->family == AF_INET)
		memcpy(six + 12, a->bytes, 4);
	else
		memcpy(six, a->bytes, 16);
	while (common_bits(six, p->prefix) < p->bits) /* the last has none */
		p++;
	return p;
}

/* Where connect() goes: the unspecified address means this host. */
static struct lookup_address connected_to(const struct lookup_address *a)
{
	static const unsigned char any[16];
	struct lookup_address to = *a;

	if (memcmp(a->bytes, any, lookup_address_bytes(a->family)) != 0)
		return to;
	if (a->family == AF_INET)
		to.bytes[0] = 127;
	to.bytes[lookup_address_bytes(a->family) - 1] = 1;
	return to;
}

static void judge(struct candidate *c, unsigned order)
{
	struct sockaddr_storage to;
	struct sockaddr_storage source;
	struct lookup_address own = { .family = c->address.family };
	struct lookup_address peer = connected_to(&c->address);
	socklen_t bytes = make_sockaddr(&peer, htons(9), &to);

	c->order = order;
	c->precedence = policy_of(&c->address)->precedence;
	c->usable = lookup_host.source_for((struct sockaddr *)&to, bytes, &source) == 0;
	if (!c->usable)
		return;
	if (source.ss_family == AF_INET6)
		memcpy(own.bytes, &((struct sockaddr_in6 *)&source)->sin6_addr, 16);
	else
		memcpy(own.bytes, &((struct sockaddr_in *)&source)->sin_addr, 4);
	c->scopes_match = scope_of(&own) == scope_of(&c->address);
	c->labels_match = policy_of(&own)->label == policy_of(&c->address)->label;
	if (own.family == AF_INET6)
		c->prefix_bits = common_bits(own.bytes, c->address.bytes);
}

static int compare(const void *left, const void *right)
{
	const struct candidate *a = left;
	const struct candidate *b = right;

	if (a->usable != b->usable)
		return a->usable ? -1 : 1; /* rule 1 */
	if (a->scopes_match != b->scopes_match)
		return a->scopes_match ? -1 : 1; /* rule 2 */
	if (a->labels_match != b->labels_match)
		return a->labels_match ? -1 : 1; /* rule 5 */
	if (a->precedence != b->precedence)
		return a->precedence > b->precedence ? -1 : 1; /* rule 6 */
	if (scope_of(&a->address) != scope_of(&b->address))
		return scope_of(&a->address) < scope_of(&b->address) ? -1 : 1; /* rule 8 */
	if (a->address.family == AF_INET6 && b->address.family == AF_INET6 && a->prefix_bits != b->prefix_bits)
		return a->prefix_bits > b->prefix_bits ? -1 : 1; /* rule 9 */
	return a->order < b->order ? -1 : 1; /* rule 10 */
}

static void sort_addresses(struct lookup *l)
{
	struct candidate c[LOOKUP_ADDRESSES_MAX];

	if (l->count < 2)
		return;
	for (unsigned i = 0; i < l->count; i++) {
		c[i] = (struct candidate){ .address = l->address[i] };
		judge(&c[i], i);
	}
	qsort(c, l->count, sizeof(c[0]), compare);
	for (unsigned i = 0; i < l->count; i++)
		l->address[i] = c[i].address;
}

/* ---- the list ---- */

static struct addrinfo *make_entry(const struct lookup_address *a, const struct port *p, int flags)
{
	struct sockaddr_storage address;
	socklen_t bytes = make_sockaddr(a, p->port, &address);
	struct addrinfo *entry = malloc(sizeof(*entry) + bytes);

	if (entry == NULL)
		return NULL;
	*entry = (struct addrinfo){
		.ai_flags = flags,
		.ai_family = a->family,
		.ai_socktype = p->type,
		.ai_protocol = p->protocol,
		.ai_addrlen = bytes,
		.ai_addr = (struct sockaddr *)(entry + 1),
	};
	memcpy(entry->ai_addr, &address, bytes);
	return entry;
}

static int make_list(const struct lookup *l, const struct port *ports, unsigned port_count,
    const struct addrinfo *hints, struct addrinfo **list)
{
	struct addrinfo *first = NULL;
	struct addrinfo **tail = &first;

	for (unsigned i = 0; i < l->count; i++) {
		for (unsigned k = 0; k < port_count; k++) {
			*tail = make_entry(&l->address[i], &ports[k], hints->ai_flags);
			if (*tail == NULL)
				goto no_memory;
			tail = &(*tail)->ai_next;
		}
	}
	if ((hints->ai_flags & AI_CANONNAME) != 0 && first != NULL) {
		first->ai_canonname = strdup(l->name);
		if (first->ai_canonname == NULL)
			goto no_memory;
	}
	*list = first;
	return 0;
no_memory:
	if (first != NULL)
		freeaddrinfo(first);
	return EAI_MEMORY;
}

static int check_hints(const char *node, const char *service, const struct addrinfo *hints)
{
	if (node == NULL && service == NULL)
		return EAI_NONAME;
	if ((hints->ai_flags & ~FLAGS_KNOWN) != 0 || ((hints->ai_flags & AI_CANONNAME) != 0 && node == NULL))
		return EAI_BADFLAGS;
	if (hints->ai_family != AF_UNSPEC && hints->ai_family != AF_INET && hints->ai_family != AF_INET6)
		return EAI_FAMILY;
	return 0;
}

int module_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **list)
{
	static const struct addrinfo standard = { .ai_flags = AI_V4MAPPED | AI_ADDRCONFIG };
	struct port ports[KINDS];
	unsigned port_count = 0;
	struct lookup l = { .count = 0 };
	int family;
	int error;

	if (node != NULL && strcmp(node, "*") == 0)
		node = NULL;
	if (service != NULL && strcmp(service, "*") == 0)
		service = NULL;
	if (hints == NULL)
		hints = &standard;
	error = check_hints(node, service, hints);
	if (error != 0)
		return error;
	family = hints->ai_family;
	if ((hints->ai_flags & AI_ADDRCONFIG) != 0 && family == AF_UNSPEC) {
		bool four = lookup_host.has_family(AF_INET) != 0;
		bool six = lookup_host.has_family(AF_INET6) != 0;

		if (four != six)
			family = four ? AF_INET : AF_INET6;
	}
	error = find_ports(service, hints, ports, &port_count);
	if (error == 0)
		error = find_addresses(node, family, hints, &l);
	if (error != 0)
		return error;
	if (l.name[0] == 0 && node != NULL)
		strncpy(l.name, node, sizeof(l.name) - 1);
	sort_addresses(&l);
	return make_list(&l, ports, port_count, hints, list);
}
