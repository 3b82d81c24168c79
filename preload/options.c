/* SPDX-License-Identifier: MIT */
/*
 * getsockopt, setsockopt and ioctl. Most options are the engine's and travel to teachnetd. A few
 * are the pair's own (timeouts: the kernel waits for us), a few are known here (type, error), and
 * some change what the shim does and are remembered in the descriptor table.
 */
#include <linux/sockios.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>

#include "preload/real.h"
#include "preload/sockets.h"
#include "preload/user.h"

/* ---- where an option lives ---- */

enum place {
	PLACE_ENGINE,   /* teachnetd alone */
	PLACE_PAIR,     /* the kernel's pair alone */
	PLACE_BOTH,     /* set on both; read from the engine */
	PLACE_STREAM,   /* likewise, but not on a datagram's pair */
};

static const struct option_row {
	int level, name;
	enum place place;
	uint64_t remember;      /* flag of the table that is set when the value is not 0 */
} rows[] = {
	{ SOL_SOCKET, SO_RCVTIMEO, PLACE_PAIR, DESCRIPTOR_TIMEOUTS },
	{ SOL_SOCKET, SO_SNDTIMEO, PLACE_PAIR, DESCRIPTOR_TIMEOUTS },
	{ SOL_SOCKET, 66 /* SO_RCVTIMEO_NEW */, PLACE_PAIR, DESCRIPTOR_TIMEOUTS },
	{ SOL_SOCKET, 67 /* SO_SNDTIMEO_NEW */, PLACE_PAIR, DESCRIPTOR_TIMEOUTS },
	{ SOL_SOCKET, SO_RCVLOWAT, PLACE_BOTH, 0 },
	{ SOL_SOCKET, SO_OOBINLINE, PLACE_BOTH, 0 },
	/* What the pair holds has been sent as far as the program can tell. A datagram must fit whole. */
	{ SOL_SOCKET, SO_SNDBUF, PLACE_STREAM, 0 },
	{ SOL_SOCKET, SO_LINGER, PLACE_ENGINE, DESCRIPTOR_LINGERS },
	{ SOL_SOCKET, SO_TIMESTAMP, PLACE_ENGINE, DESCRIPTOR_TIMESTAMP },
	{ SOL_SOCKET, SO_TIMESTAMPNS, PLACE_ENGINE, DESCRIPTOR_TIMESTAMPNS },
	{ IPPROTO_IP, IP_PKTINFO, PLACE_ENGINE, DESCRIPTOR_PKTINFO },
	{ IPPROTO_IP, IP_RECVTTL, PLACE_ENGINE, DESCRIPTOR_RECVTTL },
	{ IPPROTO_IP, IP_RECVTOS, PLACE_ENGINE, DESCRIPTOR_RECVTOS },
	{ IPPROTO_IP, IP_RECVERR, PLACE_ENGINE, DESCRIPTOR_RECVERR },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, PLACE_ENGINE, DESCRIPTOR_PKTINFO },
	{ IPPROTO_IPV6, IPV6_RECVHOPLIMIT, PLACE_ENGINE, DESCRIPTOR_RECVTTL },
	{ IPPROTO_IPV6, IPV6_RECVTCLASS, PLACE_ENGINE, DESCRIPTOR_RECVTOS },
	{ IPPROTO_IPV6, IPV6_RECVERR, PLACE_ENGINE, DESCRIPTOR_RECVERR },
	{ SOL_UDP, UDP_GRO, PLACE_ENGINE, DESCRIPTOR_GRO },
};

static const struct option_row *find_row(int level, int name)
{
	static const struct option_row other = { .place = PLACE_ENGINE };

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].level == level && rows[i].name == name)
			return &rows[i];
	return &other;
}

/* ---- setting ---- */

static bool is_not_zero(const void *value, size_t bytes)
{
	const unsigned char *byte = value;

	for (size_t i = 0; i < bytes; i++)
		if (byte[i] != 0)
			return true;
	return false;
}

