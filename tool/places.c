/* SPDX-License-Identifier: MIT */
/* See places.h. A build tree is known by .libs/libteachnet.so beside the program. */
#include "tool/places.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/command.h"

#ifndef TEACHNET_ASAN_PRELOAD
#define TEACHNET_ASAN_PRELOAD ""
#endif

/* Joins; false when it does not fit or nothing readable is there. */
static bool candidate(char out[PLACE_BYTES], const char *folder, const char *name)
{
	int length = snprintf(out, PLACE_BYTES, "%s/%s", folder, name);

	if (length > 0 && length < (int)PLACE_BYTES && access(out, R_OK) == 0)
		return true;
	out[0] = 0;
	return false;
}

int places_find(struct places *out, bool need_stack)
{
	const char *daemon = getenv("TEACHNET_DAEMON");
	ssize_t length = readlink("/proc/self/exe", out->folder, sizeof(out->folder) - 1);

	if (length < 0)
		return complain("cannot read /proc/self/exe: %m (is /proc mounted?)"), -ENOENT;
	out->folder[length] = 0;
	*strrchr(out->folder, '/') = 0;

	if (!candidate(out->wire, out->folder, "teachnet-wire") &&
	    !candidate(out->wire, TEACHNET_PKGLIBEXECDIR, "teachnet-wire"))
		candidate(out->wire, out->folder, "../libexec/teachnet/teachnet-wire");
	if (!need_stack)
		return 0;
	if (!candidate(out->library, out->folder, ".libs/libteachnet.so") &&
	    !candidate(out->library, TEACHNET_LIBDIR, "libteachnet.so") &&
	    !candidate(out->library, out->folder, "../lib/libteachnet.so"))
		return complain("libteachnet.so is neither in %s/.libs nor in %s: build it (make) or install it "
				"(make install)",
			   out->folder, TEACHNET_LIBDIR), -ENOENT;
	if (daemon && *daemon)
		snprintf(out->daemon, sizeof(out->daemon), "%s", daemon);
	else if (!candidate(out->daemon, out->folder, "teachnetd") &&
		 !candidate(out->daemon, TEACHNET_BINDIR, "teachnetd"))
		return complain("teachnetd is neither in %s nor in %s: build it (make) or install it (make install)",
			   out->folder, TEACHNET_BINDIR), -ENOENT;
	return 0;
}

/* Makes a folder that must be ours: nobody else may have put it there for us. */
static int own_folder(const char *path, mode_t mode)
{
	struct stat facts;

	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return -errno;
	if (stat(path, &facts) < 0)
		return -errno;
	if (!S_ISDIR(facts.st_mode))
		return -ENOTDIR;
	return facts.st_uid == geteuid() && !(facts.st_mode & S_IWOTH) ? 0 : -EPERM;
}

int places_cache(char out[PLACE_BYTES])
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (geteuid() == 0) {
		snprintf(out, PLACE_BYTES, "/var/cache/teachnet");
		return own_folder(out, 0755);
	}
	if (cache && cache[0] == '/') {
		snprintf(out, PLACE_BYTES, "%s/teachnet", cache);
		if (own_folder(out, 0755) == 0)
			return 0;
	}
	if (home && home[0] == '/') {
		snprintf(out, PLACE_BYTES, "%s/.cache", home);
		mkdir(out, 0700);
		snprintf(out, PLACE_BYTES, "%s/.cache/teachnet", home);
		if (own_folder(out, 0755) == 0)
			return 0;
	}
	snprintf(out, PLACE_BYTES, "/var/tmp/teachnet-%u", (unsigned)geteuid());
	return own_folder(out, 0755);
}

void places_preload(const struct places *places, char *out, unsigned room)
{
	const char *before = getenv("LD_PRELOAD");
	const char *asan = TEACHNET_ASAN_PRELOAD;

	if (before && strstr(before, "libteachnet.so"))
		snprintf(out, room, "%s", before);
	else
		snprintf(out, room, "%s%s%s%s%s", asan, *asan ? ":" : "", places->library,
		    before && *before ? ":" : "", before ? before : "");
}
