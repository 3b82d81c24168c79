/* SPDX-License-Identifier: MIT */
/*
 * The window that we offer: RFC 9293 3.8.6.2.2 (no silly windows), 7323 2 (scaling, never shrinks),
 * SO_RCVBUF as Linux counts it (half of it is for data) and its auto-tuning. Owns rcv.wnd, the
 * clamp, the slow opening (Linux: rcv_ssthresh) and the tuning record.
 */
#include "stack/protocol/tcp/tcp.h"

/* What a buffer of bytes holds in data: Linux's default scaling ratio of one half. */
static uint32_t window_of_buffer(uint32_t bytes)
{
	return bytes / 2;
}

uint32_t tcp_receive_space_all(const struct tcb *t)
{
	return window_of_buffer(t->socket.option.receive_buffer_bytes);
}

uint32_t tcp_receive_space(const struct tcb *t)
{
	uint64_t used = ring_used(&t->receive_ring) + intervals_total(&t->out_of_order);
	uint32_t all = tcp_receive_space_all(t);

	return used >= all ? 0 : (uint32_t)(all - used);
}

/* Large enough for the largest buffer that auto-tuning may reach (Linux: tcp_select_initial_window). */
uint8_t tcp_window_scale_for(const struct stack *s, uint32_t clamp_bytes)
{
	uint32_t most = s->config.tcp_receive_buffer_bytes[2];
	uint8_t scale = 0;

	if (most > clamp_bytes)
		most = clamp_bytes;
	while (scale < TCP_SCALE_MAX && most >> (scale + 16) != 0)
		scale++;
	return scale;
}

/* How far the window may ever open: what the program said, or the buffer if it has fixed that. */
uint32_t tcp_window_clamp_for(const struct tcb *t)
{
	uint32_t clamp = t->window_clamp ? t->window_clamp : UINT32_MAX, all = tcp_receive_space_all(t);

	return t->socket.option.receive_buffer_locked && clamp > all ? all : clamp;
}

/* Before our SYN: the first window, a multiple of the segments that we expect. */
void tcp_window_initial(struct tcb *t)
{
	const struct stack *s = t->socket.stack;
	uint32_t space = tcp_receive_space_all(t), mss = t->mss_advertised;
	uint32_t clamp = tcp_window_clamp_for(t);

	if (t->timestamps_on)
		mss -= 12;
	if (space > clamp)
		space = clamp;
	if (space > mss)
		space -= space % mss;
	t->rcv.scale = s->config.tcp_window_scaling >= 0 ? tcp_window_scale_for(s, clamp) : 0;
	t->rcv.wnd = space;
	if (t->rcv.scale == 0 && t->rcv.wnd > 65535)
		t->rcv.wnd = 65535;
	if (clamp > 65535U << t->rcv.scale)
		clamp = 65535U << t->rcv.scale;
	t->rcv.clamp_bytes = clamp;
	t->rcv.ssthresh_bytes = t->rcv.wnd;
	t->rcv.wup = t->rcv.nxt;
}

/* The handshake is done: the clamp is what the buffer holds, less a segment (Linux:
 * tcp_init_buffer_space). */
void tcp_window_established(struct tcb *t)
{
	uint32_t all = tcp_receive_space_all(t), mss = t->mss_advertised;

	if (t->timestamps_on)
		mss -= 12;
	if (t->rcv.clamp_bytes > all)
		t->rcv.clamp_bytes = all;
	if (t->rcv.clamp_bytes > 2 * mss && t->rcv.clamp_bytes + mss > all)
		t->rcv.clamp_bytes = all > 3 * mss ? all - mss : 2 * mss;
	if (t->rcv.ssthresh_bytes > t->rcv.clamp_bytes)
		t->rcv.ssthresh_bytes = t->rcv.clamp_bytes;
}

uint32_t tcp_window_now(const struct tcb *t)
{
	struct seq end = seq_add(t->rcv.wup, t->rcv.wnd);

	return seq_after(end, t->rcv.nxt) ? seq_distance(t->rcv.nxt, end) : 0;
}

/* What a window could be that owes nothing to what was offered before (Linux: __tcp_select_window). */
uint32_t tcp_window_could_be(const struct tcb *t)
{
	uint32_t space = tcp_receive_space(t), all = tcp_receive_space_all(t);
	uint32_t full = all < t->rcv.clamp_bytes ? all : t->rcv.clamp_bytes;
	uint32_t mss = t->ack.receive_mss < full ? t->ack.receive_mss : full;
	uint32_t unit = 1U << t->rcv.scale, window;

	if (space > full)
		space = full;
	if (space < full / 2) {
		space -= space % unit;
		/* No silly window: nothing rather than less than a segment or a sixteenth. */
		if (space < all / 16 || space < mss)
			return 0;
	}
	if (space > t->rcv.ssthresh_bytes)
		space = t->rcv.ssthresh_bytes;
	if (t->rcv.scale)
		return (space + unit - 1) / unit * unit;
	window = t->rcv.wnd;
	if (mss && (window + mss <= space || window > space))
		window = space / mss * mss;
	else if (mss == full && space > window + full / 2)
		window = space;
	return window;
}

