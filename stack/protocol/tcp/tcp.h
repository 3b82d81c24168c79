/* SPDX-License-Identifier: MIT */
/*
 * What the files of TCP offer each other, a block a file. Everything takes the time from
 * stack->now_ns, the time of the call that the engine is in.
 */
#ifndef STACK_PROTOCOL_TCP_TCP_H
#define STACK_PROTOCOL_TCP_TCP_H

#include "stack/protocol/tcp/tcb.h"

/* ---- bounds and habits; Linux's names in the comments ---- */
#define TCP_RTO_MIN_NS (200 * NSEC_PER_MSEC)
#define TCP_RTO_INITIAL_NS NSEC_PER_SEC
#define TCP_RTO_MAX_NS (120 * NSEC_PER_SEC)
#define TCP_RTO_FALLBACK_NS (3 * NSEC_PER_SEC) /* RFC 6298 5.7 */
#define TCP_SYN_LINEAR_TIMEOUTS 4              /* tcp_syn_linear_timeouts */
#define TCP_ATO_MIN_NS (40 * NSEC_PER_MSEC)    /* TCP_DELACK_MIN */
#define TCP_ATO_MAX_NS (200 * NSEC_PER_MSEC)   /* TCP_DELACK_MAX */
#define TCP_QUICK_ACKS_MAX 16
#define TCP_MSS_DEFAULT 536U
#define TCP_MSS_MIN 48U                        /* tcp_min_snd_mss */
#define TCP_INITIAL_WINDOW 10U                 /* RFC 6928 */
#define TCP_SCALE_MAX 14
#define TCP_REORDERING 3U
#define TCP_REORDERING_MAX 300U
#define TCP_OUT_OF_ORDER_MAX 1024U             /* gaps that a peer may make us remember */
#define TCP_SENT_MAX 65536U                    /* records of one connection */
#define TCP_PAWS_NS (24 * 24 * 3600 * NSEC_PER_SEC)
#define TCP_INVALID_RATE_NS (500 * NSEC_PER_MSEC) /* tcp_invalid_ratelimit */

/* What a server gave us for the next time (RFC 7413 4.1.3.1); found by the hash of its address. */
#define TCP_FASTOPEN_COOKIES 64U
struct tcp_fastopen_cookie {
	struct ip_addr remote;
	uint16_t mss_bytes;
	uint8_t bytes;           /* 0: none */
	uint8_t cookie[TCP_COOKIE_MAX];
};

/* ---- host.c: the connection table and what all connections share ---- */
struct tcp_host {
	struct hash_table connections; /* struct tcp_entry */
	struct list time_wait;         /* oldest first */
	uint32_t time_wait_count, orphan_count, request_count, sent_count;
	struct list sent_free;         /* records kept for the next sending */
	uint32_t sent_free_count;
	uint64_t cookie_sent_ns;       /* when the last SYN cookie went out; 0: never */
	struct tcp_fastopen_cookie fastopen_cookie[TCP_FASTOPEN_COOKIES];
};

uint64_t tcp_tuple_hash(const struct stack *s, const struct tuple *tuple);
struct tcp_entry *tcp_entry_find(const struct stack *s, const struct tuple *tuple);
void tcp_entry_insert(struct stack *s, struct tcp_entry *e);
struct tuple tcp_tuple_of(const struct tcb *t);
/* A closed block may be used again: everything but the program's options is forgotten. */
void tcp_reinit(struct tcb *t);
struct tcb *tcp_create(struct stack *s, uint8_t family, uint64_t id, void *user);
void tcp_destroy(struct tcb *t);
/* A tcb from its entry. */
static inline struct tcb *tcp_entry_tcb(struct tcp_entry *e)
{
	return container_of(e, struct tcb, entry);
}

