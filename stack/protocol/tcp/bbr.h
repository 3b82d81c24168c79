/* SPDX-License-Identifier: MIT */
/*
 * BBR's inside, shared by its two files: bbr_model.c (what the network is: bandwidth, round trip,
 * bounds of inflight) and bbr.c (what is done about it: the state machine, pacing, window).
 */
#ifndef STACK_PROTOCOL_TCP_BBR_H
#define STACK_PROTOCOL_TCP_BBR_H

#include "stack/protocol/tcp/congestion_rule.h"

#define BBR_UNIT 256U            /* gains are in these */
#define BBR_NONE UINT64_MAX      /* a bound that does not bind */
#define BBR_MIN_PIPE_SEGMENTS 4U

enum bbr_mode {
	BBR_STARTUP,
	BBR_DRAIN,
	BBR_PROBE_DOWN,   /* the four phases of ProbeBW: 5.3.3 */
	BBR_PROBE_CRUISE,
	BBR_PROBE_REFILL,
	BBR_PROBE_UP,
	BBR_PROBE_RTT,
};

/* What the ACKs that arrive now are feedback on: 5.3.3.6. */
enum bbr_ack_phase {
	BBR_ACKS_INIT,
	BBR_ACKS_REFILLING,
	BBR_ACKS_PROBE_STARTING,
	BBR_ACKS_PROBE_FEEDBACK,
	BBR_ACKS_PROBE_STOPPING,
};

/* ---- bbr_model.c ---- */

void bbr_model_init(struct bbr *b, uint64_t srtt_ns, uint64_t now_ns);
/* Before the state machine sees the ACK: rounds, bandwidth, lower bounds, aggregation. rate: that
 * of the ACK's sample in bytes per second, 0 without one. */
void bbr_model_update(struct congestion *c, const struct congestion_ack *a, uint64_t rate);
/* After it. */
void bbr_model_advance(struct bbr *b, const struct congestion_ack *a, uint64_t rate);
/* Round trip: sets probe_rtt_expired when it is time to look again. */
void bbr_model_update_min_rtt(struct bbr *b, const struct congestion_ack *a);
void bbr_start_round(struct bbr *b);
void bbr_reset_full_bw(struct bbr *b, uint64_t from);
void bbr_reset_congestion_signals(struct bbr *b);
void bbr_reset_short_term(struct bbr *b);
/* The bandwidth filter forgets the probe before last. */
void bbr_advance_max_bw(struct bbr *b);
/* A queue that stands although we do not fill it belongs to others. */
bool bbr_others_queue(const struct bbr *b, uint64_t srtt_ns);
/* Does this ACK's sample show more loss than the path's own noise explains? */
bool bbr_inflight_too_high(const struct congestion *c, const struct congestion_ack *a);
/* Is the last flight of Startup losing too much? */
bool bbr_startup_losses_high(const struct congestion *c);

/* gain (in 256ths) times the bandwidth-delay product, in bytes. The initial window as long as no
 * round trip is known. */
uint64_t bbr_bdp_bytes(const struct congestion *c, uint64_t bw, uint32_t gain);
/* The same with what bursts and short paths need on top. */
uint64_t bbr_inflight_bytes(const struct congestion *c, uint64_t bw, uint32_t gain);
/* inflight_long less the room left for others. */
uint64_t bbr_inflight_with_headroom(const struct congestion *c);
/* The long-term bound grows while probing up: slowly at first, then doubling each round. */
void bbr_raise_long_slope(struct congestion *c);
void bbr_probe_long_upward(struct congestion *c, const struct congestion_ack *a);

static inline bool bbr_in_probe_bw(const struct bbr *b)
{
	return b->mode >= BBR_PROBE_DOWN && b->mode <= BBR_PROBE_UP;
}

static inline bool bbr_is_probing(const struct bbr *b)
{
	return b->mode == BBR_STARTUP || b->mode == BBR_PROBE_REFILL || b->mode == BBR_PROBE_UP;
}

#endif
