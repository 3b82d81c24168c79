/* SPDX-License-Identifier: MIT */
/*
 * How much may be in the network: congestion control (RFC 5681) behind one small interface. A
 * struct congestion is embedded in the connection and knows nothing else of it; every fact is an
 * argument. CUBIC (RFC 9438), NewReno (RFC 5681, 6582) and BBR (draft-ietf-ccwg-bbr) are rows of
 * a registry.
 *
 * As in Linux the window is counted in segments of mss_bytes: a change of the path MTU leaves the
 * number of segments. All else is bytes and nanoseconds. Integers only.
 *
 * What is whose: this module owns cwnd, ssthresh, the pacing rate, proportional rate reduction
 * (RFC 6937), slow start, window validation and the memory needed to undo. Recovery (recovery.c)
 * decides that a loss happened, when a recovery ends and whether it was spurious, and says so:
 *
 *                     on_ack()                  on_ack(): PRR (not BBR)
 *      +--> OPEN <----> DISORDER --- enter_recovery() ---> RECOVERY --+
 *      |      |            |                                         | exit()
 *      |      +-- enter_cwr() ---> CWR ---------- exit() -------------+
 *      +------+-- enter_loss() --> LOSS ----------exit() or undo() ---+--> OPEN
 */
#ifndef STACK_PROTOCOL_TCP_CONGESTION_H
#define STACK_PROTOCOL_TCP_CONGESTION_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/base/random.h"
#include "stack/base/seq.h"
#include "stack/base/time.h"
#include "stack/protocol/tcp/minmax.h"
#include "stack/protocol/tcp/rate.h"

#define CONGESTION_INITIAL_SEGMENTS 10U          /* RFC 6928 */
#define CONGESTION_NO_LIMIT 0x7fffffffU          /* ssthresh before the first loss, as Linux shows it */

/* Linux's words, and TCP_INFO's numbers (tcpi_ca_state). */
#define CONGESTION_STATES(STATE)                                                                   \
	STATE(OPEN, "open")         /* nothing suspicious */                                       \
	STATE(DISORDER, "disorder") /* duplicate or selective ACKs, no loss believed yet */        \
	STATE(CWR, "cwr")           /* reducing because of ECN or a local drop */                  \
	STATE(RECOVERY, "recovery") /* retransmitting what was found lost */                       \
	STATE(LOSS, "loss")         /* after a retransmission timeout */

enum congestion_state {
#define STATE(name, text) CONGESTION_##name,
	CONGESTION_STATES(STATE)
#undef STATE
};

/* All that one acknowledgement says. */
struct congestion_ack {
	uint64_t now_ns;
	struct seq una, nxt;            /* after the ACK: first unacknowledged, next to be sent */
	uint32_t acked_bytes;           /* snd.una advanced by so much */
	uint32_t delivered_bytes;       /* newly acknowledged or newly SACKed */
	uint32_t lost_bytes;            /* newly marked lost */
	uint32_t in_flight_before_bytes; /* outstanding - sacked - lost + retransmitted, before the ACK */
	uint32_t in_flight_bytes;       /* and after it (new losses marked) */
	uint64_t rtt_ns;                /* sample of this ACK (Karn's rule obeyed); 0: none */
	uint64_t srtt_ns, min_rtt_ns;   /* of the connection; 0 / UINT64_MAX: none yet */
	bool una_advanced;
	bool ece;                       /* an acceptable ECE arrived */
	bool reordering_seen;           /* this path reorders: SACKed data may grow the window */
	bool rtt_is_delayed;            /* the sample may hold a delayed ACK (one small segment acknowledged) */
	struct rate_sample rate;
};

struct congestion;

/* One algorithm. Members that may be NULL say so. */
struct congestion_ops {
	const char *name;
	bool needs_pacing;
	uint32_t least_burst_segments;  /* smallest burst worth sending: pacing_burst_bytes() */
	void (*init)(struct congestion *c, uint64_t now_ns);
	/* The window to fall back to now that congestion was met. */
	uint32_t (*ssthresh_segments)(struct congestion *c);
	/* Grow the window for acked_segments in OPEN, DISORDER or LOSS. NULL: control does it all. */
	void (*grow)(struct congestion *c, const struct congestion_ack *a, uint32_t acked_segments);
	/* Sets window and pacing rate itself in every state, PRR included. NULL: grow and PRR do. */
	void (*control)(struct congestion *c, const struct congestion_ack *a);
	/* Sees every ACK that acknowledges something, before grow. May be NULL. */
	void (*acked)(struct congestion *c, const struct congestion_ack *a);
	/* The window after an undone reduction. */
	uint32_t (*undo_segments)(struct congestion *c);
	/* The state is about to change. May be NULL. */
	void (*state)(struct congestion *c, enum congestion_state next, uint64_t now_ns);
	/* Sending begins again after nothing was in flight. May be NULL. */
	void (*restart)(struct congestion *c, uint64_t idle_ns, bool app_limited, uint64_t now_ns);
};

