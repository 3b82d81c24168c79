/* SPDX-License-Identifier: MIT */
/*
 * A test script in packetdrill's notation, parsed (parse.c, parse_packet.c) and ready to be run
 * (run.c). README.md of this folder describes the language.
 */
#ifndef TESTS_SCRIPT_SCRIPT_H
#define TESTS_SCRIPT_SCRIPT_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- values in calls ---- */

enum expr_kind { EXPR_NUMBER, EXPR_STRING, EXPR_ELLIPSIS, EXPR_LIST, EXPR_STRUCT, EXPR_ANY };

struct expr {
	enum expr_kind kind;
	int64_t number;
	const char *text;     /* STRING's bytes; NUMBER's symbol if it had one */
	size_t bytes;
	unsigned count;       /* of LIST and STRUCT */
	struct expr **item;
	const char **key;     /* STRUCT: names, NULL where there was none */
};

/* ---- packets ---- */

#define SPEC_OPTIONS_MAX 60
#define SPEC_SACKS_MAX 4

enum spec_kind { SPEC_TCP, SPEC_UDP, SPEC_ICMP };

/* One TCP option as it was written. */
struct spec_option {
	uint8_t kind;          /* wire kind */
	bool experimental;     /* fast open as kind 254 */
	uint32_t value, echo;  /* mss, scale; TS val and ecr */
	unsigned count;        /* SACK blocks; cookie octets */
	struct { uint32_t first, end; } block[SPEC_SACKS_MAX];
	uint8_t cookie[16];
};

struct packet_spec {
	enum spec_kind kind;
	bool inbound;
	int ecn;               /* IP's two bits; -1: not looked at */
	int ttl;               /* -1 */
	uint16_t source_port, destination_port; /* 0: those of the connection */
	uint8_t flags;         /* wire order, TCP_* */
	bool ae;
	uint32_t first, end;   /* relative */
	uint32_t payload;
	bool has_ack, has_window, has_urgent, any_options;
	uint32_t ack, window, urgent;
	unsigned option_count;
	struct spec_option option[SPEC_OPTIONS_MAX];
	uint8_t icmp_type, icmp_code;
	uint32_t icmp_mtu;
	bool has_quote;        /* ICMP: [first:end(payload)] of ours */
};

/* ---- events ---- */

enum event_kind { EVENT_PACKET, EVENT_CALL, EVENT_CODE, EVENT_SHELL };
enum time_kind { TIME_ABSOLUTE, TIME_RELATIVE, TIME_ANY };

struct event {
	unsigned line;
	enum event_kind kind;
	enum time_kind time_kind;
	int64_t time_ns, range_ns;      /* range_ns -1: a point in time; else its end */
	int64_t end_ns;                 /* blocking call: when it must be over; -1: it does not block others */
	struct packet_spec packet;
	const char *name;               /* of the call */
	unsigned argument_count;
	struct expr *argument[10];
	struct expr *result;
	int error;                      /* expected errno, 0 none */
	const char *text;               /* code or shell command */
	const char *source;             /* the line as written, for messages */
};

struct script {
	const char *path;
	const char *story;              /* first comment */
	struct event *event;
	unsigned event_count, event_room;
	/* --name=value lines */
	int64_t tolerance_ns;
	uint32_t mtu;
	bool v6;
};

/* ---- memory and failure of one script ---- */

struct script_run {
	jmp_buf failed;
	char message[2000];
	void *blocks;
};
extern struct script_run script_run;

/* Memory that lives as long as the script. */
void *script_take(size_t bytes);
char *script_copy(const char *text, size_t bytes);
void script_release(void);
/* Ends the script with a message. */
__attribute__((noreturn, format(printf, 1, 2))) void script_fail(const char *format, ...);
/* A remark in the TAP output. */
__attribute__((format(printf, 1, 2))) void script_note(const char *format, ...);

/* ---- parse.c, parse_packet.c, symbols.c ---- */

struct reader {
	const char *at;
	unsigned line;
};

void parse_script(struct script *s, const char *path, const char *text);
void parse_packet(struct reader *r, struct packet_spec *p);
struct expr *parse_expr(struct reader *r);
void skip_space(struct reader *r);
bool accept_text(struct reader *r, const char *text);
bool accept_word(struct reader *r, const char *word);
void expect_text(struct reader *r, const char *text);
int64_t parse_number(struct reader *r);
/* A name of <errno.h>, <sys/socket.h>, <netinet/tcp.h> ...: true when known. */
bool symbol_value(const char *name, size_t bytes, int64_t *value);
const char *symbol_errno(int error);

#endif
