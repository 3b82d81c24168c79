/* SPDX-License-Identifier: MIT */
/* Addresses: classification, prefixes and text forms; see addr.h. */
#include "stack/base/addr.h"

#include "stack/base/text.h"

static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};

bool ip_is_v4(const struct ip_addr *a)
{
	return memcmp(a->octet, v4_mapped, sizeof(v4_mapped)) == 0;
}

uint32_t ip_to_v4(const struct ip_addr *a)
{
	return (uint32_t)a->octet[12] << 24 | (uint32_t)a->octet[13] << 16 |
	       (uint32_t)a->octet[14] << 8 | a->octet[15];
}

static bool all_zero(const uint8_t *octet, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (octet[i])
			return false;
	return true;
}

bool ip_is_unspecified(const struct ip_addr *a)
{
	return ip_is_v4(a) ? ip_to_v4(a) == 0 : all_zero(a->octet, 16);
}

bool ip_is_loopback(const struct ip_addr *a)
{
	if (ip_is_v4(a))
		return a->octet[12] == 127;
	return all_zero(a->octet, 15) && a->octet[15] == 1;
}

bool ip_is_multicast(const struct ip_addr *a)
{
	return ip_is_v4(a) ? (a->octet[12] & 0xf0) == 0xe0 : a->octet[0] == 0xff;
}

bool ip_is_link_local(const struct ip_addr *a)
{
	if (ip_is_v4(a))
		return a->octet[12] == 169 && a->octet[13] == 254;
	return a->octet[0] == 0xfe && (a->octet[1] & 0xc0) == 0x80;
}

bool ip_is_broadcast(const struct ip_addr *a)
{
	return ip_is_v4(a) && ip_to_v4(a) == UINT32_MAX;
}

bool prefix_contains(const struct prefix *p, const struct ip_addr *a)
{
	bool v4 = ip_is_v4(&p->addr);
	unsigned bits = p->bits + (v4 ? 96U : 0U);
	unsigned whole = bits / 8;
	unsigned rest = bits % 8;

	if (v4 != ip_is_v4(a) || memcmp(p->addr.octet, a->octet, whole) != 0)
		return false;
	return rest == 0 || ((p->addr.octet[whole] ^ a->octet[whole]) >> (8 - rest)) == 0;
}

bool prefix_broadcast(const struct prefix *p, struct ip_addr *out)
{
	if (!ip_is_v4(&p->addr) || p->bits > 30)
		return false;
	*out = ip_from_v4(ip_to_v4(&p->addr) | UINT32_MAX >> p->bits);
	return true;
}

/* RFC 5952 4.2: the first longest run of at least two zero groups is shortened to "::". */
static void find_zero_run(const struct ip_addr *a, int *start, int *length)
{
	*start = -1;
	*length = 1;
	for (int i = 0; i < 8; i++) {
		int run = 0;

		while (i + run < 8 && !a->octet[2 * (i + run)] && !a->octet[2 * (i + run) + 1])
			run++;
		if (run > *length) {
			*start = i;
			*length = run;
		}
	}
}

static void print_v6(const struct ip_addr *a, struct text *t)
{
	int zero_start, zero_length;

	find_zero_run(a, &zero_start, &zero_length);
	for (int i = 0; i < 8; i++) {
		if (i == zero_start) {
			text_put(t, "::");
			i += zero_length - 1;
			continue;
		}
		if (i > 0 && i != zero_start + zero_length)
			text_put(t, ":");
		text_put_hex(t, (uint32_t)(a->octet[2 * i] << 8 | a->octet[2 * i + 1]), 1);
	}
}

static void print_addr(const struct ip_addr *a, struct text *t)
{
	if (!ip_is_v4(a)) {
		print_v6(a, t);
		return;
	}
	for (int i = 12; i < 16; i++) {
		text_put(t, i == 12 ? "" : ".");
		text_put_number(t, a->octet[i]);
	}
}

char *ip_print(const struct ip_addr *a, char text[IP_TEXT_BYTES])
{
	struct text t = text_into(text, IP_TEXT_BYTES);

	print_addr(a, &t);
	return text;
}

char *endpoint_print(const struct endpoint *e, char text[ENDPOINT_TEXT_BYTES])
{
	struct text t = text_into(text, ENDPOINT_TEXT_BYTES);
	bool v4 = ip_is_v4(&e->addr);

	text_put(&t, v4 ? "" : "[");
	print_addr(&e->addr, &t);
	text_put(&t, v4 ? ":" : "]:");
	text_put_number(&t, e->port);
	return text;
}

char *mac_print(const struct mac_addr *m, char text[MAC_TEXT_BYTES])
{
	struct text t = text_into(text, MAC_TEXT_BYTES);

	for (int i = 0; i < 6; i++) {
		text_put(&t, i == 0 ? "" : ":");
		text_put_hex(&t, m->octet[i], 2);
	}
	return text;
}
