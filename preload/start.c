/* SPDX-License-Identifier: MIT */
/*
 * Owns the way to teachnetd: connecting to its socket, and starting it when nobody listens. Runs
 * under the channel's lock with signals blocked; allocates nothing.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload/descriptors.h"
#include "preload/real.h"
#include "preload/settings.h"
#include "preload/start.h"

#define READY_MS 20000
#define READY_FD 3
#define PATH_BYTES 512
#define ENVIRONMENT_MAX 4096
#define CHILD_STACK 65536

#define SENTENCE(...)                                                                              \
	do {                                                                                       \
		char sentence_[PATH_BYTES + 256];                                                  \
		snprintf(sentence_, sizeof(sentence_), __VA_ARGS__);                               \
		start_complain(sentence_);                                                         \
	} while (0)

void start_complain(const char *sentence)
{
	char line[PATH_BYTES + 300];
	int bytes = snprintf(line, sizeof(line), "teachnet: %s\n", sentence);

	if (bytes > (int)sizeof(line) - 1)
		bytes = (int)sizeof(line) - 1;
	(void)!real.write(STDERR_FILENO, line, (size_t)bytes);
}

static int open_file(const char *path, int flags, int mode)
{
	long fd = real.syscall(SYS_openat, AT_FDCWD, (long)path, flags | O_CLOEXEC, mode, 0, 0);

	if (fd >= 0)
		descriptor_forget((int)fd);
	return fd >= 0 ? (int)fd : -errno;
}

/* -ECONNREFUSED or -ENOENT: nobody listens. */
static int connect_to(const char *path, const char *own_name, unsigned own_bytes)
{
	struct sockaddr_un own = { .sun_family = AF_UNIX };
	struct sockaddr_un there = { .sun_family = AF_UNIX };
	int result;
	int fd;

	if (strlen(path) >= sizeof(there.sun_path)) {
		SENTENCE("RUNTIME_DIR is too long for a socket (%s): set TEACHNET_RUNTIME_DIR to a shorter one", path);
		return -ENAMETOOLONG;
	}
	strcpy(there.sun_path, path);
	memcpy(own.sun_path, own_name, own_bytes);
	fd = real.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	descriptor_forget(fd);
	(void)real.bind(fd, (struct sockaddr *)&own,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + own_bytes));
	if (real.connect(fd, (struct sockaddr *)&there, sizeof(there)) == 0)
		return fd;
	result = -errno;
	real.close(fd);
	return result;
}

/* ---- the child ---- */

struct child {
	const char *program;
	char *const *arguments;
	char *const *environment;
	int ready;
	int null;
	char *stack;           /* of the one in between; the daemon's own uses the half below it */
	volatile int error;
};

/* Shares our memory until exec: system calls only. */
static int child_run(void *user)
{
	struct child *c = user;
	sigset_t none;
	struct sigaction standard = { .sa_handler = SIG_DFL };

	for (int s = 1; s < _NSIG; s++)
		(void)sigaction(s, &standard, NULL);
	sigemptyset(&none);
	real.syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, _NSIG / 8, 0, 0);
	real.syscall(SYS_setsid, 0, 0, 0, 0, 0, 0);
	/* c->ready may be one of the numbers that are about to be taken. */
	c->ready = (int)real.syscall(SYS_fcntl, c->ready, F_DUPFD, READY_FD + 1, 0, 0, 0);
	c->null = (int)real.syscall(SYS_fcntl, c->null, F_DUPFD, READY_FD + 1, 0, 0, 0);
	for (int fd = 0; fd < READY_FD; fd++)
		real.syscall(SYS_dup3, c->null, fd, 0, 0, 0, 0);
	real.syscall(SYS_dup3, c->ready, READY_FD, 0, 0, 0, 0);
	real.syscall(SYS_close_range, READY_FD + 1, (long)~0U, 0, 0, 0, 0);
	real.syscall(SYS_execve, (long)c->program, (long)c->arguments, (long)c->environment, 0, 0, 0);
	c->error = errno;
	real.syscall(SYS_exit, 127, 0, 0, 0, 0, 0);
	return 127;
}

static int child_between(void *user)
{
	struct child *c = user;

	if (clone(child_run, c->stack - CHILD_STACK / 2, CLONE_VM | CLONE_VFORK | SIGCHLD, c) < 0)
		c->error = errno;
	real.syscall(SYS_exit, 0, 0, 0, 0, 0, 0);
	return 0;
}

/* The program's environment without what would load the shim into teachnetd. */
static void copy_environment(char **to)
{
	size_t count = 0;

	for (char **e = environ; e != NULL && *e != NULL && count < ENVIRONMENT_MAX - 1; e++)
		if (strncmp(*e, "LD_PRELOAD=", 11) != 0 && strncmp(*e, "LD_AUDIT=", 9) != 0)
			to[count++] = *e;
	to[count] = NULL;
}

/*
 * Runs program as a grandchild. The child in between is cloned without an exit signal and never
 * calls exec: the program's SIGCHLD handler and its waitpid(-1) do not notice it.
 */
static int spawn(const char *program, char *const *arguments, int ready)
{
	static char stack[CHILD_STACK] __attribute__((aligned(64)));
	static char *environment[ENVIRONMENT_MAX];
	struct child c = {
		.program = program,
		.arguments = arguments,
		.environment = environment,
		.ready = ready,
		.stack = stack + CHILD_STACK,
	};
	int status;
	int pid;

	copy_environment(environment);
	c.null = open_file("/dev/null", O_RDWR, 0);
	if (c.null < 0)
		return c.null;
	pid = clone(child_between, c.stack, CLONE_VM | CLONE_VFORK, &c);
	if (pid < 0)
		c.error = errno;
	else
		real.syscall(SYS_wait4, pid, (long)&status, __WALL, 0, 0, 0);
	real.close(c.null);
	return -c.error;
}