/* CUBIC's own: RFC 9438 4, and HyStart. */
struct cubic {
	uint32_t increase_every;    /* acknowledged segments for one segment of growth */
	uint32_t last_max_segments; /* W_max */
	uint32_t last_cwnd_segments;
	uint64_t last_time_ns;      /* when increase_every was computed for last_cwnd */
	uint32_t origin_segments;   /* the plateau of this epoch */
	uint32_t k_ms;              /* from epoch start to the plateau */
	uint64_t epoch_start_ns;    /* 0: none */
	uint32_t acked_segments;    /* since the epoch began, for the Reno-friendly region */
	uint32_t reno_segments;     /* W_est */
	uint64_t delay_min_ns;      /* 0: unknown */
	bool hystart_found, round_fresh; /* fresh: no round has begun */
	uint32_t round_samples;
	struct seq round_end;
	uint64_t round_start_ns, last_ack_ns, round_rtt_ns;
};

/* BBR's own: draft-ietf-ccwg-bbr 2. Rates in bytes per second, gains in units of 1/256. A bound
 * of UINT64_MAX is none. */
struct bbr {
	uint8_t mode, ack_phase;            /* bbr.c's enums */
	uint8_t full_rounds;                /* rounds without 25 % more bandwidth */
	bool round_start, full_bw_reached, full_bw_now;
	bool idle_restart, probe_rtt_expired, probe_rtt_round_done;
	bool loss_round_start, probe_samples, in_recovery, initial_rate;
	uint16_t pacing_gain, cwnd_gain;
	uint64_t delivered_bytes;           /* of the connection, at the last ACK */
	uint64_t next_round_delivered, loss_round_delivered;
	uint64_t max_bw, max_bw_before, max_bw_now;  /* of the last probe and of this one */
	uint64_t bw, bw_short, bw_latest, full_bw;
	uint64_t inflight_long, inflight_short, inflight_latest;
	uint64_t round_lost, round_delivered;        /* bytes in this loss round */
	uint32_t noise;                     /* share of losses that are not ours, in 1/65536 */
	uint64_t min_rtt_ns, min_rtt_stamp_ns;
	uint64_t probe_rtt_min_ns, probe_rtt_min_stamp_ns, probe_rtt_done_ns;
	uint64_t extra_acked_start_ns, extra_acked_delivered;
	uint64_t extra_acked[2];            /* largest excess of an ACK train, of two halves of the window */
	uint8_t extra_acked_slot, extra_acked_rounds;
	uint64_t cycle_stamp_ns, probe_wait_ns;
	uint32_t rounds_since_probe;
	uint64_t probe_up_every, probe_up_acked;     /* segments */
	uint8_t probe_up_rounds;
	uint32_t prior_cwnd_segments;
	uint64_t undo_bw_short, undo_inflight_short, undo_inflight_long;
};

struct congestion {
	const struct congestion_ops *ops;
	enum congestion_state state;
	uint32_t mss_bytes;             /* payload of a full segment: options are taken off */
	uint32_t cwnd_segments;
	uint32_t ssthresh_segments;     /* CONGESTION_NO_LIMIT before the first loss */
	uint32_t clamp_segments;        /* the window's upper bound (TCP_WINDOW_CLAMP of routes); no limit by default */
	uint64_t pacing_bytes_per_s;    /* PACING_NO_LIMIT (pacing.h) until a round trip is known */

	uint32_t growth_count;          /* segments acknowledged since the window last grew by one */
	uint32_t carry_bytes;           /* acknowledged bytes that are not a whole segment yet */

	/* Window validation, RFC 2861's idea as Linux does it: a window that was not used is no proof
	 * of capacity. */
	bool limited;                   /* the window held us back during this round trip */
	uint32_t most_out_segments;     /* most that was out in this round trip */
	struct seq usage_round_end;
	uint32_t used_segments;
	uint64_t used_ns;               /* when the window was last full or validated */

