/* SPDX-License-Identifier: MIT */
/* Descriptors that travel: dup, fork, exec, SCM_RIGHTS, stdio; programs that close everything. */
#include <spawn.h>
#include <sys/syscall.h>

#include "tests/shim/shim.h"

extern char **environ;

static void echo_over(struct shim_pair *p, const char *what, int fd)
{
	char text[8] = "";

	errno = 0;
	if (send(fd, "ping", 4, MSG_NOSIGNAL) != 4 || recv(p->server, text, sizeof(text), 0) != 4 ||
	    send(p->server, "pong", 4, MSG_NOSIGNAL) != 4 || recv(fd, text, sizeof(text), 0) != 4)
		SAY(what, "%s", shim_error());
	else
		SAY(what, "%s", text);
}

static void copies(void)
{
	struct shim_pair p = shim_connected();
	struct sockaddr_in name;
	socklen_t bytes = sizeof(name);
	int copy;

	CASE("copies");
	copy = dup(p.client);
	echo_over(&p, "dup", copy);
	TRY(getpeername(copy, SA(&name), &bytes));
	close(copy);
	copy = TRY(dup2(p.client, 200));
	echo_over(&p, "dup2", copy);
	TRY(dup2(copy, copy));
	copy = TRY(dup3(p.client, 201, O_CLOEXEC));
	SAY("its flag", "%d", fcntl(copy, F_GETFD));
	TRY(dup3(p.client, p.client, 0));
	copy = TRY(fcntl(p.client, F_DUPFD, 202));
	echo_over(&p, "F_DUPFD", copy);
	copy = TRY(fcntl(p.client, F_DUPFD_CLOEXEC, 203));
	close(p.client);
	echo_over(&p, "the original is closed", copy);
	TRY(recv(p.client, &name, 1, 0));
	TRY(close(p.client));
	for (int fd = 200; fd <= 203; fd++)
		close(fd);
	shim_bits("all copies closed", shim_await(p.server, POLLRDHUP));
	close(p.server);
}

/* A number that was a socket is a pipe now, and the other way round. */
static void numbers_reused(void)
{
	struct shim_pair p = shim_connected();
	int ends[2];
	char text[8];

	CASE("numbers reused");
	MUST(pipe(ends) == 0);
	echo_over(&p, "a socket", p.client);
	TRY(dup2(ends[0], p.client) == p.client);
	MUST(write(ends[1], "pipe", 4) == 4);
	TRY(read(p.client, text, sizeof(text)));
	TRY(recv(p.client, text, 1, 0));
	shim_await(p.server, POLLRDHUP);
	TRY(recv(p.server, text, 1, 0));
	close(p.server);
	p.server = -1;
	close(p.client);
	close(ends[0]);
	close(ends[1]);
	p = shim_connected();
	echo_over(&p, "a socket again", p.client);
	shim_close(&p);
}

static void forked(void)
{
	struct shim_pair p = shim_connected();
	int status = -1;
	pid_t child;

	CASE("fork");
	fflush(stdout);
	child = fork();
	MUST(child >= 0);
	if (child == 0) {
		int fresh = socket(AF_INET, SOCK_STREAM, 0);

		echo_over(&p, "in the child", p.client);
		SAY("its own socket", "%d", fresh >= 0);
		close(p.client);
		fflush(stdout);
		_exit(fresh >= 0 ? 0 : 1);
	}
	MUST(waitpid(child, &status, 0) == child);
	SAY("status", "%d", status);
	echo_over(&p, "in the parent", p.client);
	shim_close(&p);
	CASE("fork of a fork");
	p = shim_connected();
	fflush(stdout);
	child = fork();
	MUST(child >= 0);
	if (child == 0) {
		pid_t grandchild = fork();

		if (grandchild == 0) {
			echo_over(&p, "in the grandchild", p.client);
			fflush(stdout);
			_exit(socket(AF_INET, SOCK_DGRAM, 0) >= 0 ? 0 : 1);
		}
		waitpid(grandchild, &status, 0);
		_exit(status == 0 ? 0 : 1);
	}
	MUST(waitpid(child, &status, 0) == child);
	SAY("status", "%d", status);
	shim_close(&p);
}

static void executed(const char *self)
{
	struct shim_pair p = shim_connected();
	posix_spawn_file_actions_t actions;
	char *arguments[] = { (char *)self, (char *)"child", NULL };
	int status = -1;
	pid_t child;

	CASE("exec");
	fflush(stdout);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, p.client, 0);
	posix_spawn_file_actions_addclose(&actions, p.server);
	MUST(posix_spawn(&child, self, &actions, NULL, arguments, environ) == 0);
	MUST(waitpid(child, &status, 0) == child);
	SAY("status", "%d", status);
	posix_spawn_file_actions_destroy(&actions);
	close(p.client);
	shim_await(p.server, POLLRDHUP);
	{
		char text[64] = "";
		ssize_t got = recv(p.server, text, sizeof(text) - 1, 0);

		SAY("from the child", "%zd %s", got, text);
	}
	close(p.server);
}

