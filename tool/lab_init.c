/* SPDX-License-Identifier: MIT */
/*
 * Process 1 of the lab. It puts everything in place, runs CMD on our host, reaps what is left
 * behind, and gives CMD's exit status on. When it ends, the kernel ends every process of the lab
 * with it; so what must not be cut off (our stack's last segments, the capture) is waited for here.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool/client.h"
#include "tool/command.h"
#include "tool/lab.h"

enum { EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127, TERMINATE_SECONDS = 2, DRAIN_MS = 2000 };

static pid_t command_pid;
static volatile sig_atomic_t told_to_end;
static struct sigaction callers_int, callers_quit; /* what CMD is to start with: nohup may be at work */

/* What programs of the lab may do there although they are not root: open packet sockets
 * (teachnetd), use low ports, set up links, go to the second host (teachnet peer). Outside of the
 * lab's own namespaces these capabilities mean nothing. */
static const cap_value_t lab_capabilities[] = {CAP_NET_RAW, CAP_NET_ADMIN, CAP_NET_BIND_SERVICE, CAP_SYS_ADMIN};
enum { CAPABILITY_COUNT = sizeof(lab_capabilities) / sizeof(lab_capabilities[0]) };

static void on_end(int signal_number)
{
	(void)signal_number;
	told_to_end = 1;
	if (command_pid > 0)
		kill(command_pid, SIGTERM);
	alarm(TERMINATE_SECONDS);
}

/* CMD did not heed SIGTERM. */
static void on_alarm(int signal_number)
{
	(void)signal_number;
	_exit(128 + SIGTERM);
}

static void follow_launcher(const struct lab *lab)
{
	struct pollfd gone = {.fd = lab->alive_fd};
	const struct sigaction ignore = {.sa_handler = SIG_IGN}, end = {.sa_handler = on_end},
	    alarmed = {.sa_handler = on_alarm};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (poll(&gone, 1, 0) == 1) /* it died before we asked to be told */
		_exit(1);
	sigaction(SIGINT, &ignore, &callers_int);
	sigaction(SIGQUIT, &ignore, &callers_quit);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGHUP, &end, NULL);
	sigaction(SIGALRM, &alarmed, NULL);
}

static int keep_capabilities(void)
{
	cap_t mine = cap_get_proc();
	int result;

	if (!mine)
		return complain("cannot read our capabilities: %m");
	cap_set_flag(mine, CAP_INHERITABLE, CAPABILITY_COUNT, lab_capabilities, CAP_SET);
	result = cap_set_proc(mine);
	cap_free(mine);
	for (unsigned i = 0; i < CAPABILITY_COUNT && result == 0; i++)
		result = cap_set_ambient(lab_capabilities[i], CAP_SET);
	return result < 0 ? complain("cannot hand our capabilities on: %m") : 0;
}

