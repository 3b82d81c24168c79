/* SPDX-License-Identifier: MIT */
/*
 * When may the next burst leave? A sender that paces (BBR, or SO_MAX_PACING_RATE) spreads its
 * segments over the round trip; one that does not still sizes its bursts by its rate, as Linux
 * does (tcp_tso_autosize: about a millisecond's worth). Holds one instant; arms no timer.
 */
#ifndef STACK_PROTOCOL_TCP_PACING_H
#define STACK_PROTOCOL_TCP_PACING_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/base/time.h"

#define PACING_NO_LIMIT UINT64_MAX

struct pacing {
	bool on;                  /* the congestion control needs it, or the program limits the rate */
	uint64_t bytes_per_s;     /* PACING_NO_LIMIT until something is known */
	uint64_t next_ns;         /* earliest time of the next burst */
};

void pacing_init(struct pacing *p);
/* wanted: what congestion control says; max: SO_MAX_PACING_RATE, PACING_NO_LIMIT for none. */
void pacing_set(struct pacing *p, bool needed, uint64_t wanted_bytes_per_s, uint64_t max_bytes_per_s);
/* 0: now is the time; else when to ask again. */
uint64_t pacing_wait_until_ns(const struct pacing *p, uint64_t now_ns);
/* bytes have left, headers not counted. */
void pacing_on_send(struct pacing *p, uint32_t bytes, uint64_t now_ns);
/* How many bytes one frame (a multiple of mss_bytes) should hold: about 1 ms of the rate, plus
 * more on short round trips (Linux: tcp_tso_rtt_log), at least least_segments, at most most_bytes. */
uint32_t pacing_burst_bytes(const struct pacing *p, uint32_t mss_bytes, uint64_t min_rtt_ns,
    uint32_t least_segments, uint32_t most_bytes);

#endif
