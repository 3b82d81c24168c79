# program: node
# role: client and server
# tried: http server with 30 downloads at once, http client with keep-alive agent, net echo of 5 MiB
# needs: node curl
# version: node --version
cat >server.js <<-'END'
	const http = require('http'), fs = require('fs');
	http.createServer((q, a) => fs.createReadStream(process.env.TEACHNET_LAB + '/www' + q.url.split('?')[0]).pipe(a)).listen(8000);
END
node server.js &
ours_up 8000
teachnet peer sh -c 'curl -sS --parallel --parallel-max 30 -o "many-#1" "http://host.lab:8000/1M.bin?[1-30]"'
for i in $(seq 30); do same "many-$i" "$www/1M.bin"; done
cat >client.js <<-'END'
	const http = require('http'), fs = require('fs'), net = require('net'), assert = require('assert');
	const want = fs.readFileSync(process.env.TEACHNET_LAB + '/www/1M.bin');
	const agent = new http.Agent({keepAlive: true, maxSockets: 5});
	let left = 41;
	for (let i = 0; i < 40; i++)
		http.get({host: 'www.lab', path: '/1M.bin', agent}, (a) => {
			const parts = [];
			a.on('data', (d) => parts.push(d));
			a.on('end', () => { assert(Buffer.concat(parts).equals(want)); if (!--left) agent.destroy(); });
		});
	const five = Buffer.concat([want, want, want, want, want]), back = [];
	const s = net.connect(7, 'peer.lab', () => s.end(five));
	s.on('data', (d) => back.push(d));
	s.on('end', () => { assert(Buffer.concat(back).equals(five)); if (!--left) agent.destroy(); });
	process.on('exit', () => assert.strictEqual(left, 0));
END
node client.js
