/* SPDX-License-Identifier: MIT */
/* listen() and accept(): readiness, several acceptors, flags, errors, the end of a listener. */
#include <sys/resource.h>

#include "tests/shim/shim.h"

static int client_of(const struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	MUST(fd >= 0 && connect(fd, SA(at), sizeof(*at)) == 0);
	return fd;
}

static void accepting(void)
{
	struct sockaddr_in at;
	struct sockaddr_in peer = { 0 };
	struct sockaddr_in own;
	socklen_t bytes = sizeof(peer);
	int listener = shim_listener(&at, 5);
	int client;
	int fd;

	CASE("accept");
	BITS("listener, nobody there", listener);
	client = client_of(&at);
	shim_bits("listener, somebody there", shim_await(listener, POLLIN));
	fd = TRY_FD(accept(listener, SA(&peer), &bytes));
	own = shim_name(client);
	SAY("the peer", "%d %u", memcmp(&peer, &own, sizeof(own)) == 0, bytes);
	own = shim_name(fd);
	SAY("our name", "%d", memcmp(&own, &at, sizeof(own)) == 0);
	SAY("flags", "%d %d", fcntl(fd, F_GETFL) == O_RDWR, fcntl(fd, F_GETFD));
	BITS("accepted", fd);
	BITS("listener afterwards", listener);
	close(fd);
	close(client);
	client = client_of(&at);
	fd = TRY_FD(accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
	SAY("flags asked for", "%d %d", (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0, fcntl(fd, F_GETFD));
	close(fd);
	close(client);
	TRY_FD(accept4(listener, NULL, NULL, 7));
	shim_nonblocking(listener);
	TRY_FD(accept(listener, NULL, NULL));
	client = client_of(&at);
	shim_await(listener, POLLIN);
	bytes = 4;
	fd = TRY_FD(accept(listener, SA(&peer), &bytes));
	SAY("a short room", "%u", bytes);
	SAY("non-blocking is not inherited", "%d", (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0);
	close(fd);
	close(client);
	close(listener);
}

static void on_listener(void)
{
	struct sockaddr_in at;
	int listener = shim_listener(&at, 5);
	int value = -1;
	socklen_t bytes = sizeof(value);
	char byte;
	struct sockaddr_in name;
	socklen_t name_bytes = sizeof(name);

	CASE("calls on a listener");
	TRY(recv(listener, &byte, 1, 0));
	TRY(send(listener, &byte, 1, MSG_NOSIGNAL));
	TRY(connect(listener, SA(&at), sizeof(at)));
	TRY(getpeername(listener, SA(&name), &name_bytes));
	TRY(getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &value, &bytes));
	SAY("SO_ACCEPTCONN", "%d", value);
	TRY(listen(listener, 10));
	TRY(ioctl(listener, FIONREAD, &value));
	TRY(shutdown(listener, SHUT_WR));
	BITS("after SHUT_WR", listener);
	TRY(shutdown(listener, SHUT_RD));
	TRY(accept(listener, NULL, NULL));
	TRY(getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &value, &bytes));
	SAY("SO_ACCEPTCONN after shutdown", "%d", value);
	close(listener);
}

static void data_before_accept(void)
{
	struct sockaddr_in at;
	int listener = shim_listener(&at, 5);
	int client = client_of(&at);
	char text[16] = "";
	int fd;

	CASE("data and FIN before accept");
	MUST(send(client, "early", 5, 0) == 5);
	close(client);
	shim_sleep(30);
	fd = TRY_FD(accept(listener, NULL, NULL));
	shim_bits("accepted", shim_await(fd, POLLRDHUP));
	TRY(recv(fd, text, sizeof(text), 0));
	TRY(recv(fd, text, sizeof(text), 0));
	SAY("text", "%s", text);
	close(fd);
	close(listener);
}

static void listener_closes(void)
{
	struct sockaddr_in at;
	int listener = shim_listener(&at, 5);
	int client = client_of(&at);
	char byte;

	CASE("listener closes over a queued connection");
	shim_await(listener, POLLIN);
	close(listener);
	shim_bits("the client", shim_await(client, POLLHUP | POLLERR));
	TRY(recv(client, &byte, 1, 0));
	TRY(recv(client, &byte, 1, 0));
	close(client);
	client = socket(AF_INET, SOCK_STREAM, 0);
	TRY(connect(client, SA(&at), sizeof(at)));
	close(client);
}

static void out_of_descriptors(void)
{
	struct sockaddr_in at;
	int listener = shim_listener(&at, 5);
	int client = client_of(&at);
	struct rlimit limit;
	struct rlimit tight;
	int fd;

	CASE("no descriptor left");
	shim_await(listener, POLLIN);
	MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	tight = limit;
	tight.rlim_cur = (rlim_t)client + 1;
	MUST(setrlimit(RLIMIT_NOFILE, &tight) == 0);
	TRY_FD(accept(listener, NULL, NULL));
	TRY_FD(socket(AF_INET, SOCK_STREAM, 0));
	MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	fd = TRY_FD(accept(listener, NULL, NULL));
	TRY(send(fd, "x", 1, MSG_NOSIGNAL));
	close(fd);
	close(client);
	close(listener);
}

static void two_processes(void)
{
	enum { COUNT = 12 };
	struct sockaddr_in at;
	int listener = shim_listener(&at, COUNT);
	int clients[COUNT];
	pid_t child[2];
	int served = 0;

	CASE("two processes accept");
	fflush(stdout);
	for (int c = 0; c < 2; c++) {
		child[c] = fork();
		MUST(child[c] >= 0);
		if (child[c] == 0) {
			int mine = 0;
			char byte = 0;

			while (byte != 'q') {
				int fd = accept(listener, NULL, NULL);

				if (recv(fd, &byte, 1, 0) != 1 || send(fd, &byte, 1, 0) != 1)
					_exit(100);
				close(fd);
				mine += byte != 'q';
			}
			_exit(mine);
		}
	}
	for (int i = 0; i < COUNT; i++) {
		char byte = 'd';

		clients[i] = client_of(&at);
		MUST(send(clients[i], &byte, 1, 0) == 1 && recv(clients[i], &byte, 1, 0) == 1);
		close(clients[i]);
	}
	for (int c = 0; c < 2; c++) {
		char byte = 'q';
		int fd = client_of(&at);

		MUST(send(fd, &byte, 1, 0) == 1 && recv(fd, &byte, 1, 0) == 1);
		close(fd);
	}
	for (int c = 0; c < 2; c++) {
		int status;

		MUST(waitpid(child[c], &status, 0) == child[c]);
		served += WEXITSTATUS(status);
	}
	SAY("connections served", "%d", served);
	close(listener);
}

static void without_bind(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in at;
	int client;

	CASE("listen without bind");
	TRY(listen(fd, 0));
	at = shim_name(fd);
	SAY("any address, some port", "%d %d", at.sin_addr.s_addr == 0, at.sin_port != 0);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	client = socket(AF_INET, SOCK_STREAM, 0);
	TRY(connect(client, SA(&at), sizeof(at)));
	close(client);
	close(fd);
}

static void timeouts(void)
{
	struct sockaddr_in at;
	int listener = shim_listener(&at, 5);
	struct timeval t = { .tv_usec = 50000 };
	struct timeval got = { 0 };
	socklen_t bytes = sizeof(got);
	int client;
	int fd;

	CASE("SO_RCVTIMEO");
	TRY(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)));
	TRY_FD(accept(listener, NULL, NULL));
	client = client_of(&at);
	fd = accept(listener, NULL, NULL);
	TRY(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &got, &bytes));
	SAY("the connection has it, too", "%d", got.tv_usec >= 50000 && got.tv_usec < 60000);
	close(fd);
	close(client);
	close(listener);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	accepting();
	on_listener();
	data_before_accept();
	listener_closes();
	out_of_descriptors();
	two_processes();
	without_bind();
	timeouts();
	return 0;
}