	/* Proportional rate reduction. */
	uint32_t prr_delivered_bytes, prr_out_bytes;

	/* To undo a reduction. */
	uint32_t prior_cwnd_segments;
	uint32_t prior_ssthresh_segments; /* 0: nothing to undo */
	bool reduced;                   /* PRR has the window, and no undo took it back */

	struct random random;
	union {
		struct cubic cubic;
		struct bbr bbr;
	};
};

/* The algorithms that there are. NULL: there is none of that name. "" is the default, cubic. */
const struct congestion_ops *congestion_find(const char *name);
/* index counts from 0; NULL: no more. For TCP_CONGESTION's list and teachnet. */
const struct congestion_ops *congestion_list(unsigned index);
const char *congestion_state_name(enum congestion_state state);

/* A new connection: initial window, nothing known. seed: any number, the same gives the same run. */
void congestion_init(struct congestion *c, const struct congestion_ops *ops, uint32_t mss_bytes,
    uint64_t seed, uint64_t now_ns);
/* The handshake is done. initial_segments 0: the default; Linux gives 1 when the SYN was sent again. */
void congestion_established(struct congestion *c, uint32_t mss_bytes, uint32_t initial_segments,
    uint64_t srtt_ns, uint64_t now_ns);
/* Another algorithm on a living connection (TCP_CONGESTION): the window stays. */
void congestion_switch(struct congestion *c, const struct congestion_ops *ops, uint64_t now_ns);
void congestion_set_mss(struct congestion *c, uint32_t mss_bytes);

static inline uint64_t congestion_cwnd_bytes(const struct congestion *c)
{
	return (uint64_t)c->cwnd_segments * c->mss_bytes;
}

static inline uint64_t congestion_ssthresh_bytes(const struct congestion *c)
{
	return (uint64_t)c->ssthresh_segments * c->mss_bytes;
}

static inline bool congestion_in_slow_start(const struct congestion *c)
{
	return c->cwnd_segments < c->ssthresh_segments;
}

/* Is the window being reduced by PRR? */
static inline bool congestion_reducing(const struct congestion *c)
{
	return c->state == CONGESTION_CWR || c->state == CONGESTION_RECOVERY;
}

/* How many bytes the window lets out now, in whole segments; in_flight counts a partial segment whole. */
uint64_t congestion_quota_bytes(const struct congestion *c, uint64_t in_flight_bytes);

/* bytes left (first time or again). Call after each frame. in_flight and nxt with it. */
void congestion_on_send(struct congestion *c, uint32_t bytes, struct seq nxt);
/* Sending has stopped for now; cwnd_limited: the window was the reason and data waits. outstanding is
 * snd.nxt - snd.una. Linux: tcp_cwnd_validate(). */
void congestion_on_send_stop(struct congestion *c, bool cwnd_limited, uint32_t outstanding_bytes,
    struct seq una, struct seq nxt, uint64_t rto_ns, bool send_buffer_limited, uint64_t now_ns);
/* Before the first segment after nothing was in flight. idle_ns since the last was sent. Linux's
 * tcp_slow_start_after_idle: halved for each rto of idleness, not below the initial window. */
void congestion_on_restart(struct congestion *c, uint64_t idle_ns, uint64_t rto_ns, bool app_limited,
    uint64_t now_ns);

/* Every acceptable ACK that acknowledges something or arrives during a reduction; after the state
 * changes that it caused were told. Sets window and pacing rate. */
void congestion_on_ack(struct congestion *c, const struct congestion_ack *a);

/* State changes. Harmless when already there. */
void congestion_set_disorder(struct congestion *c, bool disorder, uint64_t now_ns);
void congestion_enter_cwr(struct congestion *c, uint64_t now_ns);
/* undoable: this is the first reduction of the episode and nothing forbids to undo it. ece: it came by ECN. */
void congestion_enter_recovery(struct congestion *c, bool ece, uint64_t now_ns);
/* in_flight_bytes after all was marked lost. new_episode: ssthresh falls (Linux: not again when a
 * second timeout hits the same data). */
void congestion_enter_loss(struct congestion *c, bool new_episode, uint32_t in_flight_bytes, uint64_t now_ns);
/* Recovery, CWR or Loss is over: snd.una passed the recovery point. */
void congestion_exit(struct congestion *c, uint64_t now_ns);
/* The reduction was unneeded: window and ssthresh as before. The state becomes OPEN when to_open. */
void congestion_undo(struct congestion *c, bool to_open, uint64_t now_ns);

#endif
