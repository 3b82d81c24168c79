/* SPDX-License-Identifier: MIT */
/*
 * Pacing, as Linux does it without a queueing discipline's help (tcp_update_skb_after_send,
 * tcp_tso_autosize). The sections of draft-ietf-ccwg-bbr that need it: 5.6.2, 5.6.3.
 */
#include "stack/protocol/tcp/pacing.h"

/* Linux: sk_pacing_shift 10, a burst is 1/1024 s of the rate. */
#define BURST_SHIFT 10
/* Linux: tcp_tso_rtt_log 9, a path of less than half a millisecond gets the largest bursts. */
#define RTT_STEP_NS (512 * NSEC_PER_USEC)
/* How far a sender that was woken late may run after its schedule. Linux forgives half of a burst,
 * which suffices for timers in an interrupt; a process that others keep from the processor for
 * milliseconds would lose what it was late by for ever, and pace below the rate that it was told. */
#define LATE_MOST_NS (4 * NSEC_PER_MSEC)
#define LATE_MOST_BYTES (128U << 10)

void pacing_init(struct pacing *p)
{
	*p = (struct pacing){.bytes_per_s = PACING_NO_LIMIT};
}

void pacing_set(struct pacing *p, bool needed, uint64_t wanted_bytes_per_s, uint64_t max_bytes_per_s)
{
	p->on = needed || max_bytes_per_s != PACING_NO_LIMIT;
	p->bytes_per_s = wanted_bytes_per_s < max_bytes_per_s ? wanted_bytes_per_s : max_bytes_per_s;
}

uint64_t pacing_wait_until_ns(const struct pacing *p, uint64_t now_ns)
{
	return p->on && p->next_ns > now_ns ? p->next_ns : 0;
}

void pacing_on_send(struct pacing *p, uint32_t bytes, uint64_t now_ns)
{
	uint64_t span_ns, late_ns, most_ns;

	if (!p->on || p->bytes_per_s == PACING_NO_LIMIT || p->bytes_per_s == 0)
		return;
	span_ns = bytes * NSEC_PER_SEC / p->bytes_per_s;
	most_ns = time_earlier(LATE_MOST_NS, LATE_MOST_BYTES * NSEC_PER_SEC / p->bytes_per_s);
	late_ns = p->next_ns && now_ns > p->next_ns ? now_ns - p->next_ns : 0;
	p->next_ns = time_after(now_ns - time_earlier(late_ns, most_ns), span_ns);
}

uint32_t pacing_burst_bytes(const struct pacing *p, uint32_t mss_bytes, uint64_t min_rtt_ns,
    uint32_t least_segments, uint32_t most_bytes)
{
	uint64_t bytes = p->bytes_per_s >> BURST_SHIFT;
	uint64_t steps = min_rtt_ns / RTT_STEP_NS;
	uint32_t segments;

	if (steps < 32 && bytes < most_bytes)
		bytes += most_bytes >> steps;
	if (bytes > most_bytes)
		bytes = most_bytes;
	segments = (uint32_t)bytes / mss_bytes;
	if (segments < least_segments)
		segments = least_segments;
	if ((uint64_t)segments * mss_bytes > most_bytes)
		segments = most_bytes / mss_bytes;
	return (segments ? segments : 1) * mss_bytes;
}
