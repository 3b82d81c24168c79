/* SPDX-License-Identifier: MIT */
/*
 * A host, 192.0.2.2, on a link without a link header, and its peer, 192.0.2.1, whom the test plays:
 * it writes the peer's segments and reads ours, one by one. Sequence numbers are relative, ours to
 * our SYN and the peer's to PEER_ISS, both in what the peer sends and in what it reads. After every
 * step all invariants of every connection are checked; at the end no memory may be left.
 */
#ifndef TESTS_UNIT_TCP_FIXTURE_H
#define TESTS_UNIT_TCP_FIXTURE_H

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "stack/base/checksum.h"
#include "stack/protocol/tcp/tcp.h"
#include "stack/stack.h"
#include "stack/wire/ipv4.h"
#include "tests/unit/cmocka_tap.h"
#include "tests/unit/memory.h"

#define OUR_ADDRESS 0xc0000202U
#define PEER_ADDRESS 0xc0000201U
#define OUR_PORT 80
#define PEER_PORT 5000
#define PEER_ISS 0xfffff000U /* wraps after 4096 bytes */
#define ROUND_TRIP_NS (10 * NSEC_PER_MSEC)
#define SEGMENTS_MAX 64U
#define MTU_BYTES 1500U
#define MSS_BYTES 1460U

/* What a program has, or does. */
struct program {
	unsigned events;
	uint32_t got_bytes;
	uint8_t got[65536];
	bool wrong;           /* it got another byte than byte_at() says */
	bool refuses;         /* it takes no data by itself */
	uint32_t sent_bytes;
};

/* A segment of ours, seen by the peer. */
struct seen {
	struct tcp_segment segment; /* numbers are relative */
	uint32_t seq, ack, bytes;
	uint8_t flags;
	uint16_t to_port;
	uint64_t time_ns;
	struct ipv4 ip;
	uint8_t packet[MTU_BYTES];
};

struct world {
	struct test_memory memory;
	struct mem mem;
	struct stack *stack;
	uint32_t interface;
	uint64_t now_ns, next_id;
	struct socket *listener, *socket;
	struct program listening, program;
	uint16_t our_port, peer_port;
	uint32_t iss;             /* of our last SYN or SYN-ACK */
	unsigned first, count;    /* segments that nobody has looked at yet */
	struct seen seen[SEGMENTS_MAX];
};

static inline uint8_t byte_at(uint32_t position)
{
	return (uint8_t)(position * 7 + (position >> 8));
}

/* ---- the owner ---- */

static inline size_t program_deliver(void *user, struct span data, bool urgent)
{
	struct program *p = user;

	(void)urgent;
	if (p->refuses)
		return 0;
	for (size_t i = 0; i < data.bytes; i++) {
		p->wrong |= data.data[i] != byte_at(p->got_bytes);
		p->got[p->got_bytes++ % sizeof(p->got)] = data.data[i];
	}
	return data.bytes;
}

static inline void program_events(void *user, unsigned events)
{
	((struct program *)user)->events |= events;
}

static inline unsigned program_holds(void *user)
{
	(void)user;
	return 0;
}

/* ---- time and what we send ---- */

static inline void check_connections(const struct stack *s)
{
	list_for_each(l, &s->sockets)
	{
		const struct socket *so = container_of(l, struct socket, all);

		tcp_check(tcb_of_const(so));
	}
}

