/* SPDX-License-Identifier: MIT */
/*
 * The story: a datagram socket is a SEQPACKET pair. Messages keep their borders, the largest UDP
 * datagram with its header fits, and what a reader has no room for is cut and counted.
 */
#include <sys/uio.h>

#include "tests/assume/pair.h"

#define LARGEST (65535 + 160)

int main(void)
{
	static char large[LARGEST];
	struct pair p = pair_make(SOCK_SEQPACKET);
	char header[4] = "";
	char body[4] = "";
	struct iovec iov[2] = { { .iov_base = header, .iov_len = 4 }, { .iov_base = body, .iov_len = 4 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	int queued = 0;

	MUST(send(p.stack, "headbody", 8, 0) == 8 && send(p.stack, "head", 4, 0) == 4);
	CHECK_THAT(recvmsg(p.program, &m, 0) == 8 && memcmp(header, "head", 4) == 0 && memcmp(body, "body", 4) == 0,
	    "header and payload come apart by two parts");
	CHECK_THAT(recvmsg(p.program, &m, 0) == 4, "an empty payload is a message of its own");

	MUST(send(p.stack, "headbody and more", 17, 0) == 17);
	CHECK_THAT(recvmsg(p.program, &m, MSG_TRUNC | MSG_PEEK) == 17 && (m.msg_flags & MSG_TRUNC) != 0,
	    "MSG_TRUNC tells the whole length, MSG_PEEK leaves the message");
	CHECK_THAT(recv(p.program, header, 4, 0) == 4 && recv(p.program, header, 4, MSG_DONTWAIT) < 0 && errno == EAGAIN,
	    "what did not fit is gone with its message");

	CHECK_THAT(send(p.stack, large, LARGEST, MSG_DONTWAIT) == LARGEST, "the largest datagram and its header fit");
	CHECK_THAT(recv(p.program, large, LARGEST, 0) == LARGEST, "and arrive whole");

	while (send(p.stack, large, 1160, MSG_DONTWAIT) > 0)
		queued++;
	CHECK_THAT(errno == EAGAIN && queued >= 64, "a full pair says EAGAIN, and holds at least 64 packets first");
	CHECK_THAT((pair_bits(p.stack) & POLLOUT) == 0, "and is not writable");

	close(p.stack);
	p.stack = -1;
	while (queued-- > 0)
		MUST(recv(p.program, large, LARGEST, 0) == 1160);
	CHECK_THAT((pair_bits(p.program) & POLLHUP) != 0, "the stack's end closed: HUP");
	pair_close(&p);
	return tap_done();
}