/* ---- state.c ---- */
const char *tcp_state_name(enum tcp_state state);
void tcp_set_state(struct tcb *t, enum tcp_state state, const char *reason);
/* The connection is over: error (0: orderly) is told, timers stop, memory goes back. */
void tcp_finish(struct tcb *t, int error, const char *reason);
/* The owner has let go and we are done: tell GONE and free. Nothing may touch t afterwards. */
void tcp_retire(struct tcb *t);

/* ---- isn.c, options.c ---- */
struct seq tcp_isn(struct stack *s, const struct tuple *tuple);
uint32_t tcp_timestamp_offset(struct stack *s, const struct tuple *tuple);
uint32_t tcp_timestamp(const struct tcb *t);
uint32_t tcp_time_ms(const struct stack *s);
void tcp_options_for_syn(struct tcb *t, struct tcp_options *o, bool reply);
void tcp_options_for_segment(struct tcb *t, struct tcp_options *o);
void tcp_options_negotiate(struct tcb *t, const struct tcp_options *o);
void tcp_sack_note(struct tcb *t, uint64_t position);
uint32_t tcp_sack_blocks(struct tcb *t, struct sack_block *out, uint32_t room);
/* Why PAWS rejects a segment: PAWS_OLD_ACK is common and deserves no answer. */
enum paws_verdict { PAWS_FINE, PAWS_REJECTED, PAWS_OLD_ACK };
enum paws_verdict tcp_paws(const struct tcb *t, const struct tcp_segment *seg);
void tcp_note_timestamp(struct tcb *t, const struct tcp_segment *seg);
/* The payload of a full segment now: path, peer, user and options considered. */
void tcp_update_mss(struct tcb *t);
uint16_t tcp_advertised_mss(const struct tcb *t);
uint16_t tcp_mss_for_mtu(bool v6, uint32_t mtu_bytes);
uint32_t tcp_segment_room(struct tcb *t);

/* ---- connect.c, listen.c, request.c ---- */
int tcp_connect(struct socket *so, const struct endpoint *remote);
/* The handshake is done: buffers, timers, congestion. */
void tcp_established(struct tcb *t);
int tcp_listen(struct socket *so, int backlog);
struct socket *tcp_accept(struct socket *so, uint64_t id, void *user);
void tcp_listener_close(struct tcb *listener);
bool tcp_accept_queue_full(const struct tcb *listener);
void tcp_accept_queue_add(struct tcb *listener, struct tcb *child);
void tcp_accept_queue_remove(struct tcb *child);
/* isn_at_least: not NULL after a TIME-WAIT that ended early. */
void tcp_request_syn(struct tcb *listener, const struct ip_packet *p, const struct tcp_segment *seg,
    const struct seq *isn_at_least);
/* A segment for a half-open connection. Returns the established child that must go on with the
 * segment, or NULL. */
struct tcb *tcp_request_input(struct tcp_entry *e, const struct ip_packet *p, const struct tcp_segment *seg);
void tcp_request_free(struct tcp_entry *e);
struct tcb *tcp_request_listener(struct tcp_entry *e);
void tcp_requests_drop(struct tcb *listener);
/* Is seq that of the SYN-ACK? */
bool tcp_request_expects(const struct tcp_entry *e, struct seq seq);
void tcp_request_info(struct tcp_entry *e, struct socket_info *out);
/* False: the segment brings no valid cookie back. True: it does; *child is the connection made from
 * it, or NULL when there is no room for one now (then the peer will ask again). */
bool tcp_cookie_input(struct tcb *listener, const struct ip_packet *p, const struct tcp_segment *seg, struct tcb **child);

/* What a listener holds. */
struct tcp_listener {
	struct list accept;     /* tcbs, by accept_link */
	struct list requests;
	uint32_t accept_count, request_count, backlog;
	uint32_t young_count;   /* requests whose SYN-ACK has not been sent again yet */
	uint32_t fastopen_limit, fastopen_count; /* connections that wait for their handshake's end */
};

