/* SPDX-License-Identifier: MIT */
/*
 * Delivery rate samples: draft-cheng-iccrg-delivery-rate-estimation section 3. The section's names
 * of the steps are at the functions.
 */
#include "stack/protocol/tcp/rate.h"

void rate_init(struct rate *r, uint64_t now_ns)
{
	*r = (struct rate){.delivered_ns = now_ns, .first_sent_ns = now_ns};
}

/* 3.2: an idle flow starts its interval anew with the first run that it sends. */
void rate_on_send(struct rate *r, struct rate_stamp *stamp, uint32_t in_flight_bytes, uint32_t bytes, uint64_t now_ns)
{
	if (in_flight_bytes == 0)
		r->first_sent_ns = r->delivered_ns = now_ns;
	*stamp = (struct rate_stamp){
	    .sent_ns = now_ns,
	    .first_sent_ns = r->first_sent_ns,
	    .delivered_ns = r->delivered_ns,
	    .delivered_bytes = r->delivered_bytes,
	    .lost_bytes = r->lost_bytes,
	    .in_flight_bytes = in_flight_bytes + bytes,
	    .app_limited = r->app_limited_until_bytes != 0,
	};
}

void rate_sample_begin(struct rate_sample *s)
{
	*s = (struct rate_sample){0};
}

/* 3.3: the youngest run that the ACK covers makes the sample. */
void rate_on_delivered(struct rate *r, struct rate_sample *s, const struct rate_stamp *stamp, uint32_t bytes,
    bool retransmitted, uint64_t now_ns)
{
	r->delivered_bytes += bytes;
	r->delivered_ns = now_ns;
	s->newly_delivered_bytes += bytes;
	if (s->valid && (stamp->sent_ns < s->prior_sent_ns ||
			    (stamp->sent_ns == s->prior_sent_ns &&
				stamp->delivered_bytes < s->prior_delivered_bytes)))
		return;
	s->valid = true;
	s->prior_delivered_bytes = stamp->delivered_bytes;
	s->prior_delivered_ns = stamp->delivered_ns;
	s->prior_lost_bytes = stamp->lost_bytes;
	s->prior_first_sent_ns = stamp->first_sent_ns;
	s->prior_sent_ns = stamp->sent_ns;
	s->sent_in_flight_bytes = stamp->in_flight_bytes;
	s->app_limited = stamp->app_limited;
	s->retransmitted = retransmitted;
	r->first_sent_ns = stamp->sent_ns;
}

void rate_on_lost(struct rate *r, struct rate_sample *s, uint32_t bytes)
{
	r->lost_bytes += bytes;
	if (s)
		s->newly_lost_bytes += bytes;
}

/* 3.3, GenerateRateSample(). */
void rate_sample_end(struct rate *r, struct rate_sample *s, uint64_t min_rtt_ns, uint64_t now_ns)
{
	uint64_t send_ns, ack_ns;

	if (r->app_limited_until_bytes && r->delivered_bytes > r->app_limited_until_bytes)
		r->app_limited_until_bytes = 0;
	if (!s->valid)
		return;
	s->delivered_bytes = r->delivered_bytes - s->prior_delivered_bytes;
	s->lost_bytes = r->lost_bytes - s->prior_lost_bytes;
	/* Data cannot be delivered faster than it was sent, and ACKs may come bunched: the longer
	 * of the two intervals is the honest one (2.2). */
	send_ns = s->prior_sent_ns - s->prior_first_sent_ns;
	ack_ns = now_ns - s->prior_delivered_ns;
	s->interval_ns = send_ns > ack_ns ? send_ns : ack_ns;
	/* A shorter interval than the smallest round trip is an artefact (3.3): no sample. */
	if (min_rtt_ns != UINT64_MAX && s->interval_ns < min_rtt_ns) {
		s->interval_ns = 0;
		return;
	}
	if (s->interval_ns == 0)
		return;
	if (!s->app_limited || r->shown_interval_ns == 0 ||
	    s->delivered_bytes * r->shown_interval_ns >= r->shown_bytes * s->interval_ns) {
		r->shown_bytes = s->delivered_bytes;
		r->shown_interval_ns = s->interval_ns;
		r->shown_app_limited = s->app_limited;
	}
}

void rate_mark_app_limited(struct rate *r, uint32_t in_flight_bytes)
{
	uint64_t until = r->delivered_bytes + in_flight_bytes;

	r->app_limited_until_bytes = until ? until : 1;
}

uint64_t rate_bytes_per_s(const struct rate *r)
{
	/* The product fits: a sample covers less than 2^34 bytes. */
	return r->shown_interval_ns ? r->shown_bytes * NSEC_PER_SEC / r->shown_interval_ns : 0;
}
