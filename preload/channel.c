/* SPDX-License-Identifier: MIT */
/*
 * Owns the channel (channel.h): opening, inheriting, one exchange, and letting go of a dead one.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "preload/channel.h"
#include "preload/descriptors.h"
#include "preload/real.h"
#include "preload/settings.h"
#include "preload/start.h"

#define OWN_PREFIX "teachnet-program/"
#define ABOVE_LIMIT 16U     /* that far above the soft limit */
#define LOWEST_NUMBER 1040U /* select() ends at 1023 */
#define SCAN_NUMBERS 32U
#define REPLY_SECONDS 30    /* teachnetd never keeps a request waiting; a stopped one would */

/* What must not survive fork. All zero is the state of a fresh child. */
struct process {
	pthread_mutex_t lock;
	bool own;               /* channel.fd was opened by this process */
	pid_t pid;
};

static _Atomic(struct process *) process_page;
static struct {
	_Atomic int number;     /* channel's descriptor + 1; 0: none */
	uint64_t serial;
	bool searched;          /* for one that exec handed on */
} channel;

static struct process *process_get(void)
{
	struct process *page = atomic_load_explicit(&process_page, memory_order_acquire);
	struct process *expected = NULL;
	size_t bytes = (size_t)sysconf(_SC_PAGESIZE);

	if (page != NULL)
		return page;
	page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return NULL;
	if (madvise(page, bytes, MADV_WIPEONFORK) < 0 ||
	    !atomic_compare_exchange_strong(&process_page, &expected, page))
		munmap(page, bytes);
	return atomic_load_explicit(&process_page, memory_order_acquire);
}

static int channel_fd(void)
{
	return atomic_load(&channel.number) - 1;
}

/* A descriptor of ours is closed for good. */
static void close_internal(int fd)
{
	descriptor_forget(fd);
	real.close(fd);
}

static void channel_drop(void)
{
	int fd = channel_fd();

	atomic_store(&channel.number, 0);
	if (fd >= 0)
		close_internal(fd);
}

/* Which stack, as 16 hex digits: FNV-1a of the folder and the name. */
static unsigned long long stack_hash(void)
{
	const char *parts[] = { settings_runtime_dir(), "/", settings_value(SETTING_STACK) };
	unsigned long long hash = 14695981039346656037ULL;

	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (const char *c = parts[i]; *c != 0; c++)
			hash = (hash ^ (unsigned char)*c) * 1099511628211ULL;
	return hash;
}

#define OWN_NAME_MAX 96

/* Fills name (abstract, so it begins with a zero) and returns its length. */
static unsigned make_own_name(char name[OWN_NAME_MAX])
{
	struct timespec now;
	int bytes;

	clock_gettime(CLOCK_MONOTONIC, &now);
	name[0] = 0;
	bytes = snprintf(name + 1, OWN_NAME_MAX - 1, OWN_PREFIX "%016llx/%ld.%lld%09ld", stack_hash(),
	    real.syscall(SYS_getpid, 0, 0, 0, 0, 0, 0), (long long)now.tv_sec, now.tv_nsec);
	return 1 + (unsigned)bytes;
}

/* Is fd a channel that an earlier image of this process, or its parent, has bound for this stack? */
static bool is_our_channel(int fd)
{
	struct sockaddr_un own = { .sun_family = AF_UNSPEC };
	socklen_t bytes = sizeof(own);
	char wanted[OWN_NAME_MAX];
	int wanted_bytes = snprintf(wanted, sizeof(wanted), OWN_PREFIX "%016llx/", stack_hash());

	return real.getsockname(fd, (struct sockaddr *)&own, &bytes) == 0 &&
	    own.sun_family == AF_UNIX &&
	    bytes > offsetof(struct sockaddr_un, sun_path) + 1 + (unsigned)wanted_bytes &&
	    own.sun_path[0] == 0 && memcmp(own.sun_path + 1, wanted, (size_t)wanted_bytes) == 0;
}

/* The number at which to look for a place, and what the soft limit must be for that. */
static unsigned wanted_number(const struct rlimit *limit)
{
	if (limit->rlim_cur >= LOWEST_NUMBER + ABOVE_LIMIT && limit->rlim_cur > 4096)
		return LOWEST_NUMBER;
	if (limit->rlim_max >= limit->rlim_cur + 2 * ABOVE_LIMIT)
		return (unsigned)limit->rlim_cur + ABOVE_LIMIT;
	return limit->rlim_cur > ABOVE_LIMIT ? (unsigned)limit->rlim_cur - ABOVE_LIMIT / 2 : 3;
}

