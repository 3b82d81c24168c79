/* SPDX-License-Identifier: MIT */
/*
 * TCP sequence numbers (RFC 9293 3.4). A point in sequence space is a struct seq; a distance is a
 * plain uint32_t: comparing points with < does not compile. Comparisons hold while the two points
 * are less than 2^31 apart, which the window rules guarantee.
 */
#ifndef STACK_BASE_SEQ_H
#define STACK_BASE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

struct seq {
	uint32_t n;
};

static inline struct seq seq_make(uint32_t n)
{
	return (struct seq){n};
}

static inline struct seq seq_add(struct seq s, uint32_t distance)
{
	return (struct seq){s.n + distance};
}

static inline struct seq seq_sub(struct seq s, uint32_t distance)
{
	return (struct seq){s.n - distance};
}

/* How far it is from first up to later. */
static inline uint32_t seq_distance(struct seq first, struct seq later)
{
	return later.n - first.n;
}

static inline bool seq_equal(struct seq a, struct seq b)
{
	return a.n == b.n;
}

static inline bool seq_before(struct seq a, struct seq b)
{
	return (int32_t)(a.n - b.n) < 0;
}

static inline bool seq_after(struct seq a, struct seq b)
{
	return seq_before(b, a);
}

static inline bool seq_before_or_equal(struct seq a, struct seq b)
{
	return !seq_before(b, a);
}

static inline bool seq_after_or_equal(struct seq a, struct seq b)
{
	return !seq_before(a, b);
}

/* first <= s < first + length */
static inline bool seq_within(struct seq s, struct seq first, uint32_t length)
{
	return s.n - first.n < length;
}

static inline struct seq seq_later(struct seq a, struct seq b)
{
	return seq_before(a, b) ? b : a;
}

static inline struct seq seq_earlier(struct seq a, struct seq b)
{
	return seq_before(b, a) ? b : a;
}

#endif
