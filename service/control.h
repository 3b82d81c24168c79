/* SPDX-License-Identifier: MIT */
/*
 * The control protocol between programs (preload/, tool/) and teachnetd. It carries what names or
 * controls a socket; data never passes here (DESIGN.md 2.1).
 *
 * Channel: an AF_UNIX SOCK_SEQPACKET connection to RUNTIME_DIR/STACK.sock (control_path()). One
 * message is one struct control_request, optionally followed by payload bytes and with at most one
 * descriptor in SCM_RIGHTS; each request but OPEN gets exactly one struct control_reply with the
 * same serial. A process uses a channel of its own: after fork or exec it makes a socketpair and
 * sends one end as OPEN over the channel that it inherited (no reply: the inherited one is shared
 * with its other users), or connects anew. Requests never wait in teachnetd: waiting is done on the
 * socket's descriptor.
 *
 * Authority: a channel belongs to a lineage (a fresh connection founds one, OPEN inherits). A
 * request about a socket is honoured when the socket was made by, or handed to, the channel's
 * lineage. Otherwise -EPERM: the shim then sends ADOPT with the descriptor itself, which proves
 * possession: teachnetd compares its inode with that of the end that it once gave out.
 *
 * A socket that no socket_id finds gives -EBADF. A finished one (an error, or both directions shut:
 * then teachnetd has closed its end although the program may hold its own) is remembered for a while:
 * TAKE_ERROR, GETSOCKNAME and SO_ERROR still answer, GETPEERNAME and SHUTDOWN say -ENOTCONN, and
 * BIND, CONNECT and LISTEN -ESTALE: a new socket has to be made in its place.
 *
 * Both sides treat each other as hostile: sizes, enums, ranges and descriptors are checked before
 * use; a malformed request is answered with -EBADMSG, logged, and ends the channel.
 * Serials are the caller's own and come back as they are. All numbers are in host order (both ends are
 * on one machine); pads are zero. The descriptor of TRACE is set to O_NONBLOCK.
 */
#ifndef SERVICE_CONTROL_H
#define SERVICE_CONTROL_H

#include <stdint.h>

/* Changes with every incompatible change of this file; another version gets -EPROTO and a sentence. */
#define CONTROL_VERSION 1U
#define CONTROL_MAGIC 0x74656163U /* "teac" */
#define CONTROL_PAYLOAD_MAX 16384U

/* Names of the pair's stack end, which the program's end sees by getpeername():
 * "\0teachnet/<16 hex digits of the instance>/<kind letter>/<16 hex digits of the socket id>"
 * kind letter: s stream, l listener is a stream too, d datagram or raw, c control channel. */
#define CONTROL_NAME_PREFIX "teachnet/"
#define CONTROL_NAME_BYTES 48U

/* CONTROL(NAME, what it does) */
#define CONTROL_OPERATIONS(CONTROL)                                                                \
	CONTROL(HELLO)       /* first request of a fresh connection: version, pid, name of program */ \
	CONTROL(OPEN)        /* descriptor: one end of a fresh SEQPACKET pair, a new channel; no reply. HELLO follows on it. */ \
	CONTROL(ADOPT)       /* descriptor: the program's end of socket_id's pair */               \
	CONTROL(SOCKET)      /* domain, type, protocol; reply: socket_id and the descriptor */     \
	CONTROL(BIND)        /* address */                                                         \
	CONTROL(CONNECT)     /* address (AF_UNSPEC dissolves); fill_bytes; reply -EINPROGRESS or 0 */ \
	CONTROL(LISTEN)      /* argument[0]: backlog */                                            \
	CONTROL(SHUTDOWN)    /* argument[0]: SHUT_RD, SHUT_WR, SHUT_RDWR; for what the pair cannot do itself */ \
	CONTROL(GETSOCKNAME) /* reply: address */                                                  \
	CONTROL(GETPEERNAME) /* reply: address */                                                  \
	CONTROL(SETSOCKOPT)  /* argument[0]: level, [1]: name; payload: value */                   \
	CONTROL(GETSOCKOPT)  /* argument[0]: level, [1]: name, [2]: room; reply payload: value */  \
	CONTROL(TAKE_ERROR)  /* reply result: pending errno (positive), kept for a while after the socket is gone */ \
	CONTROL(QUEUES)      /* reply argument[0]: unsent, [1]: unacknowledged, [2]: unread bytes of the engine */ \
	CONTROL(SOURCE_FOR)  /* address; reply: source address, argument[0]: MTU */                \
	CONTROL(INTERFACES)  /* reply payload: struct control_interface[]; for getifaddrs, SIOCGIF* */ \
	CONTROL(RESOLVER)    /* reply payload: resolv.conf text in force (name servers, search, options) */ \
	CONTROL(STATUS)      /* payload: "ss", "neigh", "route", "addr", "stat", "config"; reply descriptor: memfd with JSON */ \
	CONTROL(TRACE)       /* payload: "text" or "json"; descriptor: write end of a pipe or socket that gets the lines */ \
	CONTROL(CHANGE)      /* payload: "route add ...", "addr del ..." words separated by zeros; reply payload: a sentence */ \
	CONTROL(CALL_NOTE)   /* payload: a call that the shim served itself, for the trace; no reply */ \
	CONTROL(STOP)        /* end teachnetd; only its own user or root */