static void remember(struct descriptor *d, const struct option_row *row, const void *value, size_t bytes)
{
	bool on = is_not_zero(value, bytes);

	/* SO_TIMESTAMP and SO_TIMESTAMPNS are one setting with two forms. */
	if (on && row->remember == DESCRIPTOR_TIMESTAMP)
		descriptor_mark(d, DESCRIPTOR_TIMESTAMP, DESCRIPTOR_TIMESTAMPNS);
	else if (on && row->remember == DESCRIPTOR_TIMESTAMPNS)
		descriptor_mark(d, DESCRIPTOR_TIMESTAMPNS, DESCRIPTOR_TIMESTAMP);
	else if (row->remember != 0)
		descriptor_mark(d, on ? row->remember : 0, on ? 0 : row->remember);
	descriptor_set_last_destination(d, 0); /* it depends on some of them */
}

/* UDP_CORK: the parts of a datagram are put together here. */
static bool is_cork(struct descriptor *d, int level, int name)
{
	if (level != SOL_UDP || name != UDP_CORK || descriptor_kind(d) != DESCRIPTOR_DATAGRAM)
		return false;
	request_types(d);
	return descriptor_type(d) == SOCK_DGRAM && descriptor_protocol(d) == IPPROTO_UDP;
}

static int set_ours(struct descriptor *d, int level, int name, const void *value, socklen_t bytes)
{
	const struct option_row *row = find_row(level, name);
	struct exchange x = { .request.argument = { level, name }, .payload = value, .payload_bytes = bytes };
	int result = 0;

	if ((int)bytes < 0)
		return -EINVAL;
	if (bytes > CONTROL_PAYLOAD_MAX)
		x.payload_bytes = CONTROL_PAYLOAD_MAX; /* no option is that long */
	if (user_probe(value, x.payload_bytes) < 0)
		return -EFAULT;
	if (is_cork(d, level, name))
		return bytes < sizeof(int) ? -EINVAL : (int)datagram_cork(d, is_not_zero(value, sizeof(int)));
	if (row->place == PLACE_PAIR || row->place == PLACE_BOTH ||
	    (row->place == PLACE_STREAM && descriptor_kind(d) == DESCRIPTOR_STREAM))
		result = (int)outcome(real.setsockopt(d->fd, level, name, value, bytes));
	if (row->place != PLACE_PAIR && result == 0)
		result = (int)request_exchange(d, CONTROL_SETSOCKOPT, &x);
	if (result == 0)
		remember(d, row, value, x.payload_bytes);
	return result < 0 ? result : 0;
}

int call_setsockopt(int fd, int level, int name, const void *value, socklen_t bytes)
{
	struct descriptor d;

	if (!descriptor_find(fd, &d))
		return real.setsockopt(fd, level, name, value, bytes);
	return answer_int(set_ours(&d, level, name, value, bytes));
}

/* ---- getting ---- */

static int take_error(struct descriptor *d)
{
	struct pollfd p = { .fd = d->fd, .events = POLLIN };
	int error;

	/* A connection that stands has no error to tell. */
	if (descriptor_kind(d) == DESCRIPTOR_STREAM && real.poll(&p, 1, 0) >= 0 &&
	    (p.revents & (POLLERR | POLLHUP)) == 0)
		return 0;
	if (descriptor_kind(d) == DESCRIPTOR_DATAGRAM) {
		/* teachnetd may still have it on the way: asking makes it arrive. */
		error = request_take_error(d, ENETDOWN);
		return error > 0 ? error : (int)-datagram_earlier_error(d);
	}
	error = request_take_error(d, ECONNRESET);
	if (error > 0)
		descriptor_mark(d, 0, DESCRIPTOR_FRESH);
	return error;
}

/* What is known without asking: true, and its value. */
static bool known_here(struct descriptor *d, int name, int *value)
{
	switch (name) {
	case SO_ERROR:
		*value = take_error(d);
		return true;
	case SO_TYPE:
		request_types(d);
		*value = descriptor_type(d);
		return true;
	case SO_PROTOCOL:
		request_types(d);
		*value = descriptor_protocol(d);
		return true;
	case SO_DOMAIN:
		request_types(d);
		*value = descriptor_is(d, DESCRIPTOR_INET6) ? AF_INET6 : AF_INET;
		return true;
	default:
		return false;
	}
}

