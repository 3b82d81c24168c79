/* SPDX-License-Identifier: MIT */
/*
 * Host names: finds the resolver module beside the library, loads it once, and hands calls on. The
 * older calls with a static result have theirs here.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "preload/names.h"
#include "preload/real.h"
#include "preload/resolver/resolver.h"
#include "preload/settings.h"
#include "preload/sockets.h"
#include "preload/start.h"
#include "preload/user.h"

#define MODULE_NAME "libteachnet-resolver.so"
#define INTERFACES_MAX 64U

/* ---- what the module asks of us ---- */

static int configuration(char *text, size_t room)
{
	struct exchange x = {
		.request.operation = CONTROL_RESOLVER,
		.room = text,
		.room_bytes = room - 1,
		.start = true,
	};
	int64_t result = channel_exchange(&x);

	text[x.received_bytes < room ? x.received_bytes : room - 1] = 0;
	return result < 0 ? (int)result : (int)x.received_bytes;
}

static int has_family(int family)
{
	struct control_interface table[INTERFACES_MAX];
	struct exchange x = {
		.request.operation = CONTROL_INTERFACES,
		.room = table,
		.room_bytes = sizeof(table),
		.start = true,
	};

	if (channel_exchange(&x) < 0)
		return family == AF_INET;
	for (size_t i = 0; i < x.received_bytes / sizeof(table[0]); i++) {
		sa_family_t own;

		memcpy(&own, table[i].address.sockaddr, sizeof(own));
		if (table[i].has_address && own == family && (table[i].flags & IFF_LOOPBACK) == 0)
			return 1;
	}
	return 0;
}

static int source_for(const struct sockaddr *to, socklen_t bytes, struct sockaddr_storage *source)
{
	struct exchange x = { .request.operation = CONTROL_SOURCE_FOR, .start = true };
	int64_t result;

	if (user_take_address(&x.request.address, to, bytes) < 0)
		return -EINVAL;
	result = channel_exchange(&x);
	memset(source, 0, sizeof(*source));
	if (result == 0 && x.reply.address.bytes <= sizeof(x.reply.address.sockaddr))
		memcpy(source, x.reply.address.sockaddr, x.reply.address.bytes);
	return (int)result;
}

/* ---- the module ---- */

static const struct resolver_module *module;

static const struct resolver_module *open_module(const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	return library != NULL ? dlsym(library, RESOLVER_SYMBOL) : NULL;
}

static void load_module(void)
{
	static const char *const beside[] = { MODULE_NAME, "teachnet/" MODULE_NAME };
	static struct resolver_host host = {
		.configuration = configuration,
		.has_family = has_family,
		.source_for = source_for,
	};
	char path[1024];
	Dl_info self;
	const char *slash;

	host.hosts_path = settings_value(SETTING_HOSTS);
	if (dladdr((const void *)load_module, &self) != 0 && (slash = strrchr(self.dli_fname, '/')) != NULL) {
		for (unsigned i = 0; i < sizeof(beside) / sizeof(beside[0]) && module == NULL; i++) {
			snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - self.dli_fname), self.dli_fname, beside[i]);
			module = open_module(path);
		}
	}
	if (module == NULL)
		module = open_module(TEACHNET_PKGLIBDIR "/" MODULE_NAME);
	if (module != NULL)
		module->begin(&host);
	else
		start_complain(MODULE_NAME " is neither beside libteachnet.so nor in " TEACHNET_PKGLIBDIR
		    ": host names cannot be looked up; install it");
}

const struct resolver_module *names_module(bool *kernel)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	settings_from_environment();
	*kernel = settings_kernel();
	if (!*kernel)
		pthread_once(&once, load_module);
	return *kernel ? NULL : module;
}

/* ---- the calls ---- */

int call_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **list)
{
	bool kernel;
	const struct resolver_module *m = names_module(&kernel);

	if (kernel)
		return real.getaddrinfo(node, service, hints, list);
	return m != NULL ? m->getaddrinfo(node, service, hints, list) : EAI_FAIL;
}