static inline void note_segment(struct world *w, const struct frame_out *f)
{
	struct seen *e;
	struct checksum sum;
	uint32_t bytes;

	assert_true(w->first + w->count < SEGMENTS_MAX);
	assert_false(f->checksum_needed);
	e = &w->seen[w->first + w->count];
	bytes = frame_flatten(f, e->packet, sizeof(e->packet));
	assert_int_equal(ipv4_parse((struct span){e->packet, bytes}, &e->ip), IPV4_OK);
	sum = checksum_pseudo_header(&e->ip.source, &e->ip.destination, IPPROTO_TCP, (uint32_t)e->ip.payload.bytes);
	sum = checksum_add(sum, e->ip.payload.data, e->ip.payload.bytes);
	assert_int_equal(be16_get(checksum_finish(sum)), 0);
	assert_int_equal(tcp_parse(&e->segment, e->ip.payload), 0);
	if (e->segment.flags & TCP_SYN)
		w->iss = e->segment.seq.n;
	if (e->segment.flags & TCP_SYN && !(e->segment.flags & TCP_ACK))
		w->our_port = e->segment.source_port;
	e->time_ns = w->now_ns;
	e->to_port = e->segment.destination_port;
	e->flags = e->segment.flags & (uint8_t)~TCP_PSH;
	e->bytes = (uint32_t)e->segment.data.bytes;
	e->seq = e->segment.seq.n - w->iss;
	e->ack = e->segment.flags & TCP_ACK ? e->segment.ack.n - PEER_ISS : 0;
	for (unsigned i = 0; i < e->segment.options.sack_count; i++) {
		e->segment.options.sack[i].first.n -= PEER_ISS;
		e->segment.options.sack[i].end.n -= PEER_ISS;
	}
	w->count++;
}

/* Lets everything happen that is due now. */
static inline void settle(struct world *w)
{
	struct frame_out f;

	while (stack_output(w->stack, &f, w->now_ns))
		note_segment(w, &f);
	check_connections(w->stack);
}

/* Lets the time pass, from one deadline to the next. */
static inline void advance(struct world *w, uint64_t span_ns)
{
	uint64_t end = w->now_ns + span_ns, next;

	settle(w);
	while ((next = stack_deadline(w->stack)) <= end) {
		if (next > w->now_ns)
			w->now_ns = next;
		settle(w);
	}
	w->now_ns = end;
	settle(w);
}

/* The next segment that the peer has not looked at yet. */
static inline const struct seen *take_segment(struct world *w)
{
	settle(w);
	assert_true(w->count > 0);
	w->count--;
	w->first++;
	return &w->seen[w->first - 1];
}

/* Flags but for PSH, and numbers, must be these. */
static inline const struct seen *expect_segment(struct world *w, unsigned flags, uint32_t seq, uint32_t bytes,
    uint32_t ack)
{
	const struct seen *e = take_segment(w);

	assert_int_equal(e->flags, flags);
	assert_int_equal(e->seq, seq);
	assert_int_equal(e->bytes, bytes);
	assert_int_equal(e->ack, ack);
	return e;
}

static inline void expect_silence(struct world *w)
{
	settle(w);
	assert_int_equal(w->count, 0);
	w->first = 0;
}

/* What was sent until now is not the matter of the test. */
static inline void forget_segments(struct world *w)
{
	settle(w);
	w->first = w->count = 0;
}

/* ---- what the peer sends ---- */

static inline void peer_packet(struct world *w, uint8_t protocol, struct span payload)
{
	uint8_t packet[MTU_BYTES];
	struct ipv4 ip = {
	    .ttl = 64,
	    .protocol = protocol,
	    .source = ip_from_v4(PEER_ADDRESS),
	    .destination = ip_from_v4(OUR_ADDRESS),
	};
	struct frame_in frame = {.data = packet, .bytes = IPV4_HEADER_BYTES + (uint32_t)payload.bytes};

	ipv4_emit(packet, &ip, (uint32_t)payload.bytes);
	memcpy(packet + IPV4_HEADER_BYTES, payload.data, payload.bytes);
	stack_input(w->stack, w->interface, &frame, w->now_ns);
	settle(w);
}

