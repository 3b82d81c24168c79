/* SPDX-License-Identifier: MIT */
/*
 * The services of the lab's second host, a row each: started there, all at once, in the lab's
 * folder; ready when the kernel lists their ports (no connection disturbs them, no sleep is
 * guessed). They end with the lab. Each writes to NAME.log.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tool/command.h"
#include "tool/lab.h"

enum { READY_MS_MAX = 15000, POLL_MS = 2, PORTS_MAX = 4, STOP_MS_MAX = 1000 };

static struct service {
	const char *name, *package; /* package NULL: our own code */
	const char *words[8];
	bool changes_user; /* drops root by itself */
	uint16_t tcp[PORTS_MAX], udp[PORTS_MAX];
	pid_t pid;
} services[] = {
	{"dnsmasq", "dnsmasq-base", {"dnsmasq", "-C", "dnsmasq.conf"}, true, {53}, {53}, 0},
	{"nginx", "nginx-light", {"nginx", "-p", "./", "-e", "stderr", "-c", "nginx.conf"}, true, {80, 443}, {0}, 0},
	{"iperf3", "iperf3", {"iperf3", "-s"}, false, {5201}, {0}, 0},
	{"peerd", NULL, {NULL}, false, {7, 9, 19}, {7, 9, 19}, 0},
};

enum { SERVICE_COUNT = sizeof(services) / sizeof(services[0]) };

/* Daemons lie where users' PATH does not always look. */
static bool find_program(const char *name)
{
	char path[256], *folder, *rest, *folders;
	const char *user = getenv("PATH");
	bool found = false;

	if (asprintf(&folders, "%s:/usr/sbin:/sbin:/usr/local/sbin", user ? user : "/usr/bin:/bin") < 0)
		return false;
	rest = folders;
	while (!found && (folder = strsep(&rest, ":"))) {
		snprintf(path, sizeof(path), "%s/%s", folder, name);
		found = access(path, X_OK) == 0;
	}
	free(folders);
	return found;
}

int lab_services_check(void)
{
	char names[128] = "", packages[128] = "";

	for (unsigned i = 0; i <= SERVICE_COUNT; i++) {
		const char *name = i < SERVICE_COUNT ? services[i].name : "openssl";
		const char *package = i < SERVICE_COUNT ? services[i].package : "openssl";

		if (!package || find_program(name))
			continue;
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", *names ? ", " : "", name);
		snprintf(packages + strlen(packages), sizeof(packages) - strlen(packages), " %s", package);
	}
	return *names ? complain("the lab needs %s: apt-get install%s", names, packages) : 0;
}

pid_t lab_spawn(const struct lab *lab, const char *name)
{
	const char *path = getenv("PATH");
	char text[PLACE_BYTES + 64];
	pid_t pid = fork();
	sigset_t none;
	int fd;

	if (pid)
		return pid;
	setsid();
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	alarm(0);
	snprintf(text, sizeof(text), "%s:/usr/sbin:/sbin:/usr/local/sbin", path ? path : "/usr/bin:/bin");
	setenv("PATH", text, 1);
	snprintf(text, sizeof(text), "%s/%s.log", lab->folder, name);
	fd = open(text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	dup2(fd, STDIN_FILENO);
	if (chdir(lab->folder) < 0)
		_exit(complain("cannot enter %s: %m", lab->folder));
	return 0;
}

static void become_nobody(void)
{
	const struct passwd *nobody = getpwnam("nobody");

	if (!nobody || setgroups(0, NULL) < 0 || setgid(nobody->pw_gid) < 0 || setuid(nobody->pw_uid) < 0)
		_exit(complain("cannot become the user nobody: %m"));
}

__attribute__((noreturn)) static void become_service(const struct lab *lab, const struct service *s)
{
	lab_enter(lab->peer_ns_fd);
	if (!s->package && peerd_open())
		_exit(1);
	if (lab->change_user && !s->changes_user)
		become_nobody();
	if (!s->package)
		peerd_run();
	execvp(s->words[0], (char *const *)s->words);
	complain("cannot run %s: %m", s->words[0]);
	_exit(1);
}

/* What the web server offers is the cache's folder; uploads belong to whom it runs as. */
static int prepare(const struct lab *lab)
{
	const struct passwd *nobody = getpwnam("nobody");
	char from[PLACE_BYTES + 8], to[PLACE_BYTES + 8];

	snprintf(from, sizeof(from), "%s/www", lab->cache);
	snprintf(to, sizeof(to), "%s/www", lab->folder);
	/* The lab's folder may cover a part of the cache, never this one. */
	if (mount(from, to, NULL, MS_BIND, NULL) < 0)
		return complain("cannot mount %s on %s: %m", from, to);
	snprintf(to, sizeof(to), "%s/upload", lab->folder);
	if (lab->change_user && nobody && chown(to, nobody->pw_uid, nobody->pw_gid) < 0)
		return complain("cannot give %s to the web server: %m", to);
	return 0;
}

static FILE *open_table(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/net/%s", name);
	return fopen(path, "re");
}

/* Is port in a table of /proc/net in this state (a TCP listener is 0A, a UDP socket 07)? */
static bool listed(const char *name, unsigned port, unsigned state)
{
	static const char *const families[] = {"", "6"};
	char table[8], line[256];
	bool found = false;

	for (unsigned i = 0; i < 2 && !found; i++) {
		unsigned local, its_state;
		FILE *in;

		snprintf(table, sizeof(table), "%s%s", name, families[i]);
		in = open_table(table);
		while (in && !found && fgets(line, sizeof(line), in))
			found = sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x", &local, &its_state) == 2 &&
			    local == port && its_state == state;
		if (in)
			fclose(in);
	}
	return found;
}

static bool is_ready(const struct service *s)
{
	for (unsigned i = 0; i < PORTS_MAX; i++)
		if ((s->tcp[i] && !listed("tcp", s->tcp[i], 0x0a)) || (s->udp[i] && !listed("udp", s->udp[i], 0x07)))
			return false;
	return true;
}

static void sleep_ms(unsigned ms)
{
	const struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&span, NULL);
}

