/* SPDX-License-Identifier: MIT */
/* Draws a world from its seed, runs it to its end, and judges what came out. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

#define ATTACKS_MAX 5000
#define HOUR_NS (3600 * NSEC_PER_SEC)

void world_fail(const struct world *w, const char *format, ...)
{
	va_list args;

	printf("# seed %llu, at %.6f s: ", (unsigned long long)w->seed, (double)w->now_ns / 1e9);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	printf("#   %llu packets, %llu lost, %llu corrupted; memory fails %g %%, %g %%; attack every %g s\n",
	    (unsigned long long)w->wire.sent, (unsigned long long)w->wire.lost, (unsigned long long)w->wire.corrupted,
	    w->host[0].memory_fails, w->host[1].memory_fails, (double)w->attack_every_ns / 1e9);
	for (unsigned i = 0; i < w->connection_count; i++)
		for (unsigned k = 0; k < 2; k++) {
			const struct end *e = &w->connection[i].end[k];

			if (e->started ? !e->gone || e->failed : !w->connection[i].end[0].gone)
				printf("#   connection %u%s, host %u: %s%s%s%s%s%s sent %llu of %llu, received %llu, errno %d, %s\n", i,
				    w->connection[i].simultaneous ? " (simultaneous)" : "", e->host,
				    e->started ? "" : "not started ", e->connected ? "connected " : "",
				    e->peer_closed ? "peer-closed " : "", e->shut ? "shut " : "", e->closed ? "closed " : "",
				    e->failed ? "failed " : "", (unsigned long long)e->sent, (unsigned long long)e->to_send,
				    (unsigned long long)e->received, e->error,
				    e->socket ? tcp_state_name(tcb_of(e->socket)->state) : "no socket");
		}
	fflush(stdout);
	if (w->wire.pcap)
		fflush(w->wire.pcap);
	_Exit(1);
}

static uint64_t pick(struct chance *c, const uint64_t *from, unsigned count)
{
	return from[chance_below(c, count)];
}
#define PICK(c, ...) pick(c, (const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / 8)

static void draw_network(struct world *w)
{
	struct chance *c = &w->chance;
	struct faults *f = &w->wire.faults;

	w->mtu = (uint32_t)PICK(c, 1500, 1500, 1500, 576, 296, 9000, 1280);
	f->delay_ns = PICK(c, 0, 10, 500, 5000, 20000, 100000) * 1000;
	f->rate_bytes_per_s = PICK(c, 0, 0, 100000000, 10000000, 1000000, 50000);
	f->queue_bytes = (uint32_t)PICK(c, 1000000, 200000, 50000, 20000);
	if (f->rate_bytes_per_s && f->rate_bytes_per_s < 1000000 && f->queue_bytes > 50000)
		f->queue_bytes = 50000;
	if (w->mtu * 4 > f->queue_bytes || f->queue_bytes < 70000)
		f->queue_bytes += 70000;
	if (chance_percent(c, 60))
		return;
	f->loss = (double)PICK(c, 0, 1, 10, 30, 100, 200) / 10;
	f->reorder = (double)PICK(c, 0, 0, 10, 50, 200) / 10;
	f->duplicate = (double)PICK(c, 0, 0, 10, 50, 300) / 10;
	f->corrupt = (double)PICK(c, 0, 0, 0, 10, 50) / 10;
	f->jitter_ns = chance_percent(c, 30) ? f->delay_ns / 2 : 0;
}

static void draw_config(struct world *w, struct stack_config *s)
{
	static const char *const algorithm[] = {"", "cubic", "reno", "bbr"};
	struct chance *c = &w->chance;

	strcpy(s->tcp_congestion, algorithm[chance_below(c, 4)]);
	s->tcp_timestamps = chance_percent(c, 20) ? -1 : 0;
	s->tcp_sack = chance_percent(c, 20) ? -1 : 0;
	s->tcp_window_scaling = chance_percent(c, 20) ? -1 : 0;
	s->tcp_ecn = (int8_t)PICK(c, 0, 0, 1, 1);
	if (chance_percent(c, 20)) {
		uint32_t most = (uint32_t)PICK(c, 2304, 8192, 30000);

		memcpy(s->tcp_receive_buffer_bytes, (uint32_t[]){2304, most, most}, 12);
	}
	if (chance_percent(c, 20)) {
		uint32_t most = (uint32_t)PICK(c, 4608, 16384, 65536);

		memcpy(s->tcp_send_buffer_bytes, (uint32_t[]){4096, most, most}, 12);
	}
}

static void draw_end(struct world *w, struct connection *n, unsigned side)
{
	struct chance *c = &w->chance;
	struct end *e = &n->end[side];
	/* A slow world carries little, so that each ends soon. */
	uint64_t most = w->wire.faults.rate_bytes_per_s && w->wire.faults.rate_bytes_per_s < 1000000 ? 20000 : 300000;

	e->connection = n;
	e->to_send = PICK(c, 0, 1, 1000, chance_below(c, most), chance_below(c, most / 10));
	e->finish = chance_percent(c, 10) ? FINISH_AT_ONCE : chance_percent(c, 5) ? FINISH_ABORT : FINISH_POLITELY;
	e->abort_after = chance_below(c, e->to_send + 1);
	e->write_most = (unsigned)PICK(c, 0, 0, 0, 100, 1460, 4000);
	e->read_most = (unsigned)PICK(c, 0, 0, 0, 1, 500, 5000);
	if (e->read_most == 1 || e->read_most == 500)
		e->to_send /= 20;
	e->pause_ns = chance_percent(c, 25) ? PICK(c, 1, 20, 300, 2000) * NSEC_PER_MSEC : 0;
	if (e->pause_ns && e->read_most && e->read_most < 5000)
		e->read_most = 5000;
}