static int get_ours(struct descriptor *d, int level, int name, void *value, socklen_t *bytes)
{
	unsigned char room[1024];
	struct exchange x = { .request.argument = { level, name }, .room = room, .room_bytes = sizeof(room) };
	socklen_t wanted;
	int64_t result;
	int known;

	if (find_row(level, name)->place == PLACE_PAIR)
		return (int)outcome(real.getsockopt(d->fd, level, name, value, bytes));
	if (user_probe(bytes, sizeof(*bytes)) < 0)
		return -EFAULT;
	wanted = *bytes;
	if ((int)wanted < 0)
		return -EINVAL;
	if (level == SOL_SOCKET && known_here(d, name, &known))
		return user_give_value(value, bytes, &known, sizeof(known));
	if (is_cork(d, level, name)) {
		known = datagram_corked(d);
		return user_give_value(value, bytes, &known, sizeof(known));
	}
	x.request.argument[2] = (int32_t)(wanted < sizeof(room) ? wanted : sizeof(room));
	result = request_exchange(d, CONTROL_GETSOCKOPT, &x);
	if (result < 0) /* ESTALE: finished, and its options with it */
		return result == -ESTALE ? -ENOTCONN : (int)result;
	return user_give_value(value, bytes, room, x.received_bytes);
}

int call_getsockopt(int fd, int level, int name, void *value, socklen_t *bytes)
{
	struct descriptor d;

	if (!descriptor_find(fd, &d))
		return real.getsockopt(fd, level, name, value, bytes);
	return answer_int(get_ours(&d, level, name, value, bytes));
}

/* ---- ioctl ---- */

/* FIONREAD of a stream: what can be read now lies in the pair. A listener has none to read. */
static int bytes_to_read(struct descriptor *d, int *value)
{
	if (descriptor_kind(d) == DESCRIPTOR_DATAGRAM) {
		*value = datagram_next_bytes(d);
		return 0;
	}
	if (descriptor_is(d, DESCRIPTOR_LISTENING))
		return -EINVAL;
	return (int)outcome(real.ioctl(d->fd, FIONREAD, value));
}

static int bytes_queued(struct descriptor *d, unsigned which, int *value)
{
	struct exchange x = { 0 };
	int64_t result = request_exchange(d, CONTROL_QUEUES, &x);

	if (result < 0)
		return (int)result;
	*value = (int)x.reply.argument[which];
	return 0;
}

static int ioctl_ours(struct descriptor *d, unsigned long request, void *argument)
{
	int result = 0;
	int value = 0;

	switch (request) {
	case FIONREAD: /* SIOCINQ */
		result = bytes_to_read(d, &value);
		break;
	case SIOCOUTQ: /* TIOCOUTQ */
		result = bytes_queued(d, 1, &value);
		break;
	case SIOCOUTQNSD:
		result = bytes_queued(d, 0, &value);
		break;
	default:
		if (interfaces_ioctl(request, argument, &result))
			return result;
		return (int)outcome(real.ioctl(d->fd, request, argument));
	}
	if (result < 0)
		return result;
	if (user_probe(argument, sizeof(value)) < 0)
		return -EFAULT;
	memcpy(argument, &value, sizeof(value));
	return 0;
}

int call_ioctl(int fd, unsigned long request, void *argument)
{
	struct descriptor d;

	/* ioctl() is called on terminals and files far more than on sockets. */
	if (_IOC_TYPE(request) != 0x89 && _IOC_TYPE(request) != 0x54)
		return descriptor_internal(fd) ? answer_int(-EBADF) : real.ioctl(fd, request, argument);
	if (!descriptor_find(fd, &d))
		return real.ioctl(fd, request, argument);
	return answer_int(ioctl_ours(&d, request, argument));
}
