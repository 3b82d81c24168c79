/* SPDX-License-Identifier: MIT */
/*
 * teachnet check PROGRAM: says beforehand what of a program's traffic our stack will not see, and
 * why. It reads the file (libelf) and runs nothing. A finding is either fatal (the library cannot be
 * loaded: everything goes to the kernel) or a caution (a part may).
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tool/command.h"

#define INTERPRETERS_MAX 4
#define LINE_BYTES 256

struct verdict {
	unsigned fatal, cautions;
};

static void say_fatal(struct verdict *v, const char *what)
{
	v->fatal++;
	printf("will not work: %s\n", what);
}

static void say_caution(struct verdict *v, const char *what)
{
	v->cautions++;
	printf("look out:      %s\n", what);
}

/* ---- imports that tell something ---- */

struct hint {
	const char *symbol;
	const char *what;
};

static const struct hint hints[] = {
    {"io_uring_setup", "it uses io_uring, which makes sockets without the C library: those are the kernel's"},
    {"io_uring_queue_init", "it uses io_uring, which makes sockets without the C library: those are the kernel's"},
    {"dlmopen", "it can load a second C library (dlmopen), whose calls are not ours"},
    {"syscall", "it makes some system calls by number: socket calls through syscall() are ours, others are not looked at"},
    {"seccomp_load", "it locks itself into a seccomp sandbox: what it has not opened by then may be refused"},
};

static void read_imports(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, struct verdict *v)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;
	GElf_Sym symbol;

	for (size_t i = 0; data && i < count && i <= INT_MAX; i++) {
		const char *name;

		if (!gelf_getsym(data, (int)i, &symbol) || symbol.st_shndx != SHN_UNDEF)
			continue;
		name = elf_strptr(elf, header->sh_link, symbol.st_name);
		for (size_t h = 0; name && h < sizeof(hints) / sizeof(hints[0]); h++)
			if (!strcmp(name, hints[h].symbol))
				say_caution(v, hints[h].what);
	}
}

/* ---- sections and segments ---- */

static bool has_section(Elf *elf, const char *wanted)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return false;
	while ((section = elf_nextscn(elf, section))) {
		const char *name = gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;

		if (name && !strcmp(name, wanted))
			return true;
	}
	return false;
}

static void read_symbols(Elf *elf, struct verdict *v)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_DYNSYM)
			read_imports(elf, section, &header, v);
}

/* The dynamic loader that the program asks for; "" when it is static. */
static void read_loader(Elf *elf, int fd, char loader[LINE_BYTES])
{
	GElf_Phdr segment;
	size_t count;

	loader[0] = '\0';
	if (elf_getphdrnum(elf, &count))
		return;
	for (size_t i = 0; i < count && i <= INT_MAX; i++) {
		ssize_t got;

		if (!gelf_getphdr(elf, (int)i, &segment) || segment.p_type != PT_INTERP)
			continue;
		got = pread(fd, loader, LINE_BYTES - 1, (off_t)segment.p_offset);
		loader[got > 0 ? got : 0] = '\0';
	}
}

static void check_machine(Elf *elf, struct verdict *v)
{
	GElf_Ehdr header;
#if defined(__x86_64__)
	const int ours = EM_X86_64;
#elif defined(__aarch64__)
	const int ours = EM_AARCH64;
#else
	const int ours = -1;
#endif

	if (!gelf_getehdr(elf, &header))
		say_fatal(v, "its ELF header cannot be read");
	else if (gelf_getclass(elf) != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
	         (ours >= 0 && header.e_machine != ours))
		say_fatal(v, "it is for another kind of machine than libteachnet.so: the loader leaves the library out");
}

