/* SPDX-License-Identifier: MIT */
/* A DHCP client; see dhcp_client.h. */
#include "service/dhcp_client.h"

#include <string.h>

#define FIRST_WAIT_S 4U
#define LONGEST_WAIT_S 64U
#define REQUESTS_MAX 4U          /* then the offer is given up */
#define SILENT_AFTER 4U
#define RENEW_WAIT_MIN_S 60U     /* RFC 2131 4.4.5 */
#define DECLINE_PAUSE_S 10U      /* RFC 2131 3.1 step 5 */

/* Jitter needs no secrecy: a multiplier and a shift (Marsaglia's xorshift*) will do. */
static uint32_t draw(struct dhcp_client *c)
{
	c->random ^= c->random >> 12;
	c->random ^= c->random << 25;
	c->random ^= c->random >> 27;
	return (uint32_t)(c->random * UINT64_C(2685821657736338717) >> 32);
}

/* RFC 2131 4.1: 4, 8, 16 ... 64 seconds, each plus or minus one. */
static uint64_t retry_after(struct dhcp_client *c)
{
	uint64_t wait_s = FIRST_WAIT_S << (c->attempts < 4 ? c->attempts : 4);
	uint64_t jitter_ns = draw(c) % (2 * NSEC_PER_SEC);

	if (wait_s > LONGEST_WAIT_S)
		wait_s = LONGEST_WAIT_S;
	return wait_s * NSEC_PER_SEC - NSEC_PER_SEC + jitter_ns;
}

static void begin(struct dhcp_client *c, uint64_t at_ns)
{
	c->state = DHCP_INIT;
	c->attempts = 0;
	c->transaction = draw(c);
	c->began_ns = c->next_ns = at_ns;
}

void dhcp_client_start(struct dhcp_client *c, const struct mac_addr *mac, const char *host_name, uint64_t seed,
    uint64_t now_ns)
{
	*c = (struct dhcp_client){.mac = *mac, .random = seed | 1};
	strncpy(c->host_name, host_name, sizeof(c->host_name) - 1);
	begin(c, now_ns);
}

enum dhcp_news dhcp_client_news(struct dhcp_client *c)
{
	enum dhcp_news news = c->news;

	c->news = DHCP_NEWS_NONE;
	return news;
}

/* ---- leases ---- */

static uint8_t mask_bits(const struct ip_addr *mask, const struct ip_addr *address)
{
	uint32_t m = ip_to_v4(mask);

	if (m != 0 && (~m & (~m + 1)) == 0) /* ones, then zeros */
		return (uint8_t)__builtin_popcount(m);
	/* No usable mask: the class of the address, as in the days of BOOTP. */
	return address->octet[12] < 128 ? 8 : address->octet[12] < 192 ? 16 : 24;
}

static uint64_t instant(uint64_t now_ns, uint32_t seconds)
{
	return seconds == UINT32_MAX ? TIME_NEVER : now_ns + seconds * NSEC_PER_SEC;
}

static bool same_terms(const struct dhcp_lease *a, const struct dhcp_lease *b)
{
	return a->address.bits == b->address.bits && ip_equal(&a->address.addr, &b->address.addr) &&
	       ip_equal(&a->facts.router, &b->facts.router) && a->facts.mtu_bytes == b->facts.mtu_bytes &&
	       a->facts.dns_count == b->facts.dns_count && a->facts.route_count == b->facts.route_count &&
	       memcmp(a->facts.dns, b->facts.dns, sizeof(a->facts.dns)) == 0 &&
	       memcmp(a->facts.route, b->facts.route, sizeof(a->facts.route)) == 0 &&
	       strcmp(a->facts.domain, b->facts.domain) == 0;
}

static void take_lease(struct dhcp_client *c, const struct dhcp_reply *r, uint64_t now_ns)
{
	uint32_t lease_s = r->lease_s ? r->lease_s : UINT32_MAX;
	uint32_t renew_s = r->renew_s && r->renew_s < lease_s ? r->renew_s : lease_s / 2;
	uint32_t rebind_s = r->rebind_s && r->rebind_s < lease_s ? r->rebind_s : lease_s - lease_s / 8;
	struct dhcp_lease lease = {.facts = *r, .address = {r->address, mask_bits(&r->mask, &r->address)}};

	lease.end_ns = instant(now_ns, lease_s);
	lease.renew_ns = lease_s == UINT32_MAX ? TIME_NEVER : instant(now_ns, renew_s);
	lease.rebind_ns = lease_s == UINT32_MAX ? TIME_NEVER : instant(now_ns, rebind_s < renew_s ? renew_s : rebind_s);
	if (!c->has_lease || !same_terms(&c->lease, &lease))
		c->news = DHCP_NEWS_BOUND;
	c->lease = lease;
	c->has_lease = true;
	c->state = DHCP_BOUND;
	c->next_ns = lease.renew_ns;
	c->attempts = 0;
}

static void lose_lease(struct dhcp_client *c, uint64_t at_ns)
{
	if (c->has_lease)
		c->news = DHCP_NEWS_LOST;
	c->has_lease = false;
	begin(c, at_ns);
}

/* ---- in ---- */

static bool is_usable(const struct ip_addr *a)
{
	return !ip_is_unspecified(a) && !ip_is_multicast(a) && !ip_is_broadcast(a) && !ip_is_loopback(a);
}