/* The last lines of its log, for a service that would not start. */
static int show_log(const struct lab *lab, const char *name)
{
	char path[PLACE_BYTES + 64], line[512];
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s.log", lab->folder, name);
	in = fopen(path, "re");
	while (in && fgets(line, sizeof(line), in))
		fprintf(stderr, "  %s", line);
	if (in)
		fclose(in);
	return STATUS_ERROR;
}

bool lab_services_ended(pid_t pid, int status)
{
	for (unsigned i = 0; i < SERVICE_COUNT; i++) {
		if (services[i].pid != pid)
			continue;
		services[i].pid = 0;
		fprintf(stderr, "%s: %s has ended unexpectedly (%s %d)\n", command_name, services[i].name,
		    WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		return true;
	}
	return false;
}

static int wait_until_ready(const struct lab *lab)
{
	int status;

	for (unsigned waited_ms = 0; waited_ms < READY_MS_MAX; waited_ms += POLL_MS) {
		const struct service *late = NULL;
		pid_t ended = waitpid(-1, &status, WNOHANG);

		for (unsigned i = 0; i < SERVICE_COUNT && !late; i++) {
			if (ended > 0 && services[i].pid == ended) {
				complain("%s ended at once; it said:", services[i].name);
				return show_log(lab, services[i].name);
			}
			if (!is_ready(&services[i]))
				late = &services[i];
		}
		if (!late)
			return 0;
		sleep_ms(POLL_MS);
	}
	for (unsigned i = 0; i < SERVICE_COUNT; i++) {
		if (!is_ready(&services[i])) {
			complain("%s is not ready after %d s; it said:", services[i].name, READY_MS_MAX / 1000);
			show_log(lab, services[i].name);
		}
	}
	return STATUS_ERROR;
}

int lab_services_start(struct lab *lab)
{
	int result;

	if (prepare(lab))
		return STATUS_ERROR;
	for (unsigned i = 0; i < SERVICE_COUNT; i++) {
		struct service *s = &services[i];

		s->pid = lab_spawn(lab, s->name);
		if (s->pid == 0)
			become_service(lab, s);
		if (s->pid < 0)
			return complain("cannot start %s: %m", s->name);
	}
	lab_enter(lab->peer_ns_fd); /* its tables are to be read */
	result = wait_until_ready(lab);
	lab_enter(lab->host_ns_fd);
	return result;
}

/* The wire is asked, so that its capture is whole; the rest ends with process 1. */
void lab_services_stop(struct lab *lab)
{
	if (!lab->wire_pid)
		return;
	kill(lab->wire_pid, SIGTERM);
	for (unsigned waited_ms = 0; waited_ms < STOP_MS_MAX; waited_ms += POLL_MS) {
		pid_t ended = waitpid(lab->wire_pid, NULL, WNOHANG);

		if (ended == lab->wire_pid || ended < 0)
			return;
		sleep_ms(POLL_MS);
	}
}
