# program: python3, 10,000 connections
# role: server
# tried: 10,000 connections from the second host held open, then a byte to and from each of them
# needs: python3
# seconds: 100
# version: python3 --version
ulimit -n "$(ulimit -H -n)"
[ "$(ulimit -n)" -ge 12000 ] || { echo "descriptors: only $(ulimit -n)"; false; }
cat >server.py <<-'END'
	import select, socket
	l = socket.create_server(("0.0.0.0", 7000), backlog=4096)
	e = select.epoll(); e.register(l, select.EPOLLIN); all = {}
	while True:
	    for fd, what in e.poll():
	        if fd == l.fileno():
	            c, a = l.accept(); all[c.fileno()] = c; e.register(c, select.EPOLLIN)
	        elif d := all[fd].recv(100):
	            all[fd].sendall(d)
	        else:
	            e.unregister(fd); all.pop(fd).close()
END
cat >client.py <<-'END'
	import socket
	s = [socket.create_connection(("192.0.2.2", 7000)) for n in range(10000)]
	for n in range(10000): s[n].sendall(b"%05d" % n)
	for n in range(10000): assert s[n].recv(5) == b"%05d" % n, n
END
python3 server.py &
ours_up 7000
teachnet peer python3 client.py
