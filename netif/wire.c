/* SPDX-License-Identifier: MIT */
/*
 * teachnet-wire: the lab's wire. It joins two interfaces with packet sockets that hear everything,
 * and does to what passes whatever a bad wire does (impair.h), to each direction by itself. A large
 * frame is cut to the packets that a real wire carries before anything happens to it, and stays so.
 *
 *     host A ---veth--- [ifa  teachnet-wire  ifb] ---veth--- host B
 *
 * It prints "ready" when frames pass, and on SIGTERM or SIGINT what it has done to them. It runs in
 * any network namespace that sees both interfaces, and never touches their addresses: give them none.
 */
#include <errno.h>
#include <poll.h>
#include <popt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "netif/impair.h"
#include "netif/link_setup.h"
#include "netif/packet.h"
#include "netif/segment.h"
#include "netif/units.h"

/* When an interface takes nothing, it is offered again after so long. */
#define WIRE_RETRY_NS (100 * NSEC_PER_USEC)
/* "ready" waits so long for the carriers; frames pass whenever they come. */
#define WIRE_CARRIER_MS 2000U

/* One direction: from the port where frames arrive to the other one. */
struct direction {
	struct netif *from, *to;
	struct impair impair;
	struct impair_frame *ready[NETIF_BATCH_MAX]; /* due, and not yet taken */
	unsigned ready_count;
	uint64_t retry_ns;
	uint64_t refused; /* frames that the outgoing interface would not take */
};

struct wire {
	struct netif *port[2];
	struct direction direction[2];
	uint64_t now_ns;
	struct frame_in arrived[NETIF_BATCH_MAX];
	struct frame_out sending[NETIF_BATCH_MAX];
	uint8_t room[SEGMENT_ROOM_BYTES];
};

struct pushing {
	struct direction *direction;
	uint64_t now_ns;
};

static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
	(void)number;
	stopping = 1;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

/* ---- moving frames ---- */

static int push(void *context, const uint8_t *data, uint32_t bytes)
{
	struct pushing *p = context;

	impair_push(&p->direction->impair, data, bytes, p->direction->from->facts.has_link_header, p->now_ns);
	return 0;
}

/* True when there may be more. */
static bool take(struct wire *w, struct direction *d)
{
	struct pushing p = {d, w->now_ns};
	int count = netif_receive(d->from, w->arrived, NETIF_BATCH_MAX, w->now_ns);

	for (int i = 0; i < count; i++)
		segment_frame_in(&w->arrived[i], d->from->facts.has_link_header, w->room, push, &p);
	return count == (int)NETIF_BATCH_MAX;
}

static void drop_ready(struct direction *d, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		impair_give_back(&d->impair, d->ready[i]);
	d->ready_count -= count;
	memmove(d->ready, d->ready + count, d->ready_count * sizeof(d->ready[0]));
}

static void send_due(struct wire *w, struct direction *d)
{
	d->retry_ns = TIME_NEVER;
	for (;;) {
		struct impair_frame *frame;
		int taken;

		while (d->ready_count < NETIF_BATCH_MAX && (frame = impair_pop(&d->impair, w->now_ns)))
			d->ready[d->ready_count++] = frame;
		if (d->ready_count == 0)
			return;
		for (unsigned i = 0; i < d->ready_count; i++) {
			w->sending[i].part_count = 0;
			frame_add_part(&w->sending[i], d->ready[i]->data, d->ready[i]->bytes);
		}
		taken = netif_transmit(d->to, w->sending, d->ready_count, w->now_ns);
		if (taken == 0) {
			d->retry_ns = time_after(w->now_ns, WIRE_RETRY_NS);
			return;
		}
		d->refused += taken < 0;
		drop_ready(d, taken < 0 ? 1 : (unsigned)taken);
	}
}

static uint64_t next_due(const struct wire *w)
{
	uint64_t due_ns = time_earlier(netif_deadline(w->port[0]), netif_deadline(w->port[1]));

	for (int i = 0; i < 2; i++) {
		const struct direction *d = &w->direction[i];

		due_ns = time_earlier(due_ns, d->ready_count ? d->retry_ns : impair_deadline(&d->impair));
	}
	return due_ns;
}

