/* SPDX-License-Identifier: MIT */
/*
 * Socket options of the level IPPROTO_TCP, a row each, with Linux's bounds and errors (tcp(7)). An
 * option without a row is refused with ENOPROTOOPT, as Linux refuses what it does not know.
 */
#include <errno.h>
#include <netinet/in.h>

#include "stack/protocol/tcp/info.h"
#include "stack/protocol/tcp/tcp.h"

/* Linux's numbers (tcp(7)); libc's header for them has names of its own for the states. */
enum {
	OPT_NODELAY = 1,
	OPT_MAXSEG = 2,
	OPT_CORK = 3,
	OPT_KEEPIDLE = 4,
	OPT_KEEPINTVL = 5,
	OPT_KEEPCNT = 6,
	OPT_SYNCNT = 7,
	OPT_LINGER2 = 8,
	OPT_DEFER_ACCEPT = 9,
	OPT_WINDOW_CLAMP = 10,
	OPT_INFO = 11,
	OPT_QUICKACK = 12,
	OPT_CONGESTION = 13,
	OPT_USER_TIMEOUT = 18,
	OPT_REPAIR = 19,
	OPT_FASTOPEN = 23,
	OPT_TIMESTAMP = 24,
	OPT_NOTSENT_LOWAT = 25,
	OPT_SAVE_SYN = 27,
	OPT_SAVED_SYN = 28,
	OPT_FASTOPEN_CONNECT = 30,
	OPT_FASTOPEN_NO_COOKIE = 34,
	OPT_INQ = 36,
};

#define KEEP_SECONDS_MAX 32767
#define COUNT_MAX 127
#define LINGER2_SECONDS_MAX 120
#define WINDOW_CLAMP_MIN 1152
#define MAXSEG_MIN 88
#define MAXSEG_MAX 32767

/* ---- numbers ---- */

static int set_flag(bool *flag, int value)
{
	*flag = value != 0;
	return 0;
}

static int set_nodelay(struct tcb *t, int value)
{
	set_flag(&t->nodelay, value);
	if (value && t->state != TCP_CLOSED && t->state != TCP_LISTEN)
		tcp_wake(t);
	return 0;
}

static int get_nodelay(const struct tcb *t)
{
	return t->nodelay;
}

static int set_cork(struct tcb *t, int value)
{
	set_flag(&t->cork, value);
	if (!value) {
		t->more = false;
		if (t->state != TCP_CLOSED && t->state != TCP_LISTEN)
			tcp_wake(t);
	}
	return 0;
}

static int get_cork(const struct tcb *t)
{
	return t->cork;
}

static int set_maxseg(struct tcb *t, int value)
{
	if (value && (value < MAXSEG_MIN || value > MAXSEG_MAX))
		return -EINVAL;
	t->mss_user = (uint16_t)value;
	return 0;
}

static int get_maxseg(const struct tcb *t)
{
	if (state_in(t, TCP_STATE_BIT(TCP_CLOSED) | TCP_STATE_BIT(TCP_LISTEN)))
		return t->mss_user ? t->mss_user : (int)TCP_MSS_DEFAULT;
	return t->mss_bytes;
}

static int set_keepidle(struct tcb *t, int value)
{
	uint64_t quiet = t->socket.stack->now_ns - t->ack.received_ns;

	if (value < 1 || value > KEEP_SECONDS_MAX)
		return -EINVAL;
	t->keepalive_time_ns = (uint64_t)value * NSEC_PER_SEC;
	if (t->socket.option.keepalive && state_in(t, TCP_SYNCHRONIZED))
		tcp_keepalive_set(t, quiet < t->keepalive_time_ns ? t->keepalive_time_ns - quiet : 0);
	return 0;
}

static int get_keepidle(const struct tcb *t)
{
	return (int)(tcp_keepalive_time(t) / NSEC_PER_SEC);
}

static int set_keepinterval(struct tcb *t, int value)
{
	if (value < 1 || value > KEEP_SECONDS_MAX)
		return -EINVAL;
	t->keepalive_interval_ns = (uint64_t)value * NSEC_PER_SEC;
	return 0;
}

static int get_keepinterval(const struct tcb *t)
{
	return (int)(tcp_keepalive_interval(t) / NSEC_PER_SEC);
}

