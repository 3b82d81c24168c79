/* SPDX-License-Identifier: MIT */
/*
 * CUBIC (RFC 9438) with HyStart, the default. After a reduction the window grows along a cubic
 * curve of the time since then: fast toward the window where congestion was met, flat near it, fast
 * again beyond; and never slower than a NewReno flow would (4.3). Slow start ends before it
 * overflows the path when a train of ACKs is as long as half the round trip or the round trip has grown
 * (HyStart as Linux has it; RFC 9406's thresholds for the delay test).
 *
 * Integers only: W_cubic(t) = 0.4 (t - K)^3 + W_max with t in milliseconds.
 */
#include "stack/base/check.h"
#include "stack/protocol/tcp/congestion_rule.h"
#include "stack/protocol/tcp/pacing.h"

#define BETA 717U               /* 0.7 of 1024: RFC 9438 4.6 */
#define ONE 1024U
#define RENO_ALPHA_EIGHTHS 15U  /* 8 / alpha, alpha = 3 (1 - beta) / (1 + beta): RFC 9438 4.3 */
#define RECOMPUTE_NS (NSEC_PER_SEC / 32)
#define T_MAX_MS 1600000U       /* (t - K)^3 * 4 fits in 64 bits, with room */

#define HYSTART_LEAST_SEGMENTS 16U
#define HYSTART_SAMPLES 8U
#define HYSTART_TRAIN_GAP_NS (2 * NSEC_PER_MSEC)
#define HYSTART_DELAY_LEAST_NS (4 * NSEC_PER_MSEC)
#define HYSTART_DELAY_MOST_NS (16 * NSEC_PER_MSEC)

static void hystart_reset(struct cubic *q, struct seq nxt, uint64_t now_ns)
{
	q->round_start_ns = q->last_ack_ns = now_ns;
	q->round_end = nxt;
	q->round_rtt_ns = UINT64_MAX;
	q->round_samples = 0;
}

static void cubic_init(struct congestion *c, uint64_t now_ns)
{
	c->cubic = (struct cubic){0};
	hystart_reset(&c->cubic, seq_make(0), now_ns);
	c->cubic.round_fresh = true;
}

/* The largest r with r^3 <= n. */
static uint64_t cube_root(uint64_t n)
{
	uint64_t r = 0;

	for (int bit = 21; bit >= 0; bit--) {
		uint64_t try = r | UINT64_C(1) << bit;

		if (try <= 2642245 && try * try * try <= n)
			r = try;
	}
	return r;
}

/* RFC 9438 4.1 and 4.2: a new epoch, with K = cbrt((W_max - cwnd) / 0.4) in milliseconds. */
static void begin_epoch(struct congestion *c, uint64_t now_ns)
{
	struct cubic *q = &c->cubic;

	q->epoch_start_ns = now_ns;
	q->acked_segments = 0;
	q->reno_segments = c->cwnd_segments;
	if (q->last_max_segments <= c->cwnd_segments) {
		q->k_ms = 0;
		q->origin_segments = c->cwnd_segments;
	} else {
		uint64_t distance = q->last_max_segments - c->cwnd_segments;

		q->k_ms = (uint32_t)cube_root(distance * UINT64_C(2500000000));
		q->origin_segments = q->last_max_segments;
	}
}

/* W_cubic one round trip from now (4.2, equation 1). */
static uint32_t target_segments(const struct cubic *q, uint64_t now_ns)
{
	uint64_t t_ms = (now_ns - q->epoch_start_ns + q->delay_min_ns) / NSEC_PER_MSEC;
	uint64_t away_ms, delta;

	if (t_ms > T_MAX_MS)
		t_ms = T_MAX_MS;
	away_ms = t_ms > q->k_ms ? t_ms - q->k_ms : q->k_ms - t_ms;
	if (away_ms > T_MAX_MS)
		away_ms = T_MAX_MS;
	delta = away_ms * away_ms * away_ms * 4 / UINT64_C(10000000000);
	if (t_ms < q->k_ms)
		return delta < q->origin_segments ? q->origin_segments - (uint32_t)delta : 0;
	return delta < CONGESTION_NO_LIMIT - q->origin_segments ? q->origin_segments + (uint32_t)delta
								: CONGESTION_NO_LIMIT;
}

/* 4.3: what NewReno with this beta would have by now. Once that has come back to where congestion
 * was met, it would grow by a whole segment each round trip. */
static void keep_up_with_reno(struct congestion *c, uint32_t acked_segments)
{
	struct cubic *q = &c->cubic;
	uint32_t step = (uint32_t)((uint64_t)c->cwnd_segments * RENO_ALPHA_EIGHTHS / 8);

	q->acked_segments += acked_segments;
	if (q->reno_segments >= c->prior_cwnd_segments)
		step = c->cwnd_segments;
	while (q->acked_segments > step) {
		q->acked_segments -= step;
		q->reno_segments++;
	}
	if (q->reno_segments > c->cwnd_segments) {
		uint32_t every = c->cwnd_segments / (q->reno_segments - c->cwnd_segments);

		if (q->increase_every > every)
			q->increase_every = every;
	}
}

/* The curve moves slowly: it is looked at when the window has changed, or 32 times a second. */
static void follow_curve(struct congestion *c, uint64_t now_ns)
{
	struct cubic *q = &c->cubic;
	uint32_t target;

	if (q->epoch_start_ns && q->last_cwnd_segments == c->cwnd_segments &&
	    now_ns - q->last_time_ns <= RECOMPUTE_NS)
		return;
	q->last_cwnd_segments = c->cwnd_segments;
	q->last_time_ns = now_ns;
	if (q->epoch_start_ns == 0)
		begin_epoch(c, now_ns);
	target = target_segments(q, now_ns);
	if (target > c->cwnd_segments)
		q->increase_every = c->cwnd_segments / (target - c->cwnd_segments);
	else
		q->increase_every = 100 * c->cwnd_segments;
	/* No maximum is known yet: grow by at least 5 % a round trip. */
	if (q->last_max_segments == 0 && q->increase_every > 20)
		q->increase_every = 20;
}