/* ---- which program, and what it says ---- */

static bool is_program(const char *path)
{
	return real.syscall(SYS_faccessat, AT_FDCWD, (long)path, X_OK, 0, 0, 0) == 0;
}

/* TEACHNET_DAEMON, or beside the library: build tree, then prefix, then where we were configured to be. */
static bool find_daemon(char path[PATH_BYTES])
{
	static const char *const beside[] = { "../teachnetd", "teachnetd", "../bin/teachnetd", "../../bin/teachnetd" };
	const char *given = settings_value(SETTING_DAEMON);
	Dl_info self;
	const char *slash;

	if (given[0] != 0) {
		snprintf(path, PATH_BYTES, "%s", given);
		return is_program(path);
	}
	if (dladdr((const void *)find_daemon, &self) != 0 && (slash = strrchr(self.dli_fname, '/')) != NULL) {
		for (unsigned i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
			snprintf(path, PATH_BYTES, "%.*s/%s", (int)(slash - self.dli_fname), self.dli_fname, beside[i]);
			if (is_program(path))
				return true;
		}
	}
	snprintf(path, PATH_BYTES, "%s/teachnetd", TEACHNET_BINDIR);
	return is_program(path);
}

/* Reads what teachnetd says when it is ready, or is not. */
static int await_ready(int fd, const char *program)
{
	static const char error[] = "error: ";
	char text[512];
	size_t bytes = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char *newline = NULL;

	while (newline == NULL && bytes < sizeof(text) - 1 && real.poll(&p, 1, READY_MS) > 0) {
		ssize_t got = real.read(fd, text + bytes, sizeof(text) - 1 - bytes);

		if (got <= 0)
			break;
		bytes += (size_t)got;
		text[bytes] = 0;
		newline = strchr(text, '\n');
	}
	text[bytes] = 0;
	if (newline != NULL)
		*newline = 0;
	if (strcmp(text, "ok") == 0)
		return 0;
	if (strncmp(text, error, sizeof(error) - 1) == 0)
		start_complain(text + sizeof(error) - 1);
	else
		SENTENCE("teachnetd ended or hung before it was ready: run `%s --foreground` to see why", program);
	return -ENETDOWN;
}

static int start_daemon(void)
{
	static char program[PATH_BYTES];
	char ready[32];
	char *arguments[] = { program, "--auto", ready, NULL };
	int ends[2];
	int result;

	if (!find_daemon(program)) {
		SENTENCE("no program %s: set TEACHNET_DAEMON to the path of teachnetd", program);
		return -ENETDOWN;
	}
	if (real.syscall(SYS_pipe2, (long)ends, O_CLOEXEC, 0, 0, 0, 0) < 0)
		return -errno;
	descriptor_forget(ends[0]);
	descriptor_forget(ends[1]);
	snprintf(ready, sizeof(ready), "--ready-fd=%d", READY_FD);
	result = spawn(program, arguments, ends[1]);
	real.close(ends[1]);
	if (result == 0)
		result = await_ready(ends[0], program);
	else
		SENTENCE("%s cannot be started: %s", program, strerrordesc_np(-result));
	real.close(ends[0]);
	return result;
}

/* Makes RUNTIME_DIR when it is not there, and refuses one that somebody else could write to. */
static int make_runtime_dir(const char *dir)
{
	struct stat s;

	if (real.syscall(SYS_mkdirat, AT_FDCWD, (long)dir, 0700, 0, 0, 0) < 0 && errno != EEXIST) {
		SENTENCE("%s cannot be made: %s. Set TEACHNET_RUNTIME_DIR to a folder of your own", dir,
		    strerrordesc_np(errno));
		return -ENETDOWN;
	}
	if (lstat(dir, &s) < 0 || !S_ISDIR(s.st_mode) || s.st_uid != geteuid() || (s.st_mode & 0022) != 0) {
		SENTENCE("%s is not a folder that only you can write to: remove it, or set TEACHNET_RUNTIME_DIR", dir);
		return -ENETDOWN;
	}
	return 0;
}

int start_connect(const char *own_name, unsigned own_bytes, bool start)
{
	const char *dir = settings_runtime_dir();
	const char *stack = settings_value(SETTING_STACK);
	char path[PATH_BYTES];
	char lock_path[PATH_BYTES];
	int lock;
	int fd;

	snprintf(path, sizeof(path), "%s/%s.sock", dir, stack);
	fd = connect_to(path, own_name, own_bytes);
	if (fd >= 0 || !start || (fd != -ENOENT && fd != -ECONNREFUSED)) {
		if (fd == -EACCES && start)
			SENTENCE("%s belongs to somebody else: set TEACHNET_STACK or TEACHNET_RUNTIME_DIR to have a stack of your own", path);
		return fd;
	}
	if (strchr(stack, '/') != NULL || stack[0] == 0) {
		SENTENCE("TEACHNET_STACK must be a plain name, not `%s`", stack);
		return -ENETDOWN;
	}
	fd = make_runtime_dir(dir);
	if (fd < 0)
		return fd;
	snprintf(lock_path, sizeof(lock_path), "%s/%s.start.lock", dir, stack);
	lock = open_file(lock_path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (lock < 0) {
		SENTENCE("%s cannot be opened: %s", lock_path, strerrordesc_np(-lock));
		return -ENETDOWN;
	}
	while (flock(lock, LOCK_EX) < 0 && errno == EINTR)
		continue;
	fd = connect_to(path, own_name, own_bytes);
	if (fd < 0) {
		fd = start_daemon();
		if (fd == 0)
			fd = connect_to(path, own_name, own_bytes);
	}
	real.close(lock);
	return fd;
}