static void draw_connections(struct world *w)
{
	struct chance *c = &w->chance;

	w->connection_count = (unsigned)PICK(c, 1, 1, 2, 3, CONNECTIONS_MAX);
	for (unsigned i = 0; i < w->connection_count; i++) {
		struct connection *n = &w->connection[i];
		unsigned opener = (unsigned)chance_below(c, 2);

		n->number = i;
		n->simultaneous = chance_percent(c, 10);
		n->start_ns = w->now_ns + chance_below(c, 200) * NSEC_PER_MSEC;
		n->end[0].host = opener;
		n->end[1].host = !opener;
		draw_end(w, n, 0);
		draw_end(w, n, 1);
	}
}

/* Once a connection is aborted on purpose or closed early, or its network is too bad, it may end with
 * an error; what has arrived is right all the same. */
static bool may_fail(const struct world *w, const struct connection *c)
{
	const struct faults *f = &w->wire.faults;

	for (unsigned k = 0; k < 2; k++) {
		if (c->end[k].finish == FINISH_ABORT)
			return true;
		if (c->end[k].finish == FINISH_AT_ONCE && c->end[!k].to_send)
			return true;
		if (w->host[k].memory_fails > 0)
			return true;
	}
	/* Both ends open at the same time only if neither has been refused before: there is no listener. */
	if (c->simultaneous)
		return true;
	return f->loss >= 10 || f->corrupt >= 5;
}

static void judge(struct world *w)
{
	for (unsigned i = 0; i < w->connection_count; i++) {
		struct connection *c = &w->connection[i];

		for (unsigned k = 0; k < 2; k++) {
			struct end *e = &c->end[k];

			if (e->failed && !may_fail(w, c))
				world_fail(w, "connection %u, host %u: ended with errno %d after %llu sent, %llu received", i,
				    e->host, e->error, (unsigned long long)e->sent, (unsigned long long)e->received);
			if (!e->started && !may_fail(w, c))
				world_fail(w, "connection %u, host %u: was never accepted", i, e->host);
			if (e->started && !e->gone)
				world_fail(w, "connection %u, host %u: not over at the end", i, e->host);
			if (!may_fail(w, c) && e->finish == FINISH_POLITELY && e->received != c->end[!k].to_send)
				world_fail(w, "connection %u, host %u: received %llu of %llu bytes", i, e->host,
				    (unsigned long long)e->received, (unsigned long long)c->end[!k].to_send);
		}
	}
}

