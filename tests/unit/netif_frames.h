/* SPDX-License-Identifier: MIT */
/*
 * Frames for the driver tests: a TCP or UDP frame as the engine would build it, and judges that
 * look at a finished frame of bytes. The judges share no line with the code under test but the
 * Internet checksum.
 */
#ifndef TESTS_UNIT_NETIF_FRAMES_H
#define TESTS_UNIT_NETIF_FRAMES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stack/base/checksum.h"
#include "stack/base/frame.h"

#define TEST_FLAG_FIN 0x01
#define TEST_FLAG_PSH 0x08
#define TEST_FLAG_ACK 0x10
#define TEST_FLAG_CWR 0x80

struct test_frame {
	unsigned version;  /* 4 or 6 */
	uint8_t protocol;  /* 6 or 17 */
	uint8_t flags;     /* TCP */
	uint32_t sequence;
	uint16_t identification;
	uint16_t gso_bytes; /* 0: not to be cut */
	bool link_header;
	const uint8_t *payload;
	uint32_t payload_bytes;
};

static inline void test_put_16(uint8_t *at, uint32_t n)
{
	at[0] = (uint8_t)(n >> 8);
	at[1] = (uint8_t)n;
}

static inline uint32_t test_get_16(const uint8_t *at)
{
	return (uint32_t)(at[0] << 8 | at[1]);
}

static inline uint32_t test_get_32(const uint8_t *at)
{
	return test_get_16(at) << 16 | test_get_16(at + 2);
}

static inline struct ip_addr test_addr(unsigned version, uint8_t last)
{
	struct ip_addr a = {{0x20, 1, 0xd, 0xb8, [15] = last}};

	return version == 4 ? ip_from_v4(0xc0000200U + last) : a;
}

static inline struct be16 test_pseudo(const struct test_frame *t, uint32_t length)
{
	struct ip_addr a = test_addr(t->version, 1), b = test_addr(t->version, 2);

	return checksum_partial(checksum_pseudo_header(&a, &b, t->protocol, length));
}

static inline uint32_t test_transport_bytes(const struct test_frame *t)
{
	return t->protocol == 6 ? 32 : 8; /* TCP with 12 bytes of options */
}

/* 192.0.2.1 or 2001:db8::1, port 1000, to ...2, port 80, the checksum left to the driver. */
static inline void test_frame_build(struct frame_out *f, const struct test_frame *t)
{
	uint32_t length = test_transport_bytes(t) + t->payload_bytes;
	struct ip_addr a = test_addr(t->version, 1), b = test_addr(t->version, 2);
	struct be16 pseudo = test_pseudo(t, length);
	uint8_t *at;

	frame_init(f);
	at = frame_push(f, test_transport_bytes(t));
	memset(at, 0, test_transport_bytes(t));
	test_put_16(at, 1000);
	test_put_16(at + 2, 80);
	if (t->protocol == 6) {
		test_put_16(at + 4, t->sequence >> 16);
		test_put_16(at + 6, t->sequence);
		at[12] = 8 << 4;
		at[13] = t->flags;
		memset(at + 20, 1, 12);
	} else {
		test_put_16(at + 4, length);
	}
	f->checksum_offset = t->protocol == 6 ? 16 : 6;
	memcpy(at + f->checksum_offset, &pseudo, 2);
	f->checksum_needed = true;
	f->checksum_start = 0;
	at = frame_push(f, t->version == 4 ? 20 : 40);
	memset(at, 0, t->version == 4 ? 20 : 40);
	if (t->version == 4) {
		struct be16 sum;

		at[0] = 0x45;
		test_put_16(at + 2, 20 + length);
		test_put_16(at + 4, t->identification);
		at[6] = 0x40;
		at[8] = 64;
		at[9] = t->protocol;
		memcpy(at + 12, a.octet + 12, 4);
		memcpy(at + 16, b.octet + 12, 4);
		sum = checksum_finish(checksum_add((struct checksum){0}, at, 20));
		memcpy(at + 10, &sum, 2);
	} else {
		at[0] = 0x60;
		test_put_16(at + 4, length);
		at[6] = t->protocol;
		at[7] = 64;
		memcpy(at + 8, a.octet, 16);
		memcpy(at + 24, b.octet, 16);
	}
	if (t->link_header) {
		static const uint8_t macs[12] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};

		at = frame_push(f, 14);
		memcpy(at, macs, sizeof(macs));
		test_put_16(at + 12, t->version == 4 ? 0x0800 : 0x86dd);
	}
	if (t->gso_bytes) {
		f->gso = t->protocol == 17 ? FRAME_GSO_UDP :
		         t->version == 4   ? FRAME_GSO_TCP_V4 :
		                             FRAME_GSO_TCP_V6;
		f->gso_bytes = t->gso_bytes;
		f->gso_header_bytes = (uint16_t)frame_header_bytes(f);
	}
	/* In two parts of odd length, as a ring that wraps would give it. */
	frame_add_part(f, t->payload, t->payload_bytes / 3);
	frame_add_part(f, t->payload + t->payload_bytes / 3, t->payload_bytes - t->payload_bytes / 3);
}

/* Where the transport header of a frame built by test_frame_build() is. */
static inline uint32_t test_transport_at(const struct test_frame *t)
{
	return (t->link_header ? 14U : 0U) + (t->version == 4 ? 20U : 40U);
}

/* Is the checksum of the finished frame right? */
static inline bool test_checksum_right(const struct test_frame *t, const uint8_t *data, uint32_t bytes)
{
	uint32_t at = test_transport_at(t);
	struct be16 pseudo = test_pseudo(t, bytes - at);
	struct checksum sum = checksum_add((struct checksum){0}, &pseudo, 2);

	return be16_get(checksum_finish(checksum_add(sum, data + at, bytes - at))) == 0;
}

/* Bytes that differ from place to place. */
static inline uint8_t *test_payload(uint32_t bytes)
{
	uint8_t *data = malloc(bytes ? bytes : 1);
	uint32_t x = 12345;

	assert_non_null(data);
	for (uint32_t i = 0; i < bytes; i++) {
		x = x * 1664525U + 1013904223U;
		data[i] = (uint8_t)(x >> 24);
	}
	return data;
}

#endif
