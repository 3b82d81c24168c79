/* SPDX-License-Identifier: MIT */
/*
 * The estimator of rtt.h: RFC 6298 section 2, with Linux's floor under the variance (so that the
 * smallest timeout is srtt + 200 ms, not 200 ms) and its slower decay of it.
 */
#include "stack/protocol/tcp/rtt.h"

void rtt_init(struct rtt *r)
{
	*r = (struct rtt){.rto_min_ns = RTT_RTO_MIN_NS};
	minmax_reset(&r->min, 0, UINT64_MAX);
}

static void first_sample(struct rtt *r, uint64_t sample_ns, struct seq nxt)
{
	uint64_t floor_ns = r->rto_min_ns / 4;

	r->srtt_ns = sample_ns;
	r->mdev_ns = sample_ns / 2; /* RFC 6298 2.2 */
	r->rttvar_ns = r->mdev_ns > floor_ns ? r->mdev_ns : floor_ns;
	r->mdev_max_ns = r->rttvar_ns;
	r->round_end = nxt;
}

/* Adds a signed eighth or quarter or so of a difference of unsigned values. */
static uint64_t toward(uint64_t from, uint64_t to, unsigned divisor)
{
	return to >= from ? from + (to - from) / divisor : from - (from - to) / divisor;
}

void rtt_sample(struct rtt *r, uint64_t sample_ns, struct seq una, struct seq nxt, uint64_t now_ns)
{
	uint64_t error_ns;
	unsigned gain = 4;

	if (sample_ns == 0)
		sample_ns = 1;
	r->latest_ns = sample_ns;
	minmax_run_min(&r->min, RTT_MIN_WINDOW_NS, now_ns, sample_ns);
	if (r->srtt_ns == 0) {
		first_sample(r, sample_ns, nxt);
		return;
	}
	error_ns = sample_ns > r->srtt_ns ? sample_ns - r->srtt_ns : r->srtt_ns - sample_ns;
	/* A round trip that shrinks is no reason to wait longer: such a deviation counts an eighth. */
	if (sample_ns < r->srtt_ns && error_ns > r->mdev_ns)
		gain = 32;
	r->srtt_ns = toward(r->srtt_ns, sample_ns, 8);
	r->mdev_ns = toward(r->mdev_ns, error_ns, gain);

	if (r->mdev_ns > r->mdev_max_ns) {
		r->mdev_max_ns = r->mdev_ns;
		if (r->mdev_max_ns > r->rttvar_ns)
			r->rttvar_ns = r->mdev_max_ns;
	}
	if (seq_after(una, r->round_end)) {
		if (r->mdev_max_ns < r->rttvar_ns)
			r->rttvar_ns = toward(r->rttvar_ns, r->mdev_max_ns, 4);
		r->round_end = nxt;
		r->mdev_max_ns = r->rto_min_ns / 4;
	}
}

uint64_t rtt_rto_ns(const struct rtt *r)
{
	uint64_t rto_ns;

	if (r->srtt_ns == 0)
		return RTT_RTO_INITIAL_NS;
	rto_ns = r->srtt_ns + 4 * r->rttvar_ns;
	return time_earlier(rto_ns, RTT_RTO_MAX_NS);
}

uint64_t rtt_rto_backed_off_ns(const struct rtt *r, unsigned backoff)
{
	uint64_t rto_ns = rtt_rto_ns(r);

	while (backoff-- > 0 && rto_ns < RTT_RTO_MAX_NS)
		rto_ns *= 2;
	return time_earlier(rto_ns, RTT_RTO_MAX_NS);
}

uint64_t rtt_min_ns(const struct rtt *r)
{
	return minmax_get(&r->min);
}
