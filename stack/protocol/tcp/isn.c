/* SPDX-License-Identifier: MIT */
/*
 * Numbers that an outsider must not guess: initial sequence numbers (RFC 6528: a clock of 64 ns
 * plus a keyed hash of the four-tuple) and the offset of the timestamp clock (RFC 7323 5.4).
 */
#include "stack/protocol/tcp/tcp.h"

static uint64_t tuple_secret(const struct stack *s, const struct tuple *tuple, uint64_t purpose)
{
	struct hash_key key = {s->key.k0 ^ purpose, s->key.k1 + purpose};

	return siphash(&key, tuple, sizeof(*tuple));
}

struct seq tcp_isn(struct stack *s, const struct tuple *tuple)
{
	return seq_make((uint32_t)tuple_secret(s, tuple, 0x69736e) + (uint32_t)(s->now_ns >> 6));
}

/* The same for all ports of a pair of hosts, so that timestamps grow from one connection to the
 * next and tell old from new (RFC 7323 appendix B.2, RFC 6191). */
uint32_t tcp_timestamp_offset(struct stack *s, const struct tuple *tuple)
{
	struct tuple hosts = {.local = tuple->local, .remote = tuple->remote};

	return (uint32_t)tuple_secret(s, &hosts, 0x747369);
}

uint32_t tcp_time_ms(const struct stack *s)
{
	return (uint32_t)(s->now_ns / NSEC_PER_MSEC);
}

uint32_t tcp_timestamp(const struct tcb *t)
{
	return tcp_time_ms(t->socket.stack) + t->ts_offset;
}
