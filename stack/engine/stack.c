/* SPDX-License-Identifier: MIT */
/*
 * Life of a stack: filling in defaults, making each protocol's tables in order, and memory with a
 * bound. It never does what a protocol does.
 */
#include "stack/stack.h"

#include <errno.h>
#include <string.h>

#include "stack/base/check.h"
#include "stack/engine/engine.h"
#include "stack/protocol/icmp.h"
#include "stack/protocol/interface.h"
#include "stack/protocol/neighbour.h"
#include "stack/protocol/path.h"
#include "stack/protocol/reassembly.h"
#include "stack/protocol/route.h"
#include "stack/protocol/socket.h"

/* ---- memory with a bound ---- */

static void *take(void *context, size_t bytes)
{
	struct stack *s = context;
	void *block;

	if (bytes > s->config.memory_max_bytes - s->memory_used_bytes)
		return NULL;
	block = mem_take(&s->owner_mem, bytes);
	if (block)
		s->memory_used_bytes += bytes;
	return block;
}

static void give(void *context, void *block, size_t bytes)
{
	struct stack *s = context;

	if (!block)
		return;
	CHECK(bytes <= s->memory_used_bytes);
	s->memory_used_bytes -= bytes;
	mem_give(&s->owner_mem, block, bytes);
}

/* ---- defaults: Linux's, where Linux has one ---- */

#define DEFAULT_TO(field, value)                                                                   \
	do {                                                                                       \
		if (!(field))                                                                      \
			(field) = (value);                                                         \
	} while (0)

static void fill_buffer_defaults(uint32_t buffer[3], uint32_t low, uint32_t normal, uint32_t high)
{
	DEFAULT_TO(buffer[0], low);
	DEFAULT_TO(buffer[1], normal);
	DEFAULT_TO(buffer[2], high);
	if (buffer[1] > buffer[2])
		buffer[1] = buffer[2];
}

static void fill_defaults(struct stack_config *c)
{
	DEFAULT_TO(c->sockets_max, 1U << 18);
	DEFAULT_TO(c->memory_max_bytes, UINT64_C(2) << 30);
	DEFAULT_TO(c->neighbours_max, 1024);
	DEFAULT_TO(c->port_first, 32768);
	DEFAULT_TO(c->port_last, 60999);
	fill_buffer_defaults(c->tcp_send_buffer_bytes, 4096, 16384, 4U << 20);
	fill_buffer_defaults(c->tcp_receive_buffer_bytes, 4096, 131072, 6U << 20);
	DEFAULT_TO(c->tcp_syn_retries, 6);
	DEFAULT_TO(c->tcp_synack_retries, 5);
	DEFAULT_TO(c->tcp_retries1, 3);
	DEFAULT_TO(c->tcp_retries2, 15);
	DEFAULT_TO(c->tcp_orphan_retries, 8);
	DEFAULT_TO(c->tcp_fin_timeout_ns, 60 * NSEC_PER_SEC);
	DEFAULT_TO(c->tcp_time_wait_ns, 60 * NSEC_PER_SEC);
	DEFAULT_TO(c->tcp_time_wait_max, 1U << 16);
	DEFAULT_TO(c->tcp_orphans_max, 1U << 15);
	DEFAULT_TO(c->tcp_keepalive_time_ns, 7200 * NSEC_PER_SEC);
	DEFAULT_TO(c->tcp_keepalive_interval_ns, 75 * NSEC_PER_SEC);
	DEFAULT_TO(c->tcp_keepalive_probes, 9);
	DEFAULT_TO(c->tcp_fastopen, 1);
	DEFAULT_TO(c->tcp_ecn, 2);
	DEFAULT_TO(c->somaxconn, 4096);
	if (!c->tcp_congestion[0])
		memcpy(c->tcp_congestion, "cubic", sizeof("cubic"));
	c->tcp_congestion[sizeof(c->tcp_congestion) - 1] = '\0';
}

/* ---- create and destroy ---- */

/* Where a packet to ourselves lies while it is taken in. */
static int scratch_create(struct stack *s)
{
	s->scratch = mem_take(&s->mem, FRAME_PACKET_MAX);
	return s->scratch ? 0 : -ENOMEM;
}

static void scratch_destroy(struct stack *s)
{
	mem_give(&s->mem, s->scratch, FRAME_PACKET_MAX);
	s->scratch = NULL;
}

static const struct table {
	int (*create)(struct stack *s);
	void (*destroy)(struct stack *s);
} tables[] = {
    {scratch_create, scratch_destroy},
    {packets_create, packets_destroy},
    {icmp_create, icmp_destroy},
    {route_table_create, route_table_destroy},
    {path_table_create, path_table_destroy},
    {interface_table_create, interface_table_destroy},
    {neighbour_table_create, neighbour_table_destroy},
    {reassembly_create, reassembly_destroy},
    {ports_create, ports_destroy},
    {tcp_host_create, tcp_host_destroy},
};

#define TABLE_COUNT (sizeof(tables) / sizeof(tables[0]))

static void seed(struct stack *s)
{
	const struct hash_key secret = {0x7465616368, 0x6e6574};
	const uint8_t *drawn = s->config.secret;

	memcpy(&s->key, drawn, sizeof(s->key));
	s->random.key = (struct hash_key){
	    siphash(&secret, drawn, sizeof(s->config.secret)),
	    siphash(&s->key, drawn, sizeof(s->config.secret))};
	s->random.counter = 0;
}

struct stack *stack_create(const struct stack_config *config, const struct stack_owner *owner,
    const struct mem *mem, uint64_t now_ns)
{
	struct stack *s = mem_take_zeroed(mem, sizeof(*s));
	size_t made = 0;

	if (!s)
		return NULL;
	s->config = *config;
	fill_defaults(&s->config);
	s->owner = *owner;
	s->owner_mem = *mem;
	s->mem = (struct mem){take, give, s};
	s->now_ns = now_ns;
	list_init(&s->sockets);
	list_init(&s->ready);
	timer_heap_init(&s->timers, &s->mem);
	list_init(&s->spent);
	seed(s);
	while (made < TABLE_COUNT && tables[made].create(s) == 0)
		made++;
	if (made == TABLE_COUNT)
		return s;
	while (made > 0)
		tables[--made].destroy(s);
	timer_heap_destroy(&s->timers);
	mem_give(mem, s, sizeof(*s));
	return NULL;
}

void stack_destroy(struct stack *s)
{
	struct mem mem;

	if (!s)
		return;
	mem = s->owner_mem;
	s->owner.notify = ignore_notify;
	s->owner.trace = NULL;
	datagram_sockets_destroy(s);
	for (size_t made = TABLE_COUNT; made > 0;)
		tables[--made].destroy(s);
	timer_heap_destroy(&s->timers);
	CHECK(s->memory_used_bytes == 0);
	mem_give(&mem, s, sizeof(*s));
}

void ignore_notify(void *user, unsigned events)
{
	(void)user;
	(void)events;
}

bool stack_has_ipv6(const struct stack *s)
{
	(void)s;
	return true;
}

void stack_trace_to(struct stack *s, void (*trace)(void *context, const struct trace_event *e))
{
	s->owner.trace = trace;
}