/* Moves fd to where programs do not come across it. The new number, or fd if there is no place. */
static int move_high(int fd, int close_on_exec)
{
	struct rlimit limit = { .rlim_cur = 1024, .rlim_max = 1024 };
	struct rlimit raised;
	unsigned number;
	int moved;

	getrlimit(RLIMIT_NOFILE, &limit);
	number = wanted_number(&limit);
	raised = limit;
	raised.rlim_cur = number + ABOVE_LIMIT;
	if (number >= limit.rlim_cur && setrlimit(RLIMIT_NOFILE, &raised) < 0)
		number = 3;
	moved = real.fcntl(fd, close_on_exec ? F_DUPFD_CLOEXEC : F_DUPFD, (long)number);
	if (number >= limit.rlim_cur)
		setrlimit(RLIMIT_NOFILE, &limit);
	if (moved < 0)
		return fd;
	close_internal(fd);
	return moved;
}

static void find_inherited(void)
{
	struct rlimit limit = { .rlim_cur = 1024, .rlim_max = 1024 };
	unsigned starts[2] = { LOWEST_NUMBER };

	channel.searched = true;
	getrlimit(RLIMIT_NOFILE, &limit);
	starts[1] = wanted_number(&limit);
	for (unsigned s = 0; s < 2; s++) {
		for (unsigned n = starts[s]; n < starts[s] + SCAN_NUMBERS; n++) {
			if (!is_our_channel((int)n))
				continue;
			descriptor_set((int)n, DESCRIPTOR_INTERNAL, 0, NULL);
			atomic_store(&channel.number, (int)n + 1);
			return;
		}
	}
}

/* Sends one message; 0 or a negative errno. */
static int send_request(int fd, const struct exchange *x)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov[2] = {
		{ .iov_base = (void *)&x->request, .iov_len = sizeof(x->request) },
		{ .iov_base = (void *)x->payload, .iov_len = x->payload_bytes },
	};
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = x->payload_bytes > 0 ? 2 : 1 };
	long sent;

	if (x->has_descriptor) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &x->descriptor, sizeof(int));
	}
	do
		sent = real.syscall(SYS_sendmsg, fd, (long)&message, MSG_NOSIGNAL, 0, 0, 0);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

static int receive_reply(int fd, struct exchange *x)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov[2] = {
		{ .iov_base = &x->reply, .iov_len = sizeof(x->reply) },
		{ .iov_base = x->room, .iov_len = x->room_bytes },
	};
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = x->room_bytes > 0 ? 2 : 1 };
	int flags = x->close_on_exec || !x->wants_descriptor ? MSG_CMSG_CLOEXEC : 0;
	long got;

	message.msg_control = &control;
	message.msg_controllen = sizeof(control);
	do
		got = real.syscall(SYS_recvmsg, fd, (long)&message, flags, 0, 0, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	if (message.msg_controllen >= CMSG_LEN(sizeof(int)) && control.header.cmsg_level == SOL_SOCKET &&
	    control.header.cmsg_type == SCM_RIGHTS) {
		memcpy(&x->received, CMSG_DATA(&control.header), sizeof(int));
		descriptor_forget(x->received);
	}
	if ((size_t)got < sizeof(x->reply) || x->reply.magic != CONTROL_MAGIC)
		return -EPROTO;
	x->received_bytes = (size_t)got - sizeof(x->reply);
	return 0;
}

static void drop_received(struct exchange *x)
{
	if (x->received >= 0)
		real.close(x->received);
	x->received = -1;
}

/* A request and its reply on fd. Anything but 0 means that fd is of no more use. */
static int exchange_on(int fd, struct exchange *x)
{
	int result;

	x->received = -1;
	x->request.magic = CONTROL_MAGIC;
	x->request.version = CONTROL_VERSION;
	x->request.serial = ++channel.serial;
	x->request.payload_bytes = (uint32_t)x->payload_bytes;
	result = send_request(fd, x);
	if (result == -EMSGSIZE || result == -EBADF || result == -ETOOMANYREFS) {
		/* Our own fault, and nothing was sent. */
		x->reply = (struct control_reply){ .result = result };
		return fd == channel_fd() && result == -EBADF ? result : 0;
	}
	if (result < 0 || x->no_reply)
		return result;
	do {
		drop_received(x);
		result = receive_reply(fd, x);
	} while (result == 0 && x->reply.serial != x->request.serial && x->reply.serial != 0);
	if (result == 0 && !x->wants_descriptor)
		drop_received(x);
	return result;
}

/* Introduces this process. 0 or a negative errno; a refusal is printed. */
static int say_hello(int fd)
{
	struct control_hello hello = { .pid = (int32_t)real.syscall(SYS_getpid, 0, 0, 0, 0, 0, 0) };
	char sentence[256] = "";
	struct exchange x = {
		.request.operation = CONTROL_HELLO,
		.payload = &hello,
		.payload_bytes = sizeof(hello),
		.room = sentence,
		.room_bytes = sizeof(sentence) - 1,
	};
	int result;

	snprintf(hello.program, sizeof(hello.program), "%s", program_invocation_short_name);
	result = exchange_on(fd, &x);
	if (result == 0 && x.reply.result < 0) {
		start_complain(sentence[0] != 0 ? sentence :
		    "the running teachnetd is another user's: set TEACHNET_STACK or TEACHNET_RUNTIME_DIR to have your own");
		return x.reply.result;
	}
	return result;
}

