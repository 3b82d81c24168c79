/* SPDX-License-Identifier: MIT */
/* Host and service names as far as they need no server: numbers, the hosts file, errors, flags. */
#include <netdb.h>

#include "tests/shim/shim.h"

static const char *eai_name(int error)
{
	switch (error) {
	case 0:
		return "0";
	case EAI_NONAME:
		return "EAI_NONAME";
	case EAI_BADFLAGS:
		return "EAI_BADFLAGS";
	case EAI_FAMILY:
		return "EAI_FAMILY";
	case EAI_SOCKTYPE:
		return "EAI_SOCKTYPE";
	case EAI_SERVICE:
		return "EAI_SERVICE";
	case EAI_ADDRFAMILY:
		return "EAI_ADDRFAMILY";
	case EAI_OVERFLOW:
		return "EAI_OVERFLOW";
	case EAI_NODATA:
		return "EAI_NODATA";
	case EAI_AGAIN:
		return "EAI_AGAIN";
	default:
		return "another";
	}
}

static void lookup(const char *what, const char *node, const char *service, const struct addrinfo *hints)
{
	struct addrinfo *list = NULL;
	int error = getaddrinfo(node, service, hints, &list);

	printf("%s: %s = %s", shim_case, what, eai_name(error));
	for (struct addrinfo *a = list; a != NULL; a = a->ai_next) {
		char text[64] = "?";
		unsigned port = ntohs(((struct sockaddr_in *)a->ai_addr)->sin_port);
		void *address = a->ai_family == AF_INET6 ? (void *)&((struct sockaddr_in6 *)a->ai_addr)->sin6_addr :
		    (void *)&((struct sockaddr_in *)a->ai_addr)->sin_addr;

		inet_ntop(a->ai_family, address, text, sizeof(text));
		printf(" [%d %d %d %s %u %u%s%s]", a->ai_family, a->ai_socktype, a->ai_protocol, text, port,
		    a->ai_addrlen, a->ai_canonname != NULL ? " " : "", a->ai_canonname != NULL ? a->ai_canonname : "");
	}
	putchar('\n');
	if (list != NULL)
		freeaddrinfo(list);
}

#define HINTS(...) (&(struct addrinfo){ __VA_ARGS__ })

static void addresses(void)
{
	CASE("getaddrinfo");
	lookup("a number", "192.0.2.1", "80", HINTS(.ai_family = AF_INET));
	lookup("a number, stream", "192.0.2.1", "80", HINTS(.ai_socktype = SOCK_STREAM));
	lookup("a number, raw", "192.0.2.1", NULL, HINTS(.ai_socktype = SOCK_RAW, .ai_protocol = 1));
	lookup("a short number", "127.1", "80", HINTS(.ai_socktype = SOCK_STREAM));
	lookup("an IPv6 number", "2001:db8::1", "80", HINTS(.ai_socktype = SOCK_STREAM));
	lookup("an IPv6 number for IPv4", "::1", "80", HINTS(.ai_family = AF_INET));
	lookup("an IPv4 number for IPv6", "192.0.2.1", "80", HINTS(.ai_family = AF_INET6));
	lookup("an IPv4 number mapped", "192.0.2.1", "80",
	    HINTS(.ai_family = AF_INET6, .ai_flags = AI_V4MAPPED, .ai_socktype = SOCK_STREAM));
	lookup("a service", "192.0.2.1", "http", HINTS(.ai_socktype = SOCK_STREAM));
	lookup("a service with both", "192.0.2.1", "domain", HINTS(.ai_family = AF_INET));
	lookup("a service of UDP only", "192.0.2.1", "tftp", HINTS(.ai_socktype = SOCK_STREAM));
	lookup("no such service", "192.0.2.1", "nonesuch", HINTS(.ai_socktype = SOCK_STREAM));
	lookup("no such service, any type", "192.0.2.1", "nonesuch", NULL);
	lookup("a service, raw", "192.0.2.1", "http", HINTS(.ai_socktype = SOCK_RAW));
	lookup("AI_NUMERICSERV", "192.0.2.1", "http", HINTS(.ai_flags = AI_NUMERICSERV));
	lookup("AI_NUMERICHOST", "localhost", "80", HINTS(.ai_flags = AI_NUMERICHOST));
	lookup("nothing", NULL, NULL, NULL);
	lookup("no host", NULL, "80", HINTS(.ai_family = AF_INET, .ai_socktype = SOCK_STREAM));
	lookup("passive", NULL, "80", HINTS(.ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE));
	lookup("passive, IPv6", NULL, "80", HINTS(.ai_family = AF_INET6, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE));
	lookup("no host, any family", NULL, "80", HINTS(.ai_socktype = SOCK_STREAM));
	lookup("passive, any family", NULL, "80", HINTS(.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE));
	lookup("passive with a host", "127.0.0.1", "80",
	    HINTS(.ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE));
	lookup("a bad family", "127.0.0.1", "80", HINTS(.ai_family = 99));
	lookup("a bad type", "127.0.0.1", "80", HINTS(.ai_socktype = 99));
	lookup("a bad protocol", "127.0.0.1", "80", HINTS(.ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_UDP));
	lookup("bad flags", "127.0.0.1", "80", HINTS(.ai_flags = 0x8000));
	lookup("AI_CANONNAME without a name", NULL, "80", HINTS(.ai_flags = AI_CANONNAME));
	lookup("AI_CANONNAME of a number", "127.0.0.1", "80", HINTS(.ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM));
	lookup("the hosts file", "localhost", "80", HINTS(.ai_family = AF_INET, .ai_socktype = SOCK_STREAM));
	lookup("port out of range", "127.0.0.1", "70000", HINTS(.ai_socktype = SOCK_STREAM));
	lookup("port with a sign", "127.0.0.1", "-1", HINTS(.ai_socktype = SOCK_STREAM));
	lookup("port with a tail", "127.0.0.1", "80x", HINTS(.ai_socktype = SOCK_STREAM));
	lookup("an empty port", "127.0.0.1", "", HINTS(.ai_socktype = SOCK_STREAM));
	lookup("protocol only", "127.0.0.1", "80", HINTS(.ai_protocol = IPPROTO_UDP));
}

