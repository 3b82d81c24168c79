/* SPDX-License-Identifier: MIT */
/*
 * teachnet lab, outside: reads the options, makes what outlives the lab, then the namespaces with
 * the lab's process 1 in them (lab_init.c), and waits for it. Never touches a network itself. When
 * this process dies in whatever way, the kernel kills process 1, and with it all of the lab: the
 * namespaces have no name, and the lab's files lie on a file system that only they can see.
 */
#include "tool/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool/command.h"

enum { NAMESPACES = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC };

/* An AF_UNIX path has 107 characters, of which "/run/STACK.sock" takes some. */
enum { FOLDER_BYTES_MAX = 60 };

static struct lab lab;
static volatile pid_t init_pid;

static const struct poptOption options[] = {
	{"loss", 0, POPT_ARG_STRING, &lab.loss, 0, "Lose this share of frames", "PERCENT"},
	{"delay", 0, POPT_ARG_STRING, &lab.delay, 0, "Delay each frame, in each direction", "TIME"},
	{"rate", 0, POPT_ARG_STRING, &lab.rate, 0, "Limit the rate in each direction", "RATE"},
	{"reorder", 0, POPT_ARG_STRING, &lab.reorder, 0, "Let this share of frames be overtaken", "PERCENT"},
	{"duplicate", 0, POPT_ARG_STRING, &lab.duplicate, 0, "Deliver this share of frames twice", "PERCENT"},
	{"seed", 0, POPT_ARG_STRING, &lab.seed, 0, "Repeat the same chances on the wire", "NUMBER"},
	{"mtu", 0, POPT_ARG_INT, &lab.mtu_bytes, 0, "Largest IP packet on the wire (68 to 65535; 1500)", "BYTES"},
	{"family", 0, POPT_ARG_INT, &lab.family, 0, "Give the hosts' names addresses of IPv4 or IPv6 only", "4|6"},
	{"dhcp", 0, POPT_ARG_NONE, &lab.dhcp, 0, "Let our stack ask the second host for its addresses (DHCP, IPv6 router)", NULL},
	{"pcap", 0, POPT_ARG_STRING, &lab.pcap, 0, "Capture what passes on the wire", "FILE"},
	{"log", 0, POPT_ARG_STRING, &lab.log, 0, "Write the narrated conversation of our stack there", "FILE"},
	{"stack", 0, POPT_ARG_STRING, &lab.stack, 0, "Name of the stack; 'kernel': the same lab without ours", "NAME"},
	{"keep", 0, POPT_ARG_STRING, &lab.keep, 0, "Keep the lab's own files (logs, configuration) in this folder", "DIR"},
	OPTIONS_END
};

/* Paths that programs inside get are absolute: they may change their directory. */
static char *absolute(char *path)
{
	char folder[PLACE_BYTES], *out;

	if (!path || path[0] == '/' || !getcwd(folder, sizeof(folder)))
		return path;
	return asprintf(&out, "%s/%s", folder, path) < 0 ? path : out;
}

static int check_options(void)
{
	if (lab.mtu_bytes && (lab.mtu_bytes < 68 || lab.mtu_bytes > 65535))
		return complain("--mtu: give a number of bytes from 68 to 65535");
	if (lab.family && lab.family != 4 && lab.family != 6)
		return complain("--family: say 4 or 6");
	if (lab.keep && mkdir(lab.keep, 0755) < 0 && errno != EEXIST)
		return complain("--keep: cannot make %s: %m", lab.keep);
	lab.kernel_stack = lab.stack && !strcmp(lab.stack, "kernel");
	lab.keep = absolute(lab.keep);
	lab.pcap = absolute(lab.pcap);
	lab.log = absolute(lab.log);
	return 0;
}

/* The lab's folder is a place in the cache folder that each lab covers with its own file system. */
static int choose_folder(void)
{
	int result = places_cache(lab.cache);

	if (result)
		return complain("cannot use the cache folder %s: %s (set XDG_CACHE_HOME to a folder of yours)",
		    lab.cache, strerror(-result));
	snprintf(lab.folder, sizeof(lab.folder), "%.*s/lab", (int)sizeof(lab.folder) - 8, lab.cache);
	if (strlen(lab.folder) > FOLDER_BYTES_MAX)
		snprintf(lab.folder, sizeof(lab.folder), "/var/tmp/teachnet-lab-%u", (unsigned)geteuid());
	if (mkdir(lab.folder, 0755) < 0 && errno != EEXIST)
		return complain("cannot make %s: %m", lab.folder);
	return 0;
}

