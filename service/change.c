/* SPDX-License-Identifier: MIT */
/*
 * CHANGE: `addr add 192.0.2.10/24`, `addr del 192.0.2.10`, `route add default via 192.0.2.1`,
 * `route del 10.0.0.0/8`; the words as of ip(8), separated by zeros. Every answer is a sentence.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "service/channel.h"
#include "service/pair.h"
#include "service/setup.h"

#define WORDS_MAX 16U

struct words {
	const char *word[WORDS_MAX];
	unsigned count;
};

static bool split(const char *text, uint32_t bytes, struct words *out)
{
	uint32_t at = 0;

	out->count = 0;
	while (at < bytes) {
		size_t length = strnlen(text + at, bytes - at);

		if (out->count == WORDS_MAX)
			return false;
		/* The channel has put a zero behind the payload. */
		if (length)
			out->word[out->count++] = text + at;
		at += (uint32_t)length + 1;
	}
	return true;
}

static bool parse_prefix(const char *text, struct prefix *out)
{
	char message[CONFIG_MESSAGE_BYTES];
	struct config_value v = {0};

	if (strcmp(text, "default") == 0) {
		*out = (struct prefix){.addr = ip_from_v4(0)};
		return true;
	}
	if (config_parse(strchr(text, '/') ? CONFIG_TYPE_prefix : CONFIG_TYPE_address, text, &v, message) < 0 ||
	    !v.set || v.addresses.count != 1)
		return false;
	*out = setup_prefix(&v.addresses.at[0]);
	return true;
}

static bool parse_address(const char *text, struct ip_addr *out)
{
	struct prefix p;

	if (strchr(text, '/') || strcmp(text, "default") == 0 || !parse_prefix(text, &p))
		return false;
	*out = p.addr;
	return true;
}

static int change_addr(struct service *s, const struct words *w, struct reply *r)
{
	bool add = strcmp(w->word[1], "add") == 0;
	uint32_t interface = s->netif ? s->netif_index : STACK_LOOPBACK_INDEX;
	struct prefix p;
	int error;

	if (w->count == 5 && strcmp(w->word[3], "dev") == 0) {
		if (strcmp(w->word[4], "lo") == 0) {
			interface = STACK_LOOPBACK_INDEX;
		} else if (!s->netif || strcmp(w->word[4], s->netif->facts.name) != 0) {
			reply_sentence(r, "the stack has no interface `%.32s`: teachnet addr lists what it has", w->word[4]);
			return -ENODEV;
		}
	} else if (w->count != 3) {
		reply_sentence(r, "say: addr add ADDRESS/LENGTH [dev NAME], or addr del ADDRESS [dev NAME]");
		return -EINVAL;
	}
	if (!parse_prefix(w->word[2], &p) || (add && !strchr(w->word[2], '/'))) {
		reply_sentence(r, "`%.64s` is no address with its prefix length, as 192.0.2.10/24", w->word[2]);
		return -EINVAL;
	}
	error = add ? stack_address_add(s->stack, interface, &p, true, s->now_ns)
	            : stack_address_remove(s->stack, interface, &p.addr, s->now_ns);
	if (error < 0)
		reply_sentence(r, "cannot %s %.64s: %s", add ? "add" : "remove", w->word[2],
		    error == -EEXIST          ? "the stack has this address already"
		    : error == -EADDRNOTAVAIL ? "the stack does not have this address"
		                              : strerror(-error));
	return error;
}

static bool read_route(struct service *s, const struct words *w, struct route *out, struct reply *r)
{
	*out = (struct route){.interface = s->netif ? s->netif_index : STACK_LOOPBACK_INDEX};
	if (!parse_prefix(w->word[2], &out->destination)) {
		reply_sentence(r, "`%.64s` is no destination: say default, or a network as 10.0.0.0/8", w->word[2]);
		return false;
	}
	for (unsigned i = 3; i + 1 < w->count; i += 2) {
		const char *value = w->word[i + 1];
		struct config_value number = {0};
		char message[CONFIG_MESSAGE_BYTES];
		bool good = true;

		if (strcmp(w->word[i], "via") == 0)
			good = parse_address(value, &out->gateway);
		else if (strcmp(w->word[i], "src") == 0)
			good = parse_address(value, &out->source);
		else if (strcmp(w->word[i], "dev") == 0)
			good = s->netif && strcmp(value, s->netif->facts.name) == 0;
		else if (strcmp(w->word[i], "metric") == 0)
			good = config_parse(CONFIG_TYPE_number, value, &number, message) == 0 && number.number <= UINT32_MAX;
		else
			good = false;
		if (!good) {
			reply_sentence(r, "`%.32s %.64s` is not understood: say via ADDRESS, src ADDRESS, dev NAME or metric NUMBER",
			    w->word[i], value);
			return false;
		}
		if (number.set)
			out->metric = (uint32_t)number.number;
	}
	if (w->count % 2 == 0) {
		reply_sentence(r, "`%.32s` needs a value behind it", w->word[w->count - 1]);
		return false;
	}
	return true;
}

static int change_route(struct service *s, const struct words *w, struct reply *r)
{
	bool add = strcmp(w->word[1], "add") == 0;
	struct route route;
	int error;

	if (!read_route(s, w, &route, r))
		return -EINVAL;
	error = add ? stack_route_add(s->stack, &route) : stack_route_remove(s->stack, &route);
	if (error < 0)
		reply_sentence(r, "cannot %s the route to %.64s: %s", add ? "add" : "remove", w->word[2],
		    error == -EEXIST        ? "there is one already"
		    : error == -ESRCH       ? "there is no such route"
		    : error == -ENETUNREACH ? "its gateway is on no network of ours"
		                            : strerror(-error));
	return error;
}

int change_apply(struct service *s, const char *words, uint32_t bytes, struct reply *r)
{
	struct words w;

	if (split(words, bytes, &w) && w.count >= 3 &&
	    (strcmp(w.word[1], "add") == 0 || strcmp(w.word[1], "del") == 0)) {
		if (strcmp(w.word[0], "addr") == 0)
			return change_addr(s, &w, r);
		if (strcmp(w.word[0], "route") == 0)
			return change_route(s, &w, r);
	}
	reply_sentence(r, "say: addr add|del ADDRESS/LENGTH, or route add|del DESTINATION [via ADDRESS] [src ADDRESS] [metric NUMBER]");
	return -EINVAL;
}
