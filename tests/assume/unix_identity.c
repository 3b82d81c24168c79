/* SPDX-License-Identifier: MIT */
/*
 * The story: which socket a descriptor is can be read off the descriptor. The stack binds its end
 * to an abstract name, and getpeername() on the program's end returns it after dup, fork, exec and
 * SCM_RIGHTS; the program's own end can be named as well, which is how a channel is found again.
 */
#include <stddef.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/assume/pair.h"

static const char name[] = "\0teachnet/0123456789abcdef/s/0000000000000001";

static socklen_t fill_name(struct sockaddr_un *un, const char *text, size_t bytes)
{
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, text, bytes);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes);
}

static bool is_named(int fd)
{
	struct sockaddr_un un = { .sun_family = AF_UNSPEC };
	socklen_t bytes = sizeof(un);

	return getpeername(fd, (struct sockaddr *)&un, &bytes) == 0 && un.sun_family == AF_UNIX &&
	    bytes == offsetof(struct sockaddr_un, sun_path) + sizeof(name) - 1 &&
	    memcmp(un.sun_path, name, sizeof(name) - 1) == 0;
}

static int named_pair(struct pair *p, int type, const char *text, size_t bytes)
{
	struct sockaddr_un un;
	socklen_t length = fill_name(&un, text, bytes);

	*p = pair_make(type);
	return bind(p->stack, (struct sockaddr *)&un, length);
}

static bool named_in_child(int fd)
{
	pid_t child = fork();
	int status = 1;

	MUST(child >= 0);
	if (child == 0)
		_exit(is_named(fd) ? 0 : 1);
	MUST(waitpid(child, &status, 0) == child);
	return status == 0;
}

static bool named_after_passing(int fd)
{
	struct pair carrier = pair_make(SOCK_DGRAM);
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	int received;
	bool good;

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	MUST(sendmsg(carrier.stack, &m, 0) == 1);
	MUST(recvmsg(carrier.program, &m, 0) == 1);
	memcpy(&received, CMSG_DATA(&control.header), sizeof(received));
	good = received != fd && is_named(received);
	close(received);
	pair_close(&carrier);
	return good;
}

static bool named_after_exec(int fd, const char *self)
{
	char number[16];
	pid_t child;
	int status = 1;

	snprintf(number, sizeof(number), "%d", fd);
	child = fork();
	MUST(child >= 0);
	if (child == 0) {
		execl(self, self, number, (char *)NULL);
		_exit(2);
	}
	MUST(waitpid(child, &status, 0) == child);
	return status == 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_un un;
	struct pair p;
	struct pair q;
	int copy;

	if (argc > 1)
		return is_named(atoi(argv[1])) ? 0 : 1;
	CHECK_THAT(named_pair(&p, SOCK_STREAM, name, sizeof(name) - 1) == 0, "one end of a pair can be bound to an abstract name");
	CHECK_THAT(is_named(p.program), "getpeername() on the other end returns it");
	MUST((copy = dup(p.program)) >= 0);
	CHECK_THAT(is_named(copy), "after dup");
	CHECK_THAT(named_in_child(p.program), "after fork");
	CHECK_THAT(named_after_exec(p.program, argv[0]), "after exec");
	CHECK_THAT(named_after_passing(p.program), "after SCM_RIGHTS");
	CHECK_THAT(named_pair(&q, SOCK_STREAM, name, sizeof(name) - 1) < 0 && errno == EADDRINUSE, "nobody else can take the name");
	pair_close(&q);
	close(p.stack);
	p.stack = -1;
	CHECK_THAT(is_named(p.program), "the name outlives the stack's end");
	pair_close(&p);
	close(copy);

	CHECK_THAT(named_pair(&p, SOCK_SEQPACKET, name, sizeof(name) - 1) == 0 && is_named(p.program), "SEQPACKET pairs likewise");
	MUST(bind(p.program, (struct sockaddr *)&un, fill_name(&un, "\0teachnet-program/x", 19)) == 0);
	memset(&un, 0, sizeof(un));
	CHECK_THAT(getsockname(p.program, (struct sockaddr *)&un, &(socklen_t){ sizeof(un) }) == 0 &&
	    memcmp(un.sun_path, "\0teachnet-program/x", 19) == 0, "the program's end can be named, too");
	pair_close(&p);
	return tap_done();
}
