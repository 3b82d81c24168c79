/* SPDX-License-Identifier: MIT */
/*
 * Where settings come from: the defaults of config.def, the lines of one file, the environment; the
 * later wins. Types are config_types.c's affair, places paths.c's.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service/config.h"

#define VARIABLE_PREFIX "TEACHNET_"
#define VARIABLE_PREFIX_BYTES (sizeof(VARIABLE_PREFIX) - 1)

const struct config_row config_rows[CONFIG_KEY_COUNT] = {
#define CONFIG(name, type, fallback, text) {#name, CONFIG_TYPE_##type, fallback, text},
#include "service/config.def"
#undef CONFIG
};

/* Variables that begin like ours and are the build's or the tests' own affair. */
static const char *const not_ours[] = {"LAB", "PRELOAD", "TEST_MARK", "BINDIR", "LIBDIR"};

static int find_row(const char *name, size_t bytes)
{
	for (int i = 0; i < CONFIG_KEY_COUNT; i++)
		if (strlen(config_rows[i].name) == bytes && memcmp(config_rows[i].name, name, bytes) == 0)
			return i;
	return -1;
}

/* How many letters to change, add or drop (Levenshtein); names longer than the table count as far. */
static unsigned distance(const char *a, size_t a_bytes, const char *b)
{
	unsigned row[32];
	size_t b_bytes = strlen(b);

	if (a_bytes >= 32 || b_bytes >= 32)
		return UINT32_MAX;
	for (unsigned j = 0; j <= b_bytes; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a_bytes; i++) {
		unsigned corner = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= b_bytes; j++) {
			unsigned best = corner + (toupper((unsigned char)a[i - 1]) != b[j - 1]);

			corner = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b_bytes];
}

static const char *nearest(const char *name, size_t bytes)
{
	const char *best = config_rows[0].name;
	unsigned least = UINT32_MAX;

	for (unsigned i = 0; i < CONFIG_KEY_COUNT; i++) {
		unsigned d = distance(name, bytes, config_rows[i].name);

		if (d < least) {
			least = d;
			best = config_rows[i].name;
		}
	}
	return best;
}

static int set_value(struct config *c, int key, const char *text, enum config_source source,
    unsigned line, char message[CONFIG_MESSAGE_BYTES])
{
	struct config_value v = {.source = source, .line = line};
	char form[CONFIG_MESSAGE_BYTES];

	if (config_parse(config_rows[key].type, text, &v, form) < 0) {
		if (source == CONFIG_SOURCE_FILE)
			snprintf(message, CONFIG_MESSAGE_BYTES, "%.200s:%u: %s is `%.80s`: %.150s", c->file,
			    line, config_rows[key].name, text, form);
		else
			snprintf(message, CONFIG_MESSAGE_BYTES, VARIABLE_PREFIX "%s is `%.80s`: %.150s",
			    config_rows[key].name, text, form);
		return -EINVAL;
	}
	/* An empty value says "as if it were not set". */
	if (v.set || source == CONFIG_SOURCE_DEFAULT)
		c->value[key] = v;
	return 0;
}

/* ---- the file ---- */

static char *trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	/* Quotes around a value are a habit of shell users. */
	if (end - text >= 2 && (*text == '"' || *text == '\'') && end[-1] == *text) {
		end[-1] = '\0';
		text++;
	}
	return text;
}

static int read_line(struct config *c, char *line, unsigned number, char message[CONFIG_MESSAGE_BYTES])
{
	char *name = trim(line), *equals;
	int key;

	if (*name == '\0' || *name == '#' || *name == ';')
		return 0;
	equals = strchr(name, '=');
	if (!equals) {
		snprintf(message, CONFIG_MESSAGE_BYTES, "%.200s:%u: `%.80s` is not a setting: write NAME=value",
		    c->file, number, name);
		return -EINVAL;
	}
	*equals = '\0';
	name = trim(name);
	if (strncmp(name, VARIABLE_PREFIX, VARIABLE_PREFIX_BYTES) == 0)
		name += VARIABLE_PREFIX_BYTES;
	key = find_row(name, strlen(name));
	if (key < 0 || key == CONFIG_KEY_CONFIG) {
		if (key < 0)
			snprintf(message, CONFIG_MESSAGE_BYTES,
			    "%.200s:%u: there is no setting `%.80s`: did you mean %s?", c->file, number,
			    name, nearest(name, strlen(name)));
		else
			snprintf(message, CONFIG_MESSAGE_BYTES,
			    "%.200s:%u: `%s` names this very file: it makes sense in the environment only",
			    c->file, number, name);
		return -EINVAL;
	}
	return set_value(c, key, trim(equals + 1), CONFIG_SOURCE_FILE, number, message);
}

