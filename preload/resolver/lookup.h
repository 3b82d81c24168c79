/* SPDX-License-Identifier: MIT */
/*
 * A host's addresses, or an address's name: the hosts file first, then DNS.
 */
#ifndef PRELOAD_RESOLVER_LOOKUP_H
#define PRELOAD_RESOLVER_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "preload/resolver/resolver.h"

#define LOOKUP_ADDRESSES_MAX 64U
#define LOOKUP_ALIASES_MAX 16U
#define LOOKUP_NAME_MAX 256U

struct lookup_address {
	int family;
	unsigned char bytes[16];
	uint32_t scope;
};

struct lookup {
	struct lookup_address address[LOOKUP_ADDRESSES_MAX];
	unsigned count;
	char name[LOOKUP_NAME_MAX];                        /* the canonical one */
	char alias[LOOKUP_ALIASES_MAX][LOOKUP_NAME_MAX];
	unsigned alias_count;
};

static inline size_t lookup_address_bytes(int family)
{
	return family == AF_INET6 ? 16 : 4;
}

/* lookup.c. The shim's side, set once by begin(). */
extern struct resolver_host lookup_host;

/* family: AF_UNSPEC, AF_INET or AF_INET6. 0 or EAI_*. */
int lookup_name(const char *name, int family, struct lookup *l);
int lookup_reverse(const struct lookup_address *a, struct lookup *l);
/* An address in text, with %scope for IPv6: true. family as above. */
bool lookup_numeric(const char *text, int family, struct lookup_address *a);
/* The name or index behind a %, as an interface index; 0: no such. */
uint32_t lookup_scope(const char *text, const unsigned char address[16]);
void lookup_add(struct lookup *l, int family, const void *bytes);
void lookup_add_alias(struct lookup *l, const char *name);

/* hosts.c: true when the file knows it. */
bool hosts_name(const char *name, int family, struct lookup *l);
bool hosts_address(const struct lookup_address *a, struct lookup *l);

/* dns.c: 0 or EAI_*. */
int dns_name(const char *name, int family, struct lookup *l);
int dns_address(const struct lookup_address *a, struct lookup *l);

/* The raw answer: its length, or -1 and h_errno. */
int dns_query(const char *name, int class, int type, int search, unsigned char *answer, int room);
int dns_send(const unsigned char *question, int bytes, unsigned char *answer, int room);

/* getaddrinfo.c, getnameinfo.c, hostent.c: what the module offers. */
int module_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **list);
int module_getnameinfo(const struct sockaddr *address, socklen_t bytes, char *host, socklen_t host_bytes,
    char *service, socklen_t service_bytes, int flags);
int module_gethostbyname2_r(const char *name, int family, struct hostent *entry, char *buffer, size_t room,
    struct hostent **result, int *error);
int module_gethostbyaddr_r(const void *address, socklen_t bytes, int family, struct hostent *entry, char *buffer,
    size_t room, struct hostent **result, int *error);

#endif
