/* SPDX-License-Identifier: MIT */
/* From a decision to a frame; see emit.h. */
#include "stack/protocol/tcp/emit.h"

#include "stack/base/check.h"
#include "stack/base/checksum.h"
#include "stack/protocol/tcp/tcp.h"

/* Writes the header in front of the payload that f holds already. */
static void push_header(struct tcb *t, struct frame_out *f, const struct tcp_segment *seg, uint32_t bytes)
{
	uint8_t header[TCP_HEADER_BYTES + TCP_OPTIONS_MAX];
	uint32_t length = tcp_emit(seg, header);
	struct checksum sum = checksum_pseudo_header(&t->socket.local.addr, &t->socket.remote.addr,
	    IP_PROTOCOL_TCP, length + bytes);
	struct be16 partial = checksum_partial(sum);
	uint8_t *out;

	memcpy(header + TCP_CHECKSUM_OFFSET, &partial, sizeof(partial));
	out = frame_push(f, length);
	memcpy(out, header, length);
	f->checksum_needed = true;
	f->checksum_start = 0;
	f->checksum_offset = TCP_CHECKSUM_OFFSET;
	f->gso_header_bytes = (uint16_t)length;
}

/* RFC 9293 3.8.5 and 6093: the pointer as Linux sets it, behind the urgent byte. */
static void set_urgent(const struct tcb *t, struct tcp_segment *seg)
{
	if (!t->snd.urgent || !seq_before(seg->seq, t->snd.up))
		return;
	if (seq_distance(seg->seq, t->snd.up) < 0x10000) {
		seg->urgent = (uint16_t)seq_distance(seg->seq, t->snd.up);
		seg->flags |= TCP_URG;
	} else if (seq_after(seq_add(seg->seq, 0xffff), t->snd.nxt)) {
		seg->urgent = 0xffff;
		seg->flags |= TCP_URG;
	}
}

/* The window field: never scaled in a SYN. */
static uint32_t window_field(struct tcb *t, uint8_t flags)
{
	if (flags & TCP_SYN)
		return t->rcv.wnd < 65535 ? t->rcv.wnd : 65535;
	return tcp_window_select(t) >> t->rcv.scale;
}

static struct ip_flow flow_of(const struct tcb *t, bool ect)
{
	const struct socket *so = &t->socket;
	bool v4 = ip_is_v4(&so->remote.addr);
	struct ip_flow flow = {
	    .source = so->local.addr,
	    .destination = so->remote.addr,
	    .protocol = IP_PROTOCOL_TCP,
	    .ttl = (uint8_t)(v4 ? (so->option.ttl >= 0 ? so->option.ttl : 64)
				: (so->option.hop_limit >= 0 ? so->option.hop_limit : 64)),
	    .tos = (uint8_t)((v4 ? so->option.tos : so->option.traffic_class) & ~3),
	    .dont_fragment = true,
	};

	if (ect)
		flow.tos |= IP_ECN_ECT0;
	return flow;
}

/* Finishes a frame whose payload is in place. */
static enum socket_output finish(struct tcb *t, struct frame_out *f, struct tcp_segment *seg,
    uint32_t bytes, uint32_t segments, bool ect)
{
	struct stack *s = t->socket.stack;
	struct ip_flow flow = flow_of(t, ect);

	seg->source_port = t->socket.local.port;
	seg->destination_port = t->socket.remote.port;
	if (seg->flags & TCP_ACK)
		seg->ack = t->rcv.nxt;
	if (t->ecn_on && !(seg->flags & TCP_SYN) && t->ecn_echo)
		seg->flags |= TCP_ECE;
	seg->window = window_field(t, seg->flags);
	set_urgent(t, seg);
	push_header(t, f, seg, bytes);
	t->total.segments_out += segments;
	s->counters.tcp_out_segments += segments;
	t->has_duplicate = false;
	if (seg->flags & TCP_ACK)
		tcp_ack_sent(t);
	return ip_output(s, f, &flow, &t->socket.path) == IP_OUTPUT_FRAME ? SOCKET_OUTPUT_FRAME
									  : SOCKET_OUTPUT_AGAIN;
}

/* Has the way to the peer changed? Then the segment size may have, too. False: there is no way. */
static bool refresh_path(struct tcb *t)
{
	uint32_t mtu = t->socket.path.mtu_bytes;

	if (ip_path_refresh(t->socket.stack, &t->socket.remote.addr, &t->socket.local.addr,
		t->socket.bound_interface, &t->socket.path) < 0)
		return false;
	if (t->socket.path.mtu_bytes != mtu && !state_in(t, TCP_STATE_BIT(TCP_SYN_SENT))) {
		tcp_update_mss(t);
		congestion_set_mss(&t->congestion, t->mss_bytes);
	}
	return true;
}

/* ACK a data segment: what Linux does in tcp_event_data_sent. */
static void data_sent(struct tcb *t)
{
	uint64_t now = t->socket.stack->now_ns;

	t->last_sent_ns = now;
	if (now - t->ack.received_ns < t->ack.ato_ns && t->ack.pingpong < UINT8_MAX)
		t->ack.pingpong++;
}