/* Data is what byte_at() says, beginning behind the peer's SYN. options may be NULL. */
static inline void peer_sends(struct world *w, unsigned flags, uint32_t seq, uint32_t ack, uint32_t window,
    const struct tcp_options *options, uint32_t bytes)
{
	uint8_t packet[MTU_BYTES - IPV4_HEADER_BYTES];
	struct tcp_segment seg = {
	    .source_port = w->peer_port,
	    .destination_port = w->our_port,
	    .seq = {PEER_ISS + seq},
	    .ack = {flags & TCP_ACK ? w->iss + ack : 0},
	    .window = window,
	    .flags = (uint8_t)flags,
	};
	struct ip_addr from = ip_from_v4(PEER_ADDRESS), to = ip_from_v4(OUR_ADDRESS);
	struct checksum sum;
	struct be16 field;
	uint32_t all;

	if (options)
		seg.options = *options;
	all = tcp_emit(&seg, packet);
	assert_true(all + bytes <= sizeof(packet));
	for (uint32_t i = 0; i < bytes; i++)
		packet[all + i] = byte_at(seq - 1 + i + (flags & TCP_SYN ? 1U : 0));
	all += bytes;
	sum = checksum_add(checksum_pseudo_header(&from, &to, IPPROTO_TCP, all), packet, all);
	field = checksum_finish(sum);
	memcpy(packet + TCP_CHECKSUM_OFFSET, &field, sizeof(field));
	peer_packet(w, IPPROTO_TCP, (struct span){packet, all});
}

/* A bare ACK; sack may be NULL. */
static inline void peer_acks(struct world *w, uint32_t seq, uint32_t ack, const struct sack_block *sack)
{
	struct tcp_options o = {0};

	if (sack) {
		o.sack_count = 1;
		o.sack[0] = (struct sack_block){{w->iss + sack->first.n}, {w->iss + sack->end.n}};
	}
	peer_sends(w, TCP_ACK, seq, ack, 65535, &o, 0);
}

/* ---- what the program does ---- */

static inline struct socket *new_socket(struct world *w, struct program *p)
{
	struct socket *so = NULL;

	assert_int_equal(socket_create(w->stack, SOCKET_TCP, 4, IPPROTO_TCP, ++w->next_id, p, w->now_ns, &so), 0);
	return so;
}

static inline void set_option(struct world *w, struct socket *so, int level, int name, int value)
{
	assert_int_equal(socket_set_option(so, level, name, &value, sizeof(value), w->now_ns), 0);
}

static inline int get_option(struct world *w, struct socket *so, int level, int name)
{
	uint32_t bytes = sizeof(int);
	int value = -12345;

	assert_int_equal(socket_get_option(so, level, name, &value, &bytes, w->now_ns), 0);
	return value;
}

static inline void program_connects(struct world *w)
{
	struct endpoint remote = {ip_from_v4(PEER_ADDRESS), w->peer_port, 0};

	if (!w->socket)
		w->socket = new_socket(w, &w->program);
	assert_int_equal(socket_connect(w->socket, &remote, w->now_ns), -EINPROGRESS);
	settle(w);
}

static inline void program_listens(struct world *w, int backlog)
{
	struct endpoint local = {ip_from_v4(OUR_ADDRESS), OUR_PORT, 0};

	if (!w->listener)
		w->listener = new_socket(w, &w->listening);
	assert_int_equal(socket_bind(w->listener, &local, w->now_ns), 0);
	assert_int_equal(socket_listen(w->listener, backlog, w->now_ns), 0);
	w->our_port = OUR_PORT;
}

static inline bool program_accepts(struct world *w)
{
	struct socket *so = socket_accept(w->listener, ++w->next_id, &w->program, w->now_ns);

	if (so)
		w->socket = so;
	return so != NULL;
}

/* Gives as much of bytes as there is room for; returns how much that was. */
static inline uint32_t program_sends(struct world *w, uint32_t bytes)
{
	struct space space[2];
	uint32_t done = 0;
	unsigned count = socket_send_space(w->socket, space);

	for (unsigned i = 0; i < count; i++)
		for (size_t j = 0; j < space[i].bytes && done < bytes; j++, done++)
			space[i].data[j] = byte_at(w->program.sent_bytes + done);
	w->program.sent_bytes += done;
	if (done)
		socket_send_commit(w->socket, done, false, false, w->now_ns);
	settle(w);
	return done;
}

/* Takes up to bytes of what it has refused before. */
static inline void program_takes(struct world *w, uint32_t bytes)
{
	struct span span[2];
	bool urgent;

	while (bytes && socket_receive_spans(w->socket, span, &urgent)) {
		uint32_t piece = span[0].bytes < bytes ? (uint32_t)span[0].bytes : bytes;

		for (uint32_t i = 0; i < piece; i++)
			w->program.wrong |= span[0].data[i] != byte_at(w->program.got_bytes + i);
		w->program.got_bytes += piece;
		bytes -= piece;
		socket_receive_consume(w->socket, piece, w->now_ns);
	}
	settle(w);
}

