/* SPDX-License-Identifier: MIT */
/*
 * BBR: sends at the rate at which the path delivers, with about one bandwidth-delay product in
 * flight, and probes now and then for more bandwidth and for the true round trip
 * (draft-ietf-ccwg-bbr 5.3 and 5.6; the numbers in comments are its sections). The model of
 * the path is bbr_model.c's.
 */
#include "stack/protocol/tcp/bbr.h"
#include "stack/protocol/tcp/pacing.h"

#define STARTUP_GAIN 710U    /* 2.77 */
#define DRAIN_GAIN 128U      /* 0.5 */
#define DOWN_GAIN 230U       /* 0.9 */
#define UP_GAIN 320U         /* 1.25 */
#define WINDOW_GAIN 512U     /* 2 */
#define WINDOW_GAIN_UP 576U  /* 2.25 */
#define PROBE_RTT_GAIN 128U  /* 0.5 */
#define BETA 179U            /* 0.7 */
#define MARGIN_PERCENT 1U    /* pace a little below the bandwidth: the queue drains */
#define FULL_ROUNDS 3U
#define PROBE_RTT_NS (200 * NSEC_PER_MSEC)
#define PROBE_WAIT_LEAST_NS (2 * NSEC_PER_SEC)
#define RENO_ROUNDS_MOST 63U
#define CONTENDED_ROUNDS 8U  /* a cycle of Linux's BBR */
#define DRAIN_ROUND_TRIPS 8U /* then the queue is not ours */

static const struct {
	uint16_t pacing, window;
} gains[] = {
    [BBR_STARTUP] = {STARTUP_GAIN, WINDOW_GAIN},
    [BBR_DRAIN] = {DRAIN_GAIN, WINDOW_GAIN},
    [BBR_PROBE_DOWN] = {DOWN_GAIN, WINDOW_GAIN},
    [BBR_PROBE_CRUISE] = {BBR_UNIT, WINDOW_GAIN},
    [BBR_PROBE_REFILL] = {BBR_UNIT, WINDOW_GAIN},
    [BBR_PROBE_UP] = {UP_GAIN, WINDOW_GAIN_UP},
    [BBR_PROBE_RTT] = {BBR_UNIT, PROBE_RTT_GAIN},
};

static void set_mode(struct bbr *b, enum bbr_mode mode)
{
	b->mode = (uint8_t)mode;
	b->pacing_gain = gains[mode].pacing;
	b->cwnd_gain = gains[mode].window;
}

/* 5.6.2 */
static void set_pacing_rate(struct congestion *c, uint32_t gain)
{
	uint64_t rate = c->bbr.bw * gain / BBR_UNIT * (100 - MARGIN_PERCENT) / 100;

	if (rate && (c->bbr.full_bw_reached || rate > c->pacing_bytes_per_s))
		c->pacing_bytes_per_s = rate;
}

static void set_initial_pacing_rate(struct congestion *c, uint64_t srtt_ns)
{
	uint64_t span_ns = srtt_ns ? srtt_ns : NSEC_PER_MSEC;

	c->pacing_bytes_per_s = congestion_cwnd_bytes(c) * NSEC_PER_SEC / span_ns * STARTUP_GAIN / BBR_UNIT;
}

static void bbr_init(struct congestion *c, uint64_t now_ns)
{
	bbr_model_init(&c->bbr, 0, now_ns);
	set_mode(&c->bbr, BBR_STARTUP);
	set_initial_pacing_rate(c, 0);
	c->bbr.initial_rate = true;
}

/* ---- ProbeBW: 5.3.3 ---- */

static void start_down(struct congestion *c, uint64_t now_ns)
{
	struct bbr *b = &c->bbr;

	bbr_reset_congestion_signals(b);
	b->probe_up_every = UINT64_MAX;
	/* Flows that share a path should not probe in step. */
	b->rounds_since_probe = random_below(&c->random, 2);
	b->probe_wait_ns = PROBE_WAIT_LEAST_NS + random_below(&c->random, 1000) * NSEC_PER_MSEC;
	b->cycle_stamp_ns = now_ns;
	b->ack_phase = BBR_ACKS_PROBE_STOPPING;
	bbr_start_round(b);
	set_mode(b, BBR_PROBE_DOWN);
}

static void start_refill(struct bbr *b)
{
	bbr_reset_short_term(b);
	b->probe_up_rounds = 0;
	b->probe_up_acked = 0;
	b->ack_phase = BBR_ACKS_REFILLING;
	bbr_start_round(b);
	set_mode(b, BBR_PROBE_REFILL);
}

