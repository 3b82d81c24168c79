/* SPDX-License-Identifier: MIT */
/*
 * A path for congestion control alone: a bottleneck of so many segments a second with a queue, a
 * round trip, and chance losses. No engine: a sender that always has data, one ACK for each segment,
 * and loss recovery that is perfect (a hole is known a round trip later).
 */
#ifndef TESTS_UNIT_CONGESTION_PATH_H
#define TESTS_UNIT_CONGESTION_PATH_H

#include <string.h>

#include "stack/protocol/tcp/congestion.h"
#include "stack/protocol/tcp/pacing.h"

#define PATH_MSS 1448U
#define PATH_PACKETS 8192U

struct path_packet {
	uint64_t ack_ns; /* when its fate is known */
	bool lost;
	uint64_t number;
	struct rate_stamp stamp;
};

struct path {
	struct congestion c;
	struct rate rate;
	struct pacing pacing;
	uint64_t rtt_ns, per_segment_ns, busy_until_ns, now_ns, delivered, sent, lost;
	uint32_t queue_segments, random, loss_per_mille;
	uint64_t recovery_until;   /* packets numbered below end the recovery */
	bool recovering;
	uint64_t next_number;
	struct path_packet ring[PATH_PACKETS];
	uint32_t head, count;
};

static inline uint32_t path_chance(struct path *p)
{
	p->random = p->random * 1664525U + 1013904223U;
	return (p->random >> 8) % 1000;
}

static inline void path_init(struct path *p, const char *name, uint64_t rtt_ns, uint64_t bytes_per_s,
    uint32_t queue_segments, uint32_t loss_per_mille)
{
	memset(p, 0, sizeof(*p));
	congestion_init(&p->c, congestion_find(name), PATH_MSS, 1, NSEC_PER_SEC);
	congestion_established(&p->c, PATH_MSS, 0, rtt_ns, NSEC_PER_SEC);
	rate_init(&p->rate, NSEC_PER_SEC);
	pacing_init(&p->pacing);
	p->now_ns = NSEC_PER_SEC;
	p->rtt_ns = rtt_ns;
	p->per_segment_ns = PATH_MSS * NSEC_PER_SEC / bytes_per_s;
	p->queue_segments = queue_segments;
	p->loss_per_mille = loss_per_mille;
	p->random = 12345;
}

static inline void path_send(struct path *p)
{
	struct path_packet *k = &p->ring[(p->head + p->count) % PATH_PACKETS];
	uint64_t start = p->busy_until_ns > p->now_ns ? p->busy_until_ns : p->now_ns;

	rate_on_send(&p->rate, &k->stamp, p->count * PATH_MSS, PATH_MSS, p->now_ns);
	pacing_on_send(&p->pacing, PATH_MSS, p->now_ns);
	k->number = p->next_number++;
	k->lost = path_chance(p) < p->loss_per_mille;
	if ((start - p->now_ns) / p->per_segment_ns >= p->queue_segments) {
		k->lost = true;
		k->ack_ns = start + p->rtt_ns;
	} else {
		p->busy_until_ns = start + p->per_segment_ns;
		k->ack_ns = p->busy_until_ns + p->rtt_ns;
	}
	p->count++;
	p->sent++;
	congestion_on_send(&p->c, PATH_MSS, seq_make((uint32_t)k->number * PATH_MSS));
}

/* The oldest packet's fate is known. */
static inline void path_ack(struct path *p)
{
	struct path_packet k = p->ring[p->head];
	struct congestion_ack a = {.now_ns = p->now_ns, .in_flight_before_bytes = p->count * PATH_MSS};
	struct rate_sample s;

	p->head = (p->head + 1) % PATH_PACKETS;
	p->count--;
	rate_sample_begin(&s);
	if (k.lost) {
		rate_on_lost(&p->rate, &s, PATH_MSS);
		a.lost_bytes = PATH_MSS;
		p->lost++;
		if (!p->recovering) {
			p->recovering = true;
			p->recovery_until = p->next_number;
			congestion_enter_recovery(&p->c, false, p->now_ns);
		}
	} else {
		rate_on_delivered(&p->rate, &s, &k.stamp, PATH_MSS, false, p->now_ns);
		a.acked_bytes = a.delivered_bytes = PATH_MSS;
		a.rtt_ns = p->now_ns - k.stamp.sent_ns;
		a.una_advanced = true;
		p->delivered += PATH_MSS;
	}
	rate_sample_end(&p->rate, &s, p->rtt_ns, p->now_ns);
	if (p->recovering && k.number >= p->recovery_until) {
		p->recovering = false;
		congestion_exit(&p->c, p->now_ns);
	}
	a.rate = s;
	a.una = seq_make((uint32_t)(k.number + 1) * PATH_MSS);
	a.nxt = seq_make((uint32_t)p->next_number * PATH_MSS);
	a.in_flight_bytes = p->count * PATH_MSS;
	a.srtt_ns = a.rtt_ns ? a.rtt_ns : p->rtt_ns;
	a.min_rtt_ns = p->rtt_ns;
	congestion_on_ack(&p->c, &a);
	pacing_set(&p->pacing, p->c.ops->needs_pacing, p->c.pacing_bytes_per_s, PACING_NO_LIMIT);
}

/* Runs for span; returns the bytes delivered in it. */
static inline uint64_t path_run(struct path *p, uint64_t span_ns)
{
	uint64_t end = p->now_ns + span_ns, before = p->delivered;

	while (p->now_ns < end) {
		uint64_t next = end, wait;

		while (p->count && p->ring[p->head].ack_ns <= p->now_ns)
			path_ack(p);
		while (p->count + 1 < PATH_PACKETS && !pacing_wait_until_ns(&p->pacing, p->now_ns) &&
		       congestion_quota_bytes(&p->c, p->count * PATH_MSS) >= PATH_MSS)
			path_send(p);
		wait = pacing_wait_until_ns(&p->pacing, p->now_ns);
		congestion_on_send_stop(&p->c, !wait, p->count * PATH_MSS,
		    seq_make((uint32_t)(p->next_number - p->count) * PATH_MSS),
		    seq_make((uint32_t)p->next_number * PATH_MSS), 250 * NSEC_PER_MSEC, false, p->now_ns);
		if (p->count && p->ring[p->head].ack_ns < next)
			next = p->ring[p->head].ack_ns;
		if (wait && wait < next)
			next = wait;
		/* Nothing in flight and no window: the timeout. */
		if (!p->count && !wait) {
			congestion_enter_loss(&p->c, true, 0, p->now_ns);
			congestion_exit(&p->c, p->now_ns);
			p->recovering = false;
			next = p->now_ns + 250 * NSEC_PER_MSEC;
		}
		p->now_ns = next > p->now_ns ? next : p->now_ns + 1;
	}
	return p->delivered - before;
}

#endif
