/* SPDX-License-Identifier: MIT */
/*
 * BBR's model of the path: draft-ietf-ccwg-bbr 5.5. The bandwidth is the largest delivery rate of the
 * last two probes, the round trip the smallest of ten seconds; losses give upper bounds, long-term ones
 * from probing and short-term ones from everything else.
 *
 * One departure: the draft reads 2 % of loss as congestion, which starves a flow on a path that
 * loses 3 % whatever is sent. Here the share that is lost while the flow does not probe (and fills
 * no queue) is measured as the path's noise, and only what exceeds twice that noise, with a margin for
 * small flights, is taken for congestion. Linux's BBR, which ignores losses, is the oracle.
 */
#include "stack/protocol/tcp/bbr.h"

#define LOSS_THRESHOLD 1311U      /* 2 % of 65536: 2.7 */
#define STARTUP_LOSS_THRESHOLD 7864U /* 12 %: an overflowing queue, not noise */
#define CONTENDED_LOSS_THRESHOLD 13107U /* 20 %: Linux's BBR, which made the queue, does not care */
#define STARTUP_LOSS_SEGMENTS 6U  /* two losses of a flight of ten say nothing: 5.3.1.3 */
#define NOISE_MOST 9830U          /* 15 %: beyond it every loss counts */
#define NOISE_FIRST 2621U         /* 4 %, believed until some dozens of rounds have shown it */
#define MARGIN_SEGMENTS 3U
#define BETA 179U                 /* 0.7 of 256 */
#define HEADROOM 38U              /* 0.15 of 256 */
#define MIN_RTT_WINDOW_NS (10 * NSEC_PER_SEC)
#define PROBE_RTT_INTERVAL_NS (5 * NSEC_PER_SEC)
#define EXTRA_ACKED_HALF_ROUNDS 5U

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void bbr_start_round(struct bbr *b)
{
	b->next_round_delivered = b->delivered_bytes;
}

void bbr_reset_full_bw(struct bbr *b, uint64_t from)
{
	b->full_bw = from;
	b->full_rounds = 0;
	b->full_bw_now = false;
}

void bbr_reset_congestion_signals(struct bbr *b)
{
	b->round_lost = b->round_delivered = 0;
	b->bw_latest = 0;
	b->inflight_latest = 0;
}

void bbr_reset_short_term(struct bbr *b)
{
	b->bw_short = b->inflight_short = BBR_NONE;
}

void bbr_model_init(struct bbr *b, uint64_t srtt_ns, uint64_t now_ns)
{
	*b = (struct bbr){
	    .min_rtt_ns = srtt_ns ? srtt_ns : BBR_NONE,
	    .probe_rtt_min_ns = srtt_ns ? srtt_ns : BBR_NONE,
	    .min_rtt_stamp_ns = now_ns,
	    .probe_rtt_min_stamp_ns = now_ns,
	    .extra_acked_start_ns = now_ns,
	    .inflight_long = BBR_NONE,
	    .noise = NOISE_FIRST,
	};
	bbr_reset_congestion_signals(b);
	bbr_reset_short_term(b);
	bbr_reset_full_bw(b, 0);
}

/* ---- how much is in the pipe ---- */

uint64_t bbr_bdp_bytes(const struct congestion *c, uint64_t bw, uint32_t gain)
{
	const struct bbr *b = &c->bbr;

	if (b->min_rtt_ns == BBR_NONE || bw == BBR_NONE || bw == 0)
		return (uint64_t)CONGESTION_INITIAL_SEGMENTS * c->mss_bytes * gain / BBR_UNIT;
	return bw * (b->min_rtt_ns / 1000 + 1) / 1000000 * gain / BBR_UNIT;
}

uint64_t bbr_inflight_bytes(const struct congestion *c, uint64_t bw, uint32_t gain)
{
	uint64_t inflight = bbr_bdp_bytes(c, bw, gain);
	/* Three bursts: one being sent, one being received, one being acknowledged (5.6.4.2). */
	uint64_t burst = least(c->pacing_bytes_per_s >> 10, 65536);

	inflight = most(inflight, 3 * most(burst, 2 * (uint64_t)c->mss_bytes));
	inflight = most(inflight, (uint64_t)BBR_MIN_PIPE_SEGMENTS * c->mss_bytes);
	if (c->bbr.mode == BBR_PROBE_UP)
		inflight += 2 * (uint64_t)c->mss_bytes;
	return inflight;
}

