/* SPDX-License-Identifier: MIT */
/*
 * What all congestion controls share: the registry, the states, proportional rate reduction (RFC
 * 6937), window validation, restart after idleness and the default pacing rate, each with Linux's
 * habits. Growth is the algorithms' (newreno.c, cubic.c, bbr.c).
 */
#include "stack/protocol/tcp/congestion_rule.h"
#include "stack/base/check.h"
#include "stack/protocol/tcp/pacing.h"

/* Linux: tcp_pacing_ss_ratio, tcp_pacing_ca_ratio, in per cent of cwnd / srtt. */
#define PACING_SLOW_START_PERCENT 200
#define PACING_AVOIDANCE_PERCENT 120

static const struct congestion_ops *const algorithms[] = {
    &congestion_cubic,
    &congestion_newreno,
    &congestion_bbr,
};

const struct congestion_ops *congestion_list(unsigned index)
{
	return index < sizeof(algorithms) / sizeof(algorithms[0]) ? algorithms[index] : NULL;
}

const struct congestion_ops *congestion_find(const char *name)
{
	if (!*name)
		return algorithms[0];
	for (unsigned i = 0; congestion_list(i); i++) {
		const char *a = congestion_list(i)->name, *b = name;

		while (*a && *a == *b)
			a++, b++;
		if (*a == *b)
			return congestion_list(i);
	}
	return NULL;
}

const char *congestion_state_name(enum congestion_state state)
{
	static const char *const name[] = {
#define STATE(name, text) text,
	    CONGESTION_STATES(STATE)
#undef STATE
	};
	return name[state];
}

/* ---- what the algorithms share ---- */

bool congestion_was_limited(const struct congestion *c)
{
	if (c->limited)
		return true;
	return congestion_in_slow_start(c) && c->cwnd_segments < 2 * c->most_out_segments;
}

static void set_window(struct congestion *c, uint32_t segments)
{
	c->cwnd_segments = segments < c->clamp_segments ? segments : c->clamp_segments;
}

uint32_t congestion_slow_start(struct congestion *c, uint32_t acked_segments)
{
	uint32_t room = c->ssthresh_segments - c->cwnd_segments;
	uint32_t used = acked_segments < room ? acked_segments : room;

	set_window(c, c->cwnd_segments + used);
	return acked_segments - used;
}

void congestion_grow_every(struct congestion *c, uint32_t every, uint32_t acked_segments)
{
	/* The window may have shrunk since the count began. */
	if (c->growth_count >= every) {
		c->growth_count = 0;
		set_window(c, c->cwnd_segments + 1);
	}
	c->growth_count += acked_segments;
	if (c->growth_count >= every) {
		set_window(c, c->cwnd_segments + c->growth_count / every);
		c->growth_count %= every;
	}
}

uint32_t congestion_whole_segments(struct congestion *c, uint32_t bytes)
{
	uint64_t sum = (uint64_t)c->carry_bytes + bytes;

	c->carry_bytes = (uint32_t)(sum % c->mss_bytes);
	return (uint32_t)(sum / c->mss_bytes);
}

uint32_t congestion_prior_segments(struct congestion *c)
{
	return c->cwnd_segments > c->prior_cwnd_segments ? c->cwnd_segments : c->prior_cwnd_segments;
}

static uint32_t segments_of(const struct congestion *c, uint64_t bytes)
{
	return (uint32_t)((bytes + c->mss_bytes - 1) / c->mss_bytes);
}

/* ---- life ---- */

void congestion_init(struct congestion *c, const struct congestion_ops *ops, uint32_t mss_bytes,
    uint64_t seed, uint64_t now_ns)
{
	CHECK(mss_bytes > 0);
	*c = (struct congestion){
	    .ops = ops,
	    .state = CONGESTION_OPEN,
	    .mss_bytes = mss_bytes,
	    .cwnd_segments = CONGESTION_INITIAL_SEGMENTS,
	    .ssthresh_segments = CONGESTION_NO_LIMIT,
	    .clamp_segments = CONGESTION_NO_LIMIT,
	    .pacing_bytes_per_s = PACING_NO_LIMIT,
	    .used_ns = now_ns,
	    .random = {.key = {seed, ~seed}},
	};
	ops->init(c, now_ns);
}

/* Linux's tcp_update_pacing_rate(): shapes bursts even when nothing is paced. */
static void update_pacing_rate(struct congestion *c, uint64_t srtt_ns)
{
	uint64_t percent = c->cwnd_segments < c->ssthresh_segments / 2 ? PACING_SLOW_START_PERCENT
								      : PACING_AVOIDANCE_PERCENT;
	uint32_t segments = c->cwnd_segments > c->most_out_segments ? c->cwnd_segments : c->most_out_segments;
	uint64_t burst = (uint64_t)segments * c->mss_bytes * percent / 100;

	if (srtt_ns == 0)
		return;
	/* In two steps, so that neither product overflows. */
	if (burst < UINT64_MAX / NSEC_PER_SEC)
		c->pacing_bytes_per_s = burst * NSEC_PER_SEC / srtt_ns;
	else
		c->pacing_bytes_per_s = burst * NSEC_PER_MSEC / srtt_ns * 1000;
}