static int read_file(struct config *c, const char *path, bool must, char message[CONFIG_MESSAGE_BYTES])
{
	size_t filled = 0;
	ssize_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		int error = errno;

		if (!must)
			return error == ENOENT || error == ENOTDIR || error == EACCES ? 0 : -error;
		snprintf(message, CONFIG_MESSAGE_BYTES,
		    "cannot read the configuration file %.200s (TEACHNET_CONFIG): %s", path, strerror(error));
		return -error;
	}
	c->file_text = malloc(CONFIG_FILE_BYTES_MAX + 1);
	while (c->file_text && filled < CONFIG_FILE_BYTES_MAX &&
	       (n = read(fd, c->file_text + filled, CONFIG_FILE_BYTES_MAX - filled)) > 0)
		filled += (size_t)n;
	n = !c->file_text ? -ENOMEM : n < 0 ? -errno : 0;
	close(fd);
	if (n == 0 && (filled == CONFIG_FILE_BYTES_MAX || memchr(c->file_text, '\0', filled)))
		n = -EINVAL;
	if (n < 0) {
		snprintf(message, CONFIG_MESSAGE_BYTES, "the configuration file %.200s is no text of at most %u bytes",
		    path, CONFIG_FILE_BYTES_MAX - 1);
		return (int)n;
	}
	c->file_text[filled] = '\0';
	snprintf(c->file, sizeof(c->file), "%s", path);
	return 0;
}

static int read_lines(struct config *c, char message[CONFIG_MESSAGE_BYTES])
{
	unsigned number = 1;

	for (char *line = c->file_text, *end; line; line = end, number++) {
		int error;

		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		error = read_line(c, line, number, message);
		if (error < 0)
			return error;
	}
	return 0;
}

/* ---- the environment ---- */

static const char *environment_get(char *const *environment, const char *name)
{
	size_t bytes = strlen(name);

	for (; environment && *environment; environment++)
		if (strncmp(*environment, name, bytes) == 0 && (*environment)[bytes] == '=')
			return *environment + bytes + 1;
	return NULL;
}

static int find_file(struct config *c, char *const *environment, char message[CONFIG_MESSAGE_BYTES])
{
	const char *named = environment_get(environment, VARIABLE_PREFIX "CONFIG");
	const char *home = environment_get(environment, "HOME");
	char path[CONFIG_PATH_BYTES];
	int error;

	if (named && *named)
		return read_file(c, named, true, message);
	if (home && *home && snprintf(path, sizeof(path), "%s/.config/teachnet.conf", home) < (int)sizeof(path)) {
		error = read_file(c, path, false, message);
		if (error < 0 || c->file_text)
			return error;
	}
	return read_file(c, "/etc/teachnet.conf", false, message);
}

static int read_environment(struct config *c, char *const *environment,
    void (*warn)(void *context, const char *sentence), void *context,
    char message[CONFIG_MESSAGE_BYTES])
{
	for (; environment && *environment; environment++) {
		const char *name = *environment + VARIABLE_PREFIX_BYTES, *equals;
		bool ignored = false;
		int key, error;

		if (strncmp(*environment, VARIABLE_PREFIX, VARIABLE_PREFIX_BYTES) != 0)
			continue;
		equals = strchr(name, '=');
		if (!equals)
			continue;
		key = find_row(name, (size_t)(equals - name));
		if (key >= 0) {
			error = set_value(c, key, equals + 1, CONFIG_SOURCE_ENVIRONMENT, 0, message);
			if (error < 0)
				return error;
			continue;
		}
		for (unsigned i = 0; i < sizeof(not_ours) / sizeof(*not_ours); i++)
			ignored = ignored || (strlen(not_ours[i]) == (size_t)(equals - name) &&
			                         strncmp(not_ours[i], name, (size_t)(equals - name)) == 0);
		if (warn && !ignored) {
			char sentence[CONFIG_MESSAGE_BYTES];

			snprintf(sentence, sizeof(sentence),
			    "there is no setting " VARIABLE_PREFIX "%.*s: did you mean " VARIABLE_PREFIX "%s?",
			    (int)(equals - name < 80 ? equals - name : 80), name,
			    nearest(name, (size_t)(equals - name)));
			warn(context, sentence);
		}
	}
	return 0;
}

int config_load(struct config *c, char *const *environment,
    void (*warn)(void *context, const char *sentence), void *context,
    char message[CONFIG_MESSAGE_BYTES])
{
	int error;

	memset(c, 0, sizeof(*c));
	message[0] = '\0';
	for (int key = 0; key < CONFIG_KEY_COUNT; key++) {
		error = set_value(c, key, config_rows[key].fallback, CONFIG_SOURCE_DEFAULT, 0, message);
		if (error < 0)
			return error;
	}
	c->xdg_runtime_dir = environment_get(environment, "XDG_RUNTIME_DIR");
	error = find_file(c, environment, message);
	if (error == 0 && c->file_text)
		error = read_lines(c, message);
	if (error == 0)
		error = read_environment(c, environment, warn, context, message);
	return error;
}

void config_free(struct config *c)
{
	free(c->file_text);
	c->file_text = NULL;
}
