/* SPDX-License-Identifier: MIT */
/*
 * The transmission control block (RFC 9293 3.3.1): everything that one connection, or one
 * listener, remembers. It begins with struct socket: the block is the socket that a descriptor
 * names.
 *
 * States, and what is special in each (the transitions are a table in state.c):
 *
 *   CLOSED       a fresh socket, or one that is finished; no entry in the connection table
 *   LISTEN       holds requests (half-open, small blocks of their own, request.h) and an accept
 *                queue of tcbs that are established already; never sends a frame itself
 *   SYN-SENT     the SYN is the first record of the scoreboard, like any data
 *   SYN-RECEIVED only after a simultaneous open or a fast open: a passive open
 *                lives in a request until its handshake is done
 *   ESTABLISHED  and CLOSE-WAIT: data may be sent
 *   FIN-WAIT-1, CLOSING, LAST-ACK: our FIN is queued, perhaps not sent yet
 *   FIN-WAIT-2   when nobody holds the socket it becomes a TIME-WAIT block at once that waits for
 *                the peer's FIN (Linux: tcp_fin_timeout)
 *   TIME-WAIT    never in a tcb: a small block of its own takes over (timewait.c)
 *
 * Sequence numbers and positions. The rings count bytes from 0 with 64 bits; sequence numbers wrap.
 *   send:    seq = iss + 1 + position; the ring starts at snd.una and ends at the last byte that
 *            the program gave; FIN comes after the last byte: its number is that of send_ring.end
 *   receive: seq = irs + 1 + position; the ring ends at rcv.nxt (before FIN is counted); bytes
 *            beyond, told by the out_of_order intervals, lie at their places in the same ring
 *
 * Invariants: tcp_check() in check.c states them all; tests call it after every event.
 */
#ifndef STACK_PROTOCOL_TCP_TCB_H
#define STACK_PROTOCOL_TCP_TCB_H

#include "stack/base/hash.h"
#include "stack/base/intervals.h"
#include "stack/base/ring.h"
#include "stack/base/seq.h"
#include "stack/protocol/socket.h"
#include "stack/protocol/tcp/congestion.h"
#include "stack/protocol/tcp/pacing.h"
#include "stack/protocol/tcp/rate.h"
#include "stack/protocol/tcp/rtt.h"
#include "stack/wire/tcp.h"

/* STATE(NAME, the word of ss, Linux's number in tcp_info) */
#define TCP_STATES(STATE)                                                                          \
	STATE(ESTABLISHED, "ESTAB", 1)                                                             \
	STATE(SYN_SENT, "SYN-SENT", 2)                                                             \
	STATE(SYN_RECEIVED, "SYN-RECV", 3)                                                         \
	STATE(FIN_WAIT_1, "FIN-WAIT-1", 4)                                                         \
	STATE(FIN_WAIT_2, "FIN-WAIT-2", 5)                                                         \
	STATE(TIME_WAIT, "TIME-WAIT", 6)                                                           \
	STATE(CLOSED, "UNCONN", 7)                                                                 \
	STATE(CLOSE_WAIT, "CLOSE-WAIT", 8)                                                         \
	STATE(LAST_ACK, "LAST-ACK", 9)                                                             \
	STATE(LISTEN, "LISTEN", 10)                                                                \
	STATE(CLOSING, "CLOSING", 11)

enum tcp_state {
#define STATE(name, text, number) TCP_##name = number,
	TCP_STATES(STATE)
#undef STATE
};

#define TCP_STATE_BIT(state) (1U << (state))

/* What names a connection, on our side of it. */
struct tuple {
	struct ip_addr local, remote;
	uint16_t local_port, remote_port;
};

enum tcp_entry_kind { TCP_ENTRY_CONNECTION, TCP_ENTRY_REQUEST, TCP_ENTRY_TIME_WAIT };

/* What the connection table holds: the beginning of a request and of a TIME-WAIT block, and a
 * member of the tcb. */
struct tcp_entry {
	struct hash_link link;
	struct tuple tuple;
	enum tcp_entry_kind kind;
};

