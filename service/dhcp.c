/* SPDX-License-Identifier: MIT */
/* The stack's address by DHCP; see dhcp.h. What the engine tells in a callback is noted, and acted
 * upon in dhcp_work(). */
#include "service/dhcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "service/setup.h"

#define LINK_LOCAL_NETWORK 0xa9fe0000U /* 169.254.0.0/16 */
#define LINK_LOCAL_BITS 16U
#define LINK_LOCAL_TRIES_MAX 10U       /* RFC 3927 2.2.1: MAX_CONFLICTS */
#define MTU_MIN_BYTES 576U             /* RFC 2132 5.1 allows 68; IPv4's hosts must take 576 */
#define FAREWELL_NS (20 * NSEC_PER_MSEC)

struct dhcp {
	struct dhcp_client client;
	struct socket *socket;
	bool has_address;             /* address is in the engine */
	bool link_local;              /* it is no leased one */
	bool conflict;                /* somebody else has it */
	unsigned tries;               /* of link-local addresses */
	struct prefix address;
	struct dhcp_lease lease;      /* in force, unless link_local */
	unsigned route_count;
	struct route route[DHCP_ROUTES_MAX + 1];
};

/* There is one teachnetd in a process, and the engine's callbacks name the socket's user only. */
static const struct dhcp *the_user;

bool dhcp_is_user(const void *user)
{
	return user && user == the_user;
}

bool dhcp_is_waiting(const struct service *s)
{
	return s->dhcp && !s->dhcp->has_address;
}

const struct dhcp_lease *dhcp_lease_in_force(const struct service *s)
{
	return s->dhcp && s->dhcp->has_address && !s->dhcp->link_local ? &s->dhcp->lease : NULL;
}

/* ---- what the engine tells ---- */

void dhcp_hear(void *user, const struct span *part, unsigned parts)
{
	struct dhcp *d = user;
	uint8_t message[DHCP_MESSAGE_MAX * 3]; /* servers may send more than we asked for */
	size_t bytes = 0;

	for (unsigned i = 0; i < parts; i++) {
		if (part[i].bytes > sizeof(message) - bytes)
			return;
		memcpy(message + bytes, part[i].data, part[i].bytes);
		bytes += part[i].bytes;
	}
	dhcp_client_input(&d->client, (struct span){message, bytes}, clock_now_ns());
}

bool dhcp_heard_conflict(struct service *s, const struct ip_addr *a)
{
	if (!s->dhcp || !s->dhcp->has_address || !ip_equal(a, &s->dhcp->address.addr))
		return false;
	s->dhcp->conflict = true;
	return true;
}

/* ---- putting into force ---- */

static void drop_address(struct service *s)
{
	struct dhcp *d = s->dhcp;

	while (d->route_count)
		stack_route_remove(s->stack, &d->route[--d->route_count]);
	if (d->has_address)
		stack_address_remove(s->stack, s->netif_index, &d->address.addr, s->now_ns);
	d->has_address = false;
}

static void add_route(struct service *s, const struct prefix *destination, const struct ip_addr *gateway)
{
	struct dhcp *d = s->dhcp;
	struct route r = {.destination = *destination, .gateway = *gateway, .interface = s->netif_index};
	char text[IP_TEXT_BYTES];
	int error = stack_route_add(s->stack, &r);

	if (error == 0)
		d->route[d->route_count++] = r;
	else if (error != -EEXIST)
		log_write(LOG_LEVEL_WARNING, "the DHCP server's gateway %s is of no use to us: %s", ip_print(gateway, text),
		    strerror(-error));
}

/* What the configuration says goes before what the server says; RFC 3442: classless routes go before
 * its router. */
static void add_routes(struct service *s)
{
	const struct config_value *own = &s->config->value[CONFIG_KEY_GATEWAY];
	const struct dhcp_reply *facts = &s->dhcp->lease.facts;
	const struct prefix everywhere = {.addr = ip_from_v4(0)};

	for (unsigned i = 0; own->set && i < own->addresses.count; i++) {
		struct ip_addr gateway = setup_prefix(&own->addresses.at[i]).addr;

		if (ip_is_v4(&gateway))
			add_route(s, &everywhere, &gateway);
	}
	if (own->set)
		return;
	for (unsigned i = 0; i < facts->route_count; i++)
		add_route(s, &facts->route[i].destination, &facts->route[i].gateway);
	if (facts->route_count == 0 && !ip_is_unspecified(&facts->router))
		add_route(s, &everywhere, &facts->router);
}

