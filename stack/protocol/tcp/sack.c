/* SPDX-License-Identifier: MIT */
/*
 * Selective acknowledgements that arrive: RFC 2018 5, D-SACK 2883, with Linux's checks of what a
 * block may say. Marks records as SACKed, cutting trains that are covered in part; a block, or
 * the part of a block, that the last ACK had already is skipped.
 */
#include "stack/protocol/tcp/tcp.h"

/* RFC 2883 4.1, 4.2: the first block is a duplicate when it lies below the cumulative ACK or inside
 * the second block. */
static bool is_dsack(const struct tcp_segment *seg)
{
	const struct sack_block *b = seg->options.sack;

	if (seq_before(b[0].first, seg->ack))
		return true;
	return seg->options.sack_count > 1 && !seq_after(b[0].end, b[1].end) &&
	       !seq_before(b[0].first, b[1].first);
}

static void dsack(struct tcb *t, const struct sack_block *b, const struct ack_facts *facts, struct ack_facts *a)
{
	uint32_t length = seq_distance(b->first, b->end), segments = 1;

	if (length > t->mss_bytes)
		segments = (length + t->mss_bytes - 1) / t->mss_bytes;
	else if (t->tail_probe.out && seq_equal(t->tail_probe.high, b->end))
		a->dsack_of_probe = true;
	t->total.dsacks += segments;
	if (t->total.dsacks > t->total.retransmits)
		return; /* we never sent that twice: the network did, or the peer lies */
	a->dsack = true;
	if (t->reordering_seen && !a->dsack_of_probe)
		t->rack.dsack_seen = true;
	if (t->undo_armed && t->undo_retransmits > 0 && !seq_after(b->end, facts->una_before) &&
	    seq_after(b->end, t->undo_marker)) {
		t->undo_retransmits -= (int32_t)segments;
		if (t->undo_retransmits < 0)
			t->undo_retransmits = 0;
	}
}

/* May the block be believed? RFC 2018 says little; Linux: within what is outstanding. */
static bool plausible(const struct tcb *t, const struct sack_block *b)
{
	return seq_before(b->first, b->end) && !seq_after(b->end, t->snd.nxt) &&
	       seq_after(b->end, t->snd.una) && seq_before(b->first, t->snd.nxt);
}

static void mark(struct tcb *t, struct sent *r, struct ack_facts *a)
{
	uint64_t now = t->socket.stack->now_ns, rtt = now - r->sent_ns;

	if (!r->ever_retransmitted) {
		if (seq_before(r->first, a->highest_before) &&
		    (!a->reordered || seq_before(r->first, a->reorder))) {
			a->reorder = r->first;
			a->reordered = true;
		}
		if (!seq_after(r->end, t->high_seq))
			a->original_acked = true;
		if (!a->sack_rtt_ns)
			a->sack_rtt_ns = rtt ? rtt : 1;
		a->sack_last_rtt_ns = rtt ? rtt : 1;
	}
	tcp_sent_unmark_lost(t, r);
	if (r->retransmitted) {
		r->retransmitted = false;
		t->retransmitted_out -= r->segments;
	}
	r->sacked = true;
	t->sacked_out += r->segments;
	a->sacked = true;
	a->delivered_segments += r->segments;
	a->delivered_bytes += seq_distance(r->first, r->end);
	rate_on_delivered(&t->rate, &a->rate, &r->rate, seq_distance(r->first, r->end),
	    r->ever_retransmitted, now);
	tcp_rack_delivered(t, r);
	list_remove(&r->time);
	if (seq_after(r->end, t->highest_sacked))
		t->highest_sacked = r->end;
}

/* Where to begin the search for first: the nearest record that we remember. */
static struct sent *near(const struct tcb *t, struct seq first)
{
	struct sent *r = t->sack_hint;

	if (!r || seq_after(r->first, first))
		r = tcp_sent_first(t);
	return r;
}

/* Cuts r so that it, or what then follows it, lies inside the block: at whole segments only, as Linux
 * does, so that a peer cannot make us remember every byte by itself. True: r lies inside now. */
static bool cut(struct tcb *t, struct sent *r, const struct sack_block *b)
{
	uint32_t mss = t->mss_bytes, length = seq_distance(r->first, r->end), keep;

	if (r->segments == 1)
		return false;
	if (seq_before(r->first, b->first)) {
		keep = seq_distance(r->first, b->first);
		keep = (keep + mss - 1) / mss * mss;
		if (keep < length)
			tcp_sent_split(t, r, seq_add(r->first, keep));
		return false;
	}
	keep = seq_distance(r->first, b->end) / mss * mss;
	return keep && keep < length && tcp_sent_split(t, r, seq_add(r->first, keep));
}

/* The block was received; what it says of [from, to) is news. */
static void mark_range(struct tcb *t, const struct sack_block *b, struct seq from, struct seq to, struct ack_facts *a)
{
	struct sent *r = near(t, from);

	for (; r && seq_before(r->first, to); r = tcp_sent_next(t, r)) {
		t->sack_hint = r;
		if (!seq_after(r->end, from) || r->sacked)
			continue;
		if ((!seq_before(r->first, b->first) && !seq_after(r->end, b->end)) || cut(t, r, b))
			mark(t, r, a);
	}
}

/* Was all of the block in the last ACK? Its new part otherwise: at most two pieces, before and
 * behind an old block. */
static void mark_news(struct tcb *t, const struct sack_block *b, struct ack_facts *a)
{
	struct seq first = seq_later(b->first, t->snd.una);

	for (unsigned i = 0; i < TCP_SACK_BLOCKS_MAX; i++) {
		const struct sack_block *old = &t->seen_sack[i];

		if (seq_equal(old->first, old->end) || seq_after(old->first, b->end) ||
		    seq_before(old->end, first))
			continue;
		if (seq_before(first, old->first))
			mark_range(t, b, first, seq_earlier(old->first, b->end), a);
		if (seq_after(b->end, old->end))
			mark_range(t, b, seq_later(first, old->end), b->end, a);
		return;
	}
	mark_range(t, b, first, b->end, a);
}

void tcp_sack_input(struct tcb *t, const struct tcp_segment *seg, struct ack_facts *a)
{
	const struct tcp_options *o = &seg->options;
	struct sack_block seen[TCP_SACK_BLOCKS_MAX] = {0};
	unsigned begin = 0, kept = 0;

	if (t->sacked_out == 0) {
		t->highest_sacked = t->snd.una;
		a->highest_before = t->snd.una;
		memset(t->seen_sack, 0, sizeof(t->seen_sack));
	}
	if (is_dsack(seg)) {
		dsack(t, &o->sack[0], a, a);
		begin = 1;
	}
	if (t->packets_out == 0)
		return;
	for (unsigned i = begin; i < o->sack_count; i++) {
		if (!plausible(t, &o->sack[i]))
			continue;
		mark_news(t, &o->sack[i], a);
		seen[kept++] = o->sack[i];
	}
	memcpy(t->seen_sack, seen, sizeof(seen));
	if (a->sacked && a->reordered && t->congestion.state != CONGESTION_LOSS &&
	    seq_before(a->reorder, a->highest_before))
		tcp_recovery_check_reordering(t, a->reorder, "a hole was SACKed late");
}