/* One transmission that is not acknowledged yet: SYN, data, FIN, as it was sent (a frame may hold
 * many segments of the MSS). A list of these is the scoreboard of RFC 2018, 6675 and 8985. */
struct sent {
	struct list order;      /* tcb->sent_list, by sequence */
	struct list time;       /* tcb->rack.sent_list, by time of last transmission; unlinked when SACKed or lost */
	struct seq first, end;
	uint64_t sent_ns;       /* last transmission */
	uint64_t first_sent_ns;
	uint16_t segments;      /* how many of the MSS: what the congestion window counts */
	uint8_t syn : 1, fin : 1, sacked : 1, lost : 1, retransmitted : 1 /* in flight */,
	    ever_retransmitted : 1, pushed : 1;
	struct rate_stamp rate; /* the connection when it was sent */
};

/* Why a pure ACK is owed; bits. */
enum ack_pending {
	ACK_SCHEDULED = 1, /* something has arrived that wants an ACK, at the latest by the timer */
	ACK_NOW = 2,
	ACK_PUSHED = 4,
	ACK_PUSHED_TWICE = 8,
};

/* What the one retransmission timer is waiting for (Linux's icsk_pending). */
enum tcp_timer_kind { TIMER_NONE, TIMER_RTO, TIMER_PROBE_TAIL, TIMER_REORDER, TIMER_PERSIST };

struct tcp_listener;

struct tcb {
	struct socket socket;

	/* ---- options of the program: they outlive a connection ---- */
	bool nodelay, cork;
	bool fastopen_connect;   /* TCP_FASTOPEN_CONNECT */
	bool fastopen_no_cookie; /* TCP_FASTOPEN_NO_COOKIE */
	uint8_t save_syn;        /* TCP_SAVE_SYN: 1 the packet, 2 as well (no link header is kept) */
	uint32_t fastopen_limit; /* TCP_FASTOPEN on a listener */
	bool inq;                /* TCP_INQ: the shim adds the count to each message */
	uint16_t mss_user;       /* TCP_MAXSEG; 0: none */
	uint32_t window_clamp;   /* TCP_WINDOW_CLAMP; 0: none */
	uint8_t syn_retries, keepalive_probes;
	uint64_t user_timeout_ns, linger2_ns;
	uint64_t keepalive_time_ns, keepalive_interval_ns, defer_accept_ns;
	uint32_t notsent_low_water;

	/* ---- all from here on is forgotten by tcp_reinit() ---- */
	struct tcp_entry entry;
	enum tcp_state state;

	/* ---- send sequence space, RFC 9293 3.3.1 ---- */
	struct seq iss;
	struct {
		struct seq una, nxt, up, wl1, wl2;
		uint32_t wnd;          /* bytes, scaled */
		uint32_t wnd_max;      /* largest that the peer ever offered */
		struct seq small_end;  /* Minshall: end of the last segment smaller than the MSS */
		struct seq pushed;     /* end of the last segment that was to be pushed */
		uint8_t scale;
		bool urgent;           /* up is ahead of una */
		bool fin_queued;       /* the program has said that no more comes */
		bool fin_sent;
	} snd;
	/* ---- receive sequence space ---- */
	struct seq irs;
	struct {
		struct seq nxt, up;
		uint32_t wnd;          /* what we offered last, from wup */
		struct seq wup;        /* rcv.nxt when wnd was sent */
		uint32_t clamp_bytes;  /* window_clamp */
		uint32_t ssthresh_bytes; /* how far the window may open now (Linux: rcv_ssthresh) */
		uint8_t scale;
		bool urgent;           /* an urgent byte is ahead of what was delivered */
		struct seq fin_seq;    /* where the peer's FIN is, once fin_known */
		bool fin_known;
		bool fin;              /* FIN received and in order: counted in nxt */
		bool shut;             /* the program will read no more */
		bool told_closed;      /* PEER_CLOSED was notified */
	} rcv;
	struct ring send_ring, receive_ring;
	struct intervals out_of_order; /* positions in receive_ring */
	struct { /* receive-buffer auto-tuning: how much the program takes in a round trip */
		uint64_t rtt_ns;      /* as a receiver sees it; 0: unknown */
		uint64_t round_ns;    /* when the round of window-sized flights began */
		struct seq round_end;
		uint64_t since_ns, since_bytes, taken_bytes;
		uint32_t space_bytes; /* taken in the best round trip */
	} tuning;
	uint64_t recent_block[TCP_SACK_BLOCKS_MAX]; /* positions in the intervals that changed last, newest first */
	uint8_t recent_count;
	struct sack_block duplicate; /* D-SACK to report (RFC 2883) */
	bool has_duplicate;