static void check_elf(Elf *elf, int fd, struct verdict *v)
{
	char loader[LINE_BYTES];
	bool go = has_section(elf, ".go.buildinfo");

	check_machine(elf, v);
	read_loader(elf, fd, loader);
	if (!loader[0])
		say_fatal(v, "it is statically linked: nothing can be loaded in front of its C library"
		             " (started by a program on our stack, it can still use the sockets that it inherits)");
	else if (strstr(loader, "musl"))
		say_fatal(v, "it uses musl's loader: libteachnet.so is made for the GNU C library");
	if (go)
		say_fatal(v, "it is written in Go, whose run-time makes system calls itself: its sockets are the kernel's");
	read_symbols(elf, v);
}

/* ---- the file ---- */

static void check_privilege(const char *path, const struct stat *st, struct verdict *v)
{
	if (st->st_mode & (S_ISUID | S_ISGID) && geteuid() != 0)
		say_fatal(v, "it is set-user-ID or set-group-ID: the loader ignores LD_PRELOAD for it");
	if (getxattr(path, "security.capability", NULL, 0) > 0 && geteuid() != 0)
		say_fatal(v, "it has file capabilities: the loader ignores LD_PRELOAD for it");
}

/* A script is what its interpreter is. True: name now holds the interpreter. */
static bool follow_script(int fd, char name[PATH_MAX])
{
	char line[LINE_BYTES] = "";
	char *word, *rest;
	ssize_t got = pread(fd, line, sizeof(line) - 1, 0);

	if (got < 3 || line[0] != '#' || line[1] != '!')
		return false;
	line[strcspn(line, "\n")] = '\0';
	word = strtok_r(line + 2, " \t", &rest);
	if (word && !strcmp(word, "/usr/bin/env"))
		word = strtok_r(NULL, " \t", &rest);
	if (!word)
		return false;
	snprintf(name, PATH_MAX, "%s", word);
	return true;
}

static bool find_in_path(const char *name, char out[PATH_MAX])
{
	const char *path = getenv("PATH");
	char *folders = strdup(path ? path : "/usr/bin:/bin"), *rest = folders, *folder;
	bool found = strchr(name, '/') != NULL;

	if (found)
		snprintf(out, PATH_MAX, "%s", name);
	while (!found && folders && (folder = strsep(&rest, ":"))) {
		int length = snprintf(out, PATH_MAX, "%s/%s", folder, name);

		found = length > 0 && length < PATH_MAX && access(out, X_OK) == 0;
	}
	free(folders);
	return found;
}

/* One file. 1: it is a script, name is its interpreter; 0: done; -1 after a message. */
static int check_file(char name[PATH_MAX], struct verdict *v)
{
	char path[PATH_MAX];
	struct stat st;
	int fd, again = 0;
	Elf *elf;

	if (!find_in_path(name, path))
		return complain("no program '%s' in PATH", name), -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		complain("cannot read %s: %s", path, fd < 0 ? strerror(errno) : "no file");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF) {
		printf("%s\n", path);
		check_privilege(path, &st, v);
		check_elf(elf, fd, v);
	} else if (follow_script(fd, name)) {
		printf("%s is a script for %s\n", path, name);
		again = 1;
	} else {
		say_fatal(v, "it is neither an ELF program nor a script");
	}
	elf_end(elf);
	close(fd);
	return again;
}

int command_check(int argc, const char **argv)
{
	static const struct poptOption options[] = {OPTIONS_END};
	int first = options_parse(argc, argv, options), again = 1;
	struct verdict v = {0, 0};
	char name[PATH_MAX];

	if (first < 0)
		return STATUS_USAGE;
	if (first != argc - 1)
		return complain("which program? As in: teachnet check curl"), STATUS_USAGE;
	elf_version(EV_CURRENT);
	snprintf(name, sizeof(name), "%s", argv[first]);
	for (int depth = 0; again > 0 && depth < INTERPRETERS_MAX; depth++)
		again = check_file(name, &v);
	if (again < 0)
		return STATUS_ERROR;
	if (!v.fatal)
		printf("%s\n", v.cautions ? "runs on our stack, but for what is said above" : "runs on our stack");
	return v.fatal ? STATUS_ERROR : STATUS_OK;
}
