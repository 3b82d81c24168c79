/* SPDX-License-Identifier: MIT */
/* Waiting: select, poll and epoll, level, edge, one-shot, nested, several sets, exclusive; signals. */
#include <sys/select.h>

#include "tests/shim/shim.h"

static int next(int epoll, int wait_ms, unsigned *bits)
{
	struct epoll_event e = { .events = 0 };
	int count = epoll_wait(epoll, &e, 1, wait_ms);

	*bits = count > 0 ? e.events : 0;
	return count;
}

static void say_next(const char *what, int epoll, int wait_ms)
{
	unsigned bits;
	int count = next(epoll, wait_ms, &bits);

	if (count <= 0)
		SAY(what, "nothing");
	else
		shim_bits(what, (short)bits);
}

static int watch(int fd, unsigned events)
{
	struct epoll_event e = { .events = events };
	int epoll = epoll_create1(0);

	MUST(epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == 0);
	return epoll;
}

static void again(int epoll, int fd, unsigned events)
{
	struct epoll_event e = { .events = events };

	MUST(epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &e) == 0);
}

static void level(void)
{
	struct shim_pair p = shim_connected();
	int epoll = watch(p.server, EPOLLIN | EPOLLRDHUP);
	char byte;

	CASE("level");
	say_next("nothing", epoll, 0);
	MUST(send(p.client, "ab", 2, 0) == 2);
	say_next("data", epoll, 1000);
	say_next("still", epoll, 0);
	MUST(recv(p.server, &byte, 1, 0) == 1);
	say_next("some left", epoll, 0);
	MUST(recv(p.server, &byte, 1, 0) == 1);
	say_next("all read", epoll, 0);
	again(epoll, p.server, EPOLLIN | EPOLLOUT);
	say_next("writable, too", epoll, 0);
	MUST(shutdown(p.client, SHUT_WR) == 0);
	shim_await(p.server, POLLRDHUP);
	say_next("FIN", epoll, 100);
	close(p.client);
	close(p.server);
	say_next("closed: out of the set", epoll, 0);
	close(epoll);
}