	/* ---- segment size, options in use ---- */
	uint16_t mss_bytes;      /* payload of a full segment, options taken off */
	uint16_t mss_peer;       /* from its SYN; 536 without */
	uint16_t mss_advertised;
	uint16_t path_mtu;
	bool timestamps_on, sack_on, scaling_on, ecn_on;
	bool syn_ecn;            /* our SYN asked for ECN */
	bool ecn_echo;           /* CE has arrived: say ECE until the peer says CWR */
	bool ecn_cwr_due;        /* say CWR with the next new data */

	/* ---- timestamps and PAWS, RFC 7323 ---- */
	uint32_t ts_recent, ts_offset;
	uint64_t ts_recent_ns;   /* when ts_recent was noted; 0: never */

	/* ---- acknowledgements that we owe: ack_policy.c ---- */
	struct {
		uint8_t pending;     /* enum ack_pending */
		uint8_t quick;       /* how many more ACKs go at once */
		uint8_t pingpong;
		uint8_t duplicates;  /* for one gap: compressed from the fourth on */
		uint16_t receive_mss;
		uint16_t last_bytes;
		uint16_t extra;      /* duplicate ACKs still to be sent */
		uint32_t ato_ns;
		uint64_t received_ns, due_ns;
	} ack;

	/* ---- scoreboard and recovery ---- */
	struct list sent_list;
	struct sent *cut;             /* being sent piece by piece, where the driver cannot cut */
	struct seq cut_next;
	bool cut_again;               /* it is a retransmission */
	struct sent *retransmit_hint; /* nothing lost and unsent lies before it; NULL: start over */
	struct sent *sack_hint;       /* where the last SACK block ended */
	uint32_t packets_out, sacked_out, lost_out, retransmitted_out; /* segments */
	struct seq highest_sacked;    /* end of the highest record that was SACKed; una when none */
	struct sack_block seen_sack[TCP_SACK_BLOCKS_MAX]; /* of the ACK before: skip what we know */
	struct seq high_seq;          /* recovery ends when this is acknowledged */
	uint8_t retransmits;          /* timeouts in a row */
	uint8_t backoff;
	uint8_t rto_count;            /* timeouts of this episode, SYN ones included (Linux: total_rto) */
	uint8_t probes_out;           /* zero-window probes, or keepalive probes, unanswered */
	bool frto;
	bool frto_hold;               /* RFC 5682 step 2b: new data goes before retransmissions */
	bool undo_armed;              /* undo_marker is valid */
	bool retransmit_now;          /* the head goes whatever the window says */
	bool probe_now;               /* tail loss probe due */
	bool window_probe_now;
	bool keepalive_now;
	bool reordering_seen;
	uint16_t reordering;          /* segments */
	struct seq undo_marker;
	int32_t undo_retransmits;     /* of ours in this recovery, not yet shown unneeded */
	uint64_t retransmit_ns;       /* first retransmission of this recovery; 0: none */
	uint32_t retransmit_ts;       /* the timestamp that it carried */
	struct {
		struct list sent_list;
		uint64_t sent_ns;     /* of the most recently sent that was delivered */
		uint64_t rtt_ns;
		struct seq end;
		bool advanced, dsack_seen;
		uint8_t window_steps, window_persist;
		uint64_t round_bytes; /* delivered when window_steps last grew */
	} rack;
	struct {
		struct seq high;      /* snd.nxt when the probe went */
		bool out, was_retransmission;
	} tail_probe;
	/* ---- round trip, delivery rate, congestion: modules of their own ---- */
	struct rtt rtt;
	struct rate rate;
	struct congestion congestion; /* its state is that of recovery, too */
	struct pacing pacing;
	uint64_t rto_ns;              /* backoff included */

