#!/bin/bash
# SPDX-License-Identifier: MIT
# The story: the shim is not noticed. A program without network calls starts nothing; one with them
# sees no child that is not its own, no variable that it did not set; and when teachnetd dies it gets
# errors, not silence, and the next socket starts another.
. "$top_srcdir/tests/shell/lib.sh"

library=$top_builddir/.libs/libteachnet.so
[ -x "$top_builddir/teachnetd" ] || skip_all "teachnetd is not built"
command -v python3 >/dev/null || skip_all "needs python3"
if [ "$(id -u)" = 0 ]; then alone=(unshare -n); else alone=(unshare -rn); fi
"${alone[@]}" true 2>/dev/null || skip_all "needs network namespaces: run as root, or allow user namespaces"
plan 14

export TEACHNET_STACK=behaviour TEACHNET_INTERFACE=link0 TEACHNET_ADDR=10.99.0.2/24 TEACHNET_IDLE_EXIT=1
export TEACHNET_RUNTIME_DIR=$scratch/run
mkdir -m 700 "$scratch/run"
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0

# shim CMD...: with the shim loaded, in a network of its own.
shim() {
	"${alone[@]}" sh -c 'ip link set lo up && ip link add link0 type veth peer name far &&
		ip link set link0 up && ip link set far up && exec "$@"' sh \
		env LD_PRELOAD="$TEACHNET_PRELOAD $library" timeout 60 "$@"
}

is "a program without network calls runs as ever" "$(shim echo hello)" "hello"
is "and starts nothing" "$(ls "$scratch/run")" ""
is "TEACHNET_STACK=kernel leaves everything to the kernel" \
	"$(TEACHNET_STACK=kernel shim python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
c = socket.create_connection(s.getsockname()); print(c.family.name)'; ls "$scratch/run")" "AF_INET"

like "a folder that is not there is a sentence" \
	"$(TEACHNET_RUNTIME_DIR=/nonexistent/a shim python3 -c 'import socket; socket.socket()' 2>&1 | head -n 1)" \
	'^teachnet: /nonexistent/a cannot be made: .*TEACHNET_RUNTIME_DIR'
like "a teachnetd that is not there, too" \
	"$(TEACHNET_DAEMON=/nonexistent/d shim python3 -c 'import socket; socket.socket()' 2>&1 | head -n 1)" \
	'^teachnet: no program /nonexistent/d: set TEACHNET_DAEMON'

cat >"$scratch/children.py" <<'X'
import os, signal, socket
told = []
signal.signal(signal.SIGCHLD, lambda *a: told.append(1))
before = dict(os.environ)
s = socket.socket()
try:
    os.waitpid(-1, os.WNOHANG)
    print("a child")
except ChildProcessError:
    print("no child")
print("signals", len(told))
print("environment", dict(os.environ) == before)
print("number", s.fileno())
print("status", [l for l in open("/proc/self/status") if l.startswith("SigBlk")][0].split()[1])
X
is "starting teachnetd leaves no child, signal, variable or number behind" "$(shim python3 "$scratch/children.py")" \
	"no child
signals 0
environment True
number 3
status 0000000000000000"

cat >"$scratch/many.py" <<'X'
import os, socket
children = []
for i in range(20):
    pid = os.fork()
    if pid == 0:
        try:
            socket.socket()
            os._exit(0)
        except OSError:
            os._exit(1)
    children.append(pid)
print(sum(os.waitpid(pid, 0)[1] for pid in children))
def is_ours(p):
    try:
        return open(f"/proc/{p}/comm").read() == "teachnetd\n" and \
            os.readlink(f"/proc/{p}/ns/net") == os.readlink("/proc/self/ns/net")
    except OSError:
        return False
print(len([p for p in os.listdir("/proc") if p.isdigit() and is_ours(p)]))
X
is "twenty processes that begin at once share one teachnetd" "$(sleep 2; shim python3 "$scratch/many.py")" "0
1"

cat >"$scratch/death.py" <<'X'
import os, signal, socket, sys, time
def daemon():
    return int(open(os.environ["TEACHNET_RUNTIME_DIR"] + "/behaviour.lock").read())
l = socket.socket(); l.bind(("127.0.0.1", 0)); l.listen()
c = socket.create_connection(l.getsockname())
a = l.accept()
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("127.0.0.1", 0))
first = daemon()
os.kill(first, signal.SIGKILL)
time.sleep(0.2)
def outcome(name, call):
    try:
        print(name, call())
    except OSError as e:
        print(name, type(e).__name__, os.strerror(e.errno))
outcome("recv", lambda: c.recv(1))
outcome("accept", lambda: l.accept())
outcome("name", lambda: c.getsockname())
outcome("datagram", lambda: u.recv(1))
n = socket.socket(); n.bind(("127.0.0.1", 0)); n.listen()
d = socket.create_connection(n.getsockname())
print("another", daemon() != first, d.getpeername() == n.getsockname())
X
shim python3 "$scratch/death.py" >"$scratch/death" 2>&1
is "teachnetd dies: a connection is reset" "$(sed -n 1p "$scratch/death")" "recv ConnectionResetError Connection reset by peer"
is "accept() fails" "$(sed -n 2p "$scratch/death")" "accept OSError Network is down"
is "names fail" "$(sed -n 3p "$scratch/death")" "name OSError Network is down"
is "datagrams fail" "$(sed -n 4p "$scratch/death")" "datagram OSError Network is down"
is "and the next socket starts another" "$(sed -n 5p "$scratch/death")" "another True True"

cat >"$scratch/chroot.py" <<'X'
import os, socket, sys
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
pid = os.fork()
if pid == 0:
    os.chroot(sys.argv[1]); os.chdir("/")
    if os.geteuid() == 0 and os.environ.get("AS_NOBODY"):
        os.setgid(65534); os.setuid(65534)
    try:
        c = socket.socket(); c.connect(s.getsockname()); c.send(b"from the cell"); os._exit(0)
    except OSError as e:
        print(e); sys.stdout.flush(); os._exit(1)
a = s.accept()[0]
print(a.recv(100).decode(), os.waitpid(pid, 0)[1])
X
mkdir "$scratch/cell"
is "a child in chroot opens its channel through the inherited one" "$(shim python3 "$scratch/chroot.py" "$scratch/cell")" "from the cell 0"
if [ "$(id -u)" = 0 ]; then
	is "and so does one that is another user by then" "$(AS_NOBODY=1 shim python3 "$scratch/chroot.py" "$scratch/cell")" "from the cell 0"
else
	skip "and so does one that is another user by then" "needs root"
fi