uint64_t bbr_inflight_with_headroom(const struct congestion *c)
{
	uint64_t bound = c->bbr.inflight_long, room;

	if (bound == BBR_NONE)
		return BBR_NONE;
	room = most(c->mss_bytes, bound * HEADROOM / BBR_UNIT);
	return most(bound > room ? bound - room : 0, (uint64_t)BBR_MIN_PIPE_SEGMENTS * c->mss_bytes);
}

void bbr_raise_long_slope(struct congestion *c)
{
	struct bbr *b = &c->bbr;
	uint64_t growth_segments = UINT64_C(1) << b->probe_up_rounds;

	if (b->probe_up_rounds < 30)
		b->probe_up_rounds++;
	b->probe_up_every = most(c->cwnd_segments / growth_segments, 1);
}

void bbr_probe_long_upward(struct congestion *c, const struct congestion_ack *a)
{
	struct bbr *b = &c->bbr;

	if (!c->limited || congestion_cwnd_bytes(c) < b->inflight_long)
		return;
	b->probe_up_acked += a->delivered_bytes / c->mss_bytes;
	if (b->probe_up_every && b->probe_up_acked >= b->probe_up_every) {
		b->inflight_long += b->probe_up_acked / b->probe_up_every * c->mss_bytes;
		b->probe_up_acked %= b->probe_up_every;
	}
	if (b->round_start)
		bbr_raise_long_slope(c);
}

/* ---- losses ---- */

bool bbr_others_queue(const struct bbr *b, uint64_t srtt_ns)
{
	return b->min_rtt_ns != BBR_NONE && srtt_ns > b->min_rtt_ns + b->min_rtt_ns / 4;
}

/* What share of a flight may be lost before it is taken for congestion, in 1/65536. */
static uint64_t loss_share_allowed(const struct bbr *b, uint64_t srtt_ns)
{
	if (bbr_others_queue(b, srtt_ns))
		return most(CONTENDED_LOSS_THRESHOLD, 2 * (uint64_t)b->noise);
	return most(LOSS_THRESHOLD, 2 * (uint64_t)b->noise);
}

bool bbr_inflight_too_high(const struct congestion *c, const struct congestion_ack *a)
{
	uint64_t flight = a->rate.sent_in_flight_bytes;

	if (!a->rate.valid || flight == 0)
		return false;
	return a->rate.lost_bytes >
	       flight * loss_share_allowed(&c->bbr, a->srtt_ns) / 65536 + (uint64_t)MARGIN_SEGMENTS * c->mss_bytes;
}

bool bbr_startup_losses_high(const struct congestion *c)
{
	const struct bbr *b = &c->bbr;

	if (b->round_lost < (uint64_t)STARTUP_LOSS_SEGMENTS * c->mss_bytes)
		return false;
	return b->round_lost * 65536 > (b->round_lost + b->round_delivered) * STARTUP_LOSS_THRESHOLD;
}

/* A round that did not probe shows what the path loses by itself. */
static void learn_noise(struct bbr *b)
{
	uint64_t all = b->round_lost + b->round_delivered, share;

	if (all == 0)
		return;
	share = least(b->round_lost * 65536 / all, NOISE_MOST);
	b->noise = (uint32_t)(((uint64_t)b->noise * 15 + share) / 16);
}

/* 5.5.10.3: one flight with congestion lowers the short-term bounds, never below what was delivered. */
static void adapt_lower_bounds(struct congestion *c, uint64_t srtt_ns)
{
	struct bbr *b = &c->bbr;
	uint64_t all = b->round_lost + b->round_delivered;

	if (bbr_is_probing(b) ||
	    b->round_lost <= all * loss_share_allowed(b, srtt_ns) / 65536 + (uint64_t)MARGIN_SEGMENTS * c->mss_bytes)
		return;
	if (b->bw_short == BBR_NONE)
		b->bw_short = b->max_bw;
	if (b->inflight_short == BBR_NONE)
		b->inflight_short = congestion_cwnd_bytes(c);
	b->bw_short = most(b->bw_latest, b->bw_short * BETA / BBR_UNIT);
	b->inflight_short = most(b->inflight_latest, b->inflight_short * BETA / BBR_UNIT);
}

/* ---- bandwidth ---- */