static int write_map(const char *file, unsigned id)
{
	char line[32];
	int bytes = snprintf(line, sizeof(line), "%u %u 1\n", id, id);
	FILE *out = fopen(file, "we");

	if (!out)
		return -1;
	fwrite(line, 1, (size_t)bytes, out);
	return fclose(out);
}

/* In a user namespace we stay who we are: one user is mapped, to itself. Programs see their usual
 * user, and get what they need in the lab as ambient capabilities (lab_init.c). */
static int map_user(uid_t uid, gid_t gid)
{
	FILE *deny = fopen("/proc/self/setgroups", "we");

	if (deny) {
		fputs("deny", deny);
		fclose(deny);
	}
	return write_map("/proc/self/uid_map", uid) || write_map("/proc/self/gid_map", gid) ? -1 : 0;
}

/* Like fork(), with new namespaces; with a user namespace when the plain ones are not allowed. */
static pid_t fork_into_namespaces(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	pid_t pid = -1;

	if (uid == 0) {
		lab.change_user = true;
		pid = (pid_t)syscall(SYS_clone, (unsigned long)NAMESPACES | SIGCHLD, NULL, NULL, NULL, NULL);
	}
	if (pid < 0) {
		lab.change_user = false;
		pid = (pid_t)syscall(SYS_clone, (unsigned long)NAMESPACES | CLONE_NEWUSER | SIGCHLD, NULL, NULL,
		    NULL, NULL);
		if (pid == 0 && map_user(uid, gid) < 0)
			_exit(complain("cannot map our user into the lab's user namespace: %m"));
	}
	return pid;
}

static int no_namespaces(void)
{
	if (errno == ENOSPC || errno == EUSERS)
		return complain("no more namespaces are allowed here: raise user.max_user_namespaces and "
				"user.max_net_namespaces with sysctl, or end other labs");
	if (geteuid() == 0)
		return complain("cannot make namespaces: %m (in a container: start it with --privileged, or with "
				"--cap-add SYS_ADMIN --security-opt seccomp=unconfined)");
	return complain("this machine does not let users make namespaces (%m): allow it with 'sysctl -w "
			"kernel.unprivileged_userns_clone=1' or 'sysctl -w "
			"kernel.apparmor_restrict_unprivileged_userns=0', or use sudo");
}

static void pass_on(int signal_number)
{
	if (init_pid > 0)
		kill(init_pid, signal_number);
}

/* Ctrl-C and Ctrl-\ reach CMD by the terminal; the others are handed on by process 1. */
static int wait_for_end(void)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN}, hand_on = {.sa_handler = pass_on};
	int status;

	sigaction(SIGINT, &ignore, NULL);
	sigaction(SIGQUIT, &ignore, NULL);
	sigaction(SIGTERM, &hand_on, NULL);
	sigaction(SIGHUP, &hand_on, NULL);
	while (waitpid(init_pid, &status, 0) < 0)
		if (errno != EINTR)
			return complain("lost the lab: %m");
	/* A shell in the lab has made itself the terminal's foreground group: take it back. */
	if (isatty(STDIN_FILENO)) {
		signal(SIGTTOU, SIG_IGN);
		tcsetpgrp(STDIN_FILENO, getpgrp());
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int command_lab(int argc, const char **argv)
{
	int first = options_parse(argc, argv, options), alive[2];

	if (first < 0)
		return STATUS_USAGE;
	lab.command = first < argc ? argv + first : NULL;
	if (check_options() || places_find(&lab.places, !lab.kernel_stack) || lab_services_check() || choose_folder() ||
	    lab_content_make(lab.cache))
		return STATUS_ERROR;
	if (pipe2(alive, O_CLOEXEC) < 0)
		return complain("cannot make a pipe: %m");
	fflush(NULL);
	init_pid = fork_into_namespaces();
	if (init_pid < 0)
		return no_namespaces();
	if (init_pid == 0) {
		close(alive[1]);
		lab.alive_fd = alive[0];
		lab_init(&lab);
	}
	close(alive[0]);
	return wait_for_end();
}
