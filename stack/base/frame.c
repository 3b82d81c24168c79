/* SPDX-License-Identifier: MIT */
/* Frames between the engine and a driver; see frame.h. */
#include "stack/base/frame.h"

uint32_t frame_flatten(const struct frame_out *f, uint8_t *out, uint32_t room_bytes)
{
	uint32_t at = frame_header_bytes(f);

	CHECK(frame_bytes(f) <= room_bytes);
	memcpy(out, frame_header(f), at);
	for (unsigned i = 0; i < f->part_count; i++) {
		memcpy(out + at, f->part[i].data, f->part[i].bytes);
		at += (uint32_t)f->part[i].bytes;
	}
	return at;
}