void congestion_established(struct congestion *c, uint32_t mss_bytes, uint32_t initial_segments,
    uint64_t srtt_ns, uint64_t now_ns)
{
	c->mss_bytes = mss_bytes;
	c->used_ns = now_ns;
	/* A SYN that was lost says nothing of the capacity (Linux: tcp_init_metrics). */
	c->state = CONGESTION_OPEN;
	c->ssthresh_segments = CONGESTION_NO_LIMIT;
	c->prior_ssthresh_segments = 0;
	set_window(c, initial_segments ? initial_segments : CONGESTION_INITIAL_SEGMENTS);
	if (!c->ops->control)
		update_pacing_rate(c, srtt_ns);
	else
		c->ops->init(c, now_ns);
}

void congestion_switch(struct congestion *c, const struct congestion_ops *ops, uint64_t now_ns)
{
	c->ops = ops;
	c->prior_ssthresh_segments = 0;
	ops->init(c, now_ns);
	if (ops->state && c->state != CONGESTION_OPEN)
		ops->state(c, c->state, now_ns);
}

void congestion_set_mss(struct congestion *c, uint32_t mss_bytes)
{
	CHECK(mss_bytes > 0);
	c->mss_bytes = mss_bytes;
}

/* ---- sending ---- */

uint64_t congestion_quota_bytes(const struct congestion *c, uint64_t in_flight_bytes)
{
	uint32_t out = segments_of(c, in_flight_bytes);

	return out < c->cwnd_segments ? (uint64_t)(c->cwnd_segments - out) * c->mss_bytes : 0;
}

void congestion_on_send(struct congestion *c, uint32_t bytes, struct seq nxt)
{
	(void)nxt;
	if (congestion_reducing(c))
		c->prr_out_bytes += bytes;
}

/* Linux's tcp_current_ssthresh(): three quarters of a window that is given up without a loss. */
static uint32_t remembered_ssthresh(const struct congestion *c)
{
	uint32_t most = c->cwnd_segments / 2 + c->cwnd_segments / 4;

	if (congestion_reducing(c) || c->ssthresh_segments > most)
		return c->ssthresh_segments;
	return most;
}

/* RFC 2861: a window that the program has not filled for a whole timeout shrinks half way to what it used. */
static void shrink_unused(struct congestion *c, bool send_buffer_limited, uint64_t now_ns)
{
	uint32_t used = c->used_segments > CONGESTION_INITIAL_SEGMENTS ? c->used_segments
								      : CONGESTION_INITIAL_SEGMENTS;

	if (c->state == CONGESTION_OPEN && !send_buffer_limited) {
		if (used < c->cwnd_segments) {
			c->ssthresh_segments = remembered_ssthresh(c);
			c->cwnd_segments = (c->cwnd_segments + used) / 2;
		}
		c->used_segments = 0;
	}
	c->used_ns = now_ns;
}

void congestion_on_send_stop(struct congestion *c, bool cwnd_limited, uint32_t outstanding_bytes,
    struct seq una, struct seq nxt, uint64_t rto_ns, bool send_buffer_limited, uint64_t now_ns)
{
	uint32_t out = segments_of(c, outstanding_bytes);

	if (!seq_before(una, c->usage_round_end) || cwnd_limited ||
	    (!c->limited && out > c->most_out_segments)) {
		c->limited = cwnd_limited;
		c->most_out_segments = out;
		c->usage_round_end = nxt;
	}
	if (congestion_was_limited(c)) {
		c->used_segments = 0;
		c->used_ns = now_ns;
		return;
	}
	if (out > c->used_segments)
		c->used_segments = out;
	if (!c->ops->control && now_ns - c->used_ns >= rto_ns)
		shrink_unused(c, send_buffer_limited, now_ns);
}

void congestion_on_restart(struct congestion *c, uint64_t idle_ns, uint64_t rto_ns, bool app_limited,
    uint64_t now_ns)
{
	if (!c->ops->control && rto_ns > 0 && idle_ns > rto_ns) {
		uint32_t least = c->cwnd_segments < CONGESTION_INITIAL_SEGMENTS ? c->cwnd_segments
									       : CONGESTION_INITIAL_SEGMENTS;
		uint64_t halvings = (idle_ns - 1) / rto_ns;

		c->ssthresh_segments = remembered_ssthresh(c);
		while (halvings-- > 0 && c->cwnd_segments > least)
			c->cwnd_segments /= 2;
		if (c->cwnd_segments < least)
			c->cwnd_segments = least;
		c->used_segments = 0;
		c->used_ns = now_ns;
	}
	if (c->ops->restart)
		c->ops->restart(c, idle_ns, app_limited, now_ns);
}

/* ---- acknowledgements ---- */

/*
 * RFC 6937 3.1, with the slow-start reduction bound only while the ACK shows progress without new
 * losses (Linux; RFC 6937's two bounds in one). Sums are in bytes; the window is whole segments.
 */
