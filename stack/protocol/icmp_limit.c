/* SPDX-License-Identifier: MIT */
/*
 * How many ICMP errors we send (RFC 1812 4.3.2.8), as Linux does: to one peer a token bucket that
 * gains one a second and holds six, and for all together 1000 a second with bursts of 50.
 */
#include <errno.h>

#include "stack/protocol/icmp.h"

#define PEERS 256U /* buckets by hash; two peers that share one share its tokens */
#define PEER_BURST 6U
#define PEER_INTERVAL_NS NSEC_PER_SEC
#define ALL_BURST 50U
#define ALL_INTERVAL_NS NSEC_PER_MSEC

struct bucket {
	uint64_t filled_ns; /* when it was last empty but for what has dropped in since; 0: full */
	uint32_t tokens;
};

struct icmp_state {
	struct bucket all;
	struct bucket peer[PEERS];
};

static void fill(struct bucket *b, uint64_t now_ns, uint64_t interval_ns, uint32_t burst)
{
	uint64_t gained = b->filled_ns ? (now_ns - b->filled_ns) / interval_ns : burst;

	if (!gained)
		return;
	b->filled_ns = b->filled_ns && gained < burst ? b->filled_ns + gained * interval_ns : now_ns;
	b->tokens = gained + b->tokens < burst ? b->tokens + (uint32_t)gained : burst;
}

bool icmp_within_limits(struct stack *s, const struct ip_addr *peer)
{
	struct icmp_state *state = s->icmp;
	struct bucket *b = &state->peer[siphash(&s->key, peer, sizeof(*peer)) % PEERS];
	uint64_t now_ns = s->now_ns ? s->now_ns : 1;

	if (ip_is_loopback(peer))
		return true;
	fill(&state->all, now_ns, ALL_INTERVAL_NS, ALL_BURST);
	fill(b, now_ns, PEER_INTERVAL_NS, PEER_BURST);
	if (!state->all.tokens || !b->tokens) {
		s->counters.icmp_out_limited++;
		return false;
	}
	state->all.tokens--;
	b->tokens--;
	return true;
}

int icmp_create(struct stack *s)
{
	s->icmp = mem_take_zeroed(&s->mem, sizeof(*s->icmp));
	return s->icmp ? 0 : -ENOMEM;
}

void icmp_destroy(struct stack *s)
{
	mem_give(&s->mem, s->icmp, sizeof(*s->icmp));
	s->icmp = NULL;
}