/* ---- fastopen.c ---- */
bool tcp_fastopen_begin(struct tcb *t);
/* How much data may go with the SYN. */
uint32_t tcp_fastopen_room(const struct tcb *t);
void tcp_fastopen_syn_option(struct tcb *t, struct tcp_options *o);
void tcp_fastopen_answer(struct tcb *t, const struct tcp_segment *seg);
struct passive;
bool tcp_fastopen_syn(struct tcb *listener, const struct ip_packet *p, const struct tcp_segment *seg,
    struct passive *passive);

/* ---- input.c ---- */
void tcp_connection_input(struct tcb *t, const struct ip_packet *p, struct tcp_segment *seg);

/* ---- ack.c: acknowledgements that arrive ---- */
enum ack_verdict { ACK_FINE, ACK_OLD, ACK_REJECTED };
enum ack_verdict tcp_ack_input(struct tcb *t, const struct tcp_segment *seg);
bool tcp_window_is_newer(const struct tcb *t, const struct tcp_segment *seg);
bool tcp_window_input(struct tcb *t, const struct tcp_segment *seg);

/* ---- receive.c, window.c ---- */
void tcp_receive_data(struct tcb *t, const struct ip_packet *p, const struct tcp_segment *seg);
unsigned tcp_receive_spans(struct socket *so, struct span out[2], bool *urgent_at_end);
void tcp_receive_consume(struct socket *so, uint32_t bytes);
/* The program can now be told what waited. */
void tcp_receive_flush(struct tcb *t);
uint32_t tcp_window_clamp_for(const struct tcb *t);
void tcp_window_initial(struct tcb *t);
void tcp_window_established(struct tcb *t);
uint32_t tcp_window_now(const struct tcb *t);
uint32_t tcp_window_select(struct tcb *t);
uint32_t tcp_window_could_be(const struct tcb *t);
void tcp_window_grow(struct tcb *t, uint32_t segment_bytes);
/* The program has taken bytes: is the buffer the limit? */
void tcp_window_tune(struct tcb *t, uint32_t taken_bytes);
void tcp_window_rtt(struct tcb *t, const struct tcp_segment *seg);
uint32_t tcp_receive_space_all(const struct tcb *t);
uint32_t tcp_receive_space(const struct tcb *t);
uint8_t tcp_window_scale_for(const struct stack *s, uint32_t clamp_bytes);

/* ---- acknowledge.c: acknowledgements that we owe ---- */
void tcp_ack_now(struct tcb *t);
void tcp_ack_schedule(struct tcb *t);
void tcp_ack_data_arrived(struct tcb *t, const struct tcp_segment *seg, uint16_t gso_bytes);
void tcp_ack_check(struct tcb *t);
void tcp_ack_quick(struct tcb *t, uint32_t most);
void tcp_ack_consumed(struct tcb *t, uint32_t bytes);
void tcp_ack_sent(struct tcb *t);
void tcp_ack_timer(struct timer *timer, uint64_t now_ns);
void tcp_ack_duplicate(struct tcb *t, const struct tcp_segment *seg);

/* ---- send.c: what the program gives; output.c: what we send ---- */
unsigned tcp_send_space(struct socket *so, struct space out[2]);
void tcp_send_commit(struct socket *so, uint32_t bytes, bool urgent, bool more);
void tcp_send_fin(struct tcb *t);
uint32_t tcp_send_limit(const struct tcb *t);
void tcp_send_room(struct tcb *t);
enum socket_output tcp_output(struct socket *so, struct frame_out *f);
/* There may be something to send. */
static inline void tcp_wake(struct tcb *t)
{
	socket_mark_ready(&t->socket);
}
bool tcp_data_waits(const struct tcb *t);

