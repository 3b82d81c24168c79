/* SPDX-License-Identifier: MIT */
/*
 * NewReno: slow start and congestion avoidance as RFC 5681 3.1 says, with appropriate byte
 * counting (RFC 3465) over whole segments. Halves the window when congestion is met.
 */
#include "stack/protocol/tcp/congestion_rule.h"

static void newreno_init(struct congestion *c, uint64_t now_ns)
{
	(void)c;
	(void)now_ns;
}

static uint32_t newreno_ssthresh(struct congestion *c)
{
	uint32_t half = c->cwnd_segments / 2;

	return half > 2 ? half : 2; /* RFC 5681 equation (4) */
}

static void newreno_grow(struct congestion *c, const struct congestion_ack *a, uint32_t acked_segments)
{
	(void)a;
	if (!congestion_was_limited(c))
		return;
	if (congestion_in_slow_start(c)) {
		acked_segments = congestion_slow_start(c, acked_segments);
		if (!acked_segments)
			return;
	}
	congestion_grow_every(c, c->cwnd_segments, acked_segments);
}

const struct congestion_ops congestion_newreno = {
	.name = "reno",
	.least_burst_segments = 2,
	.init = newreno_init,
	.ssthresh_segments = newreno_ssthresh,
	.grow = newreno_grow,
	.undo_segments = congestion_prior_segments,
};
