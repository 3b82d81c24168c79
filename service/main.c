/* SPDX-License-Identifier: MIT */
/*
 * teachnetd: the protocol stack of our host, as a process. This file is its life from the command
 * line to the end: configuration, lock, stack, privileges, door, loop, farewell.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "service/channel.h"
#include "service/dhcp.h"
#include "service/life.h"
#include "service/narrate.h"
#include "service/pair.h"
#include "service/service.h"

/* How long a start waits for somebody to say that the address is taken. */
#define CONFLICT_WAIT_NS (100 * NSEC_PER_MSEC)
/* How long it waits for a DHCP server. Some look for three seconds whether an address is free. */
#define LEASE_WAIT_NS (8 * NSEC_PER_SEC)
#define WARNINGS_MAX 8U

struct options {
	bool foreground, automatic, config_check;
	int ready_fd;
};

static const char usage[] =
    "teachnetd: the protocol stack that programs with libteachnet.so use\n"
    "\n"
    "  --foreground      stay in this terminal and tell what happens on the wire (the default)\n"
    "  --auto            go to the background and leave when idle; programs start it so\n"
    "  --ready-fd=N      with --auto: write `ok` or `error: ...` to this descriptor\n"
    "  --config-check    check the configuration, print it and end\n"
    "  --version, --help\n"
    "\n"
    "Settings are TEACHNET_* variables or lines of a file: see --config-check and README.md.\n";

static int read_options(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
	    {"foreground", no_argument, NULL, 'f'},
	    {"auto", no_argument, NULL, 'a'},
	    {"ready-fd", required_argument, NULL, 'r'},
	    {"config-check", no_argument, NULL, 'c'},
	    {"version", no_argument, NULL, 'V'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	char *end;
	int c;

	*o = (struct options){.ready_fd = -1};
	while ((c = getopt_long(argc, argv, "fhV", known, NULL)) != -1) {
		switch (c) {
		case 'f':
			o->foreground = true;
			break;
		case 'a':
			o->automatic = true;
			break;
		case 'c':
			o->config_check = true;
			break;
		case 'r':
			o->ready_fd = (int)strtol(optarg, &end, 10);
			if (*end || end == optarg || o->ready_fd < 0) {
				fprintf(stderr, "teachnetd: --ready-fd=%s: give the number of an open descriptor\n", optarg);
				return 2;
			}
			break;
		case 'V':
			printf("teachnetd %s, control protocol %u\n", TEACHNET_VERSION, CONTROL_VERSION);
			exit(0);
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs("teachnetd: see --help\n", stderr);
			return 2;
		}
	}
	if (optind < argc)
		fprintf(stderr, "teachnetd: `%s` is not an option: see --help\n", argv[optind]);
	else if (o->foreground && o->automatic)
		fputs("teachnetd: --foreground and --auto exclude each other\n", stderr);
	else
		return 0;
	return 2;
}

/* ---- telling whoever waits ---- */

static void say_ready(const struct options *o, const char *error)
{
	char line[CONFIG_MESSAGE_BYTES + 16];
	int bytes = error ? snprintf(line, sizeof(line), "error: %s\n", error) : snprintf(line, sizeof(line), "ok\n");

	if (o->ready_fd < 0)
		return;
	signal(SIGPIPE, SIG_IGN);
	/* Whoever has stopped waiting need not hear it. */
	if (write(o->ready_fd, line, (size_t)bytes) < 0)
		return;
	close(o->ready_fd);
}

static int fail(const struct options *o, const char *message)
{
	log_write(LOG_LEVEL_ERROR, "%s", message);
	say_ready(o, message);
	return 1;
}

/* What is odd about the configuration is found before the log is open, which it names. */
struct warnings {
	unsigned count;
	char sentence[WARNINGS_MAX][CONFIG_MESSAGE_BYTES];
};

static void keep_warning(void *context, const char *sentence)
{
	struct warnings *w = context;

	if (w->count < WARNINGS_MAX)
		snprintf(w->sentence[w->count++], CONFIG_MESSAGE_BYTES, "%s", sentence);
}

static void log_warnings(const struct warnings *w)
{
	for (unsigned i = 0; i < w->count; i++)
		log_write(LOG_LEVEL_WARNING, "%s", w->sentence[i]);
}

static void print_config(const struct config *c)
{
	for (unsigned i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_value *v = &c->value[i];

		printf("TEACHNET_%s=%s", config_rows[i].name, v->text);
		if (v->source == CONFIG_SOURCE_FILE)
			printf("  # %s:%u\n", c->file, v->line);
		else
			printf("%s\n", v->source == CONFIG_SOURCE_ENVIRONMENT ? "  # environment" : "");
	}
}

/* ---- signals ---- */

static void signal_ready(struct service *s, struct watch *w, uint32_t events)
{
	struct signalfd_siginfo info;

	(void)events;
	if (read(w->fd, &info, sizeof(info)) != sizeof(info))
		return;
	log_write(LOG_LEVEL_NOTE, "stopped by signal %u", info.ssi_signo);
	s->stopping = true;
}

static int watch_signals(struct service *s)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	s->signals = (struct watch){.fd = fd, .ready = signal_ready};
	return watch_add(s, &s->signals, EPOLLIN);
}

