/* SPDX-License-Identifier: MIT */
/*
 * Segmentation and checksums in software: the one place that does what a card or the kernel does
 * for a driver with offloads (DESIGN.md 2.4). A frame larger than the MTU is cut into the frames
 * that a real wire would carry; a checksum that was left for the driver is completed. Every path
 * that cannot offload comes through here: the simulated wire, the faults, the lab's wire, a packet
 * socket without PACKET_VNET_HDR, and (checksums only) the capture.
 *
 * What differs from piece to piece: TCP's sequence number, FIN and PSH (on the last only, RFC 9293
 * 3.1) and CWR (on the first only, RFC 3168 6.1.2); UDP's length; IPv4's identification (counts
 * up), total length and header checksum; IPv6's payload length; the transport checksum.
 */
#ifndef NETIF_SEGMENT_H
#define NETIF_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/base/frame.h"

/* Room for any piece: a frame that is not cut needs all of it. */
#define SEGMENT_ROOM_BYTES (FRAME_PACKET_MAX + FRAME_HEADER_MAX)

/* Receives one finished frame; the bytes are the cutter's and valid during the call only. Anything
 * but 0 ends the cutting and becomes its result. */
typedef int (*segment_emit)(void *context, const uint8_t *frame, uint32_t bytes);

/* Cuts a frame on its way out. room is scratch of the caller's. */
int segment_frame_out(const struct frame_out *f, bool has_link_header,
    uint8_t room[SEGMENT_ROOM_BYTES], segment_emit emit, void *context);

/* Cuts a frame that a driver received as one (and completes the checksum of one that never left
 * this machine). -EBADMSG when it is marked as many but is not TCP or UDP of that shape. */
int segment_frame_in(const struct frame_in *f, bool has_link_header,
    uint8_t room[SEGMENT_ROOM_BYTES], segment_emit emit, void *context);

/* Writes the right transport checksum into a whole frame. Leaves alone what has none that we know:
 * fragments, other protocols, UDP over IPv4 without one (RFC 768). */
void segment_complete_checksum(uint8_t *frame, uint32_t bytes, bool has_link_header);

#endif