static void update(struct congestion *c, uint32_t acked_segments, uint64_t now_ns)
{
	struct cubic *q = &c->cubic;

	follow_curve(c, now_ns);
	keep_up_with_reno(c, acked_segments);
	if (q->increase_every < 2)
		q->increase_every = 2; /* at most half as much again in a round trip: 4.4 */
}

static void cubic_grow(struct congestion *c, const struct congestion_ack *a, uint32_t acked_segments)
{
	if (!congestion_was_limited(c))
		return;
	if (congestion_in_slow_start(c)) {
		acked_segments = congestion_slow_start(c, acked_segments);
		if (!acked_segments)
			return;
	}
	update(c, acked_segments, a->now_ns);
	congestion_grow_every(c, c->cubic.increase_every, acked_segments);
}

/* 4.6, and fast convergence (4.7): a flow whose maximum falls makes room for others. */
static uint32_t cubic_ssthresh(struct congestion *c)
{
	struct cubic *q = &c->cubic;
	uint32_t reduced = (uint32_t)((uint64_t)c->cwnd_segments * BETA / ONE);

	q->epoch_start_ns = 0;
	if (c->cwnd_segments < q->last_max_segments)
		q->last_max_segments = (uint32_t)((uint64_t)c->cwnd_segments * (ONE + BETA) / (2 * ONE));
	else
		q->last_max_segments = c->cwnd_segments;
	return reduced > 2 ? reduced : 2;
}

/* ---- HyStart ---- */

static void leave_slow_start(struct congestion *c)
{
	c->cubic.hystart_found = true;
	c->ssthresh_segments = c->cwnd_segments;
}

/* The ACKs of one flight come back to back for as long as the path is deep: half the smallest round
 * trip means that as much is in flight as the way there holds. */
static void watch_train(struct congestion *c, uint64_t now_ns)
{
	struct cubic *q = &c->cubic;
	uint64_t burst_ns = 0, threshold_ns;

	if (now_ns - q->last_ack_ns > HYSTART_TRAIN_GAP_NS)
		return;
	q->last_ack_ns = now_ns;
	/* Large bursts stretch the train by the time that the interface needs for them. */
	if (c->pacing_bytes_per_s && c->pacing_bytes_per_s != PACING_NO_LIMIT)
		burst_ns = time_earlier(NSEC_PER_MSEC, 4 * UINT64_C(65536) * NSEC_PER_SEC / c->pacing_bytes_per_s);
	threshold_ns = (q->delay_min_ns + burst_ns) / 2;
	if (now_ns - q->round_start_ns > threshold_ns)
		leave_slow_start(c);
}

/* RFC 9406 4.2: a round trip that has grown by an eighth, within bounds, means a queue. */
static void watch_delay(struct congestion *c, uint64_t rtt_ns)
{
	struct cubic *q = &c->cubic;
	uint64_t most_ns = q->delay_min_ns / 8;

	if (most_ns < HYSTART_DELAY_LEAST_NS)
		most_ns = HYSTART_DELAY_LEAST_NS;
	if (most_ns > HYSTART_DELAY_MOST_NS)
		most_ns = HYSTART_DELAY_MOST_NS;
	if (q->round_rtt_ns > rtt_ns)
		q->round_rtt_ns = rtt_ns;
	if (q->round_samples < HYSTART_SAMPLES)
		q->round_samples++;
	else if (q->round_rtt_ns > q->delay_min_ns + most_ns)
		leave_slow_start(c);
}

static void cubic_acked(struct congestion *c, const struct congestion_ack *a)
{
	struct cubic *q = &c->cubic;

	if (a->rtt_ns == 0)
		return;
	/* Round trips right after a recovery are long for another reason. */
	if (q->epoch_start_ns && a->now_ns - q->epoch_start_ns < NSEC_PER_SEC)
		return;
	if (q->delay_min_ns == 0 || a->rtt_ns < q->delay_min_ns)
		q->delay_min_ns = a->rtt_ns;
	if (q->hystart_found || !congestion_in_slow_start(c))
		return;
	if (q->round_fresh || seq_after(a->una, q->round_end)) {
		hystart_reset(q, a->nxt, a->now_ns);
		q->round_fresh = false;
	}
	if (c->cwnd_segments < HYSTART_LEAST_SEGMENTS)
		return;
	watch_train(c, a->now_ns);
	if (!q->hystart_found)
		watch_delay(c, a->rtt_ns);
}

static void cubic_state(struct congestion *c, enum congestion_state next, uint64_t now_ns)
{
	if (next == CONGESTION_LOSS)
		cubic_init(c, now_ns);
}

/* 5.8: time without anything to send is no time of growth. */
static void cubic_restart(struct congestion *c, uint64_t idle_ns, bool app_limited, uint64_t now_ns)
{
	struct cubic *q = &c->cubic;

	(void)app_limited;
	if (q->epoch_start_ns)
		q->epoch_start_ns = time_earlier(q->epoch_start_ns + idle_ns, now_ns);
}

const struct congestion_ops congestion_cubic = {
	.name = "cubic",
	.least_burst_segments = 2,
	.init = cubic_init,
	.ssthresh_segments = cubic_ssthresh,
	.grow = cubic_grow,
	.acked = cubic_acked,
	.undo_segments = congestion_prior_segments,
	.state = cubic_state,
	.restart = cubic_restart,
};