/* ---- begin and end ---- */

static int begin(struct service *s, const struct options *o, const struct config *c, char message[CONFIG_MESSAGE_BYTES])
{
	int error;

	s->config = c;
	s->netif_watch.fd = s->listener.fd = s->signals.fd = -1;
	s->auto_started = o->automatic;
	s->idle_exit_ns = c->value[CONFIG_KEY_IDLE_EXIT].ns;
	s->idle_since_ns = TIME_NEVER;
	wait_open(s, c->value[CONFIG_KEY_POLL].ns);
	TAILQ_INIT(&s->channels);
	SLIST_INIT(&s->graves);
	s->now_ns = clock_now_ns();
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	error = s->epoll_fd < 0 ? -errno : pair_table_create(s);
	if (error == 0 && getrandom(&s->instance, sizeof(s->instance), 0) != sizeof(s->instance))
		error = -errno;
	if (error == 0)
		error = listen_measure(s);
	if (error == 0)
		error = watch_signals(s);
	if (error < 0) {
		snprintf(message, CONFIG_MESSAGE_BYTES, "cannot start: %s", strerror(-error));
		return error;
	}
	error = control_path(c, s->socket_path, message);
	if (error == 0)
		error = setup_stack(s, message);
	return error;
}

/* Programs that ask meanwhile wait for the start: nobody needs to know that there is no address yet. */
static void await_lease(struct service *s)
{
	uint64_t until_ns = clock_now_ns() + LEASE_WAIT_NS;

	while (dhcp_is_waiting(s) && !s->stopping && clock_now_ns() < until_ns)
		loop_round(s, until_ns - clock_now_ns());
	if (dhcp_is_waiting(s))
		dhcp_fall_back(s);
}

/* An address that somebody else has would break both hosts: better not to begin. */
static int check_addresses(struct service *s, char message[CONFIG_MESSAGE_BYTES])
{
	uint64_t until_ns = clock_now_ns() + CONFLICT_WAIT_NS;

	while (s->netif && !s->address_conflict && !s->stopping && clock_now_ns() < until_ns)
		loop_round(s, until_ns - clock_now_ns());
	if (!s->address_conflict)
		return 0;
	snprintf(message, CONFIG_MESSAGE_BYTES, "%s", s->conflict);
	return -EADDRINUSE;
}

static void reset_pair(struct pair *p, void *context)
{
	(void)context;
	pair_abort(p);
}

