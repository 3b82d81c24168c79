/* SPDX-License-Identifier: MIT */
/* The log: a line an event, written at once. It never waits for anything but a file or a terminal. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "service/service.h"

#define LINE_BYTES_MAX 1024
#define GATE_NS NSEC_PER_SEC

static struct {
	int fd;
	bool with_time;
	enum log_level least;
} out = {.fd = STDERR_FILENO, .least = LOG_LEVEL_NOTE};

int log_open(const char *file, bool with_time, enum log_level least, char message[CONFIG_MESSAGE_BYTES])
{
	out.with_time = with_time;
	out.least = least;
	if (!*file)
		return 0;
	out.fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0600);
	if (out.fd >= 0)
		return 0;
	snprintf(message, CONFIG_MESSAGE_BYTES, "cannot write the log %.200s: %s. Set TEACHNET_LOG to a file that you may write",
	    file, strerror(errno));
	out.fd = STDERR_FILENO;
	return -EACCES;
}

int log_fd(void)
{
	return out.fd;
}

static int write_time(char *line, size_t room)
{
	struct timespec t;
	struct tm local;

	clock_gettime(CLOCK_REALTIME, &t);
	localtime_r(&t.tv_sec, &local);
	return snprintf(line, room, "%04d-%02d-%02d %02d:%02d:%02d.%03ld ", local.tm_year + 1900, local.tm_mon + 1,
	    local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec, t.tv_nsec / 1000000);
}

void log_write(enum log_level level, const char *format, ...)
{
	static const char *const words[] = {
	    [LOG_LEVEL_ERROR] = "error: ", [LOG_LEVEL_WARNING] = "warning: ", [LOG_LEVEL_NOTE] = ""};
	char line[LINE_BYTES_MAX];
	va_list arguments;
	int at = 0;

	if (level > out.least)
		return;
	if (out.with_time)
		at = write_time(line, sizeof(line));
	at += snprintf(line + at, sizeof(line) - (size_t)at, "%s%s", out.with_time ? "" : "teachnetd: ", words[level]);
	va_start(arguments, format);
	at += vsnprintf(line + at, sizeof(line) - (size_t)at, format, arguments);
	va_end(arguments);
	if (at > LINE_BYTES_MAX - 2)
		at = LINE_BYTES_MAX - 2;
	line[at++] = '\n';
	/* A log that cannot be written is no reason to stop the traffic. */
	if (write(out.fd, line, (size_t)at) < 0)
		return;
}

bool log_gate_open(struct log_gate *gate)
{
	uint64_t now_ns = clock_now_ns();

	if (now_ns < gate->next_ns) {
		gate->suppressed++;
		return false;
	}
	gate->next_ns = now_ns + GATE_NS;
	if (gate->suppressed)
		log_write(LOG_LEVEL_WARNING, "the next line stands for %u more of its kind", gate->suppressed);
	gate->suppressed = 0;
	return true;
}
