/* SPDX-License-Identifier: MIT */
/*
 * A parser for each type of config.def. They take the text as it was given and never print; what
 * they refuse is explained by the accepted form, which is the type's second column in config.h.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "service/config.h"

static bool parse_text(const char *text, struct config_value *v)
{
	(void)text;
	(void)v;
	return true;
}

static bool parse_path(const char *text, struct config_value *v)
{
	(void)v;
	return strlen(text) < CONFIG_PATH_BYTES;
}

static bool parse_bool(const char *text, struct config_value *v)
{
	static const char *const yes[] = {"yes", "1", "true", "on"};
	static const char *const no[] = {"no", "0", "false", "off"};

	for (unsigned i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
		v->yes = strcasecmp(text, yes[i]) == 0;
		if (v->yes || strcasecmp(text, no[i]) == 0)
			return true;
	}
	return false;
}

/* Digits with at most one point; what follows is left in *rest. scaled: times 10^9, rounded down. */
static bool parse_decimal(const char *text, uint64_t *scaled, const char **rest)
{
	uint64_t whole = 0, fraction = 0, unit = 1000000000;
	const char *at = text;

	for (; isdigit((unsigned char)*at); at++) {
		whole = whole * 10 + (uint64_t)(*at - '0');
		if (whole > UINT64_C(9000000000))
			return false;
	}
	if (at == text)
		return false;
	if (*at == '.') {
		at++;
		if (!isdigit((unsigned char)*at))
			return false;
		for (; isdigit((unsigned char)*at); at++) {
			unit /= 10;
			fraction += (uint64_t)(*at - '0') * unit;
		}
	}
	*scaled = whole * UINT64_C(1000000000) + fraction;
	*rest = at;
	return true;
}

static bool parse_number(const char *text, struct config_value *v)
{
	uint64_t n = 0;

	for (const char *at = text; *at; at++) {
		if (!isdigit((unsigned char)*at) || n > (UINT64_MAX - 9) / 10)
			return false;
		n = n * 10 + (uint64_t)(*at - '0');
	}
	v->number = n;
	return *text != '\0';
}

static bool parse_seconds(const char *text, struct config_value *v)
{
	const char *rest;

	return parse_decimal(text, &v->ns, &rest) && (*rest == '\0' || strcmp(rest, "s") == 0);
}

static bool parse_percent(const char *text, struct config_value *v)
{
	const char *rest;
	uint64_t scaled;

	if (!parse_decimal(text, &scaled, &rest) || (*rest != '\0' && strcmp(rest, "%") != 0))
		return false;
	v->share = (double)scaled / 100e9;
	return scaled <= UINT64_C(100000000000);
}

struct unit {
	const char *name;
	uint64_t multiplier, divisor;
};

static bool parse_with_unit(const char *text, const struct unit *units, unsigned count, uint64_t *out)
{
	const char *rest;
	uint64_t scaled;

	if (!parse_decimal(text, &scaled, &rest))
		return false;
	/* Nothing needs no unit. */
	if (scaled == 0 && *rest == '\0') {
		*out = 0;
		return true;
	}
	for (unsigned i = 0; i < count; i++)
		if (strcasecmp(rest, units[i].name) == 0) {
			*out = scaled / units[i].divisor * units[i].multiplier;
			return scaled / units[i].divisor <= UINT64_MAX / units[i].multiplier;
		}
	return false;
}

static bool parse_duration(const char *text, struct config_value *v)
{
	static const struct unit units[] = {
	    {"ns", 1, 1000000000}, {"us", 1, 1000000}, {"ms", 1, 1000}, {"s", 1, 1}};

	return parse_with_unit(text, units, sizeof(units) / sizeof(*units), &v->ns);
}

static bool parse_rate(const char *text, struct config_value *v)
{
	/* Decimal multiples, as tc(8) has them. */
	static const struct unit units[] = {{"bit", 1, 1000000000}, {"kbit", 1, 1000000},
	    {"mbit", 1, 1000}, {"gbit", 1, 1}, {"tbit", 1000, 1}};

	return parse_with_unit(text, units, sizeof(units) / sizeof(*units), &v->bits_per_s);
}