/* A channel of our own through an inherited one. The descriptor, or a negative errno. */
static int open_through(int inherited)
{
	struct sockaddr_un own = { .sun_family = AF_UNIX };
	unsigned own_bytes = make_own_name(own.sun_path);
	int pair[2];
	struct exchange x = { .request.operation = CONTROL_OPEN, .has_descriptor = true, .no_reply = true };
	int result;

	if (real.syscall(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, (long)pair, 0, 0) < 0)
		return -errno;
	descriptor_forget(pair[0]);
	descriptor_forget(pair[1]);
	(void)real.bind(pair[0], (struct sockaddr *)&own,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + own_bytes));
	x.descriptor = pair[1];
	result = exchange_on(inherited, &x);
	close_internal(pair[1]);
	if (result == 0)
		return pair[0];
	close_internal(pair[0]);
	return result;
}

/* Makes fd the channel: hello, a high number, inherited by children. 0 or a negative errno. */
static int adopt_channel(struct process *p, int fd)
{
	struct timeval patience = { .tv_sec = REPLY_SECONDS };
	int result;

	real.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	result = say_hello(fd);
	if (result < 0) {
		close_internal(fd);
		return result;
	}
	if (channel_fd() >= 0)
		channel_drop();
	fd = move_high(fd, 0);
	real.fcntl(fd, F_SETFD, 0);
	descriptor_set(fd, DESCRIPTOR_INTERNAL, 0, NULL);
	atomic_store(&channel.number, fd + 1);
	p->own = true;
	p->pid = (pid_t)real.syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
	return 0;
}

/* 0 when there is a channel that is this process's own. */
static int channel_ready(struct process *p, bool start)
{
	char own[OWN_NAME_MAX];
	int fd = channel_fd();
	int result;

	if (p->own && fd >= 0)
		return 0;
	settings_complete();
	if (settings_kernel())
		return -ENETDOWN;
	p->own = false;
	if (fd < 0 && !channel.searched) {
		find_inherited();
		fd = channel_fd();
	}
	if (fd >= 0) {
		fd = open_through(fd);
		if (fd == -EMFILE || fd == -ENFILE)
			return fd;
		result = fd >= 0 ? adopt_channel(p, fd) : fd;
		if (result == 0)
			return 0;
		channel_drop();
	}
	fd = start_connect(own, make_own_name(own), start);
	return fd >= 0 ? adopt_channel(p, fd) : fd;
}

static int64_t exchange_locked(struct process *p, struct exchange *x)
{
	int result = channel_ready(p, x->start);

	if (result == 0)
		result = exchange_on(channel_fd(), x);
	if (result < 0 && p->own && channel_fd() >= 0) {
		/* teachnetd has gone, or ended the channel: once more with a new one. */
		channel_drop();
		p->own = false;
		result = channel_ready(p, x->start);
		if (result == 0)
			result = exchange_on(channel_fd(), x);
		if (result < 0)
			channel_drop();
	}
	if (result == -EMFILE || result == -ENFILE || result == -ENOMEM || result == -EPROTO ||
	    result == -EPROTONOSUPPORT)
		return result;
	if (result < 0)
		return -ENETDOWN;
	return x->no_reply ? 0 : x->reply.result;
}

int64_t channel_exchange(struct exchange *x)
{
	struct process *p = process_get();
	int saved = errno;
	sigset_t all;
	sigset_t before;
	int64_t result;

	x->received = -1;
	if (p == NULL)
		return -ENOMEM;
	sigfillset(&all);
	real.syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before, _NSIG / 8, 0, 0);
	pthread_mutex_lock(&p->lock);
	result = exchange_locked(p, x);
	pthread_mutex_unlock(&p->lock);
	real.syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, _NSIG / 8, 0, 0);
	errno = saved;
	return result;
}

void channel_yield_number(int fd)
{
	struct process *p = process_get();
	int saved = errno;
	int moved;

	if (p == NULL || fd < 0 || fd != channel_fd())
		return;
	/* A vfork child loses the channel, but must not tell its parent that it has moved. */
	if (p->own && p->pid != (pid_t)real.syscall(SYS_getpid, 0, 0, 0, 0, 0, 0))
		return;
	pthread_mutex_lock(&p->lock);
	moved = real.fcntl(fd, F_DUPFD, (long)fd + 1);
	if (moved < 0)
		moved = real.fcntl(fd, F_DUPFD, 3);
	if (moved >= 0) {
		descriptor_set(moved, DESCRIPTOR_INTERNAL, 0, NULL);
		atomic_store(&channel.number, moved + 1);
	}
	descriptor_forget(fd);
	pthread_mutex_unlock(&p->lock);
	errno = saved;
}