static void set_mtu(struct service *s, uint32_t told_bytes)
{
	const struct config_value *own = &s->config->value[CONFIG_KEY_MTU];
	uint32_t link_bytes = s->netif->facts.mtu_bytes;

	if (!own->set)
		stack_interface_set_mtu(s->stack, s->netif_index,
		    told_bytes >= MTU_MIN_BYTES && told_bytes < link_bytes ? told_bytes : link_bytes);
}

static void add_address(struct service *s, const struct prefix *p)
{
	struct dhcp *d = s->dhcp;
	char text[IP_TEXT_BYTES];
	int error = stack_address_add(s->stack, s->netif_index, p, true, s->now_ns);

	d->address = *p;
	d->has_address = error == 0;
	d->conflict = false;
	if (error < 0)
		log_write(LOG_LEVEL_ERROR, "cannot use the address %s/%u: %s", ip_print(&p->addr, text), p->bits,
		    strerror(-error));
}

static void take_lease(struct service *s)
{
	struct dhcp *d = s->dhcp;
	const struct dhcp_lease *fresh = &d->client.lease;
	char address[IP_TEXT_BYTES], server[IP_TEXT_BYTES];

	/* Connections live on when only the terms have changed. */
	if (!d->has_address || !ip_equal(&d->address.addr, &fresh->address.addr) || d->address.bits != fresh->address.bits) {
		drop_address(s);
		add_address(s, &fresh->address);
	}
	while (d->route_count)
		stack_route_remove(s->stack, &d->route[--d->route_count]);
	d->lease = *fresh;
	d->link_local = false;
	add_routes(s);
	set_mtu(s, fresh->facts.mtu_bytes);
	log_write(LOG_LEVEL_NOTE, "DHCP: the server %s gives us %s/%u for %u s", ip_print(&fresh->facts.server, server),
	    ip_print(&fresh->address.addr, address), fresh->address.bits, fresh->facts.lease_s);
}

/* RFC 3927 2.1: from 169.254.1.0 to 169.254.254.255, seeded by the hardware address, so that a
 * host tends to get the same one again. */
static struct prefix link_local_address(const struct dhcp *d)
{
	uint32_t seed = d->tries * 2654435761U;

	for (unsigned i = 0; i < sizeof(d->client.mac.octet); i++)
		seed = (seed ^ d->client.mac.octet[i]) * 16777619U;
	return (struct prefix){ip_from_v4(LINK_LOCAL_NETWORK + 256 + (seed >> 8) % (254 * 256)), LINK_LOCAL_BITS};
}

void dhcp_fall_back(struct service *s)
{
	struct dhcp *d = s->dhcp;
	struct prefix p = link_local_address(d);
	char text[IP_TEXT_BYTES];

	d->tries++;
	d->link_local = true;
	add_address(s, &p);
	log_write(LOG_LEVEL_WARNING,
	    "no DHCP server answers on %s: the stack has the link-local address %s, which reaches this network only "
	    "(we go on asking; or set TEACHNET_ADDR to a free address, and TEACHNET_GATEWAY)",
	    s->netif->facts.name, ip_print(&p.addr, text));
}

/* ---- the loop's turn ---- */

static void deal_with_conflict(struct service *s)
{
	struct dhcp *d = s->dhcp;
	bool link_local = d->link_local;
	char text[IP_TEXT_BYTES];

	d->conflict = false;
	log_write(LOG_LEVEL_WARNING, "the address %s is taken on the LAN by somebody else: we give it up",
	    ip_print(&d->address.addr, text));
	drop_address(s);
	if (!link_local)
		dhcp_client_decline(&d->client, s->now_ns);
	else if (d->tries < LINK_LOCAL_TRIES_MAX)
		dhcp_fall_back(s);
}

