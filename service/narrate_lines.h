/* SPDX-License-Identifier: MIT */
/* One event as a line of plain English, or as a JSON object. Both end with a newline; "" for events
 * that are not worth a line in this form. */
#ifndef SERVICE_NARRATE_LINES_H
#define SERVICE_NARRATE_LINES_H

#include "service/service.h"

#define NARRATE_LINE_BYTES 4096U

void narrate_text(struct service *s, const struct trace_event *e, uint64_t wall_ns, char line[NARRATE_LINE_BYTES]);
void narrate_json(struct service *s, const struct trace_event *e, uint64_t wall_ns, char line[NARRATE_LINE_BYTES]);

#endif
