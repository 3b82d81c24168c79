#!/bin/bash
# SPDX-License-Identifier: MIT
# The story: the stack behaves like an operating system's: it answers pings although no program
# asks for it, lets programs talk to each other, keeps ports apart, and does nothing when idle.
. "$top_srcdir/tests/shell/lib.sh"
. "$top_srcdir/tests/shell/lab.sh"

plan 8

ok "the second host can ping ours" lab bash -ec '
	nc $nc_family -l -p 5000 & sleep 0.5 # what keeps a stack up
	teachnet peer ping -c 3 -i 0.2 -W 2 host.lab; kill %1'
ok "large pings come back in fragments" lab bash -ec '
	nc $nc_family -l -p 5000 & sleep 0.5
	teachnet peer ping -c 2 -i 0.2 -W 2 -s 4000 host.lab; kill %1'
ok "a closed port refuses" lab bash -c '
	nc $nc_family -l -p 5000 & sleep 0.5
	teachnet peer nc -v -w 2 host.lab 5001 2>&1 | grep -i refused; status=$?; kill %1; exit $status'
ok "two programs talk over our own address" lab bash -ec '
	nc $nc_family -l -p 5000 >$TEACHNET_LAB/got & sleep 0.5
	nc -N host.lab 5000 <$TEACHNET_LAB/www/1M.bin; wait; cmp $TEACHNET_LAB/got $TEACHNET_LAB/www/1M.bin'
ok "and by loopback, as programs do" lab bash -ec '
	nc -l 127.0.0.1 5000 >$TEACHNET_LAB/got & sleep 0.5
	nc -N 127.0.0.1 5000 <$TEACHNET_LAB/www/1M.bin; wait; cmp $TEACHNET_LAB/got $TEACHNET_LAB/www/1M.bin'
ok "a port asked for twice is in use" lab python3 -c '
import errno, socket
def bound(kind, *options):
    s = socket.socket(socket.AF_INET, kind)
    for o in options:
        s.setsockopt(socket.SOL_SOCKET, o, 1)
    s.bind(("0.0.0.0", 5000))
    if kind == socket.SOCK_STREAM:
        s.listen()
    return s
for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
    first = bound(kind)
    try:
        bound(kind)
    except OSError as e:
        assert e.errno == errno.EADDRINUSE, e
    else:
        raise SystemExit("twice bound")
    first.close()
    bound(kind).close()'
if [ "$E2E_STACK" = kernel ]; then
	skip "an idle stack uses no CPU" "the kernel's stack is no process"
	skip "with 200 idle connections neither" "the kernel's stack is no process"
else
	# Fields 14 and 15 of stat: clock ticks of 10 ms in user and system mode.
	ok "an idle stack uses no CPU" lab_bulk bash -ec '
		nc $nc_family -l -p 5000 & sleep 0.5
		pid=$(eval "$daemon_pid"); test -n "$pid"
		read -r -a before </proc/$pid/stat; sleep 3; read -r -a after </proc/$pid/stat; kill %1
		test $((after[13] + after[14] - before[13] - before[14])) = 0'
	ok "with 200 idle connections neither" lab_bulk bash -ec '
		python3 -c "
import socket, time
held = [socket.create_connection((\"peer.lab\", 7)) for _ in range(200)]
print(\"up\", flush=True)
time.sleep(30)" >$TEACHNET_LAB/up & 
		for _ in $(seq 100); do grep -q up $TEACHNET_LAB/up && break; sleep 0.1; done
		sleep 1; pid=$(eval "$daemon_pid"); test -n "$pid"
		read -r -a before </proc/$pid/stat; sleep 3; read -r -a after </proc/$pid/stat; kill %1
		test $((after[13] + after[14] - before[13] - before[14])) = 0'
fi
