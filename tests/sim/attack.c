/* SPDX-License-Identifier: MIT */
/*
 * An attacker beside the path, who knows addresses and ports and guesses sequence numbers within
 * the window, but never the exact next one: resets, SYNs and data whose acknowledgement is out of
 * any reasonable range (RFC 5961 3, 4, 5). Nothing of it may end or poison a connection.
 */
#include <string.h>

#include "tests/sim/sim.h"

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static bool is_block_end(const struct tcb *t, uint32_t seq)
{
	for (uint32_t i = 0; i < t->out_of_order.count; i++)
		if (receive_seq(t, t->out_of_order.item[i].end).n == seq)
			return true;
	return false;
}

static void forge(struct world *w, const struct end *victim)
{
	const struct tcb *t = tcb_of_const(victim->socket);
	uint8_t p[20 + 20 + 100] = {0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6};
	uint32_t seq = t->rcv.nxt.n + 1 + (uint32_t)chance_below(&w->chance, t->rcv.wnd + 1000U), bytes = 40;

	if (is_block_end(t, seq))
		seq++;
	put32(p + 12, ip_of(!victim->host));
	put32(p + 16, ip_of(victim->host));
	put16(p + 20, victim->socket->remote.port);
	put16(p + 22, victim->socket->local.port);
	put32(p + 24, seq);
	p[32] = 5 << 4;
	put16(p + 34, (uint32_t)chance_below(&w->chance, 65536));
	switch (chance_below(&w->chance, 4)) {
	case 0:
		p[33] = TCP_RST;
		break;
	case 1:
		p[33] = TCP_SYN;
		break;
	case 2:
		p[33] = TCP_RST | TCP_ACK;
		put32(p + 28, t->snd.nxt.n);
		break;
	default:
		/* 2^31 - 1 away from everything that was ever sent. */
		p[33] = TCP_ACK | TCP_PSH;
		put32(p + 28, t->snd.nxt.n + 0x40000000U);
		memset(p + 40, 0xee, 100);
		bytes = sizeof(p);
		break;
	}
	packet_finish(p, bytes);
	wire_put(w, victim->host, p, bytes, 1);
}

void attack(struct world *w)
{
	struct connection *c = &w->connection[chance_below(&w->chance, w->connection_count)];
	struct end *victim = &c->end[chance_below(&w->chance, 2)];

	/* In established states: in TIME-WAIT and after a FIN one number before is in place, too. */
	if (victim->socket && tcb_of(victim->socket)->state == TCP_ESTABLISHED)
		forge(w, victim);
}
