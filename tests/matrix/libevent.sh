# program: libevent
# role: server
# tried: an echo server in C; 100 clients with 100,000 bytes each
# needs: gcc pkg-config python3
# header: event2/event.h
# version: pkg-config --modversion libevent
cat >echo.c <<-'END'
	#include <event2/event.h>
	#include <event2/listener.h>
	#include <event2/bufferevent.h>
	#include <event2/buffer.h>
	#include <netinet/in.h>
	#include <string.h>
	static void heard(struct bufferevent *b, void *x) { (void)x; bufferevent_write_buffer(b, bufferevent_get_input(b)); }
	static void over(struct bufferevent *b, short what, void *x) { (void)x; if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) bufferevent_free(b); }
	static void fresh(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *a, int n, void *x) {
		struct bufferevent *b = bufferevent_socket_new(evconnlistener_get_base(l), fd, BEV_OPT_CLOSE_ON_FREE);
		(void)a; (void)n; (void)x; bufferevent_setcb(b, heard, NULL, over, NULL); bufferevent_enable(b, EV_READ | EV_WRITE);
	}
	int main(void) {
		struct event_base *base = event_base_new(); struct sockaddr_in a; memset(&a, 0, sizeof a);
		a.sin_family = AF_INET; a.sin_port = htons(7000);
		if (!evconnlistener_new_bind(base, fresh, NULL, LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_FREE, -1, (struct sockaddr *)&a, sizeof a)) return 1;
		return event_base_dispatch(base);
	}
END
# shellcheck disable=SC2046
gcc -O1 -o echo echo.c $(pkg-config --cflags --libs libevent)
./echo &
ours_up 7000
teachnet peer python3 "$matrix/echo_clients.py" host.lab 7000 100
