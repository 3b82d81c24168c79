/* SPDX-License-Identifier: MIT */
/*
 * The smallest (or largest) of the values seen in a sliding window, in constant space: Kathleen
 * Nichols' windowed filter, which keeps the best, the second best and the third best value, each
 * later than the one before. Time is whatever unit the caller uses: nanoseconds for round trips, rounds
 * for bandwidth. Owns no clock. Used by rtt.h and the BBR of bbr.c.
 */
#ifndef STACK_PROTOCOL_TCP_MINMAX_H
#define STACK_PROTOCOL_TCP_MINMAX_H

#include <stdbool.h>
#include <stdint.h>

struct minmax_sample {
	uint64_t time;
	uint64_t value;
};

struct minmax {
	struct minmax_sample best[3];
};

static inline uint64_t minmax_get(const struct minmax *m)
{
	return m->best[0].value;
}

static inline void minmax_reset(struct minmax *m, uint64_t time, uint64_t value)
{
	m->best[0] = m->best[1] = m->best[2] = (struct minmax_sample){time, value};
}

/* Keeps three choices spread over the window, so that one is at hand when the best expires. */
static inline void minmax_age(struct minmax *m, uint64_t window, struct minmax_sample s)
{
	uint64_t age = s.time - m->best[0].time;

	if (age > window) {
		m->best[0] = m->best[1];
		m->best[1] = m->best[2];
		m->best[2] = s;
		if (s.time - m->best[0].time > window) {
			m->best[0] = m->best[1];
			m->best[1] = m->best[2];
			m->best[2] = s;
		}
	} else if (m->best[1].time == m->best[0].time && age > window / 4) {
		m->best[1] = m->best[2] = s;
	} else if (m->best[2].time == m->best[1].time && age > window / 2) {
		m->best[2] = s;
	}
}

static inline void minmax_run(struct minmax *m, uint64_t window, uint64_t time, uint64_t value, bool smallest)
{
	struct minmax_sample s = {time, value};

	if ((smallest ? value <= m->best[0].value : value >= m->best[0].value) ||
	    time - m->best[2].time > window) {
		minmax_reset(m, time, value);
		return;
	}
	if (smallest ? value <= m->best[1].value : value >= m->best[1].value)
		m->best[1] = m->best[2] = s;
	else if (smallest ? value <= m->best[2].value : value >= m->best[2].value)
		m->best[2] = s;
	minmax_age(m, window, s);
}

static inline void minmax_run_min(struct minmax *m, uint64_t window, uint64_t time, uint64_t value)
{
	minmax_run(m, window, time, value, true);
}

static inline void minmax_run_max(struct minmax *m, uint64_t window, uint64_t time, uint64_t value)
{
	minmax_run(m, window, time, value, false);
}

#endif
