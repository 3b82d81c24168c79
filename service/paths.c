/* SPDX-License-Identifier: MIT */
/*
 * Where a stack's lock and control socket lie. The folder is private to one user: whoever can write
 * it could pretend to be teachnetd, so a folder of somebody else is refused, never used.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "service/config.h"

static int too_long(const char *path, char message[CONFIG_MESSAGE_BYTES])
{
	snprintf(message, CONFIG_MESSAGE_BYTES,
	    "%.300s is too long for a socket's name: set TEACHNET_RUNTIME_DIR to a shorter path", path);
	return -ENAMETOOLONG;
}

int config_runtime_dir(const struct config *c, char out[CONFIG_PATH_BYTES],
    char message[CONFIG_MESSAGE_BYTES])
{
	const struct config_value *v = &c->value[CONFIG_KEY_RUNTIME_DIR];
	int bytes;

	if (v->set)
		bytes = snprintf(out, CONFIG_PATH_BYTES, "%s", v->text);
	else if (c->xdg_runtime_dir && c->xdg_runtime_dir[0] == '/')
		bytes = snprintf(out, CONFIG_PATH_BYTES, "%s/teachnet", c->xdg_runtime_dir);
	else if (geteuid() == 0)
		bytes = snprintf(out, CONFIG_PATH_BYTES, "/run/teachnet");
	else
		bytes = snprintf(out, CONFIG_PATH_BYTES, "/tmp/teachnet-%u", (unsigned)geteuid());
	return bytes < (int)CONFIG_PATH_BYTES ? 0 : too_long(out, message);
}

int config_stack_path(const struct config *c, const char *suffix, char out[CONFIG_PATH_BYTES],
    char message[CONFIG_MESSAGE_BYTES])
{
	char folder[CONFIG_PATH_BYTES];
	int error = config_runtime_dir(c, folder, message);
	int bytes;

	if (error < 0)
		return error;
	bytes = snprintf(out, CONFIG_PATH_BYTES, "%s/%s%s", folder, c->value[CONFIG_KEY_STACK].text, suffix);
	if (bytes >= (int)sizeof(((struct sockaddr_un *)0)->sun_path))
		return too_long(out, message);
	return 0;
}

int control_path(const struct config *c, char out[CONFIG_PATH_BYTES], char message[CONFIG_MESSAGE_BYTES])
{
	return config_stack_path(c, ".sock", out, message);
}

int config_make_runtime_dir(const char *path, char message[CONFIG_MESSAGE_BYTES])
{
	struct stat s;
	int error;

	if (mkdir(path, 0700) < 0 && errno != EEXIST) {
		error = errno;
		snprintf(message, CONFIG_MESSAGE_BYTES,
		    "cannot make the folder %.250s: %s. Set TEACHNET_RUNTIME_DIR to a place where you may write",
		    path, strerror(error));
		return -error;
	}
	/* lstat: a link that somebody put there is not a folder of ours. */
	if (lstat(path, &s) < 0) {
		error = errno;
		snprintf(message, CONFIG_MESSAGE_BYTES, "cannot look at %.250s: %s", path, strerror(error));
		return -error;
	}
	if (S_ISDIR(s.st_mode) && s.st_uid == geteuid() && !(s.st_mode & 0022))
		return 0;
	snprintf(message, CONFIG_MESSAGE_BYTES, "%.250s %s: remove it, or set TEACHNET_RUNTIME_DIR to a folder of your own",
	    path, !S_ISDIR(s.st_mode) ? "is not a folder" : s.st_uid != geteuid() ? "belongs to another user"
	                                                                      : "can be written by others");
	return -EPERM;
}
