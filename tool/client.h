/* SPDX-License-Identifier: MIT */
/*
 * The tool's side of the control channel (service/control.h): it connects to a teachnetd that runs
 * already, never starts one. All functions return 0 or a negative errno, and have then printed the
 * sentence that says why and what to do, unless they say otherwise.
 */
#ifndef TOOL_CLIENT_H
#define TOOL_CLIENT_H

#include <jansson.h>
#include <stdint.h>

#include "service/config.h"
#include "service/control.h"

struct client {
	int fd;
	uint64_t serial;
	char stack[CONFIG_NAME_BYTES_MAX + 1];
	char path[CONFIG_PATH_BYTES];
};

int client_open(struct client *c);
void client_close(struct client *c);

/* One request and its reply. pass_fd: a descriptor to send, or -1. got_fd: where to put one that
 * comes with the reply (-1 when none does), or NULL. reply_payload has CONTROL_PAYLOAD_MAX + 1
 * bytes and is terminated; may be NULL. Returns the reply's result, also a negative one, without
 * a sentence; -EPIPE and its like, with one, when the channel broke. */
int client_request(struct client *c, enum control_operation operation, const void *payload,
    uint32_t payload_bytes, int pass_fd, int *got_fd, char *reply_payload);

/* The document that STATUS gives for this word (service/README.md): opens a channel of its own.
 * NULL after a sentence. The caller gives it back with json_decref(). */
json_t *client_status(const char *document);

/* The lab's end: waits up to max_ms until the stack has delivered what programs have sent, then
 * ends it. Silent, and at once when no stack runs. */
void client_finish_stack(unsigned max_ms);

#endif
