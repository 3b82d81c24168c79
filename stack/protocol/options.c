/* SPDX-License-Identifier: MIT */
/*
 * Socket options that mean the same for every kind: SOL_SOCKET (socket(7)), IPPROTO_IP (ip(7)) and
 * IPPROTO_IPV6 (ipv6(7); its rules are in options_ipv6.c).
 * A row each in options.def; here are the rules that rows share: sizes, truncation, ranges and the
 * errno that Linux gives. TCP, UDP and ICMP keep their own levels in their own files.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "stack/base/text.h"
#include "stack/protocol/interface.h"
#include "stack/protocol/options_ipv6.h"
#include "stack/protocol/options_multicast.h"
#include "stack/protocol/socket.h"

/* net.core.wmem_max and rmem_max; a request beyond them is cut, not refused (socket(7)). */
#define BUFFER_MAX_BYTES 212992
#define SEND_BUFFER_MIN_BYTES 4608
#define RECEIVE_BUFFER_MIN_BYTES 2304

/* How the value of an option is passed. */
enum option_form {
	FORM_INT,    /* at least an int, or EINVAL */
	FORM_NUMBER, /* an int, or a single byte: IPPROTO_IP */
	FORM_OTHER,  /* the row's own functions look at the bytes */
};

struct option_row {
	int level, name;
	enum option_form form;
	int (*set)(struct socket *so, int value);                 /* NULL: ENOPROTOOPT */
	int (*get)(const struct socket *so, int *value);          /* NULL: ENOPROTOOPT */
	int (*set_bytes)(struct socket *so, const void *value, uint32_t bytes);
	int (*get_bytes)(struct socket *so, void *value, uint32_t *bytes);
};

/* ---- rows that are a field of struct socket_options ---- */

#define FLAG(level, name, form, field)                                                             \
	static int set_##name(struct socket *so, int value)                                        \
	{                                                                                          \
		so->option.field = value != 0;                                                     \
		return 0;                                                                          \
	}                                                                                          \
	static int get_##name(const struct socket *so, int *value)                                 \
	{                                                                                          \
		*value = so->option.field;                                                         \
		return 0;                                                                          \
	}
#define NUMBER(level, name, form, field, low, high)                                                \
	static int set_##name(struct socket *so, int value)                                        \
	{                                                                                          \
		if (value < (low) || value > (high))                                               \
			return -EINVAL;                                                            \
		so->option.field = (__typeof__(so->option.field))value;                            \
		return 0;                                                                          \
	}                                                                                          \
	static int get_##name(const struct socket *so, int *value)                                 \
	{                                                                                          \
		*value = (int)so->option.field;                                                    \
		return 0;                                                                          \
	}
#define INT(level, name, form, setter, getter)
#define BYTES(level, name, setter, getter)
#include "stack/protocol/options.def"
#undef FLAG
#undef NUMBER
#undef INT
#undef BYTES

/* ---- rows with a rule of their own ---- */

static int get_type(const struct socket *so, int *value)
{
	static const int type[] = {[SOCKET_TCP] = SOCK_STREAM, [SOCKET_UDP] = SOCK_DGRAM,
	    [SOCKET_ICMP] = SOCK_DGRAM, [SOCKET_RAW] = SOCK_RAW};

	*value = type[so->kind];
	return 0;
}

static int get_domain(const struct socket *so, int *value)
{
	*value = so->family == 4 ? AF_INET : AF_INET6;
	return 0;
}

static int get_protocol(const struct socket *so, int *value)
{
	*value = so->protocol;
	return 0;
}

static int get_accepting(const struct socket *so, int *value)
{
	*value = so->port.bucket && so->port.listening;
	return 0;
}

static int no_value(const struct socket *so, int *value)
{
	(void)so;
	*value = 0;
	return 0;
}

static int get_one(const struct socket *so, int *value)
{
	(void)so;
	*value = 1;
	return 0;
}

/* socket(7): doubled for book-keeping, and shown doubled. */
static uint32_t buffer_bytes(int value, int max, uint32_t min)
{
	int64_t asked = value < 0 ? max : value < max ? value : max;
	int64_t doubled = 2 * asked;

	return doubled < min ? min : (uint32_t)doubled;
}

static int set_send_buffer(struct socket *so, int value)
{
	so->option.send_buffer_bytes = buffer_bytes(value, BUFFER_MAX_BYTES, SEND_BUFFER_MIN_BYTES);
	so->option.send_buffer_locked = true;
	return 0;
}

static int get_send_buffer(const struct socket *so, int *value)
{
	*value = (int)so->option.send_buffer_bytes;
	return 0;
}