static void back(const char *what, const void *address, socklen_t bytes, socklen_t host_room, socklen_t service_room,
    int flags)
{
	char host[128] = "";
	char service[64] = "";
	int error = getnameinfo(address, bytes, host_room > 0 ? host : NULL, host_room, service_room > 0 ? service : NULL,
	    service_room, flags);

	SAY(what, "%s %s %s", eai_name(error), error == 0 ? host : "", error == 0 ? service : "");
}

static void at_once(void)
{
	struct gaicb good = { .ar_name = "192.0.2.1", .ar_service = "80" };
	struct gaicb bad = { .ar_name = "192.0.2.1", .ar_service = "nonesuch" };
	struct gaicb *list[3] = { &good, NULL, &bad };

	CASE("getaddrinfo_a");
	SAY("GAI_WAIT", "%d", getaddrinfo_a(GAI_WAIT, list, 3, NULL));
	SAY("good", "%s %d", eai_name(gai_error(&good)), good.ar_result != NULL);
	SAY("bad", "%s", eai_name(gai_error(&bad)));
	freeaddrinfo(good.ar_result);
	SAY("a bad mode", "%s", getaddrinfo_a(99, list, 0, NULL) == EAI_SYSTEM ? shim_error() : "?");
}

static void names(void)
{
	struct sockaddr_in at = shim_address(INADDR_LOOPBACK, 80);
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(443), .sin6_addr = IN6ADDR_LOOPBACK_INIT };

	CASE("getnameinfo");
	back("numbers", &at, sizeof(at), 128, 64, NI_NUMERICHOST | NI_NUMERICSERV);
	back("the hosts file", &at, sizeof(at), 128, 64, 0);
	back("service only", &at, sizeof(at), 0, 64, 0);
	back("neither", &at, sizeof(at), 0, 0, 0);
	back("no room", &at, sizeof(at), 3, 0, NI_NUMERICHOST);
	back("no room for the service", &at, sizeof(at), 0, 2, NI_NUMERICSERV);
	back("a short address", &at, 3, 128, 64, NI_NUMERICHOST);
	back("IPv6", &six, sizeof(six), 128, 64, NI_NUMERICHOST);
	back("bad flags", &at, sizeof(at), 128, 64, 0x8000);
	at.sin_port = htons(53);
	back("a UDP service", &at, sizeof(at), 0, 64, NI_DGRAM);
	at.sin_port = htons(64999);
	back("no service has this port", &at, sizeof(at), 0, 64, 0);
	at.sin_family = 99;
	back("a bad family", &at, sizeof(at), 128, 64, 0);
}

static void host(const char *what, struct hostent *h)
{
	int error = h_errno;

	if (h == NULL) {
		SAY(what, "none, %d", error);
		return;
	}
	printf("%s: %s = %s %d %d", shim_case, what, h->h_name, h->h_addrtype, h->h_length);
	for (char **a = h->h_addr_list; *a != NULL; a++) {
		char text[64];

		printf(" %s", inet_ntop(h->h_addrtype, *a, text, sizeof(text)));
	}
	putchar('\n');
}

static void old_calls(void)
{
	struct in_addr loopback = { .s_addr = htonl(INADDR_LOOPBACK) };
	struct hostent entry;
	struct hostent *result;
	char small[4];
	int error = 0;

	CASE("gethostby");
	host("gethostbyname, a number", gethostbyname("192.0.2.7"));
	host("gethostbyname, the hosts file", gethostbyname("localhost"));
	host("gethostbyname2, IPv4", gethostbyname2("192.0.2.7", AF_INET));
	host("gethostbyname2, IPv6 number", gethostbyname2("2001:db8::7", AF_INET6));
	host("gethostbyaddr", gethostbyaddr(&loopback, sizeof(loopback), AF_INET));
	SAY("a small buffer", "%d", gethostbyname_r("192.0.2.7", &entry, small, sizeof(small), &result, &error) == ERANGE);
	SAY("its error", "%d", error);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	addresses();
	at_once();
	names();
	old_calls();
	return 0;
}