/* One frame with [first, first + bytes) of r, which may be many segments if the driver cuts. */
static enum socket_output emit_piece(struct tcb *t, struct frame_out *f, const struct sent *r, struct seq first,
    uint32_t bytes, bool again)
{
	bool last = seq_equal(seq_add(first, bytes), seq_sub(r->end, r->fin));
	uint32_t room = tcp_segment_room(t);
	struct tcp_segment seg = {.seq = first, .flags = TCP_ACK};
	uint32_t segments = bytes > room ? (bytes + room - 1) / room : 1;
	struct span part[2];
	unsigned parts;

	if (r->fin && last)
		seg.flags |= TCP_FIN;
	/* As Linux: the end of a train of segments is pushed, so that receivers hand it on. */
	if (bytes && last && (r->pushed || seq_distance(r->first, r->end) - r->fin > room))
		seg.flags |= TCP_PSH;
	if (t->ecn_on && t->ecn_cwr_due && bytes && !again) {
		seg.flags |= TCP_CWR;
		t->ecn_cwr_due = false;
	}
	tcp_options_for_segment(t, &seg.options);
	if (!refresh_path(t))
		return SOCKET_OUTPUT_AGAIN;
	frame_init(f);
	parts = ring_spans(&t->send_ring, bytes ? send_position(t, first) : 0, bytes, part);
	for (unsigned i = 0; i < parts; i++)
		frame_add_part(f, part[i].data, part[i].bytes);
	if (bytes > room) {
		f->gso = ip_is_v4(&t->socket.remote.addr) ? FRAME_GSO_TCP_V4 : FRAME_GSO_TCP_V6;
		f->gso_bytes = (uint16_t)room;
	}
	return finish(t, f, &seg, bytes, segments, t->ecn_on && bytes && !again);
}

/* The next piece of a record that has to be cut here. */
enum socket_output tcp_emit_cut(struct tcb *t, struct frame_out *f)
{
	struct sent *r = t->cut;
	struct seq first = seq_later(t->cut_next, r->first), end = seq_sub(r->end, r->fin);
	uint32_t room = tcp_segment_room(t), left = seq_before(first, end) ? seq_distance(first, end) : 0;
	uint32_t bytes = left < room ? left : room;

	t->cut_next = seq_add(first, bytes);
	if (bytes == left)
		t->cut = NULL;
	return bytes || r->fin ? emit_piece(t, f, r, first, bytes, t->cut_again) : SOCKET_OUTPUT_NOTHING;
}

static enum socket_output emit_syn_alone(struct tcb *t, struct frame_out *f, const struct sent *r)
{
	struct tcp_segment seg = {.seq = r->first, .flags = TCP_SYN};
	bool reply = t->state != TCP_SYN_SENT;

	if (reply)
		seg.flags |= t->ecn_on ? TCP_ACK | TCP_ECE : TCP_ACK;
	else if (t->syn_ecn)
		seg.flags |= TCP_ECE | TCP_CWR;
	tcp_options_for_syn(t, &seg.options, reply);
	if (!refresh_path(t))
		return SOCKET_OUTPUT_AGAIN;
	frame_init(f);
	return finish(t, f, &seg, 0, 1, false);
}

enum socket_output tcp_emit_record(struct tcb *t, struct frame_out *f, struct sent *r, bool again)
{
	uint32_t bytes = seq_distance(r->first, r->end) - r->fin - r->syn;

	tcp_sent_transmitted(t, r, again);
	if (r->syn)
		return emit_syn_alone(t, f, r);
	pacing_on_send(&t->pacing, bytes, t->socket.stack->now_ns);
	if (bytes) {
		data_sent(t);
		t->total.bytes_sent += bytes;
		t->total.data_segments_out += r->segments;
	}
	if (bytes > tcp_segment_room(t) && !t->socket.path.gso_tcp && !t->socket.path.local) {
		t->cut = r;
		t->cut_next = r->first;
		t->cut_again = again;
		return tcp_emit_cut(t, f);
	}
	return emit_piece(t, f, r, r->first, bytes, again);
}

enum socket_output tcp_emit_syn(struct tcb *t, struct frame_out *f, struct sent *syn, struct sent *data)
{
	struct tcp_segment seg = {.seq = syn->first, .flags = TCP_SYN};
	struct span part[2];
	uint32_t bytes;
	unsigned parts;

	if (!data)
		return tcp_emit_record(t, f, syn, false);
	bytes = seq_distance(data->first, data->end);
	tcp_options_for_syn(t, &seg.options, false);
	if (t->syn_ecn)
		seg.flags |= TCP_ECE | TCP_CWR;
	tcp_sent_transmitted(t, syn, false);
	tcp_sent_transmitted(t, data, false);
	data_sent(t);
	t->total.bytes_sent += bytes;
	t->total.data_segments_out++;
	if (!refresh_path(t))
		return SOCKET_OUTPUT_AGAIN;
	frame_init(f);
	parts = ring_spans(&t->send_ring, 0, bytes, part);
	for (unsigned i = 0; i < parts; i++)
		frame_add_part(f, part[i].data, part[i].bytes);
	return finish(t, f, &seg, bytes, 1, false);
}

enum socket_output tcp_emit_bare(struct tcb *t, struct frame_out *f, uint8_t flags, struct seq seq)
{
	struct tcp_segment seg = {.seq = seq, .flags = flags};

	tcp_options_for_segment(t, &seg.options);
	if (!refresh_path(t)) {
		t->ack.pending = 0;
		return SOCKET_OUTPUT_NOTHING;
	}
	frame_init(f);
	return finish(t, f, &seg, 0, 1, false);
}