/*
 * GAI_WAIT: one after the other, over our stack. GAI_NOWAIT would go to the kernel's stack from inside
 * the C library, so it is refused.
 */
int call_getaddrinfo_a(int mode, struct gaicb **list, int count, struct sigevent *told)
{
	bool kernel;

	(void)names_module(&kernel);
	if (kernel || (mode != GAI_WAIT && mode != GAI_NOWAIT))
		return real.getaddrinfo_a(mode, list, count, told);
	if (mode == GAI_NOWAIT) {
		start_complain("getaddrinfo_a() with GAI_NOWAIT is not supported: use GAI_WAIT or getaddrinfo() in a thread");
		errno = ENOSYS;
		return EAI_SYSTEM;
	}
	for (int i = 0; i < count; i++)
		if (list[i] != NULL)
			list[i]->__return = call_getaddrinfo(list[i]->ar_name, list[i]->ar_service, list[i]->ar_request,
			    &list[i]->ar_result);
	return 0;
}

int call_getnameinfo(const struct sockaddr *address, socklen_t bytes, char *host, socklen_t host_bytes, char *service,
    socklen_t service_bytes, int flags)
{
	bool kernel;
	const struct resolver_module *m = names_module(&kernel);

	if (kernel)
		return real.getnameinfo(address, bytes, host, host_bytes, service, service_bytes, flags);
	return m != NULL ? m->getnameinfo(address, bytes, host, host_bytes, service, service_bytes, flags) : EAI_FAIL;
}

static int no_module(struct hostent **result, int *error)
{
	*result = NULL;
	*error = NO_RECOVERY;
	return EAGAIN;
}

int call_gethostbyname2_r(const char *name, int family, struct hostent *entry, char *buffer, size_t room,
    struct hostent **result, int *error)
{
	bool kernel;
	const struct resolver_module *m = names_module(&kernel);

	if (kernel)
		return real.gethostbyname2_r(name, family, entry, buffer, room, result, error);
	return m != NULL ? m->gethostbyname2_r(name, family, entry, buffer, room, result, error) : no_module(result, error);
}

int call_gethostbyname_r(const char *name, struct hostent *entry, char *buffer, size_t room, struct hostent **result,
    int *error)
{
	return call_gethostbyname2_r(name, AF_INET, entry, buffer, room, result, error);
}

int call_gethostbyaddr_r(const void *address, socklen_t bytes, int family, struct hostent *entry, char *buffer,
    size_t room, struct hostent **result, int *error)
{
	bool kernel;
	const struct resolver_module *m = names_module(&kernel);

	if (kernel)
		return real.gethostbyaddr_r(address, bytes, family, entry, buffer, room, result, error);
	return m != NULL ? m->gethostbyaddr_r(address, bytes, family, entry, buffer, room, result, error) :
	    no_module(result, error);
}

/* The static result of the calls without _r; not thread-safe, as their manual page says. */
static struct {
	struct hostent entry;
	char buffer[8192];
} shared;

struct hostent *call_gethostbyname2(const char *name, int family)
{
	struct hostent *result = NULL;

	if (call_gethostbyname2_r(name, family, &shared.entry, shared.buffer, sizeof(shared.buffer), &result, &h_errno) == ERANGE)
		h_errno = NETDB_INTERNAL;
	return result;
}

struct hostent *call_gethostbyname(const char *name)
{
	return call_gethostbyname2(name, AF_INET);
}

struct hostent *call_gethostbyaddr(const void *address, socklen_t bytes, int family)
{
	struct hostent *result = NULL;

	if (call_gethostbyaddr_r(address, bytes, family, &shared.entry, shared.buffer, sizeof(shared.buffer), &result,
	    &h_errno) == ERANGE)
		h_errno = NETDB_INTERNAL;
	return result;
}