static int set_receive_buffer(struct socket *so, int value)
{
	so->option.receive_buffer_bytes = buffer_bytes(value, BUFFER_MAX_BYTES, RECEIVE_BUFFER_MIN_BYTES);
	so->option.receive_buffer_locked = true;
	return 0;
}

static int get_receive_buffer(const struct socket *so, int *value)
{
	*value = (int)so->option.receive_buffer_bytes;
	return 0;
}

/* The FORCE forms go beyond the maximum; in Linux they need CAP_NET_ADMIN. */
static int set_privileged(struct socket *so, int value)
{
	(void)so;
	(void)value;
	return -EPERM;
}

static int set_receive_low_water(struct socket *so, int value)
{
	so->option.receive_low_water = value < 0 ? INT32_MAX : value ? value : 1;
	return 0;
}

static int get_receive_low_water(const struct socket *so, int *value)
{
	*value = so->option.receive_low_water;
	return 0;
}

/* socket(7): values outside 0 to 6 need CAP_NET_ADMIN. */
static int set_priority(struct socket *so, int value)
{
	if (value < 0 || value > 6)
		return -EPERM;
	so->option.priority = value;
	return 0;
}

static int get_priority(const struct socket *so, int *value)
{
	*value = so->option.priority;
	return 0;
}

static int set_timestamp(struct socket *so, int value)
{
	so->option.timestamp_on = value != 0;
	so->option.timestamp_ns_on = false;
	return 0;
}

static int get_timestamp(const struct socket *so, int *value)
{
	*value = so->option.timestamp_on && !so->option.timestamp_ns_on;
	return 0;
}

static int set_timestamp_ns(struct socket *so, int value)
{
	so->option.timestamp_on = so->option.timestamp_ns_on = value != 0;
	return 0;
}

static int get_timestamp_ns(const struct socket *so, int *value)
{
	*value = so->option.timestamp_on && so->option.timestamp_ns_on;
	return 0;
}

static int set_device(struct socket *so, const void *value, uint32_t bytes)
{
	char name[16] = "";

	memcpy(name, value, bytes < sizeof(name) ? bytes : sizeof(name) - 1);
	if (!name[0]) {
		so->bound_interface = 0;
		return 0;
	}
	for (uint32_t i = 1; i < INTERFACES_MAX; i++) {
		if (so->stack->interface[i] && text_equal(interface_find(so->stack, i)->config.name, name)) {
			so->bound_interface = i;
			so->path.generation = 0;
			return 0;
		}
	}
	return -ENODEV;
}

static int get_device(struct socket *so, void *value, uint32_t *bytes)
{
	const char *name;
	uint32_t length;

	if (!so->bound_interface) {
		*bytes = 0;
		return 0;
	}
	name = interface_find(so->stack, so->bound_interface)->config.name;
	length = (uint32_t)text_length(name) + 1;
	if (*bytes < length)
		return -EINVAL;
	memcpy(value, name, length);
	*bytes = length;
	return 0;
}

static int set_device_index(struct socket *so, int value)
{
	if (value < 0 || (value && ((uint32_t)value >= INTERFACES_MAX || !so->stack->interface[value])))
		return value < 0 ? -EINVAL : -ENODEV;
	so->bound_interface = (uint32_t)value;
	so->path.generation = 0;
	return 0;
}

static int get_device_index(const struct socket *so, int *value)
{
	*value = (int)so->bound_interface;
	return 0;
}

static int set_linger(struct socket *so, const void *value, uint32_t bytes)
{
	struct linger linger;

	if (bytes < sizeof(linger))
		return -EINVAL;
	memcpy(&linger, value, sizeof(linger));
	so->option.linger_on = linger.l_onoff != 0;
	so->option.linger_seconds = linger.l_onoff ? linger.l_linger : so->option.linger_seconds;
	return 0;
}

static void answer_bytes(const void *answer, uint32_t length, void *value, uint32_t *bytes)
{
	if (*bytes > length)
		*bytes = length;
	memcpy(value, answer, *bytes);
}

static int get_linger(struct socket *so, void *value, uint32_t *bytes)
{
	struct linger linger = {so->option.linger_on, so->option.linger_seconds};

	answer_bytes(&linger, sizeof(linger), value, bytes);
	return 0;
}

static int get_error(struct socket *so, void *value, uint32_t *bytes)
{
	option_answer_int(socket_take_error(so), value, bytes);
	return 0;
}

static int set_pacing(struct socket *so, const void *value, uint32_t bytes)
{
	uint32_t narrow;
	uint64_t wide;

	if (bytes >= sizeof(wide)) {
		memcpy(&wide, value, sizeof(wide));
	} else {
		if (bytes < sizeof(narrow))
			return -EINVAL;
		memcpy(&narrow, value, sizeof(narrow));
		wide = narrow == UINT32_MAX ? UINT64_MAX : narrow;
	}
	so->option.max_pacing_bytes_per_s = wide;
	return 0;
}

