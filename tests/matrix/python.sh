# program: python3
# role: client and server
# tried: http.server from threads, asyncio with TLS (client and server, 50 at once), subprocess with a socket as stdin and stdout
# needs: python3 curl openssl
# version: python3 --version
python3 -m http.server --directory "$www" 8000 >http.log 2>&1 &
ours_up 8000
teachnet peer sh -c 'curl -sS --parallel --parallel-max 20 -o "many-#1" "http://host.lab:8000/1M.bin?[1-20]"'
for i in $(seq 20); do same "many-$i" "$www/1M.bin"; done
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=host.lab \
	-addext subjectAltName=DNS:host.lab,DNS:peer.lab -keyout key.pem -out cert.pem 2>/dev/null
cat >echo.py <<-'END'
	import asyncio, ssl
	async def serve(r, w):
	    while data := await r.read(65536):
	        w.write(data)
	        await w.drain()
	    w.close()
	async def main():
	    c = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
	    c.load_cert_chain("cert.pem", "key.pem")
	    async with await asyncio.start_server(serve, "0.0.0.0", 8443, ssl=c) as s:
	        await s.serve_forever()
	asyncio.run(main())
END
cat >ask.py <<-'END'
	import asyncio, ssl, os, sys
	async def one(n):
	    c = ssl.create_default_context(cafile="cert.pem")
	    r, w = await asyncio.open_connection(sys.argv[1], 8443, ssl=c)
	    data = os.urandom(200000 + n)
	    w.write(data)
	    assert await r.readexactly(len(data)) == data
	    w.close()
	    await w.wait_closed()
	async def main():
	    await asyncio.gather(*[one(n) for n in range(50)])
	asyncio.run(main())
END
python3 echo.py 2>echo.log &
teachnet peer python3 echo.py 2>echo2.log &
ours_up 8443
theirs_up 8443
teachnet peer python3 ask.py host.lab
python3 ask.py peer.lab
cat >child.py <<-'END'
	import socket, subprocess
	s = socket.create_connection(("peer.lab", 7))
	p = subprocess.Popen(["cat"], stdin=s, stdout=subprocess.PIPE)
	q = subprocess.run(["printf", "%01000d", "7"], stdout=s)
	s.shutdown(socket.SHUT_WR)
	assert p.communicate()[0] == b"%01000d" % 7
END
python3 child.py