void dhcp_client_input(struct dhcp_client *c, struct span message, uint64_t now_ns)
{
	struct dhcp_reply r;

	if (!dhcp_reply_parse(message, &r) || r.transaction != c->transaction || !mac_equal(&r.mac, &c->mac))
		return;
	if (r.type == DHCP_OFFER) {
		if (c->state != DHCP_SELECTING || !is_usable(&r.address) || ip_is_unspecified(&r.server))
			return;
		c->offer = r;
		c->state = DHCP_REQUESTING;
		c->attempts = 0;
		c->next_ns = now_ns;
		return;
	}
	if (c->state != DHCP_REQUESTING && c->state != DHCP_RENEWING && c->state != DHCP_REBINDING)
		return;
	if (r.type == DHCP_NAK) {
		lose_lease(c, now_ns);
	} else if (is_usable(&r.address)) {
		if (ip_is_unspecified(&r.server) && c->has_lease)
			r.server = c->lease.facts.server;
		take_lease(c, &r, now_ns);
	}
}

/* ---- out ---- */

static void emit(struct dhcp_client *c, enum dhcp_type type, struct dhcp_outgoing *out, uint64_t now_ns)
{
	const struct ip_addr none = ip_from_v4(0);
	bool holds = c->state == DHCP_RENEWING || c->state == DHCP_REBINDING || type == DHCP_RELEASE;
	struct dhcp_question q = {.type = type, .transaction = c->transaction, .mac = c->mac, .client = none,
	    .requested = none, .server = none, .host_name = c->host_name};
	uint64_t elapsed_s = (now_ns - c->began_ns) / NSEC_PER_SEC;

	q.seconds = elapsed_s > UINT16_MAX ? UINT16_MAX : (uint16_t)elapsed_s;
	if (holds) {
		q.client = c->lease.address.addr;
	} else if (type != DHCP_DISCOVER) {
		q.requested = c->offer.address;
		q.server = c->offer.server;
	}
	if (type == DHCP_RELEASE)
		q.server = c->lease.facts.server;
	out->bytes = dhcp_question_emit(&q, out->message);
	out->source = q.client;
	out->destination = c->state == DHCP_RENEWING || type == DHCP_RELEASE ? c->lease.facts.server
									       : ip_from_v4(UINT32_MAX);
}

/* RFC 2131 4.4.5: half of what is left, at least a minute. */
static uint64_t renew_again_at(uint64_t now_ns, uint64_t limit_ns)
{
	uint64_t half_ns = (limit_ns - now_ns) / 2;

	if (half_ns < RENEW_WAIT_MIN_S * NSEC_PER_SEC)
		half_ns = RENEW_WAIT_MIN_S * NSEC_PER_SEC;
	return time_earlier(now_ns + half_ns, limit_ns);
}

static bool ask(struct dhcp_client *c, enum dhcp_type type, struct dhcp_outgoing *out, uint64_t now_ns)
{
	emit(c, type, out, now_ns);
	c->next_ns = now_ns + retry_after(c);
	if (++c->attempts == SILENT_AFTER && type == DHCP_DISCOVER)
		c->news = DHCP_NEWS_SILENT;
	return true;
}

static bool output_renewal(struct dhcp_client *c, struct dhcp_outgoing *out, uint64_t now_ns)
{
	if (now_ns >= c->lease.end_ns) {
		lose_lease(c, now_ns);
		return false;
	}
	c->state = now_ns >= c->lease.rebind_ns ? DHCP_REBINDING : DHCP_RENEWING;
	if (c->attempts++ == 0) {
		c->transaction = draw(c);
		c->began_ns = now_ns;
	}
	emit(c, DHCP_REQUEST, out, now_ns);
	c->next_ns = renew_again_at(now_ns, c->state == DHCP_RENEWING ? c->lease.rebind_ns : c->lease.end_ns);
	return true;
}

static bool output_due(struct dhcp_client *c, struct dhcp_outgoing *out, uint64_t now_ns)
{
	switch (c->state) {
	case DHCP_INIT:
		c->state = DHCP_SELECTING;
		return ask(c, DHCP_DISCOVER, out, now_ns);
	case DHCP_SELECTING:
		return ask(c, DHCP_DISCOVER, out, now_ns);
	case DHCP_REQUESTING:
		if (c->attempts < REQUESTS_MAX)
			return ask(c, DHCP_REQUEST, out, now_ns);
		begin(c, now_ns);
		c->state = DHCP_SELECTING;
		return ask(c, DHCP_DISCOVER, out, now_ns);
	case DHCP_BOUND:
	case DHCP_RENEWING:
	case DHCP_REBINDING:
		return output_renewal(c, out, now_ns);
	case DHCP_STOPPED:
		break;
	}
	return false;
}

bool dhcp_client_output(struct dhcp_client *c, struct dhcp_outgoing *out, uint64_t now_ns)
{
	if (c->send_decline || c->send_release) {
		emit(c, c->send_decline ? DHCP_DECLINE : DHCP_RELEASE, out, now_ns);
		c->send_decline = c->send_release = false;
		if (c->state != DHCP_STOPPED)
			begin(c, now_ns + DECLINE_PAUSE_S * NSEC_PER_SEC);
		return true;
	}
	return now_ns >= c->next_ns && output_due(c, out, now_ns);
}

uint64_t dhcp_client_deadline(const struct dhcp_client *c)
{
	if (c->send_decline || c->send_release)
		return 0;
	return c->state == DHCP_STOPPED ? TIME_NEVER : c->next_ns;
}

void dhcp_client_decline(struct dhcp_client *c, uint64_t now_ns)
{
	if (!c->has_lease)
		return;
	c->offer = c->lease.facts;
	lose_lease(c, now_ns);
	c->send_decline = true;
}

void dhcp_client_release(struct dhcp_client *c)
{
	c->send_release = c->has_lease;
	c->has_lease = false;
	c->state = DHCP_STOPPED;
}
