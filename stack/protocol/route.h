/* SPDX-License-Identifier: MIT */
/*
 * The routing table: local before the rest (Linux's table "local" is asked first), then longest
 * prefix, then smallest metric. Each change moves the generation on, so that cached ways are looked
 * up anew (struct ip_path).
 */
#ifndef STACK_PROTOCOL_ROUTE_H
#define STACK_PROTOCOL_ROUTE_H

#include "stack/protocol/host.h"

#define ROUTES_MAX 4096U

struct route_table {
	struct route *route; /* in the order in which they are tried */
	uint32_t count, capacity;
	uint64_t generation; /* at least 1 */
};

int route_table_create(struct stack *s);
void route_table_destroy(struct stack *s);

/* The best route; interface 0: any. NULL: none. Valid until the table changes. */
const struct route *route_lookup(const struct stack *s, const struct ip_addr *destination, uint32_t interface);
/* -EEXIST, -ENOMEM, -ENOSPC. Values are not checked again: stack_route_add() does. */
int route_insert(struct stack *s, const struct route *r);
/* -ESRCH */
int route_delete(struct stack *s, const struct route *r);
void route_delete_interface(struct stack *s, uint32_t interface);

/* Something else than the table has changed that a cached way depends on. */
static inline void route_touch(struct stack *s)
{
	s->routes->generation++;
}

#endif