/* ---- scoreboard.c: the records of what was sent ---- */
struct sent *tcp_sent_new(struct tcb *t, struct seq first, uint32_t length);
void tcp_sent_transmitted(struct tcb *t, struct sent *r, bool again);
void tcp_sent_release(struct tcb *t, struct sent *r);
void tcp_sent_release_all(struct tcb *t);
/* Cuts r at; the second half follows it. NULL: no memory. */
struct sent *tcp_sent_split(struct tcb *t, struct sent *r, struct seq at);
void tcp_sent_merge(struct tcb *t, struct sent *r, struct sent *next);
struct sent *tcp_sent_first(const struct tcb *t);
struct sent *tcp_sent_next(const struct tcb *t, const struct sent *r);
void tcp_sent_mark_lost(struct tcb *t, struct sent *r);
void tcp_sent_unmark_lost(struct tcb *t, struct sent *r);
uint16_t tcp_sent_segments(const struct tcb *t, uint32_t length);
/* The next record that may be retransmitted, or NULL. */
struct sent *tcp_sent_next_lost(struct tcb *t);

/* ---- sack.c, recovery.c, rack.c ---- */
struct ack_facts {
	struct seq una_before, highest_before;
	uint32_t flight_before;        /* segments */
	uint32_t packets_before, sacked_before;
	uint64_t lost_before;          /* all that was ever marked lost */
	uint32_t acked_segments, delivered_segments;
	uint32_t delivered_bytes;
	bool una_advanced;
	bool data;                     /* the segment carries data */
	bool window_changed;
	bool sacked;                   /* something newly SACKed */
	bool duplicate;                /* a duplicate ACK as RFC 5681 2 defines it */
	bool dsack, dsack_of_probe;
	bool ece;
	bool original_acked;           /* never retransmitted data below high_seq was (S)ACKed */
	bool retransmitted_acked;
	bool set_timer;                /* the retransmission timer starts over */
	bool syn_acked;
	bool lost_retransmission;      /* RACK found a retransmission lost */
	bool may_be_delayed;
	struct seq reorder;            /* lowest never retransmitted that came after higher ones */
	bool reordered;
	uint64_t rtt_ns, last_rtt_ns;  /* first and last newly acknowledged, never retransmitted; 0: none */
	uint64_t sack_rtt_ns, sack_last_rtt_ns;
	struct rate_sample rate;
};
void tcp_sack_input(struct tcb *t, const struct tcp_segment *seg, struct ack_facts *a);
void tcp_recovery_input(struct tcb *t, const struct tcp_segment *seg, struct ack_facts *a);
void tcp_recovery_timeout(struct tcb *t);
/* RACK's timer: packets_before were in flight before losses were found. */
void tcp_recovery_reorder_timeout(struct tcb *t);
void tcp_recovery_enter_cwr(struct tcb *t, const char *why);
void tcp_recovery_keep_open(struct tcb *t);
/* Without SACK: what a cumulative ACK does to the count of duplicates. */
void tcp_recovery_reno_acked(struct tcb *t, struct ack_facts *a);
void tcp_recovery_check_reordering(struct tcb *t, struct seq low, const char *why);
void tcp_rack_delivered(struct tcb *t, const struct sent *r);
/* Marks what RACK believes lost; *again_ns: when to look again, 0: no need. */
void tcp_rack_detect(struct tcb *t, uint64_t *again_ns);
/* The same when an ACK gave reason to. True: the reordering timer was set. */
bool tcp_rack_mark(struct tcb *t);
bool tcp_rack_recent(const struct tcb *t, const struct sent *r);
void tcp_rack_window(struct tcb *t, const struct ack_facts *a);
void tcp_tail_probe_input(struct tcb *t, const struct tcp_segment *seg, struct ack_facts *a);
bool tcp_tail_probe_schedule(struct tcb *t, bool advancing_rto);

/* ---- roundtrip.c ---- */
void tcp_rtt_input(struct tcb *t, const struct tcp_segment *seg, struct ack_facts *a);
void tcp_rtt_sample(struct tcb *t, uint64_t sample_ns);
void tcp_rto_reset(struct tcb *t);
void tcp_trace_congestion(struct tcb *t, const char *why, const char *reason);