static void edge(void)
{
	struct shim_pair p = shim_connected();
	int epoll = watch(p.server, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	char text[16];

	CASE("edge");
	say_next("at first", epoll, 0);
	say_next("once", epoll, 0);
	MUST(send(p.client, "ab", 2, 0) == 2);
	say_next("data", epoll, 1000);
	say_next("once", epoll, 20);
	MUST(recv(p.server, text, 1, 0) == 1);
	say_next("read a byte", epoll, 0);
	MUST(send(p.client, "cd", 2, 0) == 2);
	say_next("more data", epoll, 1000);
	MUST(recv(p.server, text, sizeof(text), 0) > 0);
	MUST(shutdown(p.client, SHUT_WR) == 0);
	say_next("FIN", epoll, 1000);
	say_next("once", epoll, 20);
	again(epoll, p.server, EPOLLIN | EPOLLRDHUP | EPOLLET);
	say_next("armed anew", epoll, 0);
	close(epoll);
	shim_close(&p);
}

static void one_shot(void)
{
	struct shim_pair p = shim_connected();
	int epoll = watch(p.server, EPOLLIN | EPOLLONESHOT);

	CASE("one-shot");
	MUST(send(p.client, "ab", 2, 0) == 2);
	say_next("data", epoll, 1000);
	say_next("disarmed", epoll, 20);
	MUST(send(p.client, "cd", 2, 0) == 2);
	say_next("still", epoll, 50);
	again(epoll, p.server, EPOLLIN | EPOLLONESHOT);
	say_next("armed anew", epoll, 0);
	close(epoll);
	shim_close(&p);
}

static void nested(void)
{
	struct shim_pair p = shim_connected();
	int inner = watch(p.server, EPOLLIN);
	int outer = watch(inner, EPOLLIN);
	int other = watch(p.server, EPOLLIN | EPOLLET);

	CASE("nested, and several sets");
	say_next("outer, nothing", outer, 0);
	MUST(send(p.client, "ab", 2, 0) == 2);
	say_next("outer", outer, 1000);
	say_next("inner", inner, 0);
	say_next("the other", other, 0);
	close(inner);
	close(outer);
	close(other);
	shim_close(&p);
}

static void listeners(void)
{
	struct sockaddr_in at;
	int listener = shim_listener(&at, 5);
	int level_set = watch(listener, EPOLLIN | EPOLLOUT);
	int edge_set = watch(listener, EPOLLIN | EPOLLET);
	int exclusive = watch(listener, EPOLLIN | EPOLLEXCLUSIVE);
	int a = socket(AF_INET, SOCK_STREAM, 0);
	int b = socket(AF_INET, SOCK_STREAM, 0);

	CASE("listener");
	say_next("nobody", level_set, 0);
	MUST(connect(a, SA(&at), sizeof(at)) == 0);
	say_next("somebody, level", level_set, 1000);
	say_next("somebody, edge", edge_set, 1000);
	say_next("edge, once", edge_set, 0);
	say_next("somebody, exclusive", exclusive, 1000);
	MUST(connect(b, SA(&at), sizeof(at)) == 0);
	say_next("another, edge", edge_set, 1000);
	close(accept(listener, NULL, NULL));
	say_next("one left", level_set, 0);
	close(accept(listener, NULL, NULL));
	say_next("none left", level_set, 0);
	close(a);
	close(b);
	close(level_set);
	close(edge_set);
	close(exclusive);
	close(listener);
}

static void full(void)
{
	static char block[65536];
	struct shim_pair p = shim_connected();
	int epoll;
	size_t sent = 0;
	size_t got = 0;
	ssize_t n;

	CASE("full");
	shim_nonblocking(p.client);
	shim_nonblocking(p.server);
	for (int quiet = 0; quiet < 10;) {
		n = send(p.client, block, sizeof(block), 0);
		if (n > 0) {
			sent += (size_t)n;
			quiet = 0;
		} else {
			shim_sleep(10);
			quiet++;
		}
	}
	SAY("it took more than 100,000 bytes", "%d", sent > 100000);
	BITS("not writable", p.client);
	TRY(send(p.client, "x", 1, 0));
	epoll = watch(p.client, EPOLLOUT | EPOLLET);
	say_next("no edge", epoll, 0);
	while (got < sent) {
		n = recv(p.server, block, sizeof(block), 0);
		if (n > 0)
			got += (size_t)n;
		else
			shim_await(p.server, POLLIN);
	}
	say_next("room again", epoll, 2000);
	SAY("what went in came out", "%d", got == sent);
	close(epoll);
	shim_close(&p);
}

static void selecting(void)
{
	struct shim_pair p = shim_connected();
	struct timeval t = { .tv_sec = 1 };
	fd_set in;
	fd_set out;

	CASE("select");
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(p.server, &in);
	FD_SET(p.server, &out);
	TRY(select(p.server + 1, &in, &out, NULL, &t));
	SAY("readable and writable", "%d %d", FD_ISSET(p.server, &in) != 0, FD_ISSET(p.server, &out) != 0);
	MUST(send(p.client, "x", 1, 0) == 1);
	FD_ZERO(&in);
	FD_SET(p.server, &in);
	TRY(select(p.server + 1, &in, NULL, NULL, &t));
	shim_close(&p);
}

/* ---- signals ---- */

static void nothing(int number)
{
	(void)number;
}

static void alarm_in(int ms, int flags)
{
	struct sigaction action = { .sa_handler = nothing, .sa_flags = flags };
	struct itimerval timer = { .it_value = { .tv_usec = ms * 1000 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* A child that sends a byte and lets one connection in after 100 ms. */
static pid_t late_child(int fd, const struct sockaddr_in *at)
{
	pid_t child;

	fflush(stdout);
	child = fork();
	MUST(child >= 0);
	if (child == 0) {
		shim_sleep(100);
		if (fd >= 0)
			(void)!send(fd, "x", 1, 0);
		if (at != NULL) {
			int client = socket(AF_INET, SOCK_STREAM, 0);

			(void)!connect(client, SA(at), sizeof(*at));
			close(client);
		}
		_exit(0);
	}
	return child;
}

static void signals(void)
{
	struct shim_pair p = shim_connected();
	struct sockaddr_in at;
	struct timeval t = { .tv_sec = 5 };
	int listener = shim_listener(&at, 5);
	char byte;
	pid_t child;

	CASE("a signal without SA_RESTART");
	alarm_in(30, 0);
	TRY(recv(p.server, &byte, 1, 0));
	alarm_in(30, 0);
	TRY(accept(listener, NULL, NULL));
	CASE("a signal with SA_RESTART");
	alarm_in(30, SA_RESTART);
	child = late_child(p.client, NULL);
	TRY(recv(p.server, &byte, 1, 0));
	MUST(waitpid(child, NULL, 0) == child);
	alarm_in(30, SA_RESTART);
	child = late_child(-1, &at);
	TRY_FD(accept(listener, NULL, NULL));
	MUST(waitpid(child, NULL, 0) == child);
	CASE("a signal with SA_RESTART and a timeout");
	MUST(setsockopt(p.server, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) == 0);
	alarm_in(30, SA_RESTART);
	TRY(recv(p.server, &byte, 1, 0));
	CASE("a timeout");
	t = (struct timeval){ .tv_usec = 30000 };
	MUST(setsockopt(p.server, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) == 0);
	TRY(recv(p.server, &byte, 1, 0));
	close(listener);
	shim_close(&p);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	level();
	edge();
	one_shot();
	nested();
	listeners();
	full();
	selecting();
	signals();
	return 0;
}