/* The window that goes out now; what was offered is never taken back. */
uint32_t tcp_window_select(struct tcb *t)
{
	uint32_t now = tcp_window_now(t), window = tcp_window_could_be(t);
	uint32_t unit = 1U << t->rcv.scale, most = 65535U << t->rcv.scale;
	struct stack *s = t->socket.stack;

	if (window < now)
		window = (now + unit - 1) / unit * unit;
	if (window > most)
		window = most;
	if (trace_on(s) && (window == 0) != (t->rcv.wnd == 0))
		trace_emit(s, &(struct trace_event){
				  .kind = TRACE_WINDOW,
				  .socket_id = t->socket.id,
				  .local = t->socket.local,
				  .remote = t->socket.remote,
				  .text = window ? "we open our window" : "we close our window",
				  .number = {window},
			      });
	t->rcv.wnd = window;
	t->rcv.wup = t->rcv.nxt;
	return window;
}

/* The window opens with what arrives, not at once: a sender that fills it with tiny segments costs
 * more memory than it brings (Linux: tcp_grow_window). */
void tcp_window_grow(struct tcb *t, uint32_t segment_bytes)
{
	uint32_t room = t->rcv.clamp_bytes, space = tcp_receive_space(t);
	uint32_t more = 2U * t->mss_advertised;

	if (segment_bytes < 128)
		return;
	if (2 * segment_bytes > more)
		more = 2 * segment_bytes;
	if (room > space)
		room = space;
	if (t->rcv.ssthresh_bytes >= room)
		return;
	t->rcv.ssthresh_bytes = room - t->rcv.ssthresh_bytes < more ? room : t->rcv.ssthresh_bytes + more;
	t->ack.quick |= 1; /* the sender should hear of it */
}

/* The round trip as a receiver sees it: by the echoed timestamp of data that we did not provoke,
 * else by the time that a window's worth of data takes. */
void tcp_window_rtt(struct tcb *t, const struct tcp_segment *seg)
{
	uint64_t now = t->socket.stack->now_ns, sample = 0;

	if (t->timestamps_on && seg->options.has_timestamps && seg->options.ts_echo &&
	    seg->data.bytes >= t->ack.receive_mss) {
		uint32_t ms = tcp_timestamp(t) - seg->options.ts_echo;

		if ((int32_t)ms >= 0)
			sample = (ms ? ms : 1) * NSEC_PER_MSEC;
	} else if (!t->timestamps_on) {
		if (t->tuning.round_ns && seq_before(t->rcv.nxt, t->tuning.round_end))
			return;
		if (t->tuning.round_ns)
			sample = now - t->tuning.round_ns;
		t->tuning.round_ns = now;
		t->tuning.round_end = seq_add(t->rcv.nxt, t->rcv.wnd);
	}
	if (!sample)
		return;
	if (t->tuning.rtt_ns == 0 || sample < t->tuning.rtt_ns)
		t->tuning.rtt_ns = sample;
	else
		t->tuning.rtt_ns += (sample - t->tuning.rtt_ns) / 8;
}

void tcp_window_tune(struct tcb *t, uint32_t taken_bytes)
{
	const struct stack *s = t->socket.stack;
	uint64_t copied, window;

	t->tuning.taken_bytes += taken_bytes;
	if (!t->tuning.rtt_ns || s->now_ns - t->tuning.since_ns < t->tuning.rtt_ns)
		return;
	copied = t->tuning.taken_bytes - t->tuning.since_bytes;
	t->tuning.since_bytes = t->tuning.taken_bytes;
	t->tuning.since_ns = s->now_ns;
	if (copied <= t->tuning.space_bytes)
		return;
	if (!t->socket.option.receive_buffer_locked) {
		uint32_t space = t->tuning.space_bytes ? t->tuning.space_bytes : 1;
		uint64_t most = s->config.tcp_receive_buffer_bytes[2];

		/* Twice what came, and more while it grows, as slow start doubles. */
		window = 2 * copied + 16ULL * t->mss_advertised;
		window += 2 * (window * (copied - space) / space);
		if (2 * window < most)
			most = 2 * window;
		if (most > t->socket.option.receive_buffer_bytes) {
			t->socket.option.receive_buffer_bytes = (uint32_t)most;
			if (t->rcv.clamp_bytes < window_of_buffer((uint32_t)most))
				t->rcv.clamp_bytes = window_of_buffer((uint32_t)most);
		}
	}
	t->tuning.space_bytes = (uint32_t)(copied < UINT32_MAX ? copied : UINT32_MAX);
}
