/* SPDX-License-Identifier: MIT */
/*
 * Between libteachnet.so and its resolver module: what either calls of the other. The module is
 * loaded by the first lookup, so that programs without one do not carry c-ares.
 */
#ifndef PRELOAD_RESOLVER_RESOLVER_H
#define PRELOAD_RESOLVER_RESOLVER_H

#include <netdb.h>
#include <stddef.h>
#include <sys/socket.h>

/* What the module needs of the shim. */
struct resolver_host {
	const char *hosts_path;
	/* resolv.conf's text in force, ending in a zero: its length or a negative errno. */
	int (*configuration)(char *text, size_t room);
	/* Has the stack an address of this family beside loopback? */
	int (*has_family)(int family);
	/* The source address for a destination: 0 or a negative errno. */
	int (*source_for)(const struct sockaddr *to, socklen_t bytes, struct sockaddr_storage *source);
};

/* What the module offers: the functions of netdb.h, with their contracts. */
struct resolver_module {
	void (*begin)(const struct resolver_host *host);
	int (*getaddrinfo)(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **list);
	int (*getnameinfo)(const struct sockaddr *address, socklen_t bytes, char *host, socklen_t host_bytes,
	    char *service, socklen_t service_bytes, int flags);
	int (*gethostbyname2_r)(const char *name, int family, struct hostent *entry, char *buffer, size_t room,
	    struct hostent **result, int *error);
	int (*gethostbyaddr_r)(const void *address, socklen_t bytes, int family, struct hostent *entry, char *buffer,
	    size_t room, struct hostent **result, int *error);
	/* res_query() and, with search, res_search(): the answer's length or -1 and h_errno. */
	int (*query)(const char *name, int class, int type, int search, unsigned char *answer, int room);
	/* res_send(): a question that the program has made itself. */
	int (*send)(const unsigned char *question, int bytes, unsigned char *answer, int room);
};

#define RESOLVER_SYMBOL "teachnet_resolver"

#endif
