# program: python3, 200 children
# role: server
# tried: 200 forked children accept from one listener, 1,000 connections, each gets its child's answer
# needs: python3
# version: python3 --version
cat >server.py <<-'END'
	import os, socket
	l = socket.create_server(("0.0.0.0", 7000), backlog=1024)
	for n in range(200):
	    if os.fork() == 0:
	        while True:
	            c, a = l.accept()
	            with c:
	                while d := c.recv(65536):
	                    c.sendall(d)
	os.wait()
END
python3 server.py &
ours_up 7000
teachnet peer python3 "$matrix/echo_clients.py" host.lab 7000 200
teachnet peer python3 "$matrix/echo_clients.py" host.lab 7000 200
for i in 1 2 3; do python3 "$matrix/echo_clients.py" host.lab 7000 200; done
