/* SPDX-License-Identifier: MIT */
/*
 * Byte order. A number on the wire has a type of its own, so that reading it without converting
 * does not compile. Nothing here needs alignment.
 */
#ifndef STACK_BASE_BYTES_H
#define STACK_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct be16 {
	uint8_t octet[2];
};

struct be32 {
	uint8_t octet[4];
};

static inline uint16_t be16_get(struct be16 v)
{
	return (uint16_t)(v.octet[0] << 8 | v.octet[1]);
}

static inline struct be16 be16_make(uint16_t n)
{
	return (struct be16){{(uint8_t)(n >> 8), (uint8_t)n}};
}

static inline uint32_t be32_get(struct be32 v)
{
	return (uint32_t)v.octet[0] << 24 | (uint32_t)v.octet[1] << 16 | (uint32_t)v.octet[2] << 8 |
	       v.octet[3];
}

static inline struct be32 be32_make(uint32_t n)
{
	return (struct be32){
	    {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

/* A run of bytes that somebody else owns. */
struct span {
	const uint8_t *data;
	size_t bytes;
};

/* A run of bytes to be filled, that somebody else owns. */
struct space {
	uint8_t *data;
	size_t bytes;
};

#endif