/* Sleeps until a frame arrives, one is due, or a signal comes (they come only here). */
static void wait_for_work(const struct wire *w, const sigset_t *while_waiting)
{
	struct pollfd fds[2] = {{.fd = netif_fd(w->port[0]), .events = POLLIN},
	    {.fd = netif_fd(w->port[1]), .events = POLLIN}};
	uint64_t due_ns = next_due(w), span_ns;
	struct timespec timeout;
	uint64_t at_ns = now();

	span_ns = due_ns > at_ns ? due_ns - at_ns : 0;
	timeout = (struct timespec){(time_t)(span_ns / NSEC_PER_SEC), (long)(span_ns % NSEC_PER_SEC)};
	ppoll(fds, 2, due_ns == TIME_NEVER ? NULL : &timeout, while_waiting);
}

static void run(struct wire *w, const sigset_t *while_waiting)
{
	while (!stopping) {
		bool more = false;

		w->now_ns = now();
		for (int i = 0; i < 2; i++)
			more |= take(w, &w->direction[i]);
		for (int i = 0; i < 2; i++)
			send_due(w, &w->direction[i]);
		if (!more || next_due(w) > w->now_ns)
			wait_for_work(w, while_waiting);
	}
}

/* ---- opening and closing ---- */

static int complain(const char *message)
{
	fprintf(stderr, "teachnet-wire: %s\n", message);
	return 1;
}

static int open_ports(struct wire *w, const char *const name[2], const char *pcap)
{
	char message[NETIF_MESSAGE_BYTES];
	struct packet_config config = {.promiscuous = true};

	for (int i = 0; i < 2; i++)
		if (packet_open(name[i], &config, &w->port[i], message))
			return complain(message);
	if (w->port[0]->facts.has_link_header != w->port[1]->facts.has_link_header)
		return complain("one interface is Ethernet and the other is not: they cannot be joined");
	if (pcap && netif_pcap_wrap(w->port[0], pcap, &w->port[0], message))
		return complain(message);
	return 0;
}

static void join_ports(struct wire *w, const struct fault_config *fault)
{
	for (unsigned i = 0; i < 2; i++) {
		w->direction[i] = (struct direction){
		    .from = w->port[i], .to = w->port[1 - i], .retry_ns = TIME_NEVER};
		impair_init(&w->direction[i].impair, fault, i);
	}
	for (unsigned i = 0; i < NETIF_BATCH_MAX; i++)
		frame_init(&w->sending[i]);
}

static void report(const struct direction *d)
{
	const struct impair_counters *c = &d->impair.counters;

	printf("%s -> %s: %llu frames, %llu lost, %llu beyond the queue, %llu corrupted, %llu duplicated, "
	       "%llu reordered, %llu refused\n",
	    d->from->facts.name, d->to->facts.name, (unsigned long long)c->frames, (unsigned long long)c->lost,
	    (unsigned long long)c->queue_dropped, (unsigned long long)c->corrupted,
	    (unsigned long long)c->duplicated, (unsigned long long)c->reordered, (unsigned long long)d->refused);
}

static void close_ports(struct wire *w)
{
	for (int i = 0; i < 2; i++) {
		drop_ready(&w->direction[i], w->direction[i].ready_count);
		impair_destroy(&w->direction[i].impair);
		netif_close(w->port[i]);
	}
}

/* Signals are blocked but while we wait, so that none is missed between looking and sleeping. */
static void catch_signals(sigset_t *while_waiting)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t ours;

	sigemptyset(&ours);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGINT);
	sigprocmask(SIG_BLOCK, &ours, while_waiting);
	sigdelset(while_waiting, SIGTERM);
	sigdelset(while_waiting, SIGINT);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

/* ---- the command line ---- */

struct options {
	char *loss, *reorder, *duplicate, *corrupt, *delay, *jitter, *rate, *queue, *pcap;
	long long seed;
};

static int bad_option(const char *name, const char *value, const char *example)
{
	fprintf(stderr, "teachnet-wire: --%s=%s cannot be understood: write it like %s\n", name, value, example);
	return 1;
}

