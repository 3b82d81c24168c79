/* SPDX-License-Identifier: MIT */
/*
 * Frames between the engine and a driver. A "frame" can be larger than the link's MTU: then it is
 * one TCP segment (or UDP datagram train) that the kernel or the card cuts into pieces of
 * gso_bytes payload each, or that it has put together from such pieces (DESIGN.md 2.4).
 * Headers begin with Ethernet, or with IP on links without a link header.
 */
#ifndef STACK_BASE_FRAME_H
#define STACK_BASE_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/base/bytes.h"
#include "stack/base/check.h"

enum frame_gso {
	FRAME_GSO_NONE,
	FRAME_GSO_TCP_V4,
	FRAME_GSO_TCP_V6,
	FRAME_GSO_UDP,
};

/* Largest IP packet that a frame holds. */
#define FRAME_PACKET_MAX 65535U
/* Ethernet, IPv6 or IPv4 with options, some extension headers, TCP with options. */
#define FRAME_HEADER_MAX 256U
/* A ring that wraps gives two parts; one more for a protocol's own constant bytes. */
#define FRAME_PARTS_MAX 3U

/* A frame that has arrived: one contiguous run of bytes that belongs to the driver. */
struct frame_in {
	const uint8_t *data;
	uint32_t bytes;
	enum frame_gso gso;
	uint16_t gso_bytes;     /* payload of each piece that it was put together from; 0 if none */
	bool checksum_verified; /* the transport checksum was checked or never left this machine */
};

/*
 * A frame to be sent: headers in the frame itself, written from the back to the front by
 * frame_push(), and up to FRAME_PARTS_MAX runs of payload that still belong to the engine: they
 * stay valid until the next call that gives the engine input.
 */
struct frame_out {
	uint8_t header[FRAME_HEADER_MAX];
	uint16_t header_start; /* first used octet of header[] */
	uint8_t part_count;
	bool checksum_needed;     /* the driver completes the checksum: */
	uint16_t checksum_start;  /* sum from this octet of the frame (0 = first header octet) ... */
	uint16_t checksum_offset; /* ... and store it this far behind; the field holds the pseudo-header's sum */
	enum frame_gso gso;
	uint16_t gso_bytes;      /* payload of each piece when gso is not NONE */
	uint16_t gso_header_bytes; /* headers that every piece repeats */
	uint32_t interface;      /* index of the interface that it leaves by */
	struct span part[FRAME_PARTS_MAX];
};

static inline void frame_init(struct frame_out *f)
{
	f->header_start = FRAME_HEADER_MAX;
	f->part_count = 0;
	f->checksum_needed = false;
	f->checksum_start = f->checksum_offset = 0;
	f->gso = FRAME_GSO_NONE;
	f->gso_bytes = f->gso_header_bytes = 0;
	f->interface = 0;
}

/* Room for bytes more in front of what has been written. */
static inline void *frame_push(struct frame_out *f, size_t bytes)
{
	CHECK(bytes <= f->header_start);
	f->header_start = (uint16_t)(f->header_start - bytes);
	f->checksum_start = (uint16_t)(f->checksum_start + bytes);
	return f->header + f->header_start;
}

static inline const uint8_t *frame_header(const struct frame_out *f)
{
	return f->header + f->header_start;
}

static inline uint32_t frame_header_bytes(const struct frame_out *f)
{
	return FRAME_HEADER_MAX - f->header_start;
}

static inline void frame_add_part(struct frame_out *f, const uint8_t *data, size_t bytes)
{
	CHECK(f->part_count < FRAME_PARTS_MAX);
	if (bytes)
		f->part[f->part_count++] = (struct span){data, bytes};
}

static inline uint32_t frame_payload_bytes(const struct frame_out *f)
{
	size_t sum = 0;

	for (unsigned i = 0; i < f->part_count; i++)
		sum += f->part[i].bytes;
	return (uint32_t)sum;
}

static inline uint32_t frame_bytes(const struct frame_out *f)
{
	return frame_header_bytes(f) + frame_payload_bytes(f);
}

/* Copies the whole frame into one run; room must be at least frame_bytes(). Returns its length. */
uint32_t frame_flatten(const struct frame_out *f, uint8_t *out, uint32_t room_bytes);

#endif