static int make_folder(const struct lab *lab)
{
	static const char *const inside[] = {"run", "www", "upload", "temp"};
	char path[PLACE_BYTES + 16];
	int result;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return complain("cannot make our mounts private: %m");
	/* Some containers forbid a new /proc; the old one serves, though its numbers are the outer ones. */
	mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	if (lab->keep)
		result = mount(lab->keep, lab->folder, NULL, MS_BIND, NULL);
	else
		result = mount("teachnet-lab", lab->folder, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
	if (result < 0)
		return complain("cannot mount on %s: %m", lab->folder);
	for (unsigned i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", lab->folder, inside[i]);
		if (mkdir(path, i ? 0755 : 0700) < 0 && errno != EEXIST)
			return complain("cannot make %s: %m", path);
	}
	return 0;
}

static void set(const char *name, const char *folder, const char *value)
{
	char text[2 * PLACE_BYTES];

	snprintf(text, sizeof(text), "%s%s%s", folder ? folder : "", folder ? "/" : "", value);
	setenv(name, text, 1);
}

/* So that `teachnet peer` is found from a build tree, too. */
static void extend_path(const struct lab *lab)
{
	const char *path = getenv("PATH");
	char text[2 * PLACE_BYTES];

	snprintf(text, sizeof(text), "%s:%s", lab->places.folder, path && *path ? path : "/usr/bin:/bin");
	setenv("PATH", text, 1);
}

/* Both stacks of a lab begin with the same congestion control, that of this machine's kernel, so that
 * --stack=kernel compares stacks and not algorithms. Who has chosen one keeps it. */
static void choose_congestion(void)
{
	static const char *const ours[] = {"cubic", "reno", "bbr"};
	FILE *file = getenv("TEACHNET_CONGESTION") ? NULL : fopen("/proc/sys/net/ipv4/tcp_congestion_control", "re");
	char name[16] = "";

	if (!file)
		return;
	if (fscanf(file, "%15s", name) == 1)
		for (unsigned i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
			if (!strcmp(name, ours[i]))
				setenv("TEACHNET_CONGESTION", name, 1);
	fclose(file);
}

/* With --dhcp, as on a LAN where nothing was configured. */
static void set_addresses(const struct lab *lab)
{
	char text[128];

	if (lab->dhcp) {
		unsetenv("TEACHNET_ADDR");
		unsetenv("TEACHNET_GATEWAY");
		unsetenv("TEACHNET_DNS");
		set("TEACHNET_IPV6", NULL, "yes");
		return;
	}
	snprintf(text, sizeof(text), "%s/%d,%s/%d", LAB_HOST_ADDRESS, LAB_PREFIX_BITS, LAB_HOST_ADDRESS6, LAB_PREFIX6_BITS);
	set("TEACHNET_ADDR", NULL, text);
	set("TEACHNET_GATEWAY", NULL, LAB_PEER_ADDRESS "," LAB_PEER_ADDRESS6);
	set("TEACHNET_DNS", NULL, lab_name_server(lab));
}

static void set_environment(const struct lab *lab)
{
	static const char *const trust[] = {"CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE",
		"GIT_SSL_CAINFO"};
	static const char *const settings[] = {"MAC", "MTU", "IPV6", "LOSS", "REORDER", "DUPLICATE", "DELAY", "RATE"};
	char text[2 * PLACE_BYTES];

	for (unsigned i = 0; i < sizeof(trust) / sizeof(trust[0]); i++)
		set(trust[i], lab->folder, "certificates.pem");
	/* What describes the caller's own network has no meaning in this one. */
	for (unsigned i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		snprintf(text, sizeof(text), "TEACHNET_%s", settings[i]);
		unsetenv(text);
	}
	extend_path(lab);
	choose_congestion();
	set(LAB_VARIABLE, NULL, lab->folder);
	set("TEACHNET_STACK", NULL, lab->stack ? lab->stack : "default");
	set("TEACHNET_INTERFACE", NULL, LAB_INTERFACE);
	set_addresses(lab);
	set("TEACHNET_RESOLV_CONF", lab->folder, "resolv.conf");
	set("TEACHNET_HOSTS", lab->folder, "hosts");
	set("TEACHNET_RUNTIME_DIR", lab->folder, "run");
	set("TEACHNET_CONFIG", lab->folder, "teachnet.conf");
	if (lab->log) {
		set("TEACHNET_LOG", NULL, lab->log);
		set("TEACHNET_NARRATE", NULL, "yes");
	}
	if (!lab->kernel_stack) {
		set("TEACHNET_DAEMON", NULL, lab->places.daemon);
		places_preload(&lab->places, text, sizeof(text));
		setenv("LD_PRELOAD", text, 1);
	}
}

static void greet(const struct lab *lab)
{
	if (lab->command || !isatty(STDERR_FILENO))
		return;
	fprintf(stderr,
	    "This shell is on host.lab (%s, %s), whose network is %s.\n"
	    "www.lab, also called peer.lab (%s, %s), offers http, https, DNS, iperf3, echo, discard and chargen.\n"
	    "teachnet peer CMD runs CMD there; teachnet ss, trace ... look into our stack; exit ends the lab.\n",
	    LAB_HOST_ADDRESS, LAB_HOST_ADDRESS6, lab->kernel_stack ? "the kernel's" : "our own TCP/IP stack",
	    LAB_PEER_ADDRESS, LAB_PEER_ADDRESS6);
}

__attribute__((noreturn)) static void become_command(const struct lab *lab)
{
	const char *shell[] = {getenv("SHELL"), NULL};
	const char **command = lab->command ? lab->command : shell;
	sigset_t none;

	if (!command[0] || !*command[0])
		command[0] = "/bin/sh";
	sigaction(SIGINT, &callers_int, NULL);
	sigaction(SIGQUIT, &callers_quit, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(command[0], (char **)command);
	complain("cannot run %s: %m", command[0]);
	_exit(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN);
}

/* Runs CMD to its end; its status as a shell would say it. */
static int run_command(const struct lab *lab)
{
	int status = 0, found;

	command_pid = fork();
	if (command_pid < 0)
		return complain("cannot start %s: %m", lab->command ? lab->command[0] : "a shell");
	if (command_pid == 0)
		become_command(lab);
	if (told_to_end) /* between the handler's installation and the fork */
		kill(command_pid, SIGTERM);
	for (;;) {
		pid_t pid = waitpid(-1, &found, 0);

		if (pid == command_pid) {
			status = found;
			break;
		}
		if (pid > 0)
			lab_services_ended(pid, found);
		else if (errno != EINTR)
			break;
	}
	alarm(0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void lab_init(struct lab *lab)
{
	int status;

	follow_launcher(lab);
	unsetenv("LD_PRELOAD");
	if (make_folder(lab) || (!lab->change_user && keep_capabilities()) || lab_links_make(lab) ||
	    lab_files_make(lab) || lab_services_start(lab) || lab_files_mount(lab))
		_exit(STATUS_ERROR);
	set_environment(lab);
	greet(lab);
	status = run_command(lab);
	/* What CMD sent last is still on its way, although CMD is gone. */
	if (!lab->kernel_stack)
		client_finish_stack(DRAIN_MS);
	lab_services_stop(lab);
	_exit(status);
}