static void start_up(struct congestion *c, uint64_t rate, uint64_t now_ns)
{
	struct bbr *b = &c->bbr;

	b->probe_samples = true;
	b->ack_phase = BBR_ACKS_PROBE_STARTING;
	bbr_start_round(b);
	bbr_reset_full_bw(b, rate);
	b->cycle_stamp_ns = now_ns;
	set_mode(b, BBR_PROBE_UP);
	bbr_raise_long_slope(c);
}

/* After so many rounds a Reno flow would have had its loss: let it and us share (5.3.3.5.2). Linux's
 * BBR, which probes every eight rounds and keeps a queue, would take three quarters of the path from
 * one that waits as long as the draft says: beside somebody who queues we probe as often. */
static bool time_to_probe(const struct congestion *c, uint64_t srtt_ns, uint64_t now_ns)
{
	const struct bbr *b = &c->bbr;
	uint64_t pipe = bbr_bdp_bytes(c, b->bw, BBR_UNIT) / c->mss_bytes;
	uint64_t rounds = pipe < c->cwnd_segments ? pipe : c->cwnd_segments;

	if (rounds > RENO_ROUNDS_MOST)
		rounds = RENO_ROUNDS_MOST;
	if (rounds > CONTENDED_ROUNDS && bbr_others_queue(b, srtt_ns))
		rounds = CONTENDED_ROUNDS;
	return now_ns > b->cycle_stamp_ns + b->probe_wait_ns || b->rounds_since_probe >= rounds;
}

/* Also when the queue does not drain whatever we do: giving way to it for ever would starve us. */
static bool time_to_cruise(const struct congestion *c, uint64_t in_flight, uint64_t now_ns)
{
	if (now_ns - c->bbr.cycle_stamp_ns > DRAIN_ROUND_TRIPS * c->bbr.min_rtt_ns)
		return true;
	if (in_flight > bbr_inflight_with_headroom(c))
		return false;
	return in_flight <= bbr_inflight_bytes(c, c->bbr.max_bw, BBR_UNIT);
}

/* The bandwidth does not grow any more although the window would let it. */
static bool time_to_go_down(struct congestion *c, uint64_t rate)
{
	struct bbr *b = &c->bbr;

	if (c->limited && congestion_cwnd_bytes(c) >= b->inflight_long) {
		bbr_reset_full_bw(b, rate);
		return false;
	}
	return b->full_bw_now;
}

/* 5.5.10.2: upper bounds from what probing met. */
static void adapt_upper_bounds(struct congestion *c, const struct congestion_ack *a)
{
	struct bbr *b = &c->bbr;
	uint64_t target;

	if (b->ack_phase == BBR_ACKS_PROBE_STARTING && b->round_start)
		b->ack_phase = BBR_ACKS_PROBE_FEEDBACK;
	if (b->ack_phase == BBR_ACKS_PROBE_STOPPING && b->round_start) {
		if (bbr_in_probe_bw(b) && !a->rate.app_limited)
			bbr_advance_max_bw(b);
		b->ack_phase = BBR_ACKS_INIT;
		b->probe_samples = false;
	}
	if (bbr_inflight_too_high(c, a)) {
		if (!b->probe_samples)
			return;
		b->probe_samples = false;
		if (!a->rate.app_limited) {
			target = bbr_bdp_bytes(c, b->bw, BBR_UNIT) * BETA / BBR_UNIT;
			b->inflight_long =
			    a->rate.sent_in_flight_bytes > target ? a->rate.sent_in_flight_bytes : target;
		}
		if (b->mode == BBR_PROBE_UP)
			start_down(c, a->now_ns);
		return;
	}
	if (b->inflight_long == BBR_NONE)
		return;
	if (a->rate.valid && a->rate.sent_in_flight_bytes > b->inflight_long)
		b->inflight_long = a->rate.sent_in_flight_bytes;
	if (b->mode == BBR_PROBE_UP)
		bbr_probe_long_upward(c, a);
}

static void update_probe_phase(struct congestion *c, const struct congestion_ack *a, uint64_t rate)
{
	struct bbr *b = &c->bbr;

	if (!b->full_bw_reached)
		return;
	adapt_upper_bounds(c, a);
	switch ((enum bbr_mode)b->mode) {
	case BBR_PROBE_DOWN:
	case BBR_PROBE_CRUISE:
		if (time_to_probe(c, a->srtt_ns, a->now_ns))
			start_refill(b);
		else if (b->mode == BBR_PROBE_DOWN && time_to_cruise(c, a->in_flight_bytes, a->now_ns))
			set_mode(b, BBR_PROBE_CRUISE);
		break;
	case BBR_PROBE_REFILL:
		if (b->round_start)
			start_up(c, rate, a->now_ns);
		break;
	case BBR_PROBE_UP:
		if (time_to_go_down(c, rate))
			start_down(c, a->now_ns);
		break;
	case BBR_STARTUP:
	case BBR_DRAIN:
	case BBR_PROBE_RTT:
		break;
	}
}

