/* SPDX-License-Identifier: MIT */
/*
 * A program may be broken or hostile: whatever it sends on its channel, teachnetd answers what makes
 * sense, ends the channel of what does not, keeps no descriptor that it did not ask for, and serves
 * everybody else as before.
 */
#include "tests/shim/control_fixture.h"

/* The channel gets one last reply, -EBADMSG, and its end. */
static void expect_end(int channel, const char *name)
{
	struct answer a;
	ssize_t n = channel_receive(channel, &a);
	bool told = n >= (ssize_t)sizeof(a.head) && a.head.result == -EBADMSG;

	ok(told && channel_receive(channel, &a) == 0, "%s: refused, and the end of the channel", name);
	close(channel);
}

static void wrong_sizes(void)
{
	static char large[sizeof(struct control_request) + CONTROL_PAYLOAD_MAX + 1];
	struct control_request q = request_make(CONTROL_INTERFACES, 0);
	int channel = channel_open();

	channel_send(channel, &q, sizeof(q) - 1, NULL, 0);
	expect_end(channel, "a message that is too short");
	channel = channel_open();
	q.payload_bytes = CONTROL_PAYLOAD_MAX + 1;
	memcpy(large, &q, sizeof(q));
	channel_send(channel, large, sizeof(large), NULL, 0);
	expect_end(channel, "a message that is too long");
	channel = channel_open();
	q.payload_bytes = 100;
	channel_send(channel, &q, sizeof(q), NULL, 0);
	expect_end(channel, "a payload that is not there");
	channel = channel_open();
	q.payload_bytes = 0;
	channel_send(channel, large, sizeof(q) + 7, NULL, 0);
	expect_end(channel, "a payload that was not announced");
	channel = channel_open();
	q.address.bytes = 33;
	channel_send(channel, &q, sizeof(q), NULL, 0);
	expect_end(channel, "an address that is longer than its place");
	channel = channel_open();
	channel_send(channel, &q, 1, NULL, 0);
	expect_end(channel, "a single byte");
}

static void wrong_numbers(void)
{
	struct control_request q = request_make(CONTROL_INTERFACES, 0);
	struct answer a;
	int channel = channel_open();

	q.magic ^= 1;
	channel_send(channel, &q, sizeof(q), NULL, 0);
	expect_end(channel, "another magic number");
	q = request_make(CONTROL_INTERFACES, 0);
	q.operation = CONTROL_OPERATION_COUNT;
	channel = channel_open();
	channel_send(channel, &q, sizeof(q), NULL, 0);
	expect_end(channel, "an operation that is not there");
	q = request_make(CONTROL_INTERFACES, 0);
	q.version = CONTROL_VERSION + 1;
	channel = channel_open();
	is(request_run(channel, &q, NULL, 0, -1, &a), -EPROTO, "another version is told so");
	ok(strstr(a.payload, "stop it") && strstr(a.payload, "protocol"), "with a sentence that says what to do");
	is(channel_receive(channel, &a), 0, "and its channel ends");
	close(channel);
	channel = channel_connect();
	q = request_make(CONTROL_INTERFACES, 0);
	channel_send(channel, &q, sizeof(q), NULL, 0);
	expect_end(channel, "a request before HELLO");
	channel = channel_connect();
	q = request_make(CONTROL_HELLO, 0);
	channel_send(channel, &q, sizeof(q), NULL, 0);
	expect_end(channel, "HELLO without saying who");
}

static void serials_are_the_callers(void)
{
	struct control_request q = request_make(CONTROL_INTERFACES, 0);
	int channel = channel_open();
	struct answer a;

	q.serial = UINT64_MAX;
	ok(request_run(channel, &q, NULL, 0, -1, &a) > 0, "any serial comes back");
	ok(request_run(channel, &q, NULL, 0, -1, &a) > 0, "and may be used again");
	close(channel);
}

/* How many descriptors teachnetd has. */
static unsigned count_descriptors(void)
{
	char path[64];
	unsigned count = 0;

	for (int fd = 0; fd < 1024; fd++) {
		struct stat st;

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)daemon_pid, fd);
		count += lstat(path, &st) == 0;
	}
	return count;
}

