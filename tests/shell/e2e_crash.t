#!/bin/bash
# SPDX-License-Identifier: MIT
# time limit: 180 s
# The story: the stack outlives its programs. Whoever is killed, the other side hears of it and
# nothing stays behind; who leaves in good order loses no byte; and when the stack itself is
# killed, programs get an error, never a hang, and the next one starts a new stack.
. "$top_srcdir/tests/shell/lib.sh"
. "$top_srcdir/tests/shell/lab.sh"

plan 10

# A program of the second host that says how its connection ended, and when (in ms).
cat >"$scratch/peer.py" <<'END'
import socket, sys, time
s = socket.create_server(("192.0.2.1", 5000))
print("up", flush=True)
c, _ = s.accept()
total, last = 0, time.time()
try:
    while True:
        if sys.argv[1] == "send":
            total += c.send(b"x" * 65536)
        else:
            got = c.recv(65536)
            if not got:
                print("end", total, int(time.time() * 1000), flush=True)
                break
            total += len(got)
except OSError as e:
    print("error", e.errno, int(time.time() * 1000), flush=True)
END
cat >"$scratch/up" <<'END'
serve() {
	teachnet peer python3 "$1"/peer.py "$2" >"$TEACHNET_LAB/peer" &
	server=$!
	for _ in $(seq 100); do grep -q up "$TEACHNET_LAB/peer" && return 0; sleep 0.05; done
	return 1
}
# The last line of the peer must have been written within a second after $1 (ms).
soon() {
	wait $server
	cat "$TEACHNET_LAB/peer"
	set -- "$1" $(tail -n 1 "$TEACHNET_LAB/peer")
	case $2 in end | error) test $(($4 - $1)) -le 1000 ;; *) false ;; esac
}
now() { date +%s%3N; }
END

ok "kill -9 of a sender: the peer hears of it within a second" lab_bulk bash -ec ". $scratch/up; serve $scratch receive"'
	nc peer.lab 5000 </dev/zero & sleep 1; killed=$(now); kill -9 $!; soon $killed'
ok "kill -9 of a receiver: so" lab_bulk bash -ec ". $scratch/up; serve $scratch send"'
	nc -d peer.lab 5000 >/dev/null & sleep 1; killed=$(now); kill -9 $!; soon $killed'
ok "kill -9 of a receiver that does not read" lab_bulk bash -ec ". $scratch/up; serve $scratch send"'
	python3 -c "import socket, time; s = socket.create_connection((\"peer.lab\", 5000)); time.sleep(60)" & sleep 1
	killed=$(now); kill -9 $!; soon $killed'
if [ "$E2E_STACK" = kernel ]; then
	skip "nothing leaks" "the kernel's are not in teachnet ss"
else
	ok "nothing leaks" lab_bulk bash -ec ". $scratch/up; serve $scratch send"'
		for i in 1 2 3 4 5; do nc peer.lab 7 </dev/zero >/dev/null & pids="$pids $!"; done
		nc -d peer.lab 5000 >/dev/null & pids="$pids $!"
		nc -l -p 6000 & pids="$pids $!"; nc -u -l -p 6000 & pids="$pids $!"
		sleep 1; kill -9 $pids
		for _ in $(seq 50); do
			teachnet ss -an >$TEACHNET_LAB/left
			tail -n +2 $TEACHNET_LAB/left | grep -v TIME-WAIT || exit 0
			sleep 0.1
		done
		exit 1'
fi
ok "who exits right after close loses no byte" lab_bulk bash -ec ". $scratch/up; serve $scratch receive"'
	python3 -c "
import os, socket
s = socket.create_connection((\"peer.lab\", 5000))
s.sendall(b\"x\" * 10000000)
s.close()
os._exit(0)"
	wait $server; grep "^end 10000000 " $TEACHNET_LAB/peer'
ok "nor who exits without close" lab_bulk bash -ec ". $scratch/up; serve $scratch receive"'
	python3 -c "
import os, socket
s = socket.create_connection((\"peer.lab\", 5000))
s.sendall(b\"x\" * 10000000)
os._exit(0)"
	wait $server; grep "^end 10000000 " $TEACHNET_LAB/peer'
ok "nor when that is the end of the lab, on a slow wire" bash -c '
	timeout 60 "$teachnet" lab $0 --delay 50ms --pcap '"$scratch/end.pcap"' nc -N peer.lab 9 <"'"$scratch/peer.py"'" &&
	"$teachnet" lab $0 bash -c "for i in 1 2 3 4 5; do head -c 300000 /dev/zero | curl -fsS -T - http://www.lab/up\$i || exit 1; done"' "$(lab_on)"

if [ "$E2E_STACK" = kernel ]; then
	skip "kill -9 of teachnetd: a reader gets an error, no hang" "no teachnetd"
	skip "the next program starts a new one" "no teachnetd"
	skip "teachnet stop does so in order" "no teachnetd"
else
	ok "kill -9 of teachnetd: a reader gets an error, no hang" lab_bulk bash -ec '
		curl -sS --limit-rate 1M -o /dev/null http://www.lab/1G.bin & client=$!
		nc -l -p 5000 & waiting=$!
		sleep 1; kill -9 $(eval "$daemon_pid")
		for _ in $(seq 50); do kill -0 $client 2>/dev/null || break; sleep 0.1; done
		! kill -0 $client
		! wait $client'
	ok "the next program starts a new one" lab_bulk bash -ec '
		curl -fsS -o /dev/null http://www.lab/1K.bin
		first=$(eval "$daemon_pid"); kill -9 $first
		curl -fsS -o /dev/null http://www.lab/1K.bin
		second=$(eval "$daemon_pid"); test -n "$second"; test $first != $second'
	ok "teachnet stop does so in order" lab_bulk bash -ec '
		curl -fsS -o /dev/null http://www.lab/1K.bin
		pid=$(eval "$daemon_pid"); teachnet stop
		for _ in $(seq 50); do test -e /proc/$pid || break; sleep 0.1; done
		! test -e /proc/$pid
		! teachnet ss'
fi