static void reduce_in_proportion(struct congestion *c, const struct congestion_ack *a)
{
	uint64_t ssthresh = congestion_ssthresh_bytes(c), in_flight = a->in_flight_bytes;
	uint64_t prior = (uint64_t)c->prior_cwnd_segments * c->mss_bytes, send = 0, allowed;

	if (a->delivered_bytes == 0 || prior == 0)
		return;
	c->prr_delivered_bytes += a->delivered_bytes;
	if (in_flight > ssthresh) {
		allowed = (ssthresh * c->prr_delivered_bytes + prior - 1) / prior;
		send = allowed > c->prr_out_bytes ? allowed - c->prr_out_bytes : 0;
	} else {
		send = c->prr_delivered_bytes > c->prr_out_bytes ? c->prr_delivered_bytes - c->prr_out_bytes : 0;
		if (send < a->delivered_bytes)
			send = a->delivered_bytes;
		if (a->una_advanced && a->lost_bytes == 0)
			send += c->mss_bytes;
		if (send > ssthresh - in_flight)
			send = ssthresh - in_flight;
	}
	if (c->prr_out_bytes == 0 && send < c->mss_bytes)
		send = c->mss_bytes; /* the first retransmission goes out at once */
	c->cwnd_segments = segments_of(c, in_flight + send);
}

void congestion_on_ack(struct congestion *c, const struct congestion_ack *a)
{
	uint32_t acked;

	if (c->ops->acked && a->delivered_bytes)
		c->ops->acked(c, a);
	if (c->ops->control) {
		c->ops->control(c, a);
		return;
	}
	acked = congestion_whole_segments(c, a->delivered_bytes);
	if (congestion_reducing(c))
		reduce_in_proportion(c, a);
	else if (acked && (a->acked_bytes || a->reordering_seen)) {
		c->ops->grow(c, a, acked);
		c->used_ns = a->now_ns; /* Linux: snd_cwnd_stamp moves with each such ACK */
	}
	update_pacing_rate(c, a->srtt_ns);
}

/* ---- states ---- */

static void set_state(struct congestion *c, enum congestion_state next, uint64_t now_ns)
{
	if (c->ops->state)
		c->ops->state(c, next, now_ns);
	c->state = next;
}

static void begin_reduction(struct congestion *c)
{
	c->growth_count = 0;
	c->reduced = true;
	c->prior_cwnd_segments = c->cwnd_segments;
	c->prr_delivered_bytes = c->prr_out_bytes = 0;
	c->ssthresh_segments = c->ops->ssthresh_segments(c);
}

void congestion_set_disorder(struct congestion *c, bool disorder, uint64_t now_ns)
{
	enum congestion_state next = disorder ? CONGESTION_DISORDER : CONGESTION_OPEN;

	if (c->state != next && (c->state == CONGESTION_OPEN || c->state == CONGESTION_DISORDER))
		set_state(c, next, now_ns);
}

void congestion_enter_cwr(struct congestion *c, uint64_t now_ns)
{
	if (c->state != CONGESTION_OPEN && c->state != CONGESTION_DISORDER)
		return;
	c->prior_ssthresh_segments = 0; /* a mark is never spurious */
	begin_reduction(c);
	set_state(c, CONGESTION_CWR, now_ns);
}

void congestion_enter_recovery(struct congestion *c, bool ece, uint64_t now_ns)
{
	if (c->state == CONGESTION_RECOVERY)
		return;
	if (!congestion_reducing(c)) {
		c->prior_ssthresh_segments = ece ? 0 : remembered_ssthresh(c);
		begin_reduction(c);
	}
	set_state(c, CONGESTION_RECOVERY, now_ns);
}

void congestion_enter_loss(struct congestion *c, bool new_episode, uint32_t in_flight_bytes, uint64_t now_ns)
{
	if (new_episode) {
		c->prior_ssthresh_segments = remembered_ssthresh(c);
		c->prior_cwnd_segments = c->cwnd_segments;
		c->ssthresh_segments = c->ops->ssthresh_segments(c);
	}
	set_state(c, CONGESTION_LOSS, now_ns);
	c->cwnd_segments = segments_of(c, in_flight_bytes) + 1; /* RFC 5681's loss window */
	c->growth_count = 0;
	c->used_ns = now_ns;
}

void congestion_exit(struct congestion *c, uint64_t now_ns)
{
	if (congestion_reducing(c) && c->reduced && !c->ops->control) {
		c->cwnd_segments = c->ssthresh_segments;
		c->used_ns = now_ns;
	}
	set_state(c, CONGESTION_OPEN, now_ns);
}

void congestion_undo(struct congestion *c, bool to_open, uint64_t now_ns)
{
	if (c->prior_ssthresh_segments) {
		c->cwnd_segments = c->ops->undo_segments(c);
		if (c->prior_ssthresh_segments > c->ssthresh_segments)
			c->ssthresh_segments = c->prior_ssthresh_segments;
		c->prior_ssthresh_segments = 0;
	}
	c->reduced = false;
	c->used_ns = now_ns;
	if (to_open)
		set_state(c, CONGESTION_OPEN, now_ns);
}
