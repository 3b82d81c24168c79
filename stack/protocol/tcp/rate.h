/* SPDX-License-Identifier: MIT */
/*
 * How fast the network delivers: draft-cheng-iccrg-delivery-rate-estimation. Each sent run of bytes
 * carries a stamp of what had been delivered when it left; when it is acknowledged, the difference
 * to now is one sample of the delivery rate. Samples taken while the program gave too little to
 * send are marked app_limited.
 *
 * Use: rate_on_send() for every transmission and retransmission; for an arriving ACK
 * rate_sample_begin(), then rate_on_delivered() for each run newly acknowledged (cumulatively or
 * selectively) and rate_on_lost() for each run newly marked lost, then rate_sample_end().
 */
#ifndef STACK_PROTOCOL_TCP_RATE_H
#define STACK_PROTOCOL_TCP_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/base/time.h"

/* What a connection keeps. */
struct rate {
	uint64_t delivered_bytes;     /* all that was ever acknowledged, selectively too */
	uint64_t delivered_ns;        /* when delivered_bytes last grew */
	uint64_t first_sent_ns;       /* when the run was sent that was acknowledged last */
	uint64_t lost_bytes;          /* all that was ever marked lost */
	uint64_t app_limited_until_bytes; /* samples are app-limited until delivered_bytes passes this; 0: not */
	/* The last sample worth showing (TCP_INFO's tcpi_delivery_rate). */
	uint64_t shown_bytes;
	uint64_t shown_interval_ns;
	bool shown_app_limited;
};

/* What each run of bytes in flight keeps of its last transmission. */
struct rate_stamp {
	uint64_t sent_ns;
	uint64_t first_sent_ns;
	uint64_t delivered_ns;
	uint64_t delivered_bytes;
	uint64_t lost_bytes;
	uint32_t in_flight_bytes;  /* with this run */
	bool app_limited;
};

/* What one ACK says. interval_ns 0: no valid sample. */
struct rate_sample {
	uint64_t prior_delivered_bytes; /* stamp of the youngest run that this ACK acknowledged */
	uint64_t prior_delivered_ns;
	uint64_t prior_lost_bytes;
	uint64_t prior_first_sent_ns;   /* of that run */
	uint64_t prior_sent_ns;         /* when that run was sent */
	uint64_t interval_ns;
	uint64_t delivered_bytes;       /* over the interval */
	uint64_t lost_bytes;            /* between the sending of that run and now */
	uint32_t sent_in_flight_bytes;  /* in flight when that run left */
	uint32_t newly_delivered_bytes; /* by this ACK */
	uint32_t newly_lost_bytes;
	bool valid;                     /* some run was acknowledged */
	bool app_limited;
	bool retransmitted;             /* that run had been sent more than once */
};

void rate_init(struct rate *r, uint64_t now_ns);
/* A run is being sent; in_flight_bytes without it. */
void rate_on_send(struct rate *r, struct rate_stamp *stamp, uint32_t in_flight_bytes, uint32_t bytes, uint64_t now_ns);
void rate_sample_begin(struct rate_sample *s);
/* stamp is that of the run; it must not be given a second time (SACKed, then acknowledged). */
void rate_on_delivered(struct rate *r, struct rate_sample *s, const struct rate_stamp *stamp, uint32_t bytes,
    bool retransmitted, uint64_t now_ns);
void rate_on_lost(struct rate *r, struct rate_sample *s, uint32_t bytes);
/* min_rtt_ns as known before this ACK's own samples or after: intervals shorter than it are no samples. */
void rate_sample_end(struct rate *r, struct rate_sample *s, uint64_t min_rtt_ns, uint64_t now_ns);
/* Nothing more to send although the window would let us: call when the send queue has run empty. */
void rate_mark_app_limited(struct rate *r, uint32_t in_flight_bytes);
/* Bytes per second of the last sample worth showing; 0: none yet. */
uint64_t rate_bytes_per_s(const struct rate *r);

#endif