/* ---- Startup and Drain: 5.3.1, 5.3.2 ---- */

static void check_full_bw(struct bbr *b, const struct congestion_ack *a, uint64_t rate)
{
	if (b->full_bw_now || !b->round_start || a->rate.app_limited || rate == 0)
		return;
	if (b->bw_latest >= b->full_bw + b->full_bw / 4) {
		bbr_reset_full_bw(b, b->bw_latest);
		return;
	}
	b->full_bw_now = ++b->full_rounds >= FULL_ROUNDS;
	if (b->full_bw_now)
		b->full_bw_reached = true;
}

static void check_startup_and_drain(struct congestion *c, const struct congestion_ack *a)
{
	struct bbr *b = &c->bbr;

	if (b->mode == BBR_STARTUP && b->loss_round_start && b->in_recovery && bbr_startup_losses_high(c)) {
		uint64_t bdp = bbr_bdp_bytes(c, b->max_bw, BBR_UNIT);

		b->full_bw_reached = true;
		b->inflight_long = bdp > b->inflight_latest ? bdp : b->inflight_latest;
	}
	if (b->mode == BBR_STARTUP && b->full_bw_reached)
		set_mode(b, BBR_DRAIN);
	if (b->mode == BBR_DRAIN && a->in_flight_bytes <= bbr_inflight_bytes(c, b->max_bw, BBR_UNIT))
		start_down(c, a->now_ns);
}

/* ---- ProbeRTT: 5.3.4 ---- */

static void save_window(struct congestion *c)
{
	struct bbr *b = &c->bbr;

	if ((!b->in_recovery && b->mode != BBR_PROBE_RTT) || c->cwnd_segments > b->prior_cwnd_segments)
		b->prior_cwnd_segments = c->cwnd_segments;
}

static void restore_window(struct congestion *c)
{
	if (c->bbr.prior_cwnd_segments > c->cwnd_segments)
		c->cwnd_segments = c->bbr.prior_cwnd_segments;
}

static uint64_t probe_rtt_window(const struct congestion *c)
{
	uint64_t window = bbr_bdp_bytes(c, c->bbr.bw, PROBE_RTT_GAIN);
	uint64_t floor = (uint64_t)BBR_MIN_PIPE_SEGMENTS * c->mss_bytes;

	return window > floor ? window : floor;
}

static void leave_probe_rtt_if_done(struct congestion *c, uint64_t now_ns)
{
	struct bbr *b = &c->bbr;

	if (b->probe_rtt_done_ns == 0 || now_ns <= b->probe_rtt_done_ns)
		return;
	b->probe_rtt_min_stamp_ns = now_ns;
	restore_window(c);
	bbr_reset_short_term(b);
	if (b->full_bw_reached) {
		start_down(c, now_ns);
		set_mode(b, BBR_PROBE_CRUISE);
	} else {
		set_mode(b, BBR_STARTUP);
	}
}

static void check_probe_rtt(struct congestion *c, const struct congestion_ack *a)
{
	struct bbr *b = &c->bbr;

	if (b->mode != BBR_PROBE_RTT && b->probe_rtt_expired && !b->idle_restart) {
		save_window(c);
		set_mode(b, BBR_PROBE_RTT);
		b->probe_rtt_done_ns = 0;
		b->ack_phase = BBR_ACKS_PROBE_STOPPING;
		bbr_start_round(b);
	}
	if (b->mode == BBR_PROBE_RTT) {
		if (b->probe_rtt_done_ns == 0 && a->in_flight_bytes <= probe_rtt_window(c)) {
			b->probe_rtt_done_ns = a->now_ns + PROBE_RTT_NS;
			b->probe_rtt_round_done = false;
			bbr_start_round(b);
		} else if (b->probe_rtt_done_ns) {
			if (b->round_start)
				b->probe_rtt_round_done = true;
			if (b->probe_rtt_round_done)
				leave_probe_rtt_if_done(c, a->now_ns);
		}
	}
	if (a->delivered_bytes)
		b->idle_restart = false;
}

/* ---- the window: 5.6.4 ---- */

static uint64_t model_bound(const struct congestion *c)
{
	const struct bbr *b = &c->bbr;
	uint64_t bound = BBR_NONE;

	if (bbr_in_probe_bw(b) && b->mode != BBR_PROBE_CRUISE)
		bound = b->inflight_long;
	else if (b->mode == BBR_PROBE_RTT || b->mode == BBR_PROBE_CRUISE)
		bound = bbr_inflight_with_headroom(c);
	return bound < b->inflight_short ? bound : b->inflight_short;
}

