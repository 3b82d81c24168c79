/* SPDX-License-Identifier: MIT */
/*
 * Channels: the control connections of programs (service/control.h), and the door that they come in
 * by. What a request means is the affair of requests*.c; here are its bounds, its descriptors, its
 * reply, and who may ask. Nothing that a program sends can make teachnetd wait or fail.
 */
#ifndef SERVICE_CHANNEL_H
#define SERVICE_CHANNEL_H

#include "service/service.h"

struct channel {
	struct watch watch;
	struct grave grave;
	TAILQ_ENTRY(channel) link;
	uint64_t lineage;
	pid_t pid;           /* as the kernel says */
	uid_t uid;
	bool greeted;        /* HELLO was accepted */
	char program[32];    /* as it says of itself, made printable */
};

/* A request whose sizes are checked. */
struct request {
	struct control_request head;
	const uint8_t *payload; /* head.payload_bytes */
	int fd;                 /* -1: none came. Taken over by a handler that sets it to -1 */
};

struct reply {
	struct control_reply head;
	uint8_t payload[CONTROL_PAYLOAD_MAX];
	uint32_t payload_bytes;
	int fd;                 /* -1: none. Closed once it is sent */
	bool none;              /* this operation has no reply */
};

/* ---- channel.c ---- */

/* Listens at s->socket_path. 0 or a negative errno with a sentence. */
int channel_open_door(struct service *s, char message[CONFIG_MESSAGE_BYTES]);
/* Stops listening. False when somebody stood in the door: then it is open again. */
bool channel_close_door(struct service *s);
void channel_close_all(struct service *s);
/* A channel on fd, which becomes the service's. 0 or a negative errno, and then fd is closed. */
int channel_add(struct service *s, int fd, uint64_t lineage);
void reply_sentence(struct reply *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- requests.c, requests_host.c: a handler for each row of CONTROL_OPERATIONS ---- */

/* The result: 0 or more, or a negative errno. -EBADMSG ends the channel. */
typedef int request_handler(struct service *s, struct channel *c, struct request *q, struct reply *r);

struct request_row {
	const char *name;
	request_handler *handle;
	bool takes_fd;       /* a descriptor must come with it */
	bool before_hello;
};
extern const struct request_row request_rows[CONTROL_OPERATION_COUNT];

/* change.c. words: payload of CHANGE, ends with a zero. */
int change_apply(struct service *s, const char *words, uint32_t bytes, struct reply *r);

/* status.c: a memfd with the document, or a negative errno. */
int status_document(struct service *s, const char *word);

#endif
