/* SPDX-License-Identifier: MIT */
/* SipHash-2-4 (Aumasson and Bernstein, 2012) and numbers drawn from it; see random.h. */
#include "stack/base/random.h"

#include <string.h>

struct sip_state {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate_left(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_rounds(struct sip_state *s, int count)
{
	while (count-- > 0) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotate_left(s->v1, 13) ^ s->v0;
		s->v3 = rotate_left(s->v3, 16) ^ s->v2;
		s->v0 = rotate_left(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = rotate_left(s->v1, 17) ^ s->v2;
		s->v3 = rotate_left(s->v3, 21) ^ s->v0;
		s->v2 = rotate_left(s->v2, 32);
	}
}

static uint64_t little_endian(const uint8_t *octet, size_t bytes)
{
	uint64_t word = 0;

	for (size_t i = 0; i < bytes; i++)
		word |= (uint64_t)octet[i] << (8 * i);
	return word;
}

static void sip_word(struct sip_state *s, uint64_t word)
{
	s->v3 ^= word;
	sip_rounds(s, 2);
	s->v0 ^= word;
}

uint64_t siphash(const struct hash_key *key, const void *data, size_t bytes)
{
	const uint8_t *octet = data;
	size_t rest = bytes % 8;
	struct sip_state s = {
	    key->k0 ^ UINT64_C(0x736f6d6570736575), key->k1 ^ UINT64_C(0x646f72616e646f6d),
	    key->k0 ^ UINT64_C(0x6c7967656e657261), key->k1 ^ UINT64_C(0x7465646279746573)};

	for (size_t i = 0; i + 8 <= bytes; i += 8)
		sip_word(&s, little_endian(octet + i, 8));
	sip_word(&s, little_endian(octet + bytes - rest, rest) | (uint64_t)bytes << 56);
	s.v2 ^= 0xff;
	sip_rounds(&s, 4);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t random_next(struct random *r)
{
	r->counter++;
	return siphash(&r->key, &r->counter, sizeof(r->counter));
}

uint32_t random_below(struct random *r, uint32_t limit)
{
	return (uint32_t)(((random_next(r) & UINT32_MAX) * limit) >> 32);
}