	/* ---- timers ---- */
	struct timer retransmit_timer, ack_timer, keepalive_timer, pacing_timer;
	enum tcp_timer_kind timer_kind;
	uint64_t last_sent_ns, last_received_ns; /* data; any valid segment */
	uint64_t last_ack_ns, last_invalid_ns, probing_ns;

	bool more;                   /* MSG_MORE on the last commit */
	bool burst;                  /* something went since sending last stopped */
	bool fastopen_ask, fastopen_waiting, fastopen_data, fastopen_taken; /* fastopen.c */
	bool fastopen_told;          /* CONNECTED was notified before the SYN went */
	bool fastopen_child;         /* may speak before its handshake is done */
	uint8_t *saved_syn;          /* headers of the SYN, for TCP_SAVED_SYN */
	uint16_t saved_syn_bytes;
	bool send_blocked;           /* the program found no room: tell it when there is */
	bool sent_all_told;
	bool orphan;                 /* counted in the host's orphans */
	int soft_error;              /* from ICMP: told when the connection gives up */
	bool gone_due;               /* destroy at the end of this call */
	void *closed_user;           /* who hears GONE; socket.user is NULL after close */

	/* ---- listener, and the way from it ---- */
	struct tcp_listener *listener; /* LISTEN only */
	struct tcb *parent;            /* not accepted yet: whose accept queue we are in */
	struct list accept_link;

	/* ---- totals for tcp_info ---- */
	struct {
		uint64_t bytes_sent, bytes_acked, bytes_received, bytes_retransmitted;
		uint64_t lost; /* segments that were ever marked lost */
		uint64_t segments_out, segments_in, data_segments_out, data_segments_in;
		uint32_t retransmits, dsacks, reordering_seen, delivered, out_of_order;
		uint16_t timeouts;
	} total;
};

static inline struct tcb *tcb_of(struct socket *so)
{
	return (struct tcb *)so;
}

static inline const struct tcb *tcb_of_const(const struct socket *so)
{
	return (const struct tcb *)so;
}

/* ---- from positions to sequence numbers and back ---- */

static inline struct seq send_seq(const struct tcb *t, uint64_t position)
{
	return seq_add(t->iss, 1 + (uint32_t)position);
}

/* Position of a byte that is in the send ring or just behind it. */
static inline uint64_t send_position(const struct tcb *t, struct seq s)
{
	return t->send_ring.start + seq_distance(send_seq(t, t->send_ring.start), s);
}

static inline struct seq receive_seq(const struct tcb *t, uint64_t position)
{
	return seq_add(t->irs, 1 + (uint32_t)position);
}

/* Position of a byte at or after rcv.nxt. */
static inline uint64_t receive_position(const struct tcb *t, struct seq s)
{
	return t->receive_ring.end + seq_distance(receive_seq(t, t->receive_ring.end), s);
}

/* One past the last byte that the program gave, FIN not counted. */
static inline struct seq send_end(const struct tcb *t)
{
	return send_seq(t, t->send_ring.end);
}

/* Segments in flight as the congestion window sees them (RFC 6675 pipe). */
static inline uint32_t in_flight(const struct tcb *t)
{
	return t->packets_out - t->sacked_out - t->lost_out + t->retransmitted_out;
}

static inline bool state_in(const struct tcb *t, unsigned bits)
{
	return (TCP_STATE_BIT(t->state) & bits) != 0;
}

/* States in which the handshake is done and the connection has not ended. */
#define TCP_SYNCHRONIZED                                                                           \
	(TCP_STATE_BIT(TCP_ESTABLISHED) | TCP_STATE_BIT(TCP_FIN_WAIT_1) |                           \
	    TCP_STATE_BIT(TCP_FIN_WAIT_2) | TCP_STATE_BIT(TCP_CLOSE_WAIT) |                         \
	    TCP_STATE_BIT(TCP_CLOSING) | TCP_STATE_BIT(TCP_LAST_ACK))

#endif
