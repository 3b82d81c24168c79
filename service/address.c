/* SPDX-License-Identifier: MIT */
/*
 * Addresses as programs write them (struct sockaddr_in, sockaddr_in6) and as the engine does. The
 * lengths and families are checked as Linux checks them in bind() and connect().
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "service/pair.h"

#define SOCKADDR_IN6_BYTES_MIN 24U /* SIN6_LEN_RFC2133: without the scope */

_Static_assert(sizeof(struct sockaddr_in6) <= sizeof(((struct control_address *)0)->sockaddr), "it fits");

int address_from_control(const struct control_address *a, uint8_t family, struct endpoint *out)
{
	struct sockaddr_in6 in6 = {0};
	struct sockaddr_in in;
	sa_family_t asked;

	*out = (struct endpoint){0};
	if (a->bytes < sizeof(asked) || a->bytes > sizeof(a->sockaddr))
		return -EINVAL;
	memcpy(&asked, a->sockaddr, sizeof(asked));
	if (family == 4) {
		if (a->bytes < sizeof(in))
			return -EINVAL;
		memcpy(&in, a->sockaddr, sizeof(in));
		/* AF_UNSPEC with INADDR_ANY is accepted by bind() for the sake of old programs. */
		if (asked != AF_INET && !(asked == AF_UNSPEC && in.sin_addr.s_addr == htonl(INADDR_ANY)))
			return -EAFNOSUPPORT;
		out->addr = ip_from_v4(ntohl(in.sin_addr.s_addr));
		out->port = ntohs(in.sin_port);
		return 0;
	}
	if (a->bytes < SOCKADDR_IN6_BYTES_MIN)
		return -EINVAL;
	if (asked != AF_INET6)
		return -EAFNOSUPPORT;
	memcpy(&in6, a->sockaddr, a->bytes < sizeof(in6) ? a->bytes : sizeof(in6));
	memcpy(out->addr.octet, &in6.sin6_addr, 16);
	out->port = ntohs(in6.sin6_port);
	out->scope = in6.sin6_scope_id;
	return 0;
}

void address_to_control(const struct endpoint *e, uint8_t family, struct control_address *out)
{
	memset(out, 0, sizeof(*out));
	if (family == 4) {
		struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(e->port)};

		if (ip_is_v4(&e->addr))
			in.sin_addr.s_addr = htonl(ip_to_v4(&e->addr));
		memcpy(out->sockaddr, &in, sizeof(in));
		out->bytes = sizeof(in);
	} else {
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(e->port), .sin6_scope_id = e->scope};

		memcpy(&in6.sin6_addr, e->addr.octet, 16);
		memcpy(out->sockaddr, &in6, sizeof(in6));
		out->bytes = sizeof(in6);
	}
}
