/* SPDX-License-Identifier: MIT */
/* The path MTU cache; see path.h. */
#include "stack/protocol/path.h"

#include <errno.h>

#include "stack/protocol/ip.h"
#include "stack/protocol/route.h"

struct path_entry {
	struct hash_link link;
	struct list age; /* table->by_age, first to expire first */
	struct ip_addr destination;
	uint32_t mtu_bytes;
	uint64_t expires_ns;
};

struct path_table {
	struct stack *stack;
	struct hash_table by_destination;
	struct list by_age;
	struct timer timer; /* for the first of by_age */
};

static uint64_t hash_of(const struct stack *s, const struct ip_addr *a)
{
	return siphash(&s->key, a, sizeof(*a));
}

static struct path_entry *find(const struct stack *s, const struct ip_addr *destination)
{
	const struct hash_table *t = &s->paths->by_destination;

	for (struct hash_link *l = hash_first(t, hash_of(s, destination)); l; l = hash_next(l)) {
		struct path_entry *e = container_of(l, struct path_entry, link);

		if (ip_equal(&e->destination, destination))
			return e;
	}
	return NULL;
}

static void forget(struct stack *s, struct path_entry *e)
{
	hash_remove(&s->paths->by_destination, &e->link);
	list_remove(&e->age);
	mem_give(&s->mem, e, sizeof(*e));
	route_touch(s);
}

static struct path_entry *oldest(const struct path_table *t)
{
	struct list *first = list_first(&t->by_age);

	return first ? container_of(first, struct path_entry, age) : NULL;
}

static void expire(struct timer *timer, uint64_t now_ns)
{
	struct path_table *t = container_of(timer, struct path_table, timer);
	struct path_entry *e;

	while ((e = oldest(t)) && e->expires_ns <= now_ns)
		forget(t->stack, e);
	if (e)
		timer_arm(&t->stack->timers, &t->timer, e->expires_ns);
}

uint32_t path_mtu(struct stack *s, const struct ip_addr *destination, uint32_t mtu_bytes)
{
	const struct path_entry *e = s->paths->by_destination.count ? find(s, destination) : NULL;

	return e && e->mtu_bytes < mtu_bytes ? e->mtu_bytes : mtu_bytes;
}

static struct path_entry *make(struct stack *s, const struct ip_addr *destination)
{
	struct path_entry *e;

	if (s->paths->by_destination.count >= PATHS_MAX)
		forget(s, oldest(s->paths));
	e = mem_take_zeroed(&s->mem, sizeof(*e));
	if (!e)
		return NULL;
	e->destination = *destination;
	e->mtu_bytes = UINT32_MAX;
	list_init(&e->age);
	hash_insert(&s->paths->by_destination, &e->link, hash_of(s, destination));
	return e;
}

void ip_path_lower_mtu(struct stack *s, const struct ip_addr *destination, uint32_t mtu_bytes)
{
	uint32_t least = ip_is_v4(destination) ? PATH_MTU_MIN_V4 : PATH_MTU_MIN_V6;
	struct path_entry *e = find(s, destination);

	if (mtu_bytes < least)
		mtu_bytes = least;
	if (!e)
		e = make(s, destination);
	if (!e)
		return;
	if (mtu_bytes < e->mtu_bytes)
		e->mtu_bytes = mtu_bytes;
	e->expires_ns = time_after(s->now_ns, PATH_EXPIRES_NS);
	list_remove(&e->age);
	list_append(&s->paths->by_age, &e->age);
	timer_arm(&s->timers, &s->paths->timer, oldest(s->paths)->expires_ns);
	route_touch(s);
}

int path_table_create(struct stack *s)
{
	struct path_table *t = mem_take_zeroed(&s->mem, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->stack = s;
	list_init(&t->by_age);
	timer_init(&t->timer, expire);
	if (hash_table_init(&t->by_destination, &s->mem) || stack_reserve_timers(s, 1)) {
		hash_table_destroy(&t->by_destination);
		mem_give(&s->mem, t, sizeof(*t));
		return -ENOMEM;
	}
	s->paths = t;
	return 0;
}

void path_table_destroy(struct stack *s)
{
	struct path_table *t = s->paths;

	if (!t)
		return;
	list_for_each_safe(it, &t->by_age)
		forget(s, container_of(it, struct path_entry, age));
	timer_cancel(&s->timers, &t->timer);
	hash_table_destroy(&t->by_destination);
	mem_give(&s->mem, t, sizeof(*t));
	s->paths = NULL;
}

uint32_t path_count(const struct stack *s)
{
	return s->paths->by_destination.count;
}
