/* SPDX-License-Identifier: MIT */
/* The Internet checksum; see checksum.h. */
#include "stack/base/checksum.h"

#include <string.h>

/* 64-bit addition with the carry brought round, which keeps the ones' complement sum. */
static inline uint64_t add_carry(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? sum + 1 : sum;
}

/* 32-bit words summed in 64 bits cannot overflow within 2^32 words, and the compiler turns the
 * plain loop into the widest registers there are. */
static uint64_t sum_words(const uint8_t *octet, size_t words)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < words; i++) {
		uint32_t word;

		memcpy(&word, octet + 4 * i, sizeof(word));
		sum += word;
	}
	return sum;
}

struct checksum checksum_add(struct checksum c, const void *data, size_t bytes)
{
	const uint8_t *octet = data;
	uint32_t last = 0;
	uint64_t sum = sum_words(octet, bytes / 4);

	memcpy(&last, octet + (bytes & ~(size_t)3), bytes & 3);
	return (struct checksum){add_carry(c.sum, sum + last)};
}

static uint16_t fold(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)sum;
}

struct checksum checksum_add_odd(struct checksum c, const void *data, size_t bytes)
{
	uint16_t straight = fold(checksum_add((struct checksum){0}, data, bytes).sum);
	uint16_t swapped = (uint16_t)(straight << 8 | straight >> 8);

	return (struct checksum){add_carry(c.sum, swapped)};
}

struct checksum checksum_pseudo_header(const struct ip_addr *source,
    const struct ip_addr *destination, uint8_t protocol, uint32_t length)
{
	uint8_t tail[8] = {(uint8_t)(length >> 24), (uint8_t)(length >> 16), (uint8_t)(length >> 8),
	    (uint8_t)length, 0, 0, 0, protocol};
	struct checksum c = {0};

	if (ip_is_v4(source)) {
		c = checksum_add(c, source->octet + 12, 4);
		c = checksum_add(c, destination->octet + 12, 4);
	} else {
		c = checksum_add(c, source->octet, 16);
		c = checksum_add(c, destination->octet, 16);
	}
	return checksum_add(c, tail, sizeof(tail));
}

struct be16 checksum_partial(struct checksum c)
{
	uint16_t sum = fold(c.sum);
	struct be16 out;

	memcpy(&out, &sum, sizeof(out));
	return out;
}

struct be16 checksum_finish(struct checksum c)
{
	uint16_t sum = (uint16_t)~fold(c.sum);
	struct be16 out;

	memcpy(&out, &sum, sizeof(out));
	return out;
}
