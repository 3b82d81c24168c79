/* SPDX-License-Identifier: MIT */
/*
 * The narrator: reads the engine's trace and tells it, one line an event, in plain English or as
 * JSON, to the log and to those who asked by TRACE. While nobody listens the engine builds no event.
 * A listener that does not keep up misses lines and is told how many; the stack never waits for it.
 */
#ifndef SERVICE_NARRATE_H
#define SERVICE_NARRATE_H

#include "service/service.h"

enum narrate_form { NARRATE_TEXT, NARRATE_JSON };

int narrate_create(struct service *s);
void narrate_destroy(struct service *s);
/* fd becomes the narrator's when 0 is returned. */
int narrate_subscribe(struct service *s, int fd, enum narrate_form form);
/* Does anybody listen? */
bool narrate_wanted(const struct service *s);
/* A call that a program's shim served itself, or that a request was. text need not end with a zero. */
void narrate_call(struct service *s, const char *program, int pid, uint64_t socket_id, const char *text,
    uint32_t bytes);
/* Writes what has been told, as far as the listeners take it: at the end of each round. */
void narrate_flush(struct service *s);

#endif