static int set_keepcount(struct tcb *t, int value)
{
	if (value < 1 || value > COUNT_MAX)
		return -EINVAL;
	t->keepalive_probes = (uint8_t)value;
	return 0;
}

static int get_keepcount(const struct tcb *t)
{
	return (int)tcp_keepalive_probes(t);
}

static int set_syncount(struct tcb *t, int value)
{
	if (value < 1 || value > COUNT_MAX)
		return -EINVAL;
	t->syn_retries = (uint8_t)value;
	return 0;
}

static int get_syncount(const struct tcb *t)
{
	return t->syn_retries ? t->syn_retries : t->socket.stack->config.tcp_syn_retries;
}

static int set_linger2(struct tcb *t, int value)
{
	if (value < 0 || value > LINGER2_SECONDS_MAX)
		t->linger2_ns = TIME_NEVER;
	else
		t->linger2_ns = (uint64_t)value * NSEC_PER_SEC;
	return 0;
}

static int get_linger2(const struct tcb *t)
{
	uint64_t span = t->linger2_ns ? t->linger2_ns : t->socket.stack->config.tcp_fin_timeout_ns;

	return span == TIME_NEVER ? -1 : (int)(span / NSEC_PER_SEC);
}

/* Linux counts in SYN-ACK timeouts: the seconds are those of the first timeout that is not earlier. */
static int set_defer_accept(struct tcb *t, int value)
{
	uint64_t step = 1, period = 0;

	if (value > 0)
		for (period = 1; (uint64_t)value > period; period += step)
			step = 2 * step < 120 ? 2 * step : 120;
	t->defer_accept_ns = period * NSEC_PER_SEC;
	return 0;
}

static int get_defer_accept(const struct tcb *t)
{
	return (int)(t->defer_accept_ns / NSEC_PER_SEC);
}

static int set_window_clamp(struct tcb *t, int value)
{
	if (value == 0) {
		if (t->state != TCP_CLOSED)
			return -EINVAL;
		t->window_clamp = 0;
		return 0;
	}
	t->window_clamp = value < WINDOW_CLAMP_MIN ? WINDOW_CLAMP_MIN : (uint32_t)value;
	if (state_in(t, TCP_SYNCHRONIZED)) {
		t->rcv.clamp_bytes = t->window_clamp;
		if (t->rcv.ssthresh_bytes > t->rcv.clamp_bytes)
			t->rcv.ssthresh_bytes = t->rcv.clamp_bytes;
	}
	return 0;
}

static int get_window_clamp(const struct tcb *t)
{
	return (int)(state_in(t, TCP_SYNCHRONIZED) ? t->rcv.clamp_bytes : t->window_clamp);
}

static int set_quickack(struct tcb *t, int value)
{
	if (value == 0) {
		t->ack.pingpong = 1;
		return 0;
	}
	t->ack.pingpong = 0;
	if (state_in(t, TCP_STATE_BIT(TCP_ESTABLISHED) | TCP_STATE_BIT(TCP_CLOSE_WAIT)) &&
	    (t->ack.pending & ACK_SCHEDULED))
		tcp_ack_now(t);
	if (!(value & 1))
		t->ack.pingpong = 1;
	return 0;
}

static int get_quickack(const struct tcb *t)
{
	return t->ack.pingpong == 0;
}

static int set_user_timeout(struct tcb *t, int value)
{
	if (value < 0)
		return -EINVAL;
	t->user_timeout_ns = (uint64_t)value * NSEC_PER_MSEC;
	return 0;
}

static int get_user_timeout(const struct tcb *t)
{
	return (int)(t->user_timeout_ns / NSEC_PER_MSEC);
}

static int set_notsent_low(struct tcb *t, int value)
{
	t->notsent_low_water = (uint32_t)value;
	tcp_send_room(t);
	return 0;
}

static int get_notsent_low(const struct tcb *t)
{
	return (int)t->notsent_low_water; /* 0: none */
}

static int set_inq(struct tcb *t, int value)
{
	if (value < 0 || value > 1)
		return -EINVAL;
	t->inq = value;
	return 0;
}

static int get_inq(const struct tcb *t)
{
	return t->inq;
}

/* Only a process that repairs connections may (CAP_NET_ADMIN): programs here have no privilege. */
static int set_refused(struct tcb *t, int value)
{
	(void)t, (void)value;
	return -EPERM;
}

