#!/bin/bash
# SPDX-License-Identifier: MIT
# The story: with the shim loaded, a program that makes no network call is left alone: no process
# is started, no file is made. One that does needs no privilege, and shares no memory with the stack.
. "$top_srcdir/tests/shell/lib.sh"
. "$top_srcdir/tests/shell/lab.sh"

[ "$E2E_STACK" = default ] || skip_all "about our own stack only"
plan 6

ok "true, ls and python start no process and make no file" lab_bulk bash -ec '
	/bin/true; ls / >/dev/null; python3 -c "print(1)"; bash -c "echo \$((1+1))"
	! pgrep -x teachnetd; test -z "$(ls -A $TEACHNET_RUNTIME_DIR)"'
ok "nor does a program that talks to the kernel alone" lab_bulk bash -ec '
	python3 -c "
import socket
a, b = socket.socketpair()
u = socket.socket(socket.AF_UNIX); u.bind(\"\0mine\"); u.listen()
n = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)"
	! pgrep -x teachnetd'
ok "programs need no capability" lab_bulk bash -ec '
	curl -fsS -o /dev/null http://www.lab/1K.bin # the stack is up
	setpriv --inh-caps -all --ambient-caps -all --bounding-set -all --no-new-privs sh -c "
		grep -E \"CapPrm.*[1-9a-f]\" /proc/self/status && test \$(id -u) != 0 && exit 1
		curl -fsS -o /dev/null http://www.lab/1K.bin; exit \$?"'
ok "the stack keeps CAP_NET_RAW at most" lab_bulk bash -ec '
	curl -fsS -o /dev/null http://www.lab/1K.bin
	caps=$(grep -E "^Cap(Prm|Eff|Inh|Amb)" /proc/$(eval "$daemon_pid")/status | cut -f 2 | sort -u)
	echo $caps
	for c in $caps; do test $((0x$c & ~(1 << 13))) = 0 || exit 1; done'
ok "no page is shared for writing" lab_bulk bash -ec '
	python3 -c "
import socket, time
s = socket.create_connection((\"peer.lab\", 7)); print(\"up\", flush=True); time.sleep(20)" >$TEACHNET_LAB/up & program=$!
	for _ in $(seq 100); do grep -q up $TEACHNET_LAB/up && break; sleep 0.1; done
	# Writable shared mappings, by device and inode; device 00:00 is what has no file.
	shared() { awk "\$2 ~ /w.s/ { print \$4, \$5 }" /proc/$1/maps | sort -u; }
	shared $program >$TEACHNET_LAB/a; shared $(eval "$daemon_pid") >$TEACHNET_LAB/b; kill $program
	test -z "$(comm -12 $TEACHNET_LAB/a $TEACHNET_LAB/b)"'
ok "an idle stack without programs leaves" lab_bulk env TEACHNET_IDLE_EXIT=1 bash -ec '
	curl -fsS -o /dev/null http://www.lab/1K.bin; pid=$(eval "$daemon_pid"); test -n "$pid"
	for _ in $(seq 80); do test -e /proc/$pid || exit 0; sleep 0.1; done; exit 1'
