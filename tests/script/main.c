/* SPDX-License-Identifier: MIT */
/*
 * tests/script/script [--list] [FILE|FOLDER ...]: runs scripts in packetdrill's notation against the
 * engine and prints TAP, a line a script. Without arguments: all scripts of the source tree's
 * tests/script.
 */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/script/world.h"

struct script_run script_run;

struct block {
	struct block *next;
};

void *script_take(size_t bytes)
{
	struct block *b = calloc(1, sizeof(*b) + 8 + bytes);

	b->next = script_run.blocks;
	script_run.blocks = b;
	return (char *)b + sizeof(*b) + 8;
}

char *script_copy(const char *text, size_t bytes)
{
	char *copy = script_take(bytes + 1);

	memcpy(copy, text, bytes);
	copy[bytes] = 0;
	return copy;
}

void script_release(void)
{
	while (script_run.blocks) {
		struct block *b = script_run.blocks;

		script_run.blocks = b->next;
		free(b);
	}
}

void script_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(script_run.message, sizeof(script_run.message), format, args);
	va_end(args);
	longjmp(script_run.failed, 1);
}

void script_note(const char *format, ...)
{
	va_list args;

	printf("#   ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

static char *files[4096];
static unsigned file_count;

static void collect(const char *path)
{
	struct stat st;
	struct dirent **entry;
	int n;

	if (stat(path, &st) < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(99);
	}
	if (!S_ISDIR(st.st_mode)) {
		if (file_count < sizeof(files) / sizeof(files[0]))
			files[file_count++] = strdup(path);
		return;
	}
	n = scandir(path, &entry, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		char sub[4096];
		const char *name = entry[i]->d_name, *dot = strrchr(name, '.');

		snprintf(sub, sizeof(sub), "%s/%s", path, name);
		if (name[0] != '.' && stat(sub, &st) == 0 && (S_ISDIR(st.st_mode) || (dot && !strcmp(dot, ".pkt"))))
			collect(sub);
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
}

static char *read_text(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	if (!f) {
		snprintf(script_run.message, sizeof(script_run.message), "%s", strerror(errno));
		free(text);
		return NULL;
	}
	fread(text, 1, (1 << 20) - 1, f);
	fclose(f);
	return text;
}

static const char *short_name(const char *path, const char *root)
{
	size_t n = strlen(root);

	return n && strncmp(path, root, n) == 0 ? path + n + (path[n] == '/') : path;
}

/* True when the script passed. */
static bool run_file(const char *path, unsigned number, const char *root)
{
	static struct script s;
	char *volatile text;

	script_run.message[0] = 0;
	s = (struct script){.path = path};
	text = read_text(path);
	if (text && setjmp(script_run.failed) == 0) {
		parse_script(&s, path, text);
		run_script(&s);
	}
	printf("%s %u - %s%s%s\n", script_run.message[0] ? "not ok" : "ok", number, short_name(path, root),
	    s.story && *s.story ? ": " : "", s.story ? s.story : "");
	if (script_run.message[0])
		for (char *line = strtok(script_run.message, "\n"); line; line = strtok(NULL, "\n"))
			printf("#   %s\n", line);
	fflush(stdout);
	free(text);
	script_release();
	return !script_run.message[0];
}

int main(int argc, char **argv)
{
	const char *source = getenv("top_srcdir");
	char root[4096] = "";
	unsigned failed = 0;

	if (argc > 1) {
		for (int i = 1; i < argc; i++)
			collect(argv[i]);
	} else {
		snprintf(root, sizeof(root), "%s/tests/script", source ? source : ".");
		collect(root);
	}
	printf("1..%u\n", file_count);
	for (unsigned i = 0; i < file_count; i++) {
		failed += !run_file(files[i], i + 1, root);
		free(files[i]);
	}
	return failed != 0;
}