static bool all_over(const struct world *w)
{
	for (unsigned i = 0; i < w->connection_count; i++)
		for (unsigned k = 0; k < 2; k++) {
			const struct end *e = &w->connection[i].end[k];

			if (e->started ? !e->gone : k == 0 || !w->connection[i].end[0].gone)
				return false;
		}
	return true;
}

static unsigned host_count(const struct world *w)
{
	return w->liar.on ? 1 : 2;
}

static uint64_t next_event(const struct world *w)
{
	uint64_t due = wire_deadline(&w->wire);

	for (unsigned i = 0; i < host_count(w); i++) {
		due = time_earlier(due, stack_deadline(w->host[i].stack));
		due = time_earlier(due, host_program_deadline(w, i));
	}
	if (w->liar.on)
		due = time_earlier(due, w->liar.next_ns);
	if (w->attack_every_ns && !all_over(w))
		due = time_earlier(due, w->next_attack_ns);
	return due;
}

static void host_step(struct world *w, unsigned number)
{
	host_drain(w, number);
	host_pump(w, number);
	host_drain(w, number);
	host_check(w, number);
}

static void step(struct world *w)
{
	struct flying f;

	while (wire_take(&w->wire, w->now_ns, &f)) {
		struct frame_in in = {.data = f.data, .bytes = f.bytes};

		if (f.gso_bytes) {
			in.gso = FRAME_GSO_TCP_V4;
			in.gso_bytes = f.gso_bytes;
		}
		stack_input(w->host[f.to].stack, w->host[f.to].interface, &in, w->now_ns);
		free(f.data);
		host_step(w, f.to);
	}
	if (w->liar.on && w->now_ns >= w->liar.next_ns)
		liar_step(w);
	if (w->attack_every_ns && w->now_ns >= w->next_attack_ns) {
		w->next_attack_ns = w->now_ns + w->attack_every_ns;
		if (++w->attacks == ATTACKS_MAX)
			w->attack_every_ns = 0;
		attack(w);
	}
	for (unsigned i = 0; i < host_count(w); i++)
		host_step(w, i);
}

/* A reset can be lost, or find no memory: then the other side waits in FIN-WAIT-2 for somebody who
 * is no more, as long as its program cares to (RFC 9293 3.9.1.4 leaves it to keepalives). */
static bool give_up_half_open(struct world *w)
{
	bool any = false;

	for (unsigned i = 0; i < w->connection_count; i++)
		for (unsigned k = 0; k < 2; k++) {
			struct end *e = &w->connection[i].end[k];
			const struct end *other = &w->connection[i].end[!k];

			if (!e->socket || e->closed || !(other->gone || (k == 0 && !other->started)))
				continue;
			if (!w->wire.lost && !w->wire.corrupted && !w->host[0].memory_fails && !w->host[1].memory_fails)
				continue;
			e->closed = e->gone = e->failed = any = true;
			socket_abort(e->socket, w->now_ns);
			e->socket = NULL;
		}
	return any;
}

static void run(struct world *w)
{
	unsigned standing = 0;

	while (!all_over(w) || w->wire.count) {
		uint64_t due = next_event(w);

		if (due > w->limit_ns && give_up_half_open(w))
			continue;
		if (due == TIME_NEVER)
			world_fail(w, "nothing will ever happen again");
		if (due > w->limit_ns)
			world_fail(w, "it takes for ever");
		standing = due <= w->now_ns ? standing + 1 : 0;
		if (standing > 10000)
			world_fail(w, "time stands still");
		if (due > w->now_ns)
			w->now_ns = due;
		w->events++;
		step(w);
	}
}

