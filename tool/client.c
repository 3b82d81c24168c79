/* SPDX-License-Identifier: MIT */
/* See client.h. */
#include "tool/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tool/command.h"

extern char **environ;

enum { REPLY_SECONDS = 10, FINISH_POLL_MS = 5 };

/* Where the socket is: by the same configuration that programs use. */
static int find_socket(struct client *c)
{
	char message[CONFIG_MESSAGE_BYTES];
	struct config config;
	int result = config_load(&config, environ, NULL, NULL, message);

	if (!result)
		result = control_path(&config, c->path, message);
	if (result)
		complain("%s", message);
	else
		snprintf(c->stack, sizeof(c->stack), "%s", config.value[CONFIG_KEY_STACK].text);
	config_free(&config);
	return result;
}

/* Silent. */
static int connect_socket(struct client *c)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const struct timeval patience = {.tv_sec = REPLY_SECONDS};
	int result;

	if (strlen(c->path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	strcpy(to.sun_path, c->path);
	c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -errno;
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return 0;
	result = -errno;
	close(c->fd);
	c->fd = -1;
	return result;
}

static int refused(const struct client *c, int error)
{
	if (error == -ENOENT || error == -ECONNREFUSED)
		complain("no teachnetd runs for the stack '%s': start a program on it (teachnet run CMD), or "
			 "teachnetd --foreground (looked at %s)",
		    c->stack, c->path);
	else if (error == -EACCES || error == -EPERM)
		complain("the stack '%s' belongs to another user (%s)", c->stack, c->path);
	else
		complain("cannot reach teachnetd at %s: %s", c->path, strerror(-error));
	return error;
}

static int say_hello(struct client *c)
{
	struct control_hello hello = {.pid = (int32_t)getpid(), .program = "teachnet"};
	char sentence[CONTROL_PAYLOAD_MAX + 1];
	int result = client_request(c, CONTROL_HELLO, &hello, sizeof(hello), -1, NULL, sentence);

	if (result == -EPROTO || (result < 0 && *sentence))
		complain("%s", *sentence ? sentence : "teachnetd has another version: end it with its own teachnet stop");
	else if (result < 0 && result != -EPIPE)
		complain("teachnetd refuses us: %s", strerror(-result));
	return result < 0 ? result : 0;
}

int client_open(struct client *c)
{
	int result;

	*c = (struct client){.fd = -1};
	result = find_socket(c);
	if (result)
		return result;
	result = connect_socket(c);
	if (result)
		return refused(c, result);
	result = say_hello(c);
	if (result)
		client_close(c);
	return result;
}

void client_close(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static int send_request(struct client *c, struct control_request *request, const void *payload, int pass_fd)
{
	struct iovec parts[2] = {{request, sizeof(*request)}, {(void *)payload, request->payload_bytes}};
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = payload ? 2 : 1};

	if (pass_fd >= 0) {
		struct cmsghdr *header;

		message.msg_control = control.room;
		message.msg_controllen = sizeof(control.room);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &pass_fd, sizeof(int));
	}
	return sendmsg(c->fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* The descriptor that came along, or -1. */
static int take_descriptor(struct msghdr *message)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len >= CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(header), sizeof(int));
	return fd;
}

static int receive_reply(struct client *c, struct control_reply *reply, char *payload, int *got_fd)
{
	static char ignored[CONTROL_PAYLOAD_MAX];
	struct iovec parts[2] = {{reply, sizeof(*reply)}, {payload ? payload : ignored, CONTROL_PAYLOAD_MAX}};
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2, .msg_control = control.room,
		.msg_controllen = sizeof(control.room)};
	ssize_t got = recvmsg(c->fd, &message, MSG_CMSG_CLOEXEC);
	int fd;

	if (got < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	fd = take_descriptor(&message);
	if (got_fd)
		*got_fd = fd;
	else if (fd >= 0)
		close(fd);
	if (got < (ssize_t)sizeof(*reply))
		return -EPIPE;
	if (payload)
		payload[(size_t)got - sizeof(*reply)] = 0;
	return reply->magic == CONTROL_MAGIC ? 0 : -EPIPE;
}

int client_request(struct client *c, enum control_operation operation, const void *payload,
    uint32_t payload_bytes, int pass_fd, int *got_fd, char *reply_payload)
{
	struct control_request request = {.magic = CONTROL_MAGIC, .version = CONTROL_VERSION,
		.operation = (uint16_t)operation, .serial = ++c->serial, .payload_bytes = payload_bytes};
	struct control_reply reply = {0};
	int result;

	if (got_fd)
		*got_fd = -1;
	if (reply_payload)
		*reply_payload = 0;
	result = send_request(c, &request, payload, pass_fd);
	while (!result) {
		result = receive_reply(c, &reply, reply_payload, got_fd);
		if (!result && reply.serial == request.serial)
			return reply.result;
	}
	if (result == -ETIMEDOUT)
		complain("teachnetd does not answer: see its log, or end it (its process, or teachnet stop)");
	else
		complain("teachnetd has closed the channel: it ended, or did not understand us (see its log)");
	return -EPIPE;
}

static json_t *status_over(struct client *c, const char *document)
{
	char sentence[CONTROL_PAYLOAD_MAX + 1];
	json_error_t error;
	json_t *out = NULL;
	int fd, result = client_request(c, CONTROL_STATUS, document, (uint32_t)strlen(document), -1, &fd, sentence);

	if (result < 0 && result != -EPIPE)
		complain("teachnetd gives no '%s': %s", document, *sentence ? sentence : strerror(-result));
	if (fd < 0)
		return NULL;
	if (result >= 0) {
		lseek(fd, 0, SEEK_SET);
		out = json_loadfd(fd, 0, &error);
		if (!out)
			complain("teachnetd's '%s' is not JSON: %s", document, error.text);
	}
	close(fd);
	return out;
}

json_t *client_status(const char *document)
{
	struct client c;
	json_t *out;

	if (client_open(&c))
		return NULL;
	out = status_over(&c, document);
	client_close(&c);
	return out;
}

/* Does a connection without a program still have bytes or a FIN to deliver? */
static bool is_delivering(json_t *status)
{
	static const char *const states[] = {"FIN-WAIT-1", "CLOSING", "LAST-ACK", "ESTAB", "CLOSE-WAIT", "SYN-RECV"};
	json_t *entry;
	size_t index;

	json_array_foreach(json_object_get(status, "sockets"), index, entry) {
		const char *state = json_string_value(json_object_get(entry, "state"));

		for (unsigned i = 0; state && i < sizeof(states) / sizeof(states[0]); i++)
			if (!strcmp(state, states[i]) && json_is_true(json_object_get(entry, "orphan")))
				return true;
	}
	return false;
}

void client_finish_stack(unsigned max_ms)
{
	const struct timespec pause = {.tv_nsec = FINISH_POLL_MS * 1000000L};
	struct client c = {.fd = -1};
	struct pollfd closed;
	json_t *status;
	bool busy = true;

	if (find_socket(&c) || connect_socket(&c) || say_hello(&c)) {
		client_close(&c);
		return;
	}
	for (unsigned waited_ms = 0; busy && waited_ms < max_ms; waited_ms += FINISH_POLL_MS) {
		status = status_over(&c, "ss");
		busy = status && is_delivering(status);
		json_decref(status);
		if (busy)
			nanosleep(&pause, NULL);
	}
	/* Its log and capture are whole when it has closed our channel. */
	client_request(&c, CONTROL_STOP, NULL, 0, -1, NULL, NULL);
	closed = (struct pollfd){.fd = c.fd};
	poll(&closed, 1, (int)max_ms);
	client_close(&c);
}
