/* SPDX-License-Identifier: MIT */
/*
 * One question to the kernel's routing socket (rtnetlink(7)) through libmnl, and its answer: shared
 * by what reads interfaces (link.c) and what makes them (link_setup.c). Everything concerns the
 * network namespace that the caller is in.
 */
#ifndef NETIF_RTNL_H
#define NETIF_RTNL_H

#include <libmnl/libmnl.h>
#include <stdint.h>

/* A request is built here; large enough for everything that we ask. */
union rtnl_request {
	struct nlmsghdr header;
	char room[1024];
};

/* Begins a request: type is RTM_*, flags NLM_F_*. Returns the zeroed family header behind it. */
void *rtnl_begin(union rtnl_request *r, uint16_t type, uint16_t flags, size_t family_bytes);

/* Sends it and runs each (may be NULL) on every message of the answer. 0 or a negative errno. */
int rtnl_ask(union rtnl_request *r, mnl_cb_t each, void *context);

/* All attributes behind a family header of this size (mnl_attr_for_each, but clean of warnings). */
#define rtnl_for_each(attribute, header, family_bytes)                                             \
	for ((attribute) = mnl_nlmsg_get_payload_offset(header, family_bytes);                     \
	    mnl_attr_ok(attribute,                                                                 \
		(int)((const char *)mnl_nlmsg_get_payload_tail(header) - (const char *)(attribute))); \
	    (attribute) = mnl_attr_next(attribute))

#endif
