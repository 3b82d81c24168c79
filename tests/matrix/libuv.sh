# program: libuv
# role: server
# tried: an echo server in C; 100 clients with 100,000 bytes each
# needs: gcc pkg-config python3
# header: uv.h
# version: pkg-config --modversion libuv
cat >echo.c <<-'END'
	#include <stdlib.h>
	#include <uv.h>
	static void room(uv_handle_t *h, size_t n, uv_buf_t *b) { (void)h; *b = uv_buf_init(malloc(n), (unsigned)n); }
	static void sent(uv_write_t *w, int status) { (void)status; free(w->data); free(w); }
	static void heard(uv_stream_t *s, ssize_t n, const uv_buf_t *b) {
		if (n <= 0) { free(b->base); if (n < 0) uv_close((uv_handle_t *)s, (uv_close_cb)free); return; }
		uv_write_t *w = malloc(sizeof *w); uv_buf_t out = uv_buf_init(b->base, (unsigned)n);
		w->data = b->base; uv_write(w, s, &out, 1, sent);
	}
	static void fresh(uv_stream_t *l, int status) {
		uv_tcp_t *c = malloc(sizeof *c); (void)status;
		uv_tcp_init(uv_default_loop(), c); uv_accept(l, (uv_stream_t *)c); uv_read_start((uv_stream_t *)c, room, heard);
	}
	int main(void) {
		uv_tcp_t l; struct sockaddr_in a; uv_tcp_init(uv_default_loop(), &l); uv_ip4_addr("0.0.0.0", 7000, &a);
		if (uv_tcp_bind(&l, (struct sockaddr *)&a, 0) || uv_listen((uv_stream_t *)&l, 128, fresh)) return 1;
		return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
	}
END
# shellcheck disable=SC2046
gcc -O1 -o echo echo.c $(pkg-config --cflags --libs libuv)
./echo &
ours_up 7000
teachnet peer python3 "$matrix/echo_clients.py" host.lab 7000 100
