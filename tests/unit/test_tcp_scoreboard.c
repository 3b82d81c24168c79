/* SPDX-License-Identifier: MIT */
/*
 * The scoreboard (RFC 6675 4): records are cut, merged, lost, SACKed and released in a thousand
 * random orders, and the four counts stay those of the records.
 */
#include "stack/protocol/tcp/tcp.h"
#include "tests/unit/host_fixture.h"

#define MSS 1000U

static struct tcb *new_block(struct host *h, struct heard *heard)
{
	struct tcb *t = tcb_of(host_socket(h, SOCKET_TCP, 6, heard));

	t->mss_bytes = MSS;
	t->sack_on = true;
	t->snd.una = t->snd.nxt = seq_make(0xffffff00); /* wraps soon */
	t->highest_sacked = t->snd.una;
	return t;
}

static struct sent *send_run(struct tcb *t, uint32_t bytes)
{
	struct sent *r = tcp_sent_new(t, t->snd.nxt, bytes);

	assert_non_null(r);
	t->snd.nxt = r->end;
	tcp_sent_transmitted(t, r, false);
	return r;
}

static void check_counts(const struct tcb *t)
{
	uint32_t out = 0, lost = 0, again = 0, sacked = 0;
	struct seq at = t->snd.una;

	list_for_each(l, &t->sent_list)
	{
		const struct sent *r = container_of(l, struct sent, order);

		assert_true(seq_equal(r->first, at));
		at = r->end;
		out += r->segments;
		lost += r->lost ? r->segments : 0;
		again += r->retransmitted ? r->segments : 0;
		sacked += r->sacked ? r->segments : 0;
	}
	assert_true(seq_equal(at, t->snd.nxt));
	assert_int_equal(out, t->packets_out);
	assert_int_equal(lost, t->lost_out);
	assert_int_equal(again, t->retransmitted_out);
	assert_int_equal(sacked, t->sacked_out);
}

static void a_train_counts_its_segments(void **state)
{
	struct heard heard;
	struct tcb *t = new_block(*state, &heard);
	struct sent *r = send_run(t, 3 * MSS + 1), *rest;

	assert_int_equal(t->packets_out, 4);
	rest = tcp_sent_split(t, r, seq_add(r->first, MSS));
	assert_non_null(rest);
	assert_true(r->segments == 1 && rest->segments == 3 && tcp_sent_next(t, r) == rest);
	check_counts(t);
	tcp_sent_mark_lost(t, rest);
	assert_int_equal(t->lost_out, 3);
	assert_ptr_equal(tcp_sent_next_lost(t), rest);
	tcp_sent_transmitted(t, rest, true);
	assert_int_equal(in_flight(t), 4);
	assert_null(tcp_sent_next_lost(t));
	/* Lost a second time: it may go again. */
	tcp_sent_mark_lost(t, rest);
	assert_int_equal(t->retransmitted_out, 0);
	assert_ptr_equal(tcp_sent_next_lost(t), rest);
	check_counts(t);
	tcp_sent_release_all(t);
	assert_int_equal(t->packets_out + t->lost_out + t->sacked_out + t->retransmitted_out, 0);
	t->snd.una = t->snd.nxt;
}

static void small_ones_merge(void **state)
{
	struct heard heard;
	struct tcb *t = new_block(*state, &heard);
	struct sent *a = send_run(t, 100), *b = send_run(t, 200);

	tcp_sent_mark_lost(t, a);
	tcp_sent_mark_lost(t, b);
	tcp_sent_merge(t, a, b);
	assert_true(seq_distance(a->first, a->end) == 300 && a->segments == 1);
	assert_int_equal(t->packets_out, 1);
	assert_int_equal(t->lost_out, 1);
	check_counts(t);
	tcp_sent_release_all(t);
}

static void counts_hold_in_any_order(void **state)
{
	struct heard heard;
	struct tcb *t = new_block(*state, &heard);
	struct random random = {{1, 2}, 3};

	for (unsigned i = 0; i < 20000; i++) {
		uint32_t pick = random_below(&random, 6), at;
		struct sent *r = tcp_sent_first(t);

		for (at = random_below(&random, 8); r && at && tcp_sent_next(t, r); at--)
			r = tcp_sent_next(t, r);
		if (!r || (pick == 0 && t->packets_out < 200)) {
			send_run(t, 1 + random_below(&random, 5 * MSS));
		} else if (pick == 1 && seq_distance(r->first, r->end) > 1) {
			tcp_sent_split(t, r, seq_add(r->first, 1 + random_below(&random, seq_distance(r->first, r->end) - 1)));
		} else if (pick == 2) {
			tcp_sent_mark_lost(t, r);
		} else if (pick == 3 && !r->sacked && !r->lost) {
			tcp_sent_unmark_lost(t, r);
		} else if (pick == 4) {
			r = tcp_sent_next_lost(t);
			if (r)
				tcp_sent_transmitted(t, r, true);
		} else if (pick == 5) {
			r = tcp_sent_first(t);
			t->snd.una = r->end;
			tcp_sent_release(t, r);
		}
		check_counts(t);
	}
	tcp_sent_release_all(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    HOST_TEST(a_train_counts_its_segments),
	    HOST_TEST(small_ones_merge),
	    HOST_TEST(counts_hold_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
