/* SPDX-License-Identifier: MIT */
/*
 * Owns the copies of the configuration that this process began with.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/real.h"
#include "preload/settings.h"

#define VALUE_MAX 256
#define FILE_MAX 16384

static struct {
	bool from_environment;
	bool complete;
	bool kernel;
	char value[SETTING_COUNT][VALUE_MAX];
	bool given[SETTING_COUNT];
	char home[VALUE_MAX];
	char xdg_runtime_dir[VALUE_MAX];
	char runtime_dir[VALUE_MAX];
} settings;

static const struct {
	const char *name;
	const char *standard;
} rows[SETTING_COUNT] = {
#define CONFIG(name_, type, standard_, meaning) { .name = #name_, .standard = standard_ },
#include "service/config.def"
#undef CONFIG
};

static void copy_text(char *to, const char *from, size_t bytes)
{
	if (bytes >= VALUE_MAX)
		bytes = VALUE_MAX - 1;
	memcpy(to, from, bytes);
	to[bytes] = 0;
}

/* One NAME=value, both ends given. The first that names a row wins. */
static void take_pair(const char *name, size_t name_bytes, const char *value, size_t value_bytes)
{
	for (unsigned i = 0; i < SETTING_COUNT; i++) {
		if (strlen(rows[i].name) != name_bytes || memcmp(rows[i].name, name, name_bytes) != 0)
			continue;
		if (!settings.given[i])
			copy_text(settings.value[i], value, value_bytes);
		settings.given[i] = true;
	}
}

void settings_from_environment(void)
{
	static const char prefix[] = "TEACHNET_";

	if (settings.from_environment || environ == NULL)
		return;
	for (char **e = environ; *e != NULL; e++) {
		const char *equals = strchr(*e, '=');

		if (equals == NULL)
			continue;
		if (strncmp(*e, prefix, sizeof(prefix) - 1) == 0) {
			const char *name = *e + sizeof(prefix) - 1;

			take_pair(name, (size_t)(equals - name), equals + 1, strlen(equals + 1));
		} else if (strncmp(*e, "HOME=", 5) == 0) {
			copy_text(settings.home, equals + 1, strlen(equals + 1));
		} else if (strncmp(*e, "XDG_RUNTIME_DIR=", 16) == 0) {
			copy_text(settings.xdg_runtime_dir, equals + 1, strlen(equals + 1));
		}
	}
	settings.kernel = strcmp(settings_value(SETTING_STACK), "kernel") == 0;
	settings.from_environment = true;
}

static const char *skip_space(const char *s, const char *end)
{
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	return s;
}

static const char *trim_space(const char *s, const char *end)
{
	while (end > s && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	return end;
}

static void take_line(const char *line, const char *end)
{
	const char *equals;
	const char *value;

	line = skip_space(line, end);
	if (line >= end || *line == '#')
		return;
	equals = memchr(line, '=', (size_t)(end - line));
	if (equals == NULL)
		return;
	value = skip_space(equals + 1, end);
	end = trim_space(value, end);
	take_pair(line, (size_t)(trim_space(line, equals) - line), value, (size_t)(end - value));
}

/* Returns whether there is such a file. */
static bool read_file(const char *path)
{
	static char text[FILE_MAX];
	ssize_t got;
	size_t bytes = 0;
	int fd = (int)real.syscall(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);

	if (fd < 0)
		return false;
	while (bytes < sizeof(text) && (got = real.read(fd, text + bytes, sizeof(text) - bytes)) > 0)
		bytes += (size_t)got;
	real.close(fd);
	for (const char *line = text, *end = text + bytes; line < end;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));

		take_line(line, newline != NULL ? newline : end);
		line = newline != NULL ? newline + 1 : end;
	}
	return true;
}

static void choose_runtime_dir(void)
{
	const char *given = settings_value(SETTING_RUNTIME_DIR);
	char *dir = settings.runtime_dir;
	size_t bytes;

	if (given[0] != 0)
		snprintf(dir, VALUE_MAX, "%s", given);
	else if (settings.xdg_runtime_dir[0] == '/')
		snprintf(dir, VALUE_MAX, "%.240s/teachnet", settings.xdg_runtime_dir);
	else if (geteuid() == 0)
		snprintf(dir, VALUE_MAX, "/run/teachnet");
	else
		snprintf(dir, VALUE_MAX, "/tmp/teachnet-%u", (unsigned)geteuid());
	bytes = strlen(dir);
	while (bytes > 1 && dir[bytes - 1] == '/')
		dir[--bytes] = 0;
}

void settings_complete(void)
{
	char path[VALUE_MAX + 32];
	const char *given;

	if (settings.complete)
		return;
	settings_from_environment();
	given = settings_value(SETTING_CONFIG);
	snprintf(path, sizeof(path), "%s/.config/teachnet.conf", settings.home);
	if (given[0] != 0)
		(void)read_file(given);
	else if (settings.home[0] == 0 || !read_file(path))
		(void)read_file("/etc/teachnet.conf");
	settings.kernel = strcmp(settings_value(SETTING_STACK), "kernel") == 0;
	choose_runtime_dir();
	settings.complete = true;
}

const char *settings_value(enum setting s)
{
	return settings.given[s] ? settings.value[s] : rows[s].standard;
}

bool settings_kernel(void)
{
	return settings.kernel;
}

const char *settings_runtime_dir(void)
{
	return settings.runtime_dir;
}