/* The next word of a list: its length, and *text moved behind it and its separators. */
static size_t next_word(const char **text, char *word, size_t room_bytes)
{
	const char *start = *text + strspn(*text, ", \t");
	size_t bytes = strcspn(start, ", \t");

	*text = start + bytes;
	*text += strspn(*text, ", \t");
	if (bytes >= room_bytes)
		bytes = room_bytes - 1;
	memcpy(word, start, bytes);
	word[bytes] = '\0';
	return bytes;
}

static bool parse_one_address(const char *text, struct config_address *out)
{
	*out = (struct config_address){.family = 4, .bits = 32};
	if (inet_pton(AF_INET, text, out->octet) == 1)
		return true;
	out->family = 6;
	out->bits = 128;
	return inet_pton(AF_INET6, text, out->octet) == 1;
}

static bool parse_one_prefix(char *text, struct config_address *out)
{
	struct config_value bits;
	char *slash = strchr(text, '/');

	if (!slash)
		return false;
	*slash = '\0';
	if (!parse_one_address(text, out) || !parse_number(slash + 1, &bits) || bits.number > out->bits)
		return false;
	out->bits = (uint8_t)bits.number;
	return true;
}

static bool parse_list(const char *text, bool prefixes, unsigned max, struct config_value *v)
{
	char word[64];

	v->addresses.count = 0;
	v->addresses.dhcp = false;
	while (*text) {
		struct config_address *a = &v->addresses.at[v->addresses.count];

		if (v->addresses.count == max || next_word(&text, word, sizeof(word)) == 0)
			return false;
		if (prefixes && strcmp(word, "dhcp") == 0) {
			v->addresses.dhcp = true;
			continue;
		}
		if (prefixes ? !parse_one_prefix(word, a) : !parse_one_address(word, a))
			return false;
		v->addresses.count++;
	}
	return v->addresses.count > 0 || v->addresses.dhcp;
}

static bool parse_prefix(const char *text, struct config_value *v)
{
	return parse_list(text, true, CONFIG_ADDRESSES_MAX, v);
}

static bool parse_address(const char *text, struct config_value *v)
{
	return parse_list(text, false, 1, v);
}

static bool parse_addresses(const char *text, struct config_value *v)
{
	return parse_list(text, false, CONFIG_ADDRESSES_MAX, v);
}

static bool parse_mac(const char *text, struct config_value *v)
{
	unsigned octets = 0;
	bool any = false;

	for (const char *at = text; octets < 6; at += 3) {
		static const char hex[] = "0123456789abcdef";
		const char *high = at[0] ? strchr(hex, tolower((unsigned char)at[0])) : NULL;
		const char *low = high && at[1] ? strchr(hex, tolower((unsigned char)at[1])) : NULL;

		if (!low || at[2] != (octets == 5 ? '\0' : ':'))
			return false;
		v->mac[octets] = (uint8_t)((high - hex) << 4 | (low - hex));
		any = any || v->mac[octets];
		octets++;
	}
	/* A group address cannot be a station's own (IEEE 802: bit 0 of the first octet). */
	return any && !(v->mac[0] & 1);
}

static bool parse_interface(const char *text, struct config_value *v)
{
	(void)v;
	return strlen(text) < 16 && !strpbrk(text, "/ \t\n:") && strcmp(text, ".") && strcmp(text, "..");
}

static bool parse_name(const char *text, struct config_value *v)
{
	(void)v;
	if (!isalnum((unsigned char)*text) || strlen(text) > CONFIG_NAME_BYTES_MAX)
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("._-", *text))
			return false;
	return true;
}

int config_parse(enum config_type type, const char *text, struct config_value *v,
    char message[CONFIG_MESSAGE_BYTES])
{
	static const struct {
		bool (*parse)(const char *text, struct config_value *v);
		const char *form;
	} types[CONFIG_TYPE_COUNT] = {
#define CONFIG_TYPE(name, form) {parse_##name, form},
	    CONFIG_TYPES(CONFIG_TYPE)
#undef CONFIG_TYPE
	};

	v->text = text;
	v->set = *text != '\0';
	if (!v->set || types[type].parse(text, v))
		return 0;
	snprintf(message, CONFIG_MESSAGE_BYTES, "give %s", types[type].form);
	return -EINVAL;
}
