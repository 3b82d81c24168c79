/* SPDX-License-Identifier: MIT */
/*
 * teachnet trace: what the stack does, line by line as it happens; and teachnet stop. The stack
 * writes into a pipe whose other end we copy, so a slow terminal is our matter, not the stack's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tool/client.h"
#include "tool/command.h"

static int copy_lines(int from)
{
	char buffer[65536];
	ssize_t got;

	while ((got = read(from, buffer, sizeof(buffer))) > 0 || (got < 0 && errno == EINTR)) {
		for (ssize_t done = 0; done < got;) {
			ssize_t written = write(STDOUT_FILENO, buffer + done, (size_t)(got - done));

			if (written < 0)
				return errno == EPIPE ? STATUS_OK : complain("cannot write: %m");
			done += written;
		}
	}
	return STATUS_OK;
}

int command_trace(int argc, const char **argv)
{
	static int want_json;
	static const struct poptOption options[] = {
		{"json", 'j', POPT_ARG_NONE, &want_json, 0, "One JSON object a line", NULL},
		OPTIONS_END
	};
	int first = options_parse(argc, argv, options), pipe_fd[2], result;
	char sentence[CONTROL_PAYLOAD_MAX + 1];
	struct client c;
	const char *form;

	if (first < 0)
		return STATUS_USAGE;
	if (first < argc)
		return complain("'%s' is not understood: there are options only (see --help)", argv[first]), STATUS_USAGE;
	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return complain("cannot make a pipe: %m");
	if (client_open(&c))
		return STATUS_ERROR;
	form = want_json ? "json" : "text";
	result = client_request(&c, CONTROL_TRACE, form, (uint32_t)strlen(form), pipe_fd[1], NULL, sentence);
	close(pipe_fd[1]);
	if (result < 0) {
		if (result != -EPIPE)
			complain("teachnetd gives no trace: %s", *sentence ? sentence : strerror(-result));
		client_close(&c);
		return STATUS_ERROR;
	}
	/* The channel stays open: it is what keeps an idle teachnetd from leaving while it is watched. */
	result = copy_lines(pipe_fd[0]);
	client_close(&c);
	return result;
}

int command_stop(int argc, const char **argv)
{
	static const struct poptOption options[] = {OPTIONS_END};
	char sentence[CONTROL_PAYLOAD_MAX + 1];
	struct client c;
	int result;

	if (options_parse(argc, argv, options) < 0)
		return STATUS_USAGE;
	if (client_open(&c))
		return STATUS_ERROR;
	result = client_request(&c, CONTROL_STOP, NULL, 0, -1, NULL, sentence);
	client_close(&c);
	if (result < 0 && result != -EPIPE)
		return complain("teachnetd does not stop: %s", *sentence ? sentence : strerror(-result));
	return result < 0 ? STATUS_ERROR : STATUS_OK;
}