/* ---- timer.c, keepalive.c ---- */
void tcp_timers_init(struct tcb *t);
void tcp_timers_stop(struct tcb *t);
void tcp_timer_set(struct tcb *t, enum tcp_timer_kind kind, uint64_t span_ns);
void tcp_timer_rearm_rto(struct tcb *t);
void tcp_timer_clear(struct tcb *t);
void tcp_persist_check(struct tcb *t);
uint64_t tcp_persist_when(const struct tcb *t);
void tcp_keepalive_start(struct tcb *t);
void tcp_keepalive_set(struct tcb *t, uint64_t span_ns);
void tcp_keepalive_timer(struct timer *timer, uint64_t now_ns);
uint64_t tcp_keepalive_time(const struct tcb *t);
uint64_t tcp_keepalive_interval(const struct tcb *t);
uint32_t tcp_keepalive_probes(const struct tcb *t);
/* Has the connection been trying for longer than retries timeouts take (or span_ns, if not 0)? */
bool tcp_timed_out(const struct tcb *t, uint32_t retries, uint64_t span_ns);
bool tcp_orphans_too_many(struct tcb *t);

/* ---- close.c ---- */
int tcp_shutdown(struct socket *so, unsigned how);
void tcp_close(struct socket *so, bool unread);
void tcp_abort(struct socket *so);
void tcp_fin_acked(struct tcb *t);
uint64_t tcp_fin_timeout(const struct tcb *t);

/* ---- timewait.c ---- */
/* t is over but for waiting: a block takes its place in the table. t is CLOSED afterwards. */
void tcp_time_wait_enter(struct tcb *t, enum tcp_state state, uint64_t span_ns, const char *reason);
/* True when a SYN may open a new connection in its place (RFC 6191): the block is gone then. */
bool tcp_time_wait_input(struct stack *s, struct tcp_entry *e, const struct ip_packet *p,
    const struct tcp_segment *seg, struct seq *isn_at_least);
/* A plain ACK: where the connection ended. */
void tcp_time_wait_answer(struct tcp_entry *e);
void tcp_time_wait_free(struct stack *s, struct tcp_entry *e);
bool tcp_time_wait_reusable(const struct stack *s, const struct tcp_entry *e);
void tcp_time_wait_info(struct tcp_entry *e, struct socket_info *out);

/* ---- reset.c ---- */
void tcp_reset_reply(struct stack *s, const struct ip_packet *p, const struct tcp_segment *seg);
void tcp_reset_send(struct tcb *t);
/* RFC 5961 7: at most one each TCP_INVALID_RATE_NS. */
void tcp_challenge_ack(struct tcb *t);
/* One ACK for a segment outside the window, at most one each TCP_INVALID_RATE_NS. */
bool tcp_invalid_rate_allows(struct stack *s, uint64_t *last_ns);
/* The sequence number of a segment without data: within the peer's window, even if that shrank. */
struct seq tcp_acceptable_seq(const struct tcb *t);
/* A segment without a tcb. */
void tcp_send_bare(struct stack *s, const struct tuple *tuple, const struct tcp_segment *seg, uint8_t ttl, uint8_t tos);

/* ---- pmtu.c ---- */
/* Timeouts in a row: does the path swallow what is large? */
void tcp_black_hole(struct tcb *t);

/* ---- sockopt.c, info.c, check.c ---- */
int tcp_set_option(struct socket *so, int level, int name, const void *value, uint32_t bytes);
int tcp_get_option(struct socket *so, int level, int name, void *value, uint32_t *bytes);
void tcp_option_changed(struct socket *so, int level, int name);
void tcp_info(const struct socket *so, struct socket_info *out);
void tcp_queues(const struct socket *so, uint32_t *unsent, uint32_t *unacked, uint32_t *unread);
/* Every invariant of a connection. Traps on the first that does not hold. */
void tcp_check(const struct tcb *t);

#endif
