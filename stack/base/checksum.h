/* SPDX-License-Identifier: MIT */
/*
 * The Internet checksum (RFC 1071): the ones' complement sum of 16-bit words. Sums are carried in
 * 64 bits, byte-order independent (RFC 1071 2B), and folded once at the end.
 */
#ifndef STACK_BASE_CHECKSUM_H
#define STACK_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include "stack/base/addr.h"

/* A running sum over whole runs of bytes. A run of odd length is padded: only the last run of a
 * message may be odd; checksum_add_odd() joins runs that begin at an odd offset. */
struct checksum {
	uint64_t sum;
};

struct checksum checksum_add(struct checksum c, const void *data, size_t bytes);
/* data begins at an odd offset of the message. */
struct checksum checksum_add_odd(struct checksum c, const void *data, size_t bytes);

/* The pseudo-header of RFC 9293 3.1 (IPv4) and RFC 8200 8.1 (IPv6). length in bytes. */
struct checksum checksum_pseudo_header(const struct ip_addr *source,
    const struct ip_addr *destination, uint8_t protocol, uint32_t length);

/* The ones' complement, ready for the header field (network order). Over a message with its
 * correct checksum in place the result is zero. */
struct be16 checksum_finish(struct checksum c);

/* The folded sum itself, not complemented: what a device wants in the field when it is to
 * complete the checksum. */
struct be16 checksum_partial(struct checksum c);

#endif