void bbr_advance_max_bw(struct bbr *b)
{
	if (b->max_bw_now == 0)
		return;
	b->max_bw_before = b->max_bw_now;
	b->max_bw_now = 0;
}

static void update_round(struct bbr *b, const struct congestion_ack *a)
{
	b->round_start = false;
	if (a->rate.valid && a->rate.prior_delivered_bytes >= b->next_round_delivered) {
		bbr_start_round(b);
		b->rounds_since_probe++;
		b->round_start = true;
	}
}

static void update_max_bw(struct bbr *b, const struct congestion_ack *a, uint64_t rate)
{
	if (rate && (rate >= b->max_bw || !a->rate.app_limited))
		b->max_bw_now = most(b->max_bw_now, rate);
	b->max_bw = most(b->max_bw_now, b->max_bw_before);
}

/* 5.5.9: how far ACK trains run ahead of the bandwidth, over the last ten rounds. */
static void update_aggregation(struct congestion *c, const struct congestion_ack *a)
{
	struct bbr *b = &c->bbr;
	uint64_t expected = b->bw * ((a->now_ns - b->extra_acked_start_ns) / 1000) / 1000000, extra;

	if (b->round_start && ++b->extra_acked_rounds >= (b->full_bw_reached ? EXTRA_ACKED_HALF_ROUNDS : 1)) {
		b->extra_acked_rounds = 0;
		b->extra_acked_slot ^= 1;
		b->extra_acked[b->extra_acked_slot] = 0;
	}
	if (b->extra_acked_delivered <= expected) {
		b->extra_acked_delivered = 0;
		b->extra_acked_start_ns = a->now_ns;
		expected = 0;
	}
	b->extra_acked_delivered += a->delivered_bytes;
	extra = least(b->extra_acked_delivered - expected, congestion_cwnd_bytes(c));
	b->extra_acked[b->extra_acked_slot] = most(b->extra_acked[b->extra_acked_slot], extra);
}

void bbr_model_update(struct congestion *c, const struct congestion_ack *a, uint64_t rate)
{
	struct bbr *b = &c->bbr;

	if (a->rate.valid)
		b->delivered_bytes = a->rate.prior_delivered_bytes + a->rate.delivered_bytes;
	else
		b->delivered_bytes += a->delivered_bytes;

	b->loss_round_start = false;
	b->bw_latest = most(b->bw_latest, rate);
	b->inflight_latest = most(b->inflight_latest, a->rate.valid ? a->rate.delivered_bytes : 0);
	if (a->rate.valid && a->rate.prior_delivered_bytes >= b->loss_round_delivered) {
		b->loss_round_delivered = b->delivered_bytes;
		b->loss_round_start = true;
	}
	update_round(b, a);
	update_max_bw(b, a, rate);
	b->round_lost += a->lost_bytes;
	b->round_delivered += a->delivered_bytes;
	if (b->loss_round_start) {
		adapt_lower_bounds(c, a->srtt_ns);
		if (b->mode == BBR_PROBE_CRUISE || b->mode == BBR_PROBE_DOWN)
			learn_noise(b);
	}
	update_aggregation(c, a);
}

void bbr_model_advance(struct bbr *b, const struct congestion_ack *a, uint64_t rate)
{
	if (b->loss_round_start) {
		b->bw_latest = rate;
		b->inflight_latest = a->rate.delivered_bytes;
		b->round_lost = b->round_delivered = 0;
	}
	b->bw = least(b->max_bw, b->bw_short);
}

void bbr_model_update_min_rtt(struct bbr *b, const struct congestion_ack *a)
{
	uint64_t rtt_ns = a->rtt_ns ? a->rtt_ns : BBR_NONE;

	b->probe_rtt_expired = a->now_ns > b->probe_rtt_min_stamp_ns + PROBE_RTT_INTERVAL_NS;
	if (rtt_ns != BBR_NONE &&
	    (rtt_ns < b->probe_rtt_min_ns || (b->probe_rtt_expired && !a->rtt_is_delayed))) {
		b->probe_rtt_min_ns = rtt_ns;
		b->probe_rtt_min_stamp_ns = a->now_ns;
	}
	if (b->probe_rtt_min_ns < b->min_rtt_ns || a->now_ns > b->min_rtt_stamp_ns + MIN_RTT_WINDOW_NS) {
		b->min_rtt_ns = b->probe_rtt_min_ns;
		b->min_rtt_stamp_ns = b->probe_rtt_min_stamp_ns;
	}
}
