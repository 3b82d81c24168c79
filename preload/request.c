/* SPDX-License-Identifier: MIT */
/*
 * Requests about one socket over the channel, with the proof of possession where it is asked for.
 */
#include <string.h>

#include "preload/real.h"
#include "preload/sockets.h"

/* Shows teachnetd the descriptor itself (ADOPT). */
static int64_t adopt(const struct descriptor *d)
{
	struct exchange x = {
		.request = { .operation = CONTROL_ADOPT, .socket_id = d->socket_id },
		.descriptor = d->fd,
		.has_descriptor = true,
	};

	return channel_exchange(&x);
}

int64_t request_exchange(struct descriptor *d, enum control_operation operation, struct exchange *x)
{
	int64_t result;

	x->request.operation = (uint16_t)operation;
	x->request.socket_id = d->socket_id;
	result = channel_exchange(x);
	if (result == -EPERM && adopt(d) == 0)
		result = channel_exchange(x);
	/* A descriptor of a teachnetd that has gone, shown to the one that came after it. */
	return result == -EBADF ? -ENETDOWN : result;
}

int64_t request_plain(struct descriptor *d, enum control_operation operation)
{
	struct exchange x = { 0 };

	return request_exchange(d, operation, &x);
}

int request_option(struct descriptor *d, int level, int name, int *error)
{
	int value = 0;
	struct exchange x = {
		.request.argument = { level, name, sizeof(value) },
		.room = &value,
		.room_bytes = sizeof(value),
	};
	int64_t result = request_exchange(d, CONTROL_GETSOCKOPT, &x);

	*error = result < 0 ? (int)result : 0;
	return result < 0 ? 0 : value;
}

int request_take_error(struct descriptor *d, int gone)
{
	int64_t result = request_plain(d, CONTROL_TAKE_ERROR);

	if (result == -ENETDOWN)
		return gone;
	return result > 0 ? (int)result : 0;
}

void request_types(struct descriptor *d)
{
	int error;
	int domain;
	int type;
	int protocol;

	if (descriptor_is(d, DESCRIPTOR_TYPED))
		return;
	domain = request_option(d, SOL_SOCKET, SO_DOMAIN, &error);
	type = error == 0 ? request_option(d, SOL_SOCKET, SO_TYPE, &error) : 0;
	protocol = error == 0 ? request_option(d, SOL_SOCKET, SO_PROTOCOL, &error) : 0;
	if (error < 0) {
		/* teachnetd has gone: what the descriptor itself still shows. */
		bool stream = descriptor_kind(d) == DESCRIPTOR_STREAM;

		d->facts |= (uint64_t)(stream ? SOCK_STREAM : SOCK_DGRAM) << DESCRIPTOR_TYPE_SHIFT;
		d->facts |= (uint64_t)(stream ? IPPROTO_TCP : IPPROTO_UDP) << DESCRIPTOR_PROTOCOL_SHIFT;
		return;
	}
	descriptor_mark(d, DESCRIPTOR_TYPED | (domain == AF_INET6 ? DESCRIPTOR_INET6 : 0) |
	    (uint64_t)(type & 15) << DESCRIPTOR_TYPE_SHIFT |
	    (uint64_t)(protocol & 511) << DESCRIPTOR_PROTOCOL_SHIFT, 0);
}

int descriptor_type(const struct descriptor *d)
{
	return (int)(d->facts >> DESCRIPTOR_TYPE_SHIFT & 15);
}

int descriptor_protocol(const struct descriptor *d)
{
	return (int)(d->facts >> DESCRIPTOR_PROTOCOL_SHIFT & 511);
}
