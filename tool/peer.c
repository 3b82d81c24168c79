/* SPDX-License-Identifier: MIT */
/* teachnet peer CMD: runs CMD on the lab's second host, which has a kernel stack. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/command.h"
#include "tool/lab.h"

enum { EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127 };

/* Our library must not be loaded there: it would carry CMD's calls back to our host. What else the
 * user preloads stays. */
static void forget_shim(void)
{
	const char *preload = getenv("LD_PRELOAD");
	char *rest, *word, *kept, *left;

	if (!preload)
		return;
	rest = left = strdup(preload);
	kept = calloc(1, strlen(preload) + 2);
	while (rest && kept && (word = strsep(&rest, ": "))) {
		if (!*word || strstr(word, "libteachnet.so"))
			continue;
		strcat(kept, *kept ? ":" : "");
		strcat(kept, word);
	}
	if (kept && *kept)
		setenv("LD_PRELOAD", kept, 1);
	else
		unsetenv("LD_PRELOAD");
	free(kept);
	free(left);
}

int command_peer(int argc, const char **argv)
{
	static const struct poptOption options[] = {OPTIONS_END};
	int first = options_parse(argc, argv, options), fd;
	const char *folder = getenv(LAB_VARIABLE);
	char path[PLACE_BYTES];

	if (first < 0)
		return STATUS_USAGE;
	if (first >= argc)
		return complain("which command? As in: teachnet peer ip addr"), STATUS_USAGE;
	if (!folder)
		return complain("there is no second host here: run it inside of teachnet lab");
	snprintf(path, sizeof(path), "%s/peer.net", folder);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return complain("the lab of this shell is gone (%s: %m)", path);
	if (setns(fd, CLONE_NEWNET) < 0)
		return complain("cannot go to the second host: %m");
	close(fd);
	forget_shim();
	setenv("TEACHNET_STACK", "kernel", 1);
	execvp(argv[first], (char *const *)(argv + first));
	complain("cannot run %s: %m", argv[first]);
	return errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}
