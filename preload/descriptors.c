/* SPDX-License-Identifier: MIT */
/*
 * Owns the descriptor table (descriptors.h tells its rules). Never talks to teachnetd.
 */
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "preload/descriptors.h"
#include "preload/real.h"
#include "preload/sandbox.h"
#include "preload/settings.h"
#include "service/control.h"

#define DESCRIPTORS_MAX (1U << 20) /* fs.nr_open's default; what lies beyond is asked for each time */
#define PAGE_ROWS 128U
#define PAGES (DESCRIPTORS_MAX / PAGE_ROWS)

struct row {
	_Atomic uint64_t facts;
	_Atomic uint64_t socket_id;
	_Atomic uint64_t last_destination;
	uint64_t pad;
};

static _Atomic(struct row *) pages[PAGES];
/* Whose table it is: a vfork child runs in its parent's memory with a pid of its own. */
static _Atomic pid_t owner;
static _Atomic bool errors_wanted;

static struct row *row_of(int fd)
{
	struct row *page;

	if ((unsigned)fd >= DESCRIPTORS_MAX)
		return NULL;
	page = atomic_load_explicit(&pages[(unsigned)fd / PAGE_ROWS], memory_order_acquire);
	return page != NULL ? &page[(unsigned)fd % PAGE_ROWS] : NULL;
}

static struct row *row_make(int fd)
{
	struct row *page;
	struct row *expected = NULL;
	size_t bytes = PAGE_ROWS * sizeof(struct row);

	if (row_of(fd) != NULL || (unsigned)fd >= DESCRIPTORS_MAX)
		return row_of(fd);
	page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return NULL;
	if (!atomic_compare_exchange_strong(&pages[(unsigned)fd / PAGE_ROWS], &expected, page))
		munmap(page, bytes);
	return row_of(fd);
}

static bool table_is_ours(void)
{
	pid_t self = (pid_t)real.syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
	pid_t nobody = 0;

	return atomic_compare_exchange_strong(&owner, &nobody, self) || nobody == self;
}

void descriptor_after_fork(void)
{
	atomic_store(&owner, (pid_t)real.syscall(SYS_getpid, 0, 0, 0, 0, 0, 0));
}

/* The generation counts the row's lives. */
static uint64_t next_life(uint64_t facts)
{
	return ((facts >> 32) + 1) << 32;
}

/* Begins a new life, whose first state is UNKNOWN. Two who do so at once begin two: neither takes
 * the other's for its own. */
static uint64_t begin_life(struct row *row)
{
	uint64_t facts = atomic_load(&row->facts);

	while (!atomic_compare_exchange_weak(&row->facts, &facts, next_life(facts) | DESCRIPTOR_UNKNOWN))
		continue;
	return next_life(facts);
}