static void heed_news(struct service *s)
{
	struct dhcp *d = s->dhcp;

	switch (dhcp_client_news(&d->client)) {
	case DHCP_NEWS_BOUND:
		take_lease(s);
		break;
	case DHCP_NEWS_LOST:
		if (!d->link_local && d->has_address) {
			log_write(LOG_LEVEL_WARNING, "DHCP: the lease is over: connections over its address end");
			drop_address(s);
		}
		break;
	case DHCP_NEWS_SILENT:
		if (!d->has_address)
			dhcp_fall_back(s);
		break;
	case DHCP_NEWS_NONE:
		break;
	}
}

static void send_due(struct service *s)
{
	struct dhcp *d = s->dhcp;
	struct dhcp_outgoing out;

	while (dhcp_client_output(&d->client, &out, s->now_ns)) {
		struct datagram to = {.remote = {.addr = out.destination, .port = DHCP_SERVER_PORT}, .local = out.source,
		    .ttl = -1, .tos = -1};

		/* What cannot be sent is asked again later, like what gets lost. */
		socket_send_datagram(d->socket, &to, (struct span){out.message, out.bytes}, s->now_ns);
	}
}

uint64_t dhcp_deadline(const struct service *s)
{
	return s->dhcp ? s->dhcp->conflict || s->dhcp->client.news != DHCP_NEWS_NONE ? 0 : dhcp_client_deadline(&s->dhcp->client)
		       : TIME_NEVER;
}

void dhcp_work(struct service *s)
{
	if (dhcp_deadline(s) > s->now_ns)
		return;
	if (s->dhcp->conflict)
		deal_with_conflict(s);
	heed_news(s);
	send_due(s);
	heed_news(s);
}

/* ---- life ---- */

static int open_socket(struct service *s)
{
	struct dhcp *d = s->dhcp;
	const struct endpoint local = {.addr = ip_from_v4(0), .port = DHCP_CLIENT_PORT};
	const char *name = s->netif->facts.name;
	int on = 1;
	int error = socket_create(s->stack, SOCKET_UDP, 4, IPPROTO_UDP, 0, d, s->now_ns, &d->socket);

	if (error == 0)
		error = socket_set_option(d->socket, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on), s->now_ns);
	if (error == 0)
		error = socket_set_option(d->socket, SOL_SOCKET, SO_BINDTODEVICE, name, (uint32_t)strlen(name), s->now_ns);
	if (error == 0)
		error = socket_bind(d->socket, &local, s->now_ns);
	return error;
}

int dhcp_begin(struct service *s, char message[CONFIG_MESSAGE_BYTES])
{
	uint64_t seed;
	int error = -ENOMEM;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return -errno;
	s->dhcp = calloc(1, sizeof(*s->dhcp));
	if (s->dhcp) {
		the_user = s->dhcp;
		error = open_socket(s);
	}
	if (error < 0) {
		snprintf(message, CONFIG_MESSAGE_BYTES, "cannot begin to ask for an address by DHCP: %s", strerror(-error));
		return error;
	}
	/* No host name: two stations with the machine's own name would take it from each other in the DNS. */
	dhcp_client_start(&s->dhcp->client, &s->netif->facts.mac, "", seed, s->now_ns);
	return 0;
}

/* The server is told, as long as that takes no time: it may have to be looked for first (ARP). */
static void say_farewell(struct service *s)
{
	uint64_t until_ns = clock_now_ns() + FAREWELL_NS;

	dhcp_client_release(&s->dhcp->client);
	s->now_ns = clock_now_ns();
	send_due(s);
	while (clock_now_ns() < until_ns)
		loop_round(s, until_ns - clock_now_ns());
}

void dhcp_end(struct service *s)
{
	if (!s->dhcp)
		return;
	if (s->dhcp->client.has_lease && !s->dhcp->conflict)
		say_farewell(s);
	if (s->dhcp->socket)
		socket_abort(s->dhcp->socket, s->now_ns);
	the_user = NULL;
	free(s->dhcp);
	s->dhcp = NULL;
}
