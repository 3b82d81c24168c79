/* SPDX-License-Identifier: MIT */
/* Quantities as people write them; see units.h. */
#include "netif/units.h"

#include <errno.h>
#include <stddef.h>
#include <strings.h>

struct unit {
	const char *name;
	double factor;
};

/* A plain decimal number; *rest is what follows it. */
static int parse_number(const char *text, double *out, const char **rest)
{
	double value = 0, place = 1;
	int digits = 0;

	for (; *text >= '0' && *text <= '9'; text++, digits++)
		value = value * 10 + (*text - '0');
	if (*text == '.')
		for (text++; *text >= '0' && *text <= '9'; text++, digits++) {
			place /= 10;
			value += place * (*text - '0');
		}
	*out = value;
	*rest = text;
	return digits ? 0 : -EINVAL;
}

/* The first unit may be left out when it has no name. */
static int parse_quantity(const char *text, const struct unit *unit, double limit, double *out)
{
	const char *rest;
	double value;

	if (!text || parse_number(text, &value, &rest))
		return -EINVAL;
	if (*rest == '\0' && value <= 0) {
		*out = 0;
		return 0;
	}
	for (; unit->name; unit++)
		if (strcasecmp(rest, unit->name) == 0) {
			*out = value * unit->factor;
			return *out > limit ? -ERANGE : 0;
		}
	return -EINVAL;
}

int units_parse_percent(const char *text, double *probability)
{
	static const struct unit percent[] = {{"", 1}, {"%", 1}, {NULL, 0}};
	double value;
	int result = parse_quantity(text, percent, 100, &value);

	if (result == 0)
		*probability = value / 100;
	return result;
}

static int parse_whole(const char *text, const struct unit *unit, uint64_t *out)
{
	double value;
	int result = parse_quantity(text, unit, 0x1p62, &value);

	if (result == 0)
		*out = (uint64_t)(value + 0.5);
	return result;
}

int units_parse_duration(const char *text, uint64_t *duration_ns)
{
	static const struct unit durations[] = {
	    {"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {NULL, 0}};

	return parse_whole(text, durations, duration_ns);
}

int units_parse_rate(const char *text, uint64_t *rate_bits_per_s)
{
	static const struct unit rates[] = {
	    {"bit", 1}, {"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}, {NULL, 0}};

	return parse_whole(text, rates, rate_bits_per_s);
}

int units_parse_bytes(const char *text, uint64_t *bytes)
{
	static const struct unit sizes[] = {{"", 1}, {"b", 1}, {"k", 0x1p10}, {"kb", 0x1p10},
	    {"kib", 0x1p10}, {"m", 0x1p20}, {"mb", 0x1p20}, {"mib", 0x1p20}, {"g", 0x1p30},
	    {"gb", 0x1p30}, {"gib", 0x1p30}, {NULL, 0}};

	return parse_whole(text, sizes, bytes);
}