static bool parse_hex(const char *text, uint64_t *value)
{
	*value = 0;
	for (int i = 0; i < 16; i++) {
		char c = text[i];
		unsigned digit;

		if (c >= '0' && c <= '9')
			digit = (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (unsigned)(c - 'a' + 10);
		else
			return false;
		*value = *value << 4 | digit;
	}
	return true;
}

/* "\0teachnet/<16>/<k>/<16>" */
#define NAME_INSTANCE (1 + sizeof(CONTROL_NAME_PREFIX) - 1)
#define NAME_KIND (NAME_INSTANCE + 17)
#define NAME_ID (NAME_KIND + 2)
#define NAME_BYTES (NAME_ID + 16)

/* 0 ours, -ENOTSOCK not ours, or what getpeername() said. */
static int read_name(int fd, char *kind, uint64_t *socket_id)
{
	uint64_t instance;
	struct sockaddr_un name = { .sun_family = AF_UNSPEC };
	socklen_t bytes = sizeof(name);
	const char *path = name.sun_path;

	if (real.getpeername(fd, (struct sockaddr *)&name, &bytes) < 0)
		return -errno;
	if (name.sun_family != AF_UNIX ||
	    bytes < offsetof(struct sockaddr_un, sun_path) + NAME_BYTES || path[0] != 0 ||
	    memcmp(path + 1, CONTROL_NAME_PREFIX, sizeof(CONTROL_NAME_PREFIX) - 1) != 0 ||
	    !parse_hex(path + NAME_INSTANCE, &instance) || !parse_hex(path + NAME_ID, socket_id))
		return -ENOTSOCK;
	*kind = path[NAME_KIND];
	return 0;
}

/* What the kernel says fd is: facts without a generation. UNKNOWN when there is no such fd. */
static uint64_t identify(int fd, uint64_t *socket_id)
{
	char kind = 0;
	int saved = errno;
	int result = read_name(fd, &kind, socket_id);

	errno = saved;
	if (result == -EBADF)
		return DESCRIPTOR_UNKNOWN;
	if (result < 0)
		return DESCRIPTOR_FOREIGN;
	switch (kind) {
	case 's':
	case 'l':
		return DESCRIPTOR_STREAM;
	case 'd':
		return DESCRIPTOR_DATAGRAM;
	default:
		return DESCRIPTOR_FOREIGN;
	}
}

static bool find_unknown(int fd, struct descriptor *d, uint64_t seen)
{
	uint64_t facts = identify(fd, &d->socket_id);
	struct row *row;

	d->fd = fd;
	d->facts = facts;
	if (facts != DESCRIPTOR_UNKNOWN && table_is_ours() && (row = row_make(fd)) != NULL) {
		/* The id goes in while the row is still unknown: nobody reads it yet. */
		uint64_t reserved = next_life(seen) | DESCRIPTOR_UNKNOWN;

		if (atomic_compare_exchange_strong(&row->facts, &seen, reserved)) {
			atomic_store(&row->socket_id, d->socket_id);
			atomic_store(&row->last_destination, 0);
			d->facts = facts | (reserved & ~(uint64_t)UINT32_MAX);
			atomic_compare_exchange_strong(&row->facts, &reserved, d->facts);
		}
	}
	return facts == DESCRIPTOR_STREAM || facts == DESCRIPTOR_DATAGRAM;
}

/* Reads a row: its id belongs to its facts, or it is UNKNOWN. */
static uint64_t read_row(const struct row *row, struct descriptor *d)
{
	uint64_t facts = atomic_load_explicit(&row->facts, memory_order_acquire);
	uint64_t now;

	d->facts = facts;
	d->socket_id = atomic_load_explicit(&row->socket_id, memory_order_acquire);
	now = atomic_load_explicit(&row->facts, memory_order_acquire);
	return now >> 32 == facts >> 32 ? facts : now & ~(uint64_t)DESCRIPTOR_KIND;
}

bool descriptor_find(int fd, struct descriptor *d)
{
	struct row *row = row_of(fd);
	uint64_t facts = 0;

	d->fd = fd;
	if (row != NULL) {
		facts = read_row(row, d);
		switch ((enum descriptor_kind)(facts & DESCRIPTOR_KIND)) {
		case DESCRIPTOR_STREAM:
		case DESCRIPTOR_DATAGRAM:
			return true;
		case DESCRIPTOR_FOREIGN:
		case DESCRIPTOR_INTERNAL:
			return false;
		case DESCRIPTOR_UNKNOWN:
			break;
		}
	}
	if (fd < 0 || settings_kernel() || sandbox_entered)
		return false;
	return find_unknown(fd, d, facts);
}

bool descriptor_cached(int fd, struct descriptor *d)
{
	struct row *row = row_of(fd);
	uint64_t kind;

	if (row == NULL)
		return false;
	d->fd = fd;
	kind = read_row(row, d) & DESCRIPTOR_KIND;
	return kind == DESCRIPTOR_STREAM || kind == DESCRIPTOR_DATAGRAM;
}

int descriptor_next_internal(unsigned first, unsigned last)
{
	for (unsigned fd = first; fd < DESCRIPTORS_MAX && fd <= last; fd++) {
		if (row_of((int)fd) == NULL)
			fd |= PAGE_ROWS - 1;
		else if (descriptor_internal((int)fd))
			return (int)fd;
	}
	return -1;
}

bool descriptor_internal(int fd)
{
	struct row *row = row_of(fd);

	return row != NULL &&
	    (atomic_load_explicit(&row->facts, memory_order_acquire) & DESCRIPTOR_KIND) == DESCRIPTOR_INTERNAL;
}

void descriptor_set(int fd, uint64_t facts, uint64_t socket_id, struct descriptor *d)
{
	struct row *row = table_is_ours() ? row_make(fd) : NULL;
	uint64_t life = 0;

	if (row != NULL) {
		life = begin_life(row);
		atomic_store(&row->socket_id, socket_id);
		atomic_store(&row->last_destination, 0);
		atomic_store_explicit(&row->facts, life | facts, memory_order_release);
	}
	if (d != NULL)
		*d = (struct descriptor){ .fd = fd, .facts = life | facts, .socket_id = socket_id };
}

bool descriptors_want_errors(void)
{
	return atomic_load_explicit(&errors_wanted, memory_order_relaxed);
}

void descriptor_mark(struct descriptor *d, uint64_t set, uint64_t clear)
{
	struct row *row = row_of(d->fd);
	uint64_t facts;

	if ((set & DESCRIPTOR_RECVERR) != 0)
		atomic_store_explicit(&errors_wanted, true, memory_order_relaxed);
	d->facts = (d->facts & ~clear) | set;
	if (row == NULL || !table_is_ours())
		return;
	facts = atomic_load(&row->facts);
	while (facts >> 32 == d->facts >> 32 && (facts & DESCRIPTOR_KIND) == (d->facts & DESCRIPTOR_KIND) &&
	    !atomic_compare_exchange_weak(&row->facts, &facts, (facts & ~clear) | set))
		continue;
}

void descriptor_forget(int fd)
{
	struct row *row = row_of(fd);

	if (row != NULL)
		begin_life(row);
}

void descriptor_forget_range(unsigned first, unsigned last)
{
	for (unsigned fd = first; fd < DESCRIPTORS_MAX && fd <= last; fd++) {
		if (row_of((int)fd) == NULL)
			fd |= PAGE_ROWS - 1;
		else if (!descriptor_internal((int)fd))
			descriptor_forget((int)fd);
	}
}

bool descriptor_verify(struct descriptor *d)
{
	uint64_t socket_id = 0;
	uint64_t facts = identify(d->fd, &socket_id);

	if (facts == (d->facts & DESCRIPTOR_KIND) && socket_id == d->socket_id)
		return true;
	descriptor_forget(d->fd);
	return false;
}

uint64_t descriptor_last_destination(const struct descriptor *d)
{
	struct row *row = row_of(d->fd);

	return row != NULL ? atomic_load_explicit(&row->last_destination, memory_order_relaxed) : 0;
}

void descriptor_set_last_destination(const struct descriptor *d, uint64_t hash)
{
	struct row *row = row_of(d->fd);

	if (row != NULL)
		atomic_store_explicit(&row->last_destination, hash, memory_order_relaxed);
}