static void end(struct service *s)
{
	if (s->listener.fd >= 0)
		unlink(s->socket_path);
	if (s->stack && s->pairs) {
		/* The peers hear of it, too. */
		pair_visit(s, reset_pair, NULL);
		frames_transmit(s);
	}
	if (s->stack && s->netif)
		dhcp_end(s);
	watch_close(&s->listener);
	channel_close_all(s);
	narrate_destroy(s);
	setup_undo(s);
	pair_table_destroy(s);
	loop_bury_all(s);
	watch_close(&s->signals);
	if (s->epoll_fd >= 0)
		close(s->epoll_fd);
}

static int serve(const struct options *o, const struct config *c)
{
	static struct service s;
	char message[CONFIG_MESSAGE_BYTES] = "";
	int error;

	life_raise_limits();
	error = begin(&s, o, c, message);
	if (error == 0)
		error = narrate_create(&s);
	if (error == 0)
		error = life_drop_privileges(message);
	frames_open(&s);
	if (error == 0)
		await_lease(&s);
	if (error == 0)
		error = check_addresses(&s, message);
	if (error == 0)
		error = channel_open_door(&s, message);
	if (error == 0) {
		log_write(LOG_LEVEL_NOTE, "teachnetd %s serves the stack `%s` at %s", TEACHNET_VERSION,
		    c->value[CONFIG_KEY_STACK].text, s.socket_path);
		say_ready(o, NULL);
		loop_run(&s);
	} else {
		if (!*message)
			snprintf(message, sizeof(message), "cannot start: %s", strerror(-error));
		fail(o, message);
	}
	end(&s);
	return error < 0;
}

static int open_log(const struct options *o, const struct config *c, char message[CONFIG_MESSAGE_BYTES])
{
	const struct config_value *file = &c->value[CONFIG_KEY_LOG];
	char path[CONFIG_PATH_BYTES];
	int error = 0;

	if (!o->automatic)
		return log_open("", false, LOG_LEVEL_NOTE, message);
	if (file->set)
		snprintf(path, sizeof(path), "%s", file->text);
	else
		error = config_stack_path(c, ".log", path, message);
	if (error < 0)
		return error;
	return log_open(path, true, c->value[CONFIG_KEY_NARRATE].yes ? LOG_LEVEL_NOTE : LOG_LEVEL_WARNING, message);
}

static int run(const struct options *o, struct config *c)
{
	char message[CONFIG_MESSAGE_BYTES] = "", folder[CONFIG_PATH_BYTES];
	int lock_fd = -1, status;
	struct warnings warnings = {.count = 0};
	int error = config_load(c, environ, keep_warning, &warnings, message);

	if (error == 0 && o->config_check) {
		log_warnings(&warnings);
		print_config(c);
		return 0;
	}
	if (error == 0 && strcmp(c->value[CONFIG_KEY_STACK].text, "kernel") == 0) {
		snprintf(message, sizeof(message), "TEACHNET_STACK is `kernel`, which means no stack of ours: give it another name");
		error = -EINVAL;
	}
	if (error == 0)
		error = config_runtime_dir(c, folder, message);
	if (error == 0)
		error = config_make_runtime_dir(folder, message);
	if (error == 0)
		error = open_log(o, c, message);
	if (error == 0)
		log_warnings(&warnings);
	if (error == 0)
		error = life_lock(c, o->automatic, &lock_fd, message);
	if (error == -EALREADY) {
		say_ready(o, NULL);
		return 0;
	}
	if (error < 0)
		return fail(o, message);
	if (chdir("/") < 0)
		log_write(LOG_LEVEL_WARNING, "cannot leave the current folder: %s", strerror(errno));
	status = serve(o, c);
	close(lock_fd);
	return status;
}

int main(int argc, char **argv)
{
	struct options o;
	struct config c;
	int status = read_options(argc, argv, &o);

	if (status)
		return status;
	if (o.automatic)
		life_daemonize(o.ready_fd);
	status = run(&o, &c);
	config_free(&c);
	return status;
}
