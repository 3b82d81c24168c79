/* SPDX-License-Identifier: MIT */
/*
 * getnameinfo(3): an address and a port as names.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "preload/resolver/lookup.h"

static int take_address(const struct sockaddr *address, socklen_t bytes, struct lookup_address *a, in_port_t *port)
{
	memset(a, 0, sizeof(*a));
	if (address == NULL || bytes < sizeof(sa_family_t))
		return EAI_FAMILY;
	a->family = address->sa_family;
	if (a->family == AF_INET && bytes >= sizeof(struct sockaddr_in)) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)address;

		memcpy(a->bytes, &in->sin_addr, 4);
		*port = in->sin_port;
		return 0;
	}
	if (a->family == AF_INET6 && bytes >= sizeof(struct sockaddr_in6)) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

		memcpy(a->bytes, &in6->sin6_addr, 16);
		a->scope = in6->sin6_scope_id;
		*port = in6->sin6_port;
		return 0;
	}
	return EAI_FAMILY;
}

static int put_text(const char *text, char *to, socklen_t room)
{
	if (strlen(text) >= room)
		return EAI_OVERFLOW;
	strcpy(to, text);
	return 0;
}

static int put_number(const struct lookup_address *a, char *to, socklen_t room)
{
	char text[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE];
	char scope[IF_NAMESIZE];

	inet_ntop(a->family, a->bytes, text, sizeof(text));
	if (a->scope != 0) {
		size_t used = strlen(text);
		const struct in6_addr *six = (const struct in6_addr *)a->bytes;
		bool link_local = IN6_IS_ADDR_LINKLOCAL(six) || IN6_IS_ADDR_MC_LINKLOCAL(six);

		if (link_local && if_indextoname(a->scope, scope) != NULL)
			snprintf(text + used, sizeof(text) - used, "%%%s", scope);
		else
			snprintf(text + used, sizeof(text) - used, "%%%u", a->scope);
	}
	return put_text(text, to, room);
}

/* NI_NOFQDN: without our own domain. */
static void cut_own_domain(char *name)
{
	char own[256] = "";
	char *dot;
	char *domain = strchr(name, '.');

	if (gethostname(own, sizeof(own) - 1) != 0 || domain == NULL)
		return;
	dot = strchr(own, '.');
	if (dot != NULL && strcasecmp(dot, domain) == 0)
		*domain = 0;
}

static int put_host(const struct lookup_address *a, char *to, socklen_t room, int flags)
{
	struct lookup l;
	int error;

	if ((flags & NI_NUMERICHOST) != 0)
		return put_number(a, to, room);
	error = lookup_reverse(a, &l);
	if (error != 0) {
		if ((flags & NI_NAMEREQD) != 0)
			return error == EAI_AGAIN ? EAI_AGAIN : EAI_NONAME;
		return put_number(a, to, room);
	}
	if ((flags & NI_NOFQDN) != 0)
		cut_own_domain(l.name);
	return put_text(l.name, to, room);
}

static int put_service(in_port_t port, char *to, socklen_t room, int flags)
{
	struct servent entry;
	struct servent *found = NULL;
	char buffer[1024];
	char number[8];

	if ((flags & NI_NUMERICSERV) == 0 && getservbyport_r(port, (flags & NI_DGRAM) != 0 ? "udp" : "tcp", &entry,
	    buffer, sizeof(buffer), &found) == 0 && found != NULL)
		return put_text(found->s_name, to, room);
	snprintf(number, sizeof(number), "%u", ntohs(port));
	return put_text(number, to, room);
}

int module_getnameinfo(const struct sockaddr *address, socklen_t bytes, char *host, socklen_t host_bytes,
    char *service, socklen_t service_bytes, int flags)
{
	struct lookup_address a;
	in_port_t port = 0;
	int error;

	if ((flags & ~(NI_NUMERICHOST | NI_NUMERICSERV | NI_NOFQDN | NI_NAMEREQD | NI_DGRAM | NI_IDN)) != 0)
		return EAI_BADFLAGS;
	error = take_address(address, bytes, &a, &port);
	if (error != 0)
		return error;
	if ((flags & NI_NAMEREQD) != 0 && host == NULL && service == NULL)
		return EAI_NONAME;
	if (host != NULL && host_bytes > 0)
		error = put_host(&a, host, host_bytes, flags);
	if (error == 0 && service != NULL && service_bytes > 0)
		error = put_service(port, service, service_bytes, flags);
	return error;
}
