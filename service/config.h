/* SPDX-License-Identifier: MIT */
/*
 * The configuration: the rows of config.def, read from the environment and a file, each checked by
 * its type; and the places that follow from it (lock file, control socket). preload/ and tool/ use
 * this file, too: it needs libc only, opens at most one file, and never prints.
 *
 * Every refusal is a sentence that names the setting, the bad value and the accepted form.
 */
#ifndef SERVICE_CONFIG_H
#define SERVICE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_MESSAGE_BYTES 512U
#define CONFIG_PATH_BYTES 256U
#define CONFIG_FILE_BYTES_MAX 65536U
#define CONFIG_ADDRESSES_MAX 8U
#define CONFIG_NAME_BYTES_MAX 48U /* of a stack's name */

/* CONFIG_KEY_STACK, CONFIG_KEY_CONFIG ...: in the order of config.def. */
enum config_key {
#define CONFIG(name, type, fallback, text) CONFIG_KEY_##name,
#include "service/config.def"
#undef CONFIG
	CONFIG_KEY_COUNT,
};

/* CONFIG_TYPE(name, "the accepted form, as in: give ...") */
#define CONFIG_TYPES(CONFIG_TYPE)                                                                  \
	CONFIG_TYPE(text, "any text")                                                              \
	CONFIG_TYPE(path, "a path")                                                                \
	CONFIG_TYPE(bool, "yes or no")                                                             \
	CONFIG_TYPE(number, "a whole number, as 1500")                                             \
	CONFIG_TYPE(seconds, "a number of seconds, as 10 or 0.5")                                  \
	CONFIG_TYPE(percent, "a share from 0 to 100, as 3 or 0.5%")                                \
	CONFIG_TYPE(duration, "a time with its unit, as 10ms, 250us or 1s")                        \
	CONFIG_TYPE(rate, "bits per second with a unit, as 10mbit, 500kbit or 1gbit")              \
	CONFIG_TYPE(prefix, "addresses with their prefix lengths, as 192.0.2.10/24, or dhcp")                 \
	CONFIG_TYPE(address, "an IP address, as 192.0.2.1")                                        \
	CONFIG_TYPE(addresses, "IP addresses separated by commas or spaces, as 192.0.2.1,192.0.2.2") \
	CONFIG_TYPE(mac, "a unicast hardware address, as 02:00:00:00:00:01")                       \
	CONFIG_TYPE(interface, "the name of a network interface, as eth0")                         \
	CONFIG_TYPE(name, "letters, digits, and . _ - after the first, at most 48 of them")

enum config_type {
#define CONFIG_TYPE(name, form) CONFIG_TYPE_##name,
	CONFIG_TYPES(CONFIG_TYPE)
#undef CONFIG_TYPE
	CONFIG_TYPE_COUNT,
};

enum config_source { CONFIG_SOURCE_DEFAULT, CONFIG_SOURCE_FILE, CONFIG_SOURCE_ENVIRONMENT };

struct config_address {
	uint8_t family;    /* 4 or 6 */
	uint8_t bits;      /* prefix: its length; else that of the address */
	uint8_t octet[16]; /* network order; IPv4 uses the first four */
};

struct config_value {
	enum config_source source;
	unsigned line;       /* of the file, when that is its source */
	bool set;            /* there is a value: text is not empty */
	const char *text;    /* as it was given; "" when not set */
	union {
		bool yes;              /* bool */
		uint64_t number;       /* number */
		uint64_t ns;           /* seconds, duration */
		uint64_t bits_per_s;   /* rate */
		double share;          /* percent: 0 to 1 */
		uint8_t mac[6];        /* mac */
		struct {               /* prefix, address, addresses */
			unsigned count;
			bool dhcp;     /* prefix: the word dhcp is among them */
			struct config_address at[CONFIG_ADDRESSES_MAX];
		} addresses;
	};
};

struct config {
	char file[CONFIG_PATH_BYTES]; /* that was read; "" when none */
	char *file_text;              /* its contents, which values point into */
	const char *xdg_runtime_dir;  /* from the environment; may be NULL */
	struct config_value value[CONFIG_KEY_COUNT];
};

/* What a row of config.def says. */
struct config_row {
	const char *name; /* without TEACHNET_ */
	enum config_type type;
	const char *fallback;
	const char *text;
};
extern const struct config_row config_rows[CONFIG_KEY_COUNT];

/*
 * Reads environment (as environ; its strings must outlive c) and the file that it names, or the
 * first of ~/.config/teachnet.conf and /etc/teachnet.conf that exists. 0; -EINVAL, -ENOENT,
 * -EACCES ... with the sentence in message. warn: called for each thing that is odd but harmless (a
 * TEACHNET_ variable that nobody knows); may be NULL.
 */
int config_load(struct config *c, char *const *environment,
    void (*warn)(void *context, const char *sentence), void *context,
    char message[CONFIG_MESSAGE_BYTES]);
/* Gives back what config_load() took, also after it has failed. */
void config_free(struct config *c);

/* Checks text by type and fills v->text and the value. 0, or -EINVAL with what was expected (without
 * the setting's name) in message. */
int config_parse(enum config_type type, const char *text, struct config_value *v,
    char message[CONFIG_MESSAGE_BYTES]);

/* ---- places ---- */

/* The folder of the lock and the control socket. 0 or -ENAMETOOLONG with a sentence. */
int config_runtime_dir(const struct config *c, char out[CONFIG_PATH_BYTES],
    char message[CONFIG_MESSAGE_BYTES]);
/*
 * RUNTIME_DIR/STACK with suffix: ".sock" is the control socket, ".start.lock" is held by whoever
 * starts teachnetd, ".lock" by teachnetd itself for all its life, ".log" is its log. The result fits
 * into struct sockaddr_un. 0 or -ENAMETOOLONG with a sentence.
 */
int config_stack_path(const struct config *c, const char *suffix, char out[CONFIG_PATH_BYTES],
    char message[CONFIG_MESSAGE_BYTES]);
/* The control socket: config_stack_path() with ".sock". */
int control_path(const struct config *c, char out[CONFIG_PATH_BYTES], char message[CONFIG_MESSAGE_BYTES]);
/* Makes the runtime folder (0700) when it is missing, and refuses one that is not a folder, belongs
 * to another user or can be written by others. 0 or a negative errno with a sentence. */
int config_make_runtime_dir(const char *path, char message[CONFIG_MESSAGE_BYTES]);

#endif