static int get_pacing(struct socket *so, void *value, uint32_t *bytes)
{
	uint64_t wide = so->option.max_pacing_bytes_per_s;
	uint32_t narrow = wide > UINT32_MAX ? UINT32_MAX : (uint32_t)wide;

	if (*bytes >= sizeof(wide))
		answer_bytes(&wide, sizeof(wide), value, bytes);
	else
		answer_bytes(&narrow, sizeof(narrow), value, bytes);
	return 0;
}

/* The low two bits are ECN's: a stream socket's belong to TCP. */
static int set_tos(struct socket *so, int value)
{
	uint8_t tos = (uint8_t)value;

	if (so->kind == SOCKET_TCP)
		tos = (uint8_t)((tos & ~3) | (so->option.tos & 3));
	so->option.tos = tos;
	return 0;
}

static int get_tos(const struct socket *so, int *value)
{
	*value = so->option.tos;
	return 0;
}

static int set_ttl(struct socket *so, int value)
{
	if (value != -1 && (value < 1 || value > 255))
		return -EINVAL;
	so->option.ttl = (int16_t)value;
	return 0;
}

static int get_ttl(const struct socket *so, int *value)
{
	*value = so->option.ttl < 0 ? 64 : so->option.ttl;
	return 0;
}

static int set_multicast_ttl(struct socket *so, int value)
{
	if (so->kind == SOCKET_TCP || value < -1 || value > 255)
		return -EINVAL;
	so->option.multicast_ttl = (int16_t)(value == -1 ? 1 : value);
	return 0;
}

static int get_multicast_ttl(const struct socket *so, int *value)
{
	*value = so->option.multicast_ttl;
	return 0;
}

static int get_mtu(const struct socket *so, int *value)
{
	struct ip_path path; /* looked up anew: a smaller MTU may have been learned since */

	if (!so->path.generation ||
	    ip_path_find(so->stack, &so->remote.addr, &so->local.addr, so->bound_interface, &path))
		return -ENOTCONN;
	*value = (int)path.mtu_bytes;
	return 0;
}

static int get_no_options(struct socket *so, void *value, uint32_t *bytes)
{
	(void)so;
	(void)value;
	*bytes = 0;
	return 0;
}

/* ---- the table ---- */

static const struct option_row rows[] = {
#define FLAG(level, name, form, field) {level, name, form, set_##name, get_##name, NULL, NULL},
#define NUMBER(level, name, form, field, low, high) {level, name, form, set_##name, get_##name, NULL, NULL},
#define INT(level, name, form, setter, getter) {level, name, form, setter, getter, NULL, NULL},
#define BYTES(level, name, setter, getter) {level, name, FORM_OTHER, NULL, NULL, setter, getter},
#include "stack/protocol/options.def"
};

static const struct option_row *find_row(int level, int name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].level == level && rows[i].name == name)
			return &rows[i];
	return NULL;
}

static int read_number(enum option_form form, const void *value, uint32_t bytes, int *out)
{
	if (bytes >= sizeof(int)) {
		memcpy(out, value, sizeof(int));
		return 0;
	}
	if (form == FORM_INT || bytes == 0)
		return -EINVAL;
	*out = *(const uint8_t *)value;
	return 0;
}

int option_set(struct socket *so, int level, int name, const void *value, uint32_t bytes)
{
	const struct option_row *row = find_row(level, name);
	int number;
	int error;

	if (!row || (level == IPPROTO_IPV6 && so->family != 6))
		return -ENOPROTOOPT;
	if (row->set_bytes)
		return row->set_bytes(so, value, bytes);
	if (!row->set)
		return -ENOPROTOOPT;
	error = read_number(row->form, value, bytes, &number);
	return error ? error : row->set(so, number);
}

void option_answer_int(int answer, void *value, uint32_t *bytes)
{
	answer_bytes(&answer, sizeof(answer), value, bytes);
}

int option_get(struct socket *so, int level, int name, void *value, uint32_t *bytes)
{
	const struct option_row *row = find_row(level, name);
	int number;
	int error;

	if (!row || (!row->get && !row->get_bytes) || (level == IPPROTO_IPV6 && so->family != 6))
		return -ENOPROTOOPT;
	if (row->get_bytes)
		return row->get_bytes(so, value, bytes);
	error = row->get(so, &number);
	if (error)
		return error;
	/* ip(7): a small number for little room comes as one byte. */
	if (row->form == FORM_NUMBER && *bytes > 0 && *bytes < sizeof(int) && number >= 0 && number <= 255) {
		*(uint8_t *)value = (uint8_t)number;
		*bytes = 1;
		return 0;
	}
	option_answer_int(number, value, bytes);
	return 0;
}