static inline void program_closes(struct world *w)
{
	socket_close(w->socket, false, w->now_ns);
	settle(w);
}

static inline struct tcb *connection(struct world *w)
{
	return tcb_of(w->socket);
}

/* ---- a connection, after one round trip ---- */

/* The options of the peer's SYN; timestamps are not among them: a test adds them. */
static inline struct tcp_options usual_options(void)
{
	return (struct tcp_options){.has_mss = true, .mss_bytes = MSS_BYTES, .sack_permitted = true};
}

/* The program asks. options NULL: the usual ones. */
static inline void establish_actively(struct world *w, const struct tcp_options *options)
{
	struct tcp_options usual = usual_options();

	program_connects(w);
	expect_segment(w, TCP_SYN, 0, 0, 0);
	advance(w, ROUND_TRIP_NS);
	peer_sends(w, TCP_SYN | TCP_ACK, 0, 1, 65535, options ? options : &usual, 0);
	expect_segment(w, TCP_ACK, 1, 0, 1);
	expect_silence(w);
	assert_int_equal(connection(w)->state, TCP_ESTABLISHED);
	assert_true(w->program.events & SOCKET_EVENT_CONNECTED);
}

/* The peer asks. */
static inline void establish_passively(struct world *w, const struct tcp_options *options)
{
	struct tcp_options usual = usual_options();

	program_listens(w, 5);
	peer_sends(w, TCP_SYN, 0, 0, 65535, options ? options : &usual, 0);
	expect_segment(w, TCP_SYN | TCP_ACK, 0, 0, 1);
	advance(w, ROUND_TRIP_NS);
	peer_sends(w, TCP_ACK, 1, 1, 65535, NULL, 0);
	expect_silence(w);
	assert_true(program_accepts(w));
	assert_int_equal(connection(w)->state, TCP_ESTABLISHED);
}

/* ---- life ---- */

static inline void world_begin(struct world *w, const struct stack_config *config)
{
	static const struct stack_owner owner = {
	    .deliver = program_deliver, .notify = program_events, .accept_queued = program_holds};
	const struct interface_config link = {.name = "test0", .mtu_bytes = MTU_BYTES};
	const struct prefix address = {ip_from_v4(OUR_ADDRESS), 24};
	int index;

	memset(w, 0, sizeof(*w));
	w->memory.takes_left = -1;
	w->mem = (struct mem){test_memory_take, test_memory_give, &w->memory};
	w->now_ns = 100 * NSEC_PER_SEC;
	w->peer_port = PEER_PORT;
	w->stack = stack_create(config, &owner, &w->mem, w->now_ns);
	assert_non_null(w->stack);
	index = stack_interface_add(w->stack, &link);
	assert_true(index > 0);
	w->interface = (uint32_t)index;
	assert_int_equal(stack_address_add(w->stack, w->interface, &address, false, w->now_ns), 0);
}

static inline void world_end(struct world *w)
{
	stack_destroy(w->stack);
	assert_int_equal(w->memory.bytes_out, 0);
}

/* A test whose host has habits of its own begins with this. */
static inline void world_again(struct world *w, const struct stack_config *config)
{
	world_end(w);
	world_begin(w, config);
}

static inline int world_setup(void **state)
{
	static struct world w;
	const struct stack_config config = {.secret = {1, 2, 3}};

	world_begin(&w, &config);
	*state = &w;
	return 0;
}

static inline int world_teardown(void **state)
{
	world_end(*state);
	return 0;
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
#define WORLD_MAIN(...)                                                                            \
	int main(void)                                                                             \
	{                                                                                          \
		const struct CMUnitTest tests[] = {__VA_ARGS__};                                   \
                                                                                                   \
		return cmocka_run_group_tests(tests, NULL, NULL);                                  \
	}

#endif
