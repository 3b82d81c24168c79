# program: memcached
# role: server
# tried: 4 threads, 40 connections at once that set and get 100 values each and compare
# needs: memcached python3
# version: memcached -V
memcached $([ "$(id -u)" != 0 ] || echo -u root) -t 4 -p 11211 -U 0 -I 2m -m 1024 &
ours_up 11211
cat >client.py <<-'END'
	import socket, threading, os
	bad = []
	def one(n):
	    s = socket.create_connection(("192.0.2.2", 11211))
	    f = s.makefile("rwb")
	    try:
	        for i in range(100):
	            v = os.urandom(50 + n * 37 * i % 90000)
	            f.write(b"set k%d.%d 0 0 %d\r\n" % (n, i, len(v)) + v + b"\r\n"); f.flush()
	            assert f.readline() == b"STORED\r\n"
	            f.write(b"get k%d.%d\r\n" % (n, i)); f.flush()
	            assert f.readline().startswith(b"VALUE ")
	            assert f.read(len(v) + 2) == v + b"\r\n"
	            assert f.readline() == b"END\r\n"
	    except BaseException as e:
	        bad.append(repr(e))
	ts = [threading.Thread(target=one, args=(n,)) for n in range(40)]
	[t.start() for t in ts]; [t.join() for t in ts]
	assert not bad, bad
END
teachnet peer python3 client.py
