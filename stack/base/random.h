/* SPDX-License-Identifier: MIT */
/*
 * Numbers that an outsider cannot guess, from a secret that the host of the engine drew: SipHash-2-4
 * keyed with it for hash tables, initial sequence numbers (RFC 6528) and cookies, and a stream of
 * numbers made with the same function in counter mode. The engine draws no entropy of its own, so
 * the same secret gives the same run.
 */
#ifndef STACK_BASE_RANDOM_H
#define STACK_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k0, k1;
};

uint64_t siphash(const struct hash_key *key, const void *data, size_t bytes);

struct random {
	struct hash_key key;
	uint64_t counter;
};

uint64_t random_next(struct random *r);
/* 0 <= result < limit, limit at least 1. */
uint32_t random_below(struct random *r, uint32_t limit);

#endif
