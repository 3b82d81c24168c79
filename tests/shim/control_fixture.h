/* SPDX-License-Identifier: MIT */
/*
 * For the tests that talk to teachnetd as the shim does, message by message: a teachnetd of their
 * own, without a wire (TEACHNET_INTERFACE=lo) and so without any privilege; channels, requests and
 * replies; TAP.
 */
#ifndef TESTS_SHIM_CONTROL_FIXTURE_H
#define TESTS_SHIM_CONTROL_FIXTURE_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "service/control.h"

/* ---- TAP ---- */

static unsigned tap_count, tap_failed;

__attribute__((format(printf, 2, 3))) static inline bool ok(bool good, const char *format, ...)
{
	va_list arguments;

	printf("%sok %u - ", good ? "" : "not ", ++tap_count);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	fflush(stdout);
	tap_failed += !good;
	return good;
}

static inline void is(long long got, long long expected, const char *name)
{
	if (!ok(got == expected, "%s", name))
		printf("# got %lld, expected %lld\n", got, expected);
}

/* ---- teachnetd ---- */

static char runtime_dir[] = "/tmp/teachnet-control-XXXXXX";
static char socket_path[128];
static pid_t daemon_pid;

static inline void fixture_stop(void)
{
	char path[128];
	const char *const left[] = {"default.lock", "default.sock", "default.log"};

	if (daemon_pid > 0) {
		kill(daemon_pid, SIGTERM);
		waitpid(daemon_pid, NULL, 0);
	}
	for (unsigned i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", runtime_dir, left[i]);
		unlink(path);
	}
	rmdir(runtime_dir);
}

static inline void fixture_start(void)
{
	const char *build = getenv("top_builddir");
	char program[512];

	signal(SIGPIPE, SIG_IGN);
	snprintf(program, sizeof(program), "%s/teachnetd", build ? build : ".");
	if (!mkdtemp(runtime_dir))
		exit(99);
	snprintf(socket_path, sizeof(socket_path), "%s/default.sock", runtime_dir);
	setenv("TEACHNET_RUNTIME_DIR", runtime_dir, 1);
	setenv("TEACHNET_INTERFACE", "lo", 1);
	unsetenv("LD_PRELOAD");
	daemon_pid = fork();
	if (daemon_pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, STDOUT_FILENO);
		if (!getenv("TEACHNET_TEST_LOUD"))
			dup2(null, STDERR_FILENO);
		execl(program, program, "--foreground", NULL);
		_exit(127);
	}
	atexit(fixture_stop);
	for (unsigned i = 0; i < 1000 && access(socket_path, F_OK) != 0; i++)
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

/* Still there, and its own process has not been replaced. */
static inline bool fixture_lives(void)
{
	return waitpid(daemon_pid, NULL, WNOHANG) == 0;
}

/* ---- channels ---- */

static inline int channel_connect(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = 5};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strcpy(name.sun_path, socket_path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static inline bool channel_send(int channel, const void *message, size_t bytes, const int *passed, unsigned passed_count)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(64 * sizeof(int))];
	} control = {.room = {0}};
	struct iovec iov = {(void *)(uintptr_t)message, bytes};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	if (passed_count) {
		struct cmsghdr *c;

		m.msg_control = control.room;
		m.msg_controllen = CMSG_SPACE(passed_count * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(passed_count * sizeof(int));
		memcpy(CMSG_DATA(c), passed, passed_count * sizeof(int));
	}
	return sendmsg(channel, &m, MSG_NOSIGNAL) == (ssize_t)bytes;
}

struct answer {
	struct control_reply head;
	char payload[CONTROL_PAYLOAD_MAX + 1];
	int fd;
};

/* Bytes of the reply, 0 when the channel was ended, negative when none came. */
static inline ssize_t channel_receive(int channel, struct answer *a)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov[2] = {{&a->head, sizeof(a->head)}, {a->payload, CONTROL_PAYLOAD_MAX}};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2, .msg_control = control.room, .msg_controllen = sizeof(control.room)};
	ssize_t n;

	memset(a, 0, sizeof(*a));
	a->fd = -1;
	n = recvmsg(channel, &m, MSG_CMSG_CLOEXEC);
	if (n > 0 && CMSG_FIRSTHDR(&m))
		memcpy(&a->fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	return n < 0 && errno == ECONNRESET ? 0 : n;
}