static int get_timestamp(const struct tcb *t)
{
	return (int)tcp_timestamp(t);
}

static int get_zero(const struct tcb *t)
{
	(void)t;
	return 0;
}

static int set_fastopen(struct tcb *t, int value)
{
	uint32_t most = t->socket.stack->config.somaxconn;

	if (value < 0 || !state_in(t, TCP_STATE_BIT(TCP_CLOSED) | TCP_STATE_BIT(TCP_LISTEN)))
		return -EINVAL;
	t->fastopen_limit = (uint32_t)value < most ? (uint32_t)value : most;
	if (t->listener)
		t->listener->fastopen_limit = t->fastopen_limit;
	return 0;
}

static int get_fastopen(const struct tcb *t)
{
	return (int)t->fastopen_limit;
}

static int set_fastopen_connect(struct tcb *t, int value)
{
	if (value < 0 || value > 1 || t->state != TCP_CLOSED)
		return -EINVAL;
	if (!(t->socket.stack->config.tcp_fastopen & 1))
		return -EOPNOTSUPP;
	t->fastopen_connect = value;
	return 0;
}

static int get_fastopen_connect(const struct tcb *t)
{
	return t->fastopen_connect;
}

static int set_fastopen_no_cookie(struct tcb *t, int value)
{
	if (value < 0 || value > 1)
		return -EINVAL;
	if (!state_in(t, TCP_STATE_BIT(TCP_CLOSED) | TCP_STATE_BIT(TCP_LISTEN)))
		return -EINVAL;
	t->fastopen_no_cookie = value;
	return 0;
}

static int get_fastopen_no_cookie(const struct tcb *t)
{
	return t->fastopen_no_cookie;
}

static int set_save_syn(struct tcb *t, int value)
{
	if (value < 0 || value > 2)
		return -EINVAL;
	t->save_syn = (uint8_t)value;
	return 0;
}

static int get_save_syn(const struct tcb *t)
{
	return t->save_syn;
}

static const struct number_row {
	int name;
	int (*set)(struct tcb *t, int value);
	int (*get)(const struct tcb *t);
} numbers[] = {
    {OPT_NODELAY, set_nodelay, get_nodelay},
    {OPT_CORK, set_cork, get_cork},
    {OPT_MAXSEG, set_maxseg, get_maxseg},
    {OPT_KEEPIDLE, set_keepidle, get_keepidle},
    {OPT_KEEPINTVL, set_keepinterval, get_keepinterval},
    {OPT_KEEPCNT, set_keepcount, get_keepcount},
    {OPT_SYNCNT, set_syncount, get_syncount},
    {OPT_LINGER2, set_linger2, get_linger2},
    {OPT_DEFER_ACCEPT, set_defer_accept, get_defer_accept},
    {OPT_WINDOW_CLAMP, set_window_clamp, get_window_clamp},
    {OPT_QUICKACK, set_quickack, get_quickack},
    {OPT_USER_TIMEOUT, set_user_timeout, get_user_timeout},
    {OPT_NOTSENT_LOWAT, set_notsent_low, get_notsent_low},
    {OPT_INQ, set_inq, get_inq},
    {OPT_FASTOPEN, set_fastopen, get_fastopen},
    {OPT_FASTOPEN_CONNECT, set_fastopen_connect, get_fastopen_connect},
    {OPT_FASTOPEN_NO_COOKIE, set_fastopen_no_cookie, get_fastopen_no_cookie},
    {OPT_SAVE_SYN, set_save_syn, get_save_syn},
    {OPT_REPAIR, set_refused, get_zero},
    {OPT_TIMESTAMP, set_refused, get_timestamp},
};

static const struct number_row *number_row(int name)
{
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (numbers[i].name == name)
			return &numbers[i];
	return NULL;
}

/* ---- TCP_CONGESTION ---- */

#define NAME_BYTES 16U /* TCP_CA_NAME_MAX */

static int set_congestion(struct tcb *t, const void *value, uint32_t bytes)
{
	const struct congestion_ops *ops;
	char name[NAME_BYTES] = {0};

	if (bytes < 1)
		return -EINVAL;
	memcpy(name, value, bytes < NAME_BYTES - 1 ? bytes : NAME_BYTES - 1);
	ops = name[0] ? congestion_find(name) : NULL;
	if (!ops)
		return -ENOENT;
	congestion_switch(&t->congestion, ops, t->socket.stack->now_ns);
	pacing_set(&t->pacing, ops->needs_pacing, t->congestion.pacing_bytes_per_s,
	    t->socket.option.max_pacing_bytes_per_s);
	return 0;
}

