/* SPDX-License-Identifier: MIT */
/*
 * What the engine calls (struct stack_owner): data goes straight into the pairs, everything else is
 * noted and done after the engine has returned, because a callback may not call it back.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/dhcp.h"
#include "service/narrate.h"
#include "service/pair.h"
#include "service/setup.h"

static size_t deliver(void *user, struct span data, bool urgent)
{
	return stream_deliver(user, data, urgent);
}

static bool deliver_datagram(void *user, const struct datagram *d, const struct span *part, unsigned parts)
{
	if (dhcp_is_user(user)) {
		dhcp_hear(user, part, parts);
		return true;
	}
	return datagram_relay_in(user, d, part, parts);
}

static void tell_datagram_error(void *user, const struct datagram_error *e, struct span payload)
{
	if (!dhcp_is_user(user))
		datagram_relay_error(user, e, payload);
}

static void notify(void *user, unsigned events)
{
	struct pair *p = user;

	if (dhcp_is_user(user))
		return;
	/* The engine frees its socket right after this. */
	if (events & SOCKET_EVENT_GONE)
		p->socket = NULL;
	pair_mark(p, events);
}

static unsigned accept_queued(void *user)
{
	return listen_queued(user);
}

static void address(void *context, uint32_t interface, const struct ip_addr *a, bool conflict, const struct mac_addr *other)
{
	struct service *s = context;
	char ip[IP_TEXT_BYTES], mac[MAC_TEXT_BYTES];

	(void)interface;
	if (!conflict || dhcp_heard_conflict(s, a))
		return;
	s->address_conflict = true;
	snprintf(s->conflict, sizeof(s->conflict),
	    "the address %s is taken on the LAN, by the station %s: set TEACHNET_ADDR to a free one", ip_print(a, ip),
	    mac_print(other, mac));
	log_seldom(LOG_LEVEL_ERROR, "%s", s->conflict);
}

static void *take(void *context, size_t bytes)
{
	(void)context;
	return malloc(bytes);
}

static void give(void *context, void *block, size_t bytes)
{
	(void)context;
	(void)bytes;
	free(block);
}

/* Rings of busy connections come and go by the megabyte: the allocator shall keep such blocks for the
 * next one instead of giving them back to the kernel, which would hand out zeroed pages one fault at
 * a time. What an idle stack keeps is bounded by the trim threshold. */
static void tune_allocator(void)
{
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	mallopt(M_TOP_PAD, 1 << 20);
}

struct stack_owner owner_callbacks(struct service *s)
{
	tune_allocator();
	s->mem = (struct mem){.take = take, .give = give};
	return (struct stack_owner){
	    .deliver = deliver,
	    .deliver_datagram = deliver_datagram,
	    .datagram_error = tell_datagram_error,
	    .notify = notify,
	    .accept_queued = accept_queued,
	    .address = address,
	    .context = s,
	};
}