static uint64_t next_serial = 1;

static inline struct control_request request_make(enum control_operation operation, uint64_t socket_id)
{
	return (struct control_request){.magic = CONTROL_MAGIC,
	    .version = CONTROL_VERSION,
	    .operation = (uint16_t)operation,
	    .serial = next_serial++,
	    .socket_id = socket_id};
}

/* Sends with payload, waits for the reply. The result, or -EPIPE when the channel was ended. */
static inline int request_run(int channel, struct control_request *q, const void *payload, uint32_t bytes, int passed, struct answer *a)
{
	static char message[sizeof(*q) + CONTROL_PAYLOAD_MAX];

	q->payload_bytes = bytes;
	memcpy(message, q, sizeof(*q));
	memcpy(message + sizeof(*q), payload ? payload : "", payload ? bytes : 0);
	if (!channel_send(channel, message, sizeof(*q) + bytes, &passed, passed >= 0) ||
	    channel_receive(channel, a) < (ssize_t)sizeof(a->head))
		return -EPIPE;
	return a->head.serial == q->serial ? a->head.result : -EPROTO;
}

static inline int request_plain(int channel, enum control_operation operation, uint64_t socket_id, struct answer *a)
{
	struct control_request q = request_make(operation, socket_id);

	return request_run(channel, &q, NULL, 0, -1, a);
}

static inline int channel_greet(int channel, struct answer *a)
{
	struct control_hello hello = {.pid = (int32_t)getpid(), .program = "test"};
	struct control_request q = request_make(CONTROL_HELLO, 0);

	return request_run(channel, &q, &hello, sizeof(hello), -1, a);
}

static inline int channel_open(void)
{
	int channel = channel_connect();
	struct answer a;

	if (channel >= 0 && channel_greet(channel, &a) < 0) {
		close(channel);
		return -1;
	}
	return channel;
}

/* ---- sockets ---- */

struct handle {
	uint64_t id;
	int fd;
};

static inline struct handle socket_make(int channel, int type, int protocol)
{
	struct control_request q = request_make(CONTROL_SOCKET, 0);
	struct handle h = {.fd = -1};
	struct answer a;

	q.argument[0] = AF_INET;
	q.argument[1] = type;
	q.argument[2] = protocol;
	if (request_run(channel, &q, NULL, 0, -1, &a) == 0) {
		h.id = a.head.socket_id;
		h.fd = a.fd;
	}
	return h;
}

static inline int request_address(int channel, enum control_operation operation, uint64_t id, const char *ip, uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct control_request q = request_make(operation, id);
	struct answer a;

	inet_pton(AF_INET, ip, &in.sin_addr);
	memcpy(q.address.sockaddr, &in, sizeof(in));
	q.address.bytes = sizeof(in);
	return request_run(channel, &q, NULL, 0, -1, &a);
}

static inline uint16_t socket_port(int channel, uint64_t id)
{
	struct sockaddr_in in = {0};
	struct answer a;

	if (request_plain(channel, CONTROL_GETSOCKNAME, id, &a) < 0)
		return 0;
	memcpy(&in, a.head.address.sockaddr, sizeof(in));
	return ntohs(in.sin_port);
}

static inline int request_listen(int channel, uint64_t id, int backlog)
{
	struct control_request q = request_make(CONTROL_LISTEN, id);
	struct answer a;

	q.argument[0] = backlog;
	return request_run(channel, &q, NULL, 0, -1, &a);
}

/* The bits that poll() shows within ms. */
static inline short wait_for(int fd, short events, int ms)
{
	struct pollfd f = {.fd = fd, .events = events};

	return poll(&f, 1, ms) > 0 ? f.revents : 0;
}

#endif
