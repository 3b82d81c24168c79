/* SPDX-License-Identifier: MIT */
/*
 * Round-trip time and retransmission timeout: RFC 6298 with Linux's habits. The variance that the
 * timeout uses falls at most once a round trip and never below the floor that gives the smallest
 * timeout (200 ms), and a sample far below the average weighs less in the deviation, so that a
 * connection whose round trip shrinks is not given a longer timeout for it. Knows the smallest
 * round trip of the last five minutes (Linux: tcp_min_rtt_wlen).
 *
 * Never decides which segment may be measured (RFC 6298 3, Karn): that is recovery's.
 */
#ifndef STACK_PROTOCOL_TCP_RTT_H
#define STACK_PROTOCOL_TCP_RTT_H

#include "stack/base/seq.h"
#include "stack/base/time.h"
#include "stack/protocol/tcp/minmax.h"

#define RTT_RTO_INITIAL_NS (1 * NSEC_PER_SEC)   /* RFC 6298 2.1 */
#define RTT_RTO_MIN_NS (200 * NSEC_PER_MSEC)    /* Linux's TCP_RTO_MIN, below RFC 6298 2.4 */
#define RTT_RTO_MAX_NS (120 * NSEC_PER_SEC)     /* Linux's TCP_RTO_MAX */
#define RTT_MIN_WINDOW_NS (300 * NSEC_PER_SEC)

struct rtt {
	uint64_t srtt_ns;      /* smoothed; 0: nothing measured yet */
	uint64_t mdev_ns;      /* deviation, running */
	uint64_t mdev_max_ns;  /* largest of this round trip */
	uint64_t rttvar_ns;    /* what the timeout uses */
	uint64_t latest_ns;    /* the last sample */
	uint64_t rto_min_ns;   /* floor: RTT_RTO_MIN_NS unless a route or a program says otherwise */
	struct seq round_end;  /* the round trip ends when this is acknowledged */
	struct minmax min;     /* of the samples, over RTT_MIN_WINDOW_NS */
};

void rtt_init(struct rtt *r);
/* A measured round trip. una is the first unacknowledged and nxt the next sequence number to be sent. */
void rtt_sample(struct rtt *r, uint64_t sample_ns, struct seq una, struct seq nxt, uint64_t now_ns);
/* The timeout before any backoff: srtt + max(4 * rttvar, floor), RFC 6298 2.3. */
uint64_t rtt_rto_ns(const struct rtt *r);
/* The timeout doubled backoff times, at most RTT_RTO_MAX_NS: RFC 6298 5.5. */
uint64_t rtt_rto_backed_off_ns(const struct rtt *r, unsigned backoff);
/* The smallest of the last five minutes; UINT64_MAX: nothing measured yet. */
uint64_t rtt_min_ns(const struct rtt *r);

#endif