/* Programs are gone: whatever is left must go by itself. */
static void wind_down(struct world *w)
{
	uint64_t limit = w->now_ns + HOUR_NS;

	w->attack_every_ns = 0;
	for (;;) {
		uint64_t due = next_event(w);

		if (due > limit)
			break;
		if (due > w->now_ns)
			w->now_ns = due;
		step(w);
	}
	for (unsigned i = 0; i < host_count(w); i++) {
		struct host *h = &w->host[i];

		if (h->stack->socket_count != (h->listener ? 1U : 0U))
			world_fail(w, "host %u: %u sockets left", i, h->stack->socket_count);
		if (h->stack->tcp->connections.count)
			world_fail(w, "host %u: %u connections left in the table", i, h->stack->tcp->connections.count);
	}
}

static void listen_on(struct world *w, unsigned number)
{
	struct host *h = &w->host[number];
	struct endpoint local = {.addr = ip_from_v4(0), .port = SERVER_PORT};

	if (socket_create(h->stack, SOCKET_TCP, 4, 6, 999, NULL, w->now_ns, &h->listener) < 0 ||
	    socket_bind(h->listener, &local, w->now_ns) < 0 || socket_listen(h->listener, 100, w->now_ns) < 0)
		world_fail(w, "no listener");
}

static void honest(struct world *w)
{
	if (chance_percent(&w->chance, 20)) {
		w->attack_every_ns = PICK(&w->chance, 100, 2000, 30000) * 1000 + 7;
		w->next_attack_ns = w->now_ns;
	}
	run(w);
	judge(w);
}

/* One connection between the engine and the liar; then the program lets go of it. */
static void lies(struct world *w)
{
	struct connection *n = &w->connection[0];

	w->connection_count = 1;
	liar_begin(w);
	n->simultaneous = false;
	n->end[0].host = n->end[1].host = 0;
	n->end[w->liar.passive ? 0 : 1].host = 1;
	while (w->liar.next_ns != TIME_NEVER) {
		uint64_t due = next_event(w);

		if (due > w->now_ns)
			w->now_ns = due;
		if (++w->events > 1000000)
			world_fail(w, "a million events for three hundred lies");
		step(w);
	}
	for (unsigned k = 0; k < 2; k++) {
		struct end *e = &n->end[k];

		if (e->socket && !e->closed) {
			e->closed = true;
			socket_close(e->socket, false, w->now_ns);
		}
	}
}

void world_run(uint64_t seed, FILE *pcap, bool verbose)
{
	static struct world world;
	struct world *w = &world;

	memset(w, 0, sizeof(*w));
	w->seed = seed;
	w->chance.state = seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
	w->verbose = verbose;
	w->wire.pcap = pcap;
	w->now_ns = 1000 * NSEC_PER_SEC;
	w->limit_ns = w->now_ns + 10 * HOUR_NS;
	draw_network(w);
	draw_connections(w);
	w->liar.on = chance_percent(&w->chance, 15);
	for (unsigned i = 0; i < host_count(w); i++) {
		draw_config(w, &w->host[i].config);
		host_create(w, i);
		listen_on(w, i);
		w->host[i].memory_chance.state = seed + i;
		if (chance_percent(&w->chance, 5))
			w->host[i].memory_fails = (double)PICK(&w->chance, 1, 10, 50) / 10;
		w->host[i].running = true;
	}
	if (w->liar.on)
		lies(w);
	else
		honest(w);
	wind_down(w);
	if (verbose)
		printf("# seed %llu: %u connections, %llu packets, %llu lost, %llu events, %.3f s\n",
		    (unsigned long long)seed, w->connection_count, (unsigned long long)w->wire.sent,
		    (unsigned long long)w->wire.lost, (unsigned long long)w->events, (double)w->now_ns / 1e9 - 1000);
	wire_destroy(&w->wire);
	for (unsigned i = 0; i < host_count(w); i++) {
		host_destroy(&w->host[i]);
		if (w->host[i].allocated_bytes)
			world_fail(w, "host %u: %zu bytes leaked", i, w->host[i].allocated_bytes);
	}
}
