/* SPDX-License-Identifier: MIT */
/* See life.h. The lock is flock(): the kernel lets go of it however the process ends. */
#include "service/life.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOCK_WAIT_MS 10000
#define LOCK_POLL_MS 10

static bool is_served(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool served;

	snprintf(name.sun_path, sizeof(name.sun_path), "%.107s", path);
	served = fd >= 0 && connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0;
	if (fd >= 0)
		close(fd);
	return served;
}

static void sleep_ms(long ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

static int busy(const struct config *c, int fd, char message[CONFIG_MESSAGE_BYTES])
{
	char pid[16] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? n : 0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	snprintf(message, CONFIG_MESSAGE_BYTES,
	    "a teachnetd serves the stack `%s` already (process %s): use it, stop it with `teachnet stop`, or set "
	    "TEACHNET_STACK to another name",
	    c->value[CONFIG_KEY_STACK].text, *pid ? pid : "unknown");
	return -EBUSY;
}

int life_lock(const struct config *c, bool wait, int *out, char message[CONFIG_MESSAGE_BYTES])
{
	char path[CONFIG_PATH_BYTES], socket_path[CONFIG_PATH_BYTES], pid[16];
	int error = config_stack_path(c, ".lock", path, message), fd;

	if (error == 0)
		error = control_path(c, socket_path, message);
	if (error < 0)
		return error;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		error = -errno;
		snprintf(message, CONFIG_MESSAGE_BYTES, "cannot open the lock %.200s: %s", path, strerror(errno));
		return error;
	}
	for (int waited_ms = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; waited_ms += LOCK_POLL_MS) {
		if (wait && is_served(socket_path))
			error = -EALREADY;
		else if (!wait || waited_ms >= LOCK_WAIT_MS)
			error = busy(c, fd, message);
		if (error < 0) {
			close(fd);
			return error;
		}
		sleep_ms(LOCK_POLL_MS);
	}
	snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, strlen(pid), 0) < 0) {
		error = -errno;
		snprintf(message, CONFIG_MESSAGE_BYTES, "cannot write the lock %.200s: %s", path, strerror(errno));
		close(fd);
		return error;
	}
	*out = fd;
	return 0;
}

static void point_at_null(int fd, int flags)
{
	int null = open("/dev/null", flags | O_CLOEXEC);

	if (null >= 0) {
		dup2(null, fd);
		if (null != fd)
			close(null);
	}
}

void life_daemonize(int keep_fd)
{
	pid_t pid = fork();

	if (pid > 0) {
		/* The child ends at once: nobody is left behind for the program to wait for. */
		waitpid(pid, NULL, 0);
		_exit(0);
	}
	if (pid == 0) {
		setsid();
		pid = fork();
		if (pid > 0)
			_exit(0);
	}
	if (pid < 0)
		return; /* in the foreground, then: better than not at all */
	point_at_null(STDIN_FILENO, O_RDONLY);
	point_at_null(STDOUT_FILENO, O_WRONLY);
	point_at_null(STDERR_FILENO, O_WRONLY);
	if (keep_fd > 3)
		close_range(3, (unsigned)keep_fd - 1, 0);
	if (keep_fd >= 3)
		close_range((unsigned)keep_fd + 1, ~0U, 0);
	else
		close_range(3, ~0U, 0);
}

int life_drop_privileges(char message[CONFIG_MESSAGE_BYTES])
{
	static const cap_value_t kept[] = {CAP_NET_RAW};
	cap_t now = cap_get_proc(), next = cap_init();
	cap_flag_value_t has = CAP_CLEAR;
	int error = 0;

	/* The bounding set first, while that is still allowed; only root may. */
	for (cap_value_t c = 0; cap_get_bound(c) >= 0; c++)
		if (c != CAP_NET_RAW)
			cap_drop_bound(c);
	if (!now || !next || cap_get_flag(now, CAP_NET_RAW, CAP_PERMITTED, &has) < 0)
		error = -errno;
	if (error == 0 && has == CAP_SET &&
	    (cap_set_flag(next, CAP_PERMITTED, 1, kept, CAP_SET) < 0 || cap_set_flag(next, CAP_EFFECTIVE, 1, kept, CAP_SET) < 0))
		error = -errno;
	if (error == 0 && (cap_set_proc(next) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0))
		error = -errno;
	if (error < 0)
		snprintf(message, CONFIG_MESSAGE_BYTES, "cannot give up privileges: %s", strerror(-error));
	cap_free(now);
	cap_free(next);
	return error;
}

void life_raise_limits(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}