enum control_operation {
#define CONTROL(name) CONTROL_##name,
	CONTROL_OPERATIONS(CONTROL)
#undef CONTROL
	CONTROL_OPERATION_COUNT,
};

/* An address as on this channel: sockaddr_in or sockaddr_in6 as the program gave it, or less. */
struct control_address {
	uint16_t bytes; /* 0: none */
	uint8_t pad[6];
	uint8_t sockaddr[32];
};

struct control_request {
	uint32_t magic;
	uint16_t version;
	uint16_t operation;
	uint64_t serial;
	uint64_t socket_id;
	int32_t argument[4];
	struct control_address address;
	uint32_t payload_bytes;
	uint32_t fill_bytes; /* CONNECT: throw-away bytes that the shim put into the pair */
};

struct control_reply {
	uint32_t magic;
	int32_t result; /* 0 or more, or a negative errno */
	uint64_t serial;
	uint64_t socket_id;
	int64_t argument[4];
	struct control_address address;
	uint32_t payload_bytes;
	uint32_t pad;
};

/* HELLO's payload. Reply payload: a sentence when refused. */
struct control_hello {
	int32_t pid;
	char program[32];
};

/* One accepted connection: the whole of one message on the listener's pair, with the new
 * connection's descriptor in SCM_RIGHTS. */
struct control_accepted {
	uint32_t magic;
	uint32_t pad;
	uint64_t socket_id;
	struct control_address peer;
	struct control_address local;
};

/* In front of each message on a datagram socket's pair, both ways; the payload follows. */
enum control_datagram_kind {
	CONTROL_DATAGRAM_DATA = 1,
	CONTROL_DATAGRAM_ERROR = 2, /* to the program only: the payload is the beginning of what failed */
};
#define CONTROL_DATAGRAM_HAS_LOCAL 1U    /* local is meant: IP_PKTINFO, both ways */
#define CONTROL_DATAGRAM_TRUNCATED 2U
struct control_datagram {
	uint32_t magic;
	uint8_t kind;
	uint8_t flags;
	int16_t ttl;             /* -1: the socket's own */
	int16_t tos;             /* -1: the socket's own */
	uint16_t gso_bytes;      /* UDP_SEGMENT, UDP_GRO */
	uint32_t interface;
	uint64_t time_ns;        /* CLOCK_REALTIME of arrival */
	struct control_address remote; /* bytes 0: the connected peer */
	struct control_address local;
	int32_t error;           /* ERROR: struct sock_extended_err's facts */
	uint8_t error_origin, error_type, error_code, error_pad;
	uint32_t error_info;
	uint32_t pad;
	struct control_address error_offender;
};

struct control_interface {
	char name[16];
	uint32_t index;
	uint32_t flags; /* IFF_* */
	uint32_t mtu_bytes;
	uint8_t mac[6];
	uint8_t has_address;
	uint8_t prefix_bits;
	struct control_address address;
};

#endif
