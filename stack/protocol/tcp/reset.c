/* SPDX-License-Identifier: MIT */
/*
 * Resets that we send (RFC 9293 3.5.2) and the challenge ACKs of RFC 5961 with Linux's limits; and
 * segments of those that have no control block.
 */
#include "stack/base/checksum.h"
#include "stack/protocol/tcp/tcp.h"

void tcp_send_bare(struct stack *s, const struct tuple *tuple, const struct tcp_segment *seg, uint8_t ttl,
    uint8_t tos)
{
	uint8_t header[TCP_HEADER_BYTES + TCP_OPTIONS_MAX];
	struct tcp_segment copy = *seg;
	struct ip_flow flow = {
	    .source = tuple->local,
	    .destination = tuple->remote,
	    .protocol = IP_PROTOCOL_TCP,
	    .ttl = ttl ? ttl : 64,
	    .tos = tos,
	    .dont_fragment = true,
	};
	struct span part;

	copy.source_port = tuple->local_port;
	copy.destination_port = tuple->remote_port;
	part = (struct span){header, tcp_emit(&copy, header)};
	s->counters.tcp_out_segments++;
	ip_send(s, &flow, NULL, &part, 1, TCP_CHECKSUM_OFFSET, 0);
}

/* RFC 9293 3.10.7.1: a segment that belongs to nothing. */
void tcp_reset_reply(struct stack *s, const struct ip_packet *p, const struct tcp_segment *seg)
{
	struct tcp_segment reset = {.flags = TCP_RST};
	struct tuple tuple = {p->destination, p->source, seg->destination_port, seg->source_port};

	if ((seg->flags & TCP_RST) || p->broadcast)
		return;
	if (seg->flags & TCP_ACK) {
		reset.seq = seg->ack;
	} else {
		reset.flags |= TCP_ACK;
		reset.ack = seq_add(seg->seq, seg->length);
	}
	s->counters.tcp_out_resets++;
	tcp_send_bare(s, &tuple, &reset, 0, 0);
}

/* Linux rounds by the scale of our own window, for peers that round theirs. */
struct seq tcp_acceptable_seq(const struct tcb *t)
{
	struct seq end = seq_add(t->snd.una, t->snd.wnd);

	if (!seq_before(end, t->snd.nxt) ||
	    (t->scaling_on && seq_distance(end, t->snd.nxt) < 1U << t->rcv.scale))
		return t->snd.nxt;
	return end;
}

/* We end the connection: <SEQ=SND.NXT><CTL=RST,ACK>, as Linux sends it. */
void tcp_reset_send(struct tcb *t)
{
	struct stack *s = t->socket.stack;
	struct tuple tuple = tcp_tuple_of(t);
	struct tcp_segment reset = {
	    .flags = TCP_RST | TCP_ACK,
	    .seq = tcp_acceptable_seq(t),
	    .ack = t->rcv.nxt,
	};

	if (t->timestamps_on) {
		reset.options.has_timestamps = true;
		reset.options.ts_value = tcp_timestamp(t);
		reset.options.ts_echo = t->ts_recent;
	}
	reset.window = tcp_window_select(t) >> t->rcv.scale;
	s->counters.tcp_out_resets++;
	tcp_send_bare(s, &tuple, &reset, 0, t->socket.option.tos);
}

bool tcp_invalid_rate_allows(struct stack *s, uint64_t *last_ns)
{
	if (*last_ns && s->now_ns - *last_ns < TCP_INVALID_RATE_NS)
		return false;
	*last_ns = s->now_ns;
	return true;
}

/* tcp_challenge_ack_limit: since Linux 6.0 there is none for the host by default, but the limit for
 * each connection holds. */
void tcp_challenge_ack(struct tcb *t)
{
	struct stack *s = t->socket.stack;

	if (!tcp_invalid_rate_allows(s, &t->last_invalid_ns))
		return;
	s->counters.tcp_challenge_acks++;
	tcp_ack_now(t);
}