static int child_main(void)
{
	struct sockaddr_in name;
	socklen_t bytes = sizeof(name);
	int type = -1;
	socklen_t type_bytes = sizeof(type);
	int fresh;

	CASE("exec'd child");
	TRY(getpeername(0, SA(&name), &bytes));
	TRY(getsockopt(0, SOL_SOCKET, SO_TYPE, &type, &type_bytes));
	SAY("type", "%d", type);
	TRY(write(0, "from exec", 9));
	fresh = TRY_FD(socket(AF_INET, SOCK_STREAM, 0));
	TRY(connect(fresh, SA(&name), 2));
	return 0;
}

static void passed(void)
{
	struct shim_pair p = shim_connected();
	int carrier[2];
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	int received = -1;

	CASE("SCM_RIGHTS");
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, carrier) == 0);
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &p.client, sizeof(int));
	TRY(sendmsg(carrier[0], &m, 0));
	close(p.client);
	TRY(recvmsg(carrier[1], &m, 0));
	memcpy(&received, CMSG_DATA(&control.header), sizeof(received));
	p.client = received;
	echo_over(&p, "received", received);
	/* Over TCP itself they are passed over. */
	TRY(sendmsg(p.client, &m, 0));
	TRY(recv(p.server, &byte, 1, 0));
	shim_close(&p);
	close(carrier[0]);
	close(carrier[1]);
}

static void stdio(void)
{
	struct shim_pair p = shim_connected();
	FILE *file = fdopen(dup(p.client), "r+");
	char line[32] = "";

	CASE("stdio");
	MUST(send(p.server, "a line\n", 7, 0) == 7);
	SAY("fgets", "%d", fgets(line, sizeof(line), file) != NULL);
	SAY("line", "%.6s", line);
	fprintf(file, "answer\n");
	TRY(fflush(file));
	TRY(recv(p.server, line, sizeof(line), 0));
	TRY(fclose(file));
	echo_over(&p, "the socket lives on", p.client);
	close(p.client);
	close(p.server);
}

static void close_everything(void)
{
	int status;
	pid_t child;

	CASE("close everything");
	fflush(stdout);
	child = fork();
	MUST(child >= 0);
	if (child == 0) {
		struct shim_pair p;

		for (int fd = 3; fd < 2000; fd++)
			close(fd);
		p = shim_connected();
		echo_over(&p, "a loop of close()", p.client);
		SAY("lowest number", "%d", socket(AF_INET, SOCK_STREAM, 0));
		TRY(close_range(3, ~0U, 0));
		p = shim_connected();
		echo_over(&p, "close_range()", p.client);
		closefrom(3);
		p = shim_connected();
		echo_over(&p, "closefrom()", p.client);
		SAY("numbers", "%d %d", p.client, p.server);
		TRY(close_range(3, 100, CLOSE_RANGE_CLOEXEC));
		SAY("marked", "%d", fcntl(p.client, F_GETFD));
		fflush(stdout);
		_exit(0);
	}
	MUST(waitpid(child, &status, 0) == child);
	SAY("status", "%d", status);
}

static void by_number(void)
{
	struct sockaddr_in at;
	int listener = shim_listener(&at, 5);
	int fd = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
	char text[8] = "";
	int other;

	CASE("syscall(2)");
	TRY(syscall(SYS_connect, fd, &at, sizeof(at)));
	other = (int)syscall(SYS_accept4, listener, NULL, NULL, 0);
	TRY(syscall(SYS_sendto, fd, "text", 4, 0, NULL, 0));
	TRY(syscall(SYS_read, other, text, sizeof(text)));
	TRY(syscall(SYS_shutdown, fd, SHUT_WR));
	TRY(syscall(SYS_recvfrom, other, text, sizeof(text), 0, NULL, NULL));
	TRY(syscall(SYS_close, fd));
	TRY(syscall(SYS_close, fd));
	close(other);
	close(listener);
}

static void raw_close(void)
{
	struct shim_pair p = shim_connected();
	char text[8];
	int ends[2];
	int fd = p.client;

	CASE("closed behind the C library's back");
	echo_over(&p, "before", p.client);
	MUST(pipe(ends) == 0);
	{
		FILE *file = fdopen(p.client, "r");

		MUST(freopen("/dev/null", "r", file) != NULL);
		MUST(fclose(file) == 0);
	}
	MUST(open("/dev/null", O_RDONLY) == fd); /* the C library's own number, until now */
	TRY(read(fd, text, sizeof(text)));
	SAY("dup2", "%d", dup2(ends[0], fd) == fd);
	MUST(write(ends[1], "pipe", 4) == 4);
	TRY(read(fd, text, sizeof(text)));
	close(fd);
	close(p.server);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1)
		return child_main();
	copies();
	numbers_reused();
	forked();
	executed(argv[0]);
	passed();
	stdio();
	close_everything();
	by_number();
	raw_close();
	return 0;
}