static int get_congestion(const struct tcb *t, void *value, uint32_t *bytes)
{
	char name[NAME_BYTES] = {0};
	const char *from = t->congestion.ops->name;

	for (unsigned i = 0; i < NAME_BYTES - 1 && from[i]; i++)
		name[i] = from[i];
	if (*bytes > NAME_BYTES)
		*bytes = NAME_BYTES;
	memcpy(value, name, *bytes);
	return 0;
}

/* ---- TCP_SAVED_SYN: once, and only if it fits ---- */

static int get_saved_syn(struct tcb *t, void *value, uint32_t *bytes)
{
	uint32_t room = *bytes;

	*bytes = t->saved_syn_bytes;
	if (!t->saved_syn_bytes)
		return 0;
	if (room < t->saved_syn_bytes)
		return -EINVAL;
	memcpy(value, t->saved_syn, t->saved_syn_bytes);
	mem_give(&t->socket.stack->mem, t->saved_syn, t->saved_syn_bytes);
	t->saved_syn = NULL;
	t->saved_syn_bytes = 0;
	return 0;
}

/* SO_ERROR tells of errors that did not end the connection, too, as in Linux. */
static int get_error(struct tcb *t, void *value, uint32_t *bytes)
{
	int error = t->socket.error;

	if (*bytes < sizeof(error))
		return -EINVAL;
	if (!error) {
		error = t->soft_error;
		t->soft_error = 0;
	}
	t->socket.error = 0;
	*bytes = sizeof(error);
	memcpy(value, &error, sizeof(error));
	return 0;
}

/* ---- the two entries ---- */

int tcp_set_option(struct socket *so, int level, int name, const void *value, uint32_t bytes)
{
	const struct number_row *row;
	struct tcb *t = tcb_of(so);
	int number;

	if (level != IPPROTO_TCP)
		return -ENOPROTOOPT;
	if (name == OPT_CONGESTION)
		return set_congestion(t, value, bytes);
	row = number_row(name);
	if (bytes < sizeof(number))
		return -EINVAL;
	if (!row)
		return -ENOPROTOOPT;
	memcpy(&number, value, sizeof(number));
	return row->set(t, number);
}

int tcp_get_option(struct socket *so, int level, int name, void *value, uint32_t *bytes)
{
	const struct tcb *t = tcb_of_const(so);
	const struct number_row *row;
	int number;

	if (level == SOL_SOCKET && name == SO_ERROR)
		return get_error(tcb_of(so), value, bytes);
	if (level != IPPROTO_TCP)
		return -ENOPROTOOPT;
	if (name == OPT_INFO)
		return tcp_info_copy(t, value, bytes);
	if (name == OPT_SAVED_SYN)
		return get_saved_syn(tcb_of(so), value, bytes);
	if (name == OPT_CONGESTION)
		return get_congestion(t, value, bytes);
	row = number_row(name);
	if (!row)
		return -ENOPROTOOPT;
	number = row->get(t);
	if (*bytes > sizeof(number))
		*bytes = sizeof(number);
	memcpy(value, &number, *bytes);
	return 0;
}

/* Options of SOL_SOCKET that a connection has to know of at once. */
void tcp_option_changed(struct socket *so, int level, int name)
{
	struct tcb *t = tcb_of(so);

	if (level != SOL_SOCKET)
		return;
	if (name == SO_KEEPALIVE) {
		tcp_keepalive_start(t);
	} else if (name == SO_SNDBUF) {
		tcp_send_room(t);
	} else if (name == SO_RCVBUF) {
		/* The window may open to the new size at once. */
		if (state_in(t, TCP_SYNCHRONIZED) && t->rcv.clamp_bytes < tcp_receive_space_all(t))
			t->rcv.clamp_bytes = tcp_receive_space_all(t);
	} else if (name == SO_MAX_PACING_RATE) {
		pacing_set(&t->pacing, t->congestion.ops->needs_pacing, t->congestion.pacing_bytes_per_s,
		    so->option.max_pacing_bytes_per_s);
	}
}