static int read_faults(const struct options *o, struct fault_config *f)
{
	uint64_t queue_bytes = 0;

	*f = (struct fault_config){.seed = (uint64_t)o->seed};
	if (o->loss && units_parse_percent(o->loss, &f->loss))
		return bad_option("loss", o->loss, "3%");
	if (o->reorder && units_parse_percent(o->reorder, &f->reorder))
		return bad_option("reorder", o->reorder, "5%");
	if (o->duplicate && units_parse_percent(o->duplicate, &f->duplicate))
		return bad_option("duplicate", o->duplicate, "1%");
	if (o->corrupt && units_parse_percent(o->corrupt, &f->corrupt))
		return bad_option("corrupt", o->corrupt, "0.1%");
	if (o->delay && units_parse_duration(o->delay, &f->delay_ns))
		return bad_option("delay", o->delay, "10ms");
	if (o->jitter && units_parse_duration(o->jitter, &f->jitter_ns))
		return bad_option("jitter", o->jitter, "2ms");
	if (o->rate && units_parse_rate(o->rate, &f->rate_bits_per_s))
		return bad_option("rate", o->rate, "100mbit");
	if (o->queue && (units_parse_bytes(o->queue, &queue_bytes) || queue_bytes > UINT32_MAX))
		return bad_option("queue", o->queue, "256k");
	f->queue_bytes = (uint32_t)queue_bytes;
	return 0;
}

static void free_options(struct options *o)
{
	char *const text[] = {
	    o->loss, o->reorder, o->duplicate, o->corrupt, o->delay, o->jitter, o->rate, o->queue, o->pcap};

	for (unsigned i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		free(text[i]);
}

static int main_loop(const char *const name[2], const struct fault_config *fault, const char *pcap)
{
	struct wire *w = calloc(1, sizeof(*w));
	sigset_t while_waiting;
	int result;

	if (!w)
		return complain("no memory");
	catch_signals(&while_waiting);
	prctl(PR_SET_TIMERSLACK, 1000UL); /* wake up when asked, not 50 us later */
	result = open_ports(w, name, pcap);
	if (result == 0) {
		join_ports(w, fault);
		link_setup_wait_running(name[0], WIRE_CARRIER_MS);
		link_setup_wait_running(name[1], WIRE_CARRIER_MS);
		puts("ready");
		fflush(stdout);
		run(w, &while_waiting);
		report(&w->direction[0]);
		report(&w->direction[1]);
	}
	close_ports(w);
	free(w);
	return result;
}

int main(int argc, const char **argv)
{
	struct options o = {.seed = 1};
	struct poptOption table[] = {
	    {"loss", 0, POPT_ARG_STRING, &o.loss, 0, "lose this share of the packets", "PERCENT"},
	    {"delay", 0, POPT_ARG_STRING, &o.delay, 0, "delay each packet, one way", "TIME"},
	    {"jitter", 0, POPT_ARG_STRING, &o.jitter, 0, "by so much more or less, in order", "TIME"},
	    {"rate", 0, POPT_ARG_STRING, &o.rate, 0, "limit the rate", "RATE"},
	    {"queue", 0, POPT_ARG_STRING, &o.queue, 0,
	        "in front of the rate limit (what a round trip holds, at least 256k)", "BYTES"},
	    {"reorder", 0, POPT_ARG_STRING, &o.reorder, 0, "let this share be overtaken", "PERCENT"},
	    {"duplicate", 0, POPT_ARG_STRING, &o.duplicate, 0, "send this share twice", "PERCENT"},
	    {"corrupt", 0, POPT_ARG_STRING, &o.corrupt, 0, "flip a bit in this share", "PERCENT"},
	    {"seed", 0, POPT_ARG_LONGLONG, &o.seed, 0, "seed of chance (1)", "NUMBER"},
	    {"pcap", 0, POPT_ARG_STRING, &o.pcap, 0, "write what passes at the first interface", "FILE"},
	    POPT_AUTOHELP POPT_TABLEEND};
	poptContext context = poptGetContext("teachnet-wire", argc, argv, table, 0);
	struct fault_config fault;
	const char *name[2];
	int result;

	poptSetOtherOptionHelp(context, "[OPTION...] INTERFACE INTERFACE");
	result = poptGetNextOpt(context);
	if (result < -1) {
		fprintf(stderr, "teachnet-wire: %s: %s (try --help)\n",
		    poptBadOption(context, POPT_BADOPTION_NOALIAS), poptStrerror(result));
		free_options(&o);
		poptFreeContext(context);
		return 2;
	}
	name[0] = poptGetArg(context);
	name[1] = poptGetArg(context);
	if (!name[0] || !name[1] || poptPeekArg(context))
		result = complain("two interfaces are needed: those that it joins (try --help)") + 1;
	else if (read_faults(&o, &fault))
		result = 2;
	else
		result = main_loop(name, &fault, o.pcap);
	free_options(&o);
	poptFreeContext(context);
	return result;
}
