/* SPDX-License-Identifier: MIT */
/* The constants that scripts may name, with their values on this machine. */
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/tcp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "tests/script/script.h"

#define ERRNOS(S)                                                                                  \
	S(EPERM) S(ENOENT) S(EINTR) S(EBADF) S(EAGAIN) S(ENOMEM) S(EACCES) S(EFAULT) S(EINVAL)     \
	S(EPIPE) S(EDOM) S(ENOTSOCK) S(EDESTADDRREQ) S(EMSGSIZE) S(EPROTOTYPE) S(ENOPROTOOPT)      \
	S(EPROTONOSUPPORT) S(EOPNOTSUPP) S(EAFNOSUPPORT) S(EADDRINUSE) S(EADDRNOTAVAIL)            \
	S(ENETDOWN) S(ENETUNREACH) S(ECONNABORTED) S(ECONNRESET) S(ENOBUFS) S(EISCONN)             \
	S(ENOTCONN) S(ETIMEDOUT) S(ECONNREFUSED) S(EHOSTDOWN) S(EHOSTUNREACH) S(EALREADY)          \
	S(EINPROGRESS) S(ENFILE) S(EMFILE) S(EPROTO) S(EEXIST)

#define CONSTANTS(S)                                                                               \
	S(AF_INET) S(AF_INET6) S(PF_INET) S(PF_INET6) S(AF_UNSPEC) S(SOCK_STREAM) S(SOCK_DGRAM)    \
	S(SOCK_NONBLOCK) S(SOCK_CLOEXEC) S(IPPROTO_TCP) S(IPPROTO_UDP) S(IPPROTO_IP)               \
	S(IPPROTO_IPV6) S(SOL_SOCKET) S(SOL_IP) S(INADDR_ANY) S(SO_ERROR)    \
	S(SO_REUSEADDR) S(SO_REUSEPORT) S(SO_KEEPALIVE) S(SO_LINGER) S(SO_RCVBUF) S(SO_SNDBUF)     \
	S(SO_RCVLOWAT) S(SO_OOBINLINE) S(SO_ACCEPTCONN) S(SO_TYPE) S(SO_PROTOCOL) S(SO_DOMAIN)     \
	S(SO_PRIORITY) S(SO_MARK) S(SO_BROADCAST) S(SO_RCVTIMEO) S(SO_SNDTIMEO)                    \
	S(SO_MAX_PACING_RATE) S(SO_INCOMING_CPU) S(SO_BUSY_POLL) S(SO_ZEROCOPY) S(IP_TOS) S(IP_TTL) \
	S(IP_RECVERR) S(IP_MTU_DISCOVER) S(IP_PMTUDISC_DONT) S(IP_PMTUDISC_WANT) S(IP_PMTUDISC_DO) \
	S(IP_PMTUDISC_PROBE) S(IP_MTU) S(IP_RECVTOS) S(IP_FREEBIND) S(IP_TRANSPARENT)              \
	S(TCP_NODELAY) S(TCP_MAXSEG) S(TCP_CORK) S(TCP_KEEPIDLE) S(TCP_KEEPINTVL) S(TCP_KEEPCNT)   \
	S(TCP_SYNCNT) S(TCP_LINGER2) S(TCP_DEFER_ACCEPT) S(TCP_WINDOW_CLAMP) S(TCP_INFO)           \
	S(TCP_QUICKACK) S(TCP_CONGESTION) S(TCP_USER_TIMEOUT) S(TCP_FASTOPEN) S(TCP_TIMESTAMP)     \
	S(TCP_NOTSENT_LOWAT) S(TCP_FASTOPEN_CONNECT) S(TCP_FASTOPEN_KEY) S(TCP_FASTOPEN_NO_COOKIE) \
	S(TCP_INQ) S(TCP_SAVE_SYN) S(TCP_SAVED_SYN) S(TCP_THIN_LINEAR_TIMEOUTS) S(TCP_THIN_DUPACK) \
	S(MSG_PEEK) S(MSG_OOB) S(MSG_DONTWAIT) S(MSG_NOSIGNAL) S(MSG_MORE) S(MSG_FASTOPEN)         \
	S(MSG_WAITALL) S(MSG_TRUNC) S(MSG_EOR) S(MSG_ERRQUEUE) S(SHUT_RD) S(SHUT_WR) S(SHUT_RDWR)  \
	S(F_GETFL) S(F_SETFL) S(O_RDWR) S(O_RDONLY) S(O_WRONLY) S(O_NONBLOCK) S(POLLIN) S(POLLOUT) \
	S(POLLERR) S(POLLHUP) S(POLLPRI) S(POLLRDHUP) S(POLLNVAL) S(POLLRDNORM) S(POLLWRNORM)      \
	S(EPOLLIN) S(EPOLLOUT) S(EPOLLERR) S(EPOLLHUP) S(EPOLLRDHUP) S(EPOLLET) S(EPOLLONESHOT)    \
	S(EPOLLPRI) S(EPOLL_CTL_ADD) S(EPOLL_CTL_MOD) S(EPOLL_CTL_DEL) S(FIONREAD) S(SIOCINQ)      \
	S(SIOCOUTQ) S(SIOCOUTQNSD) S(FIONBIO) S(TCP_CA_Open) S(TCP_CA_Disorder) S(TCP_CA_CWR)      \
	S(TCP_CA_Recovery) S(TCP_CA_Loss) S(TCPI_OPT_TIMESTAMPS) S(TCPI_OPT_SACK)                  \
	S(TCPI_OPT_WSCALE) S(TCPI_OPT_ECN) S(TCPI_OPT_SYN_DATA)

static const struct symbol {
	const char *name;
	int64_t value;
} symbols[] = {
#define S(name) {#name, name},
    ERRNOS(S) CONSTANTS(S)
#undef S
    {"EWOULDBLOCK", EAGAIN},
    {"SOL_TCP", IPPROTO_TCP},
    {"SOL_UDP", IPPROTO_UDP},
    {"TCP_ESTABLISHED", 1},
    {"TCP_SYN_SENT", 2},
    {"TCP_SYN_RECV", 3},
    {"TCP_FIN_WAIT1", 4},
    {"TCP_FIN_WAIT2", 5},
    {"TCP_TIME_WAIT", 6},
    {"TCP_CLOSE", 7},
    {"TCP_CLOSE_WAIT", 8},
    {"TCP_LAST_ACK", 9},
    {"TCP_LISTEN", 10},
    {"TCP_CLOSING", 11},
    {"TCP_INFINITE_SSTHRESH", 0x7fffffff},
    {"True", 1},
    {"False", 0},
};

bool symbol_value(const char *name, size_t bytes, int64_t *value)
{
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++)
		if (strlen(symbols[i].name) == bytes && memcmp(symbols[i].name, name, bytes) == 0) {
			*value = symbols[i].value;
			return true;
		}
	return false;
}

const char *symbol_errno(int error)
{
	static const struct symbol errnos[] = {
#define S(name) {#name, name},
	    ERRNOS(S)
#undef S
	};

	for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
		if (errnos[i].value == error)
			return errnos[i].name;
	return error ? "an errno without a name here" : "no error";
}