static void set_window(struct congestion *c, const struct congestion_ack *a)
{
	struct bbr *b = &c->bbr;
	uint64_t extra = b->extra_acked[0] > b->extra_acked[1] ? b->extra_acked[0] : b->extra_acked[1];
	uint64_t full = (bbr_inflight_bytes(c, b->bw, b->cwnd_gain) + extra) / c->mss_bytes;
	uint64_t bound = model_bound(c), window = c->cwnd_segments;
	uint32_t acked = congestion_whole_segments(c, a->delivered_bytes);
	uint64_t initial = (uint64_t)CONGESTION_INITIAL_SEGMENTS * c->mss_bytes;

	if (b->full_bw_reached)
		window = window + acked < full ? window + acked : full;
	else if (window < full || b->delivered_bytes < 2 * initial)
		window += acked;
	if (b->mode == BBR_PROBE_RTT && window > probe_rtt_window(c) / c->mss_bytes)
		window = probe_rtt_window(c) / c->mss_bytes;
	if (bound != BBR_NONE && window > bound / c->mss_bytes)
		window = bound / c->mss_bytes;
	if (window < BBR_MIN_PIPE_SEGMENTS)
		window = BBR_MIN_PIPE_SEGMENTS;
	c->cwnd_segments = window < c->clamp_segments ? (uint32_t)window : c->clamp_segments;
}

static void bbr_control(struct congestion *c, const struct congestion_ack *a)
{
	struct bbr *b = &c->bbr;
	const struct rate_sample *s = &a->rate;
	uint64_t rate = s->valid && s->interval_ns ? s->delivered_bytes * NSEC_PER_SEC / s->interval_ns : 0;

	if (b->initial_rate && a->srtt_ns) {
		b->initial_rate = false;
		set_initial_pacing_rate(c, a->srtt_ns);
	}
	bbr_model_update(c, a, rate);
	check_full_bw(b, a, rate);
	check_startup_and_drain(c, a);
	update_probe_phase(c, a, rate);
	bbr_model_update_min_rtt(b, a);
	check_probe_rtt(c, a);
	bbr_model_advance(b, a, rate);
	set_pacing_rate(c, b->pacing_gain);
	set_window(c, a);
}

/* ---- events ---- */

/* Nothing reads the threshold: the window comes from the model. */
static uint32_t bbr_ssthresh(struct congestion *c)
{
	return c->ssthresh_segments;
}

/* A spurious recovery taught the bounds something wrong: back to what they were. */
static uint32_t bbr_undo(struct congestion *c)
{
	struct bbr *b = &c->bbr;

	b->bw_short = b->bw_short > b->undo_bw_short ? b->bw_short : b->undo_bw_short;
	if (b->inflight_short < b->undo_inflight_short)
		b->inflight_short = b->undo_inflight_short;
	if (b->inflight_long < b->undo_inflight_long)
		b->inflight_long = b->undo_inflight_long;
	b->round_lost = 0;
	bbr_reset_full_bw(b, 0);
	return congestion_prior_segments(c);
}

static void bbr_state(struct congestion *c, enum congestion_state next, uint64_t now_ns)
{
	struct bbr *b = &c->bbr;
	bool recovery = next == CONGESTION_RECOVERY || next == CONGESTION_LOSS;

	(void)now_ns;
	if (recovery && !b->in_recovery) {
		save_window(c);
		b->undo_bw_short = b->bw_short;
		b->undo_inflight_short = b->inflight_short;
		b->undo_inflight_long = b->inflight_long;
	}
	if (!recovery && b->in_recovery)
		restore_window(c);
	b->in_recovery = recovery;
}

/* 5.4.1: after a pause of the program's own making send at the known rate, not in a burst. */
static void bbr_restart(struct congestion *c, uint64_t idle_ns, bool app_limited, uint64_t now_ns)
{
	struct bbr *b = &c->bbr;

	(void)idle_ns;
	if (!app_limited)
		return;
	b->idle_restart = true;
	b->extra_acked_start_ns = now_ns;
	b->extra_acked_delivered = 0;
	if (bbr_in_probe_bw(b))
		set_pacing_rate(c, BBR_UNIT);
	else if (b->mode == BBR_PROBE_RTT)
		leave_probe_rtt_if_done(c, now_ns);
}

const struct congestion_ops congestion_bbr = {
	.name = "bbr",
	.needs_pacing = true,
	.least_burst_segments = 1,
	.init = bbr_init,
	.ssthresh_segments = bbr_ssthresh,
	.control = bbr_control,
	.undo_segments = bbr_undo,
	.state = bbr_state,
	.restart = bbr_restart,
};