/* Until teachnetd has dealt with what was closed. */
static bool descriptors_return_to(unsigned expected)
{
	for (unsigned i = 0; i < 200; i++) {
		if (count_descriptors() == expected)
			return true;
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	printf("# %u descriptors, expected %u\n", count_descriptors(), expected);
	return false;
}

static void descriptors_where_none_belong(void)
{
	struct control_request q = request_make(CONTROL_INTERFACES, 0);
	int many[32], channel = channel_open();
	struct answer a;
	unsigned before;

	/* By the second reply every channel that was closed before has been dealt with. */
	request_plain(channel, CONTROL_INTERFACES, 0, &a);
	request_plain(channel, CONTROL_INTERFACES, 0, &a);
	before = count_descriptors() - 1;
	for (unsigned i = 0; i < 32; i++)
		many[i] = STDIN_FILENO;
	channel_send(channel, &q, sizeof(q), many, 1);
	expect_end(channel, "a descriptor that was not asked for");
	channel = channel_open();
	q = request_make(CONTROL_OPEN, 0);
	channel_send(channel, &q, sizeof(q), many, 32);
	expect_end(channel, "32 descriptors where one belongs");
	channel = channel_open();
	channel_send(channel, &q, sizeof(q), NULL, 0);
	expect_end(channel, "no descriptor where one belongs");
	channel = channel_open();
	channel_send(channel, &q, sizeof(q), many, 1);
	expect_end(channel, "OPEN with something that is no channel");
	channel = channel_open();
	q = request_make(CONTROL_TRACE, 0);
	is(request_run(channel, &q, "text", 4, STDIN_FILENO, &a), -EBADF, "TRACE into something that could block is refused");
	close(channel);
	ok(descriptors_return_to(before), "teachnetd has kept none of them");
}

static void sockets_of_others(void)
{
	int mine = channel_open(), theirs = channel_open();
	struct handle h = socket_make(mine, SOCK_STREAM, 0), other = socket_make(mine, SOCK_STREAM, 0);
	struct control_request q;
	struct answer a;

	is(request_plain(theirs, CONTROL_GETSOCKNAME, h.id, &a), -EPERM, "another lineage's socket is not ours to ask about");
	is(request_plain(theirs, CONTROL_GETSOCKNAME, h.id ^ UINT64_C(0x100000000), &a), -EBADF, "a guessed id finds nothing");
	is(request_plain(theirs, CONTROL_GETSOCKNAME, 0, &a), -EBADF, "id 0 neither");
	is(request_plain(theirs, CONTROL_GETSOCKNAME, UINT64_MAX, &a), -EBADF, "nor the largest");
	q = request_make(CONTROL_ADOPT, h.id);
	is(request_run(theirs, &q, NULL, 0, other.fd, &a), -EPERM, "who shows another descriptor may not adopt");
	q = request_make(CONTROL_ADOPT, h.id);
	is(request_run(theirs, &q, NULL, 0, STDIN_FILENO, &a), -ENOTSOCK, "who shows no socket neither");
	q = request_make(CONTROL_ADOPT, h.id);
	is(request_run(theirs, &q, NULL, 0, h.fd, &a), 0, "who shows the descriptor itself may");
	is(request_plain(theirs, CONTROL_GETSOCKNAME, h.id, &a), 0, "and then asks as the maker does");
	close(h.fd);
	close(other.fd);
	close(mine);
	close(theirs);
}

static void inherited_channels(void)
{
	int parent = channel_open(), pair[2];
	struct handle h = socket_make(parent, SOCK_STREAM, 0);
	struct control_request q = request_make(CONTROL_OPEN, 0);
	struct timeval patience = {.tv_sec = 5};
	struct answer a;

	socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	channel_send(parent, &q, sizeof(q), &pair[1], 1);
	close(pair[1]);
	is(channel_greet(pair[0], &a), 0, "a child's own channel, opened through the inherited one");
	is(request_plain(pair[0], CONTROL_GETSOCKNAME, h.id, &a), 0, "may ask about the parent's sockets");
	close(parent);
	is(request_plain(pair[0], CONTROL_GETSOCKNAME, h.id, &a), 0, "also when the parent is gone");
	close(h.fd);
	close(pair[0]);
}

static void bad_arguments(void)
{
	static const struct {
		int domain, type, protocol, expected;
	} sockets[] = {
	    {AF_UNIX, SOCK_STREAM, 0, -EAFNOSUPPORT}, {AF_INET, SOCK_STREAM, IPPROTO_UDP, -EPROTONOSUPPORT},
	    {AF_INET, SOCK_DGRAM, IPPROTO_TCP, -EPROTONOSUPPORT}, {AF_INET, SOCK_RAW, 0, -EPROTONOSUPPORT},
	    {AF_INET, SOCK_SEQPACKET, 0, -ESOCKTNOSUPPORT}, {AF_INET, 77, 0, -EINVAL}, {AF_INET, SOCK_STREAM, 300, -EINVAL},
	    {-1, -1, -1, -EAFNOSUPPORT},
	};
	int channel = channel_open();
	struct handle h = socket_make(channel, SOCK_STREAM, 0);
	struct control_request q;
	struct answer a;

	for (unsigned i = 0; i < sizeof(sockets) / sizeof(*sockets); i++) {
		q = request_make(CONTROL_SOCKET, 0);
		q.argument[0] = sockets[i].domain;
		q.argument[1] = sockets[i].type;
		q.argument[2] = sockets[i].protocol;
		is(request_run(channel, &q, NULL, 0, -1, &a), sockets[i].expected, "socket() with wrong numbers");
	}
	q = request_make(CONTROL_BIND, h.id);
	q.address.bytes = 3;
	is(request_run(channel, &q, NULL, 0, -1, &a), -EINVAL, "bind() with an address that is too short");
	q.address.bytes = sizeof(struct sockaddr_in);
	q.address.sockaddr[0] = AF_UNIX;
	is(request_run(channel, &q, NULL, 0, -1, &a), -EAFNOSUPPORT, "bind() with another family");
	q = request_make(CONTROL_CONNECT, h.id);
	is(request_run(channel, &q, NULL, 0, -1, &a), -EINVAL, "connect() without an address");
	q = request_make(CONTROL_SHUTDOWN, h.id);
	q.argument[0] = 9;
	is(request_run(channel, &q, NULL, 0, -1, &a), -EINVAL, "shutdown() with another number");
	q = request_make(CONTROL_GETSOCKOPT, h.id);
	q.argument[0] = SOL_SOCKET;
	q.argument[1] = SO_ERROR;
	q.argument[2] = -1;
	is(request_run(channel, &q, NULL, 0, -1, &a), -EINVAL, "getsockopt() with negative room");
	q = request_make(CONTROL_GETSOCKOPT, h.id);
	q.argument[0] = IPPROTO_TCP;
	q.argument[1] = 1 << 30;
	q.argument[2] = INT32_MAX;
	is(request_run(channel, &q, NULL, 0, -1, &a), -ENOPROTOOPT, "getsockopt() of nothing, with all the room of the world");
	q = request_make(CONTROL_STATUS, 0);
	is(request_run(channel, &q, "everything", 10, -1, &a), -EINVAL, "a status that is not there");
	ok(strstr(a.payload, "ask for ss"), "with a sentence that says what there is");
	q = request_make(CONTROL_CHANGE, 0);
	is(request_run(channel, &q, "route\0add\0nonsense", 18, -1, &a), -EINVAL, "a change that makes no sense");
	ok(strstr(a.payload, "nonsense"), "with a sentence that names it");
	close(h.fd);
	close(channel);
}

/* Asks and never reads: its channel ends, and nobody waits. */
static void who_never_reads(void)
{
	int deaf = channel_open(), other = channel_open();
	struct control_request q = request_make(CONTROL_INTERFACES, 0);
	struct answer a;
	unsigned sent = 0;

	while (sent < 100000 && send(deaf, &q, sizeof(q), MSG_NOSIGNAL) == (ssize_t)sizeof(q))
		sent++;
	ok(sent < 100000, "who never reads its replies loses its channel");
	ok(request_plain(other, CONTROL_INTERFACES, 0, &a) > 0, "others are served meanwhile");
	close(deaf);
	close(other);
}

static void random_noise(void)
{
	static char noise[4096];
	unsigned seed = (unsigned)time(NULL);
	struct answer a;
	int channel;

	printf("# seed %u\n", seed);
	srand(seed);
	for (unsigned i = 0; i < 500; i++) {
		struct control_request q = request_make((enum control_operation)(rand() % CONTROL_STOP), (uint64_t)rand());
		size_t bytes = sizeof(q) + (size_t)(rand() % 64);

		for (size_t at = 0; at < sizeof(noise); at++)
			noise[at] = (char)rand();
		q.payload_bytes = (uint32_t)(bytes - sizeof(q));
		for (unsigned n = 0; n < 4; n++)
			q.argument[n] = rand() - RAND_MAX / 2;
		q.address.bytes = (uint16_t)(rand() % 34);
		memcpy(q.address.sockaddr, noise, sizeof(q.address.sockaddr));
		if (i % 2)
			memcpy(noise, &q, sizeof(q));
		channel = channel_open();
		if (channel < 0)
			break;
		channel_send(channel, noise, bytes, NULL, 0);
		close(channel);
	}
	channel = channel_open();
	ok(channel >= 0 && request_plain(channel, CONTROL_INTERFACES, 0, &a) > 0, "500 channels of noise later all is as before");
	close(channel);
}

int main(void)
{
	fixture_start();
	printf("1..54\n");
	wrong_sizes();
	wrong_numbers();
	serials_are_the_callers();
	descriptors_where_none_belong();
	sockets_of_others();
	inherited_channels();
	bad_arguments();
	who_never_reads();
	random_noise();
	ok(fixture_lives(), "teachnetd is still the same process");
	return tap_failed != 0;
}
