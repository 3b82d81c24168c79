/* SPDX-License-Identifier: MIT */
/* teachnet run CMD: runs CMD with the library loaded; everything else is the library's doing. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "tool/command.h"
#include "tool/places.h"

enum { EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127 };

int command_run(int argc, const char **argv)
{
	static char *stack;
	static const struct poptOption options[] = {
		{"stack", 0, POPT_ARG_STRING, &stack, 0, "Name of the stack (TEACHNET_STACK)", "NAME"},
		OPTIONS_END
	};
	int first = options_parse(argc, argv, options);
	char preload[2 * PLACE_BYTES];
	struct places places;

	if (first < 0)
		return STATUS_USAGE;
	if (first >= argc)
		return complain("which command? As in: teachnet run curl http://example.org/"), STATUS_USAGE;
	if (places_find(&places, true))
		return STATUS_ERROR;
	places_preload(&places, preload, sizeof(preload));
	setenv("LD_PRELOAD", preload, 1);
	setenv("TEACHNET_DAEMON", places.daemon, 0);
	if (stack)
		setenv("TEACHNET_STACK", stack, 1);
	execvp(argv[first], (char *const *)(argv + first));
	complain("cannot run %s: %m", argv[first]);
	return errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}
