#!/bin/bash
# SPDX-License-Identifier: MIT
# The story: programs on our stack join groups of both families, hear what is sent to them by the
# sources that they asked for and nothing after they have left, and routers are told and answered.
. "$top_srcdir/tests/shell/lib.sh"
. "$top_srcdir/tests/shell/lab.sh"

plan 4

# The second host's end: send FAMILY GROUP PORT; hear N prints N records of IGMPv3 reports.
cat >"$scratch/peer.py" <<'END'
import socket, struct, sys
index = struct.pack("i", socket.if_nametoindex("eth0"))
if sys.argv[1] == "send":
    family = socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        s.setsockopt(41, 17, index)
    else:
        s.setsockopt(0, 32, socket.inet_aton("192.0.2.1"))
    s.sendto(b"hello", (sys.argv[2], int(sys.argv[3])))
else:
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 2)
    s.setsockopt(0, 35, socket.inet_aton("224.0.0.22") + socket.inet_aton("192.0.2.1"))
    s.setsockopt(0, 32, socket.inet_aton("192.0.2.1"))
    s.settimeout(10)
    print("listening", flush=True)
    if sys.argv[1] == "query":
        s.sendto(bytes.fromhex("110aeef500000000") + bytes(4), ("224.0.0.1", 0))
    seen = 0
    while seen < int(sys.argv[2]):
        data, (who, _) = s.recvfrom(2000)
        data = data[(data[0] & 15) * 4:]
        if who == "192.0.2.2" and data[0] == 0x22:
            print(data[8], socket.inet_ntoa(data[12:16]), *[socket.inet_ntoa(data[16 + 4 * i:20 + 4 * i]) for i in range(data[11])], flush=True)
            seen += 1
END
cat >"$scratch/join.py" <<'END'
import socket, struct, subprocess, sys
any4 = socket.inet_aton("0.0.0.0")
def send(group, port):
    subprocess.run(["teachnet", "peer", "python3", sys.argv[1] + "/peer.py", "send", group, str(port)], check=True)
def heard(s):
    try:
        return s.recv(100) == b"hello"
    except TimeoutError:
        return False
def udp(family, port):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.bind(("", port))
    s.settimeout(1)
    return s
END

ok "IPv4: members hear, others and those who left do not" lab_bulk python3 -c "
import sys; sys.argv[1:] = ['$scratch']
exec(open('$scratch/join.py').read())
s = udp(socket.AF_INET, 6000)
send('239.1.2.3', 6000); assert not heard(s), 'before'
mreq = socket.inet_aton('239.1.2.3') + any4
s.setsockopt(0, 35, mreq)
try: s.setsockopt(0, 35, mreq); assert 0
except OSError as e: assert e.errno == 98
send('239.1.2.3', 6000); assert heard(s), 'member'
s.sendto(b'hello', ('239.1.2.3', 6000)); assert heard(s), 'our own'
s.setsockopt(0, 36, mreq)
send('239.1.2.3', 6000); assert not heard(s), 'after'
try: s.setsockopt(0, 36, mreq); assert 0
except OSError as e: assert e.errno == 99"
ok "IPv6: likewise" lab_bulk python3 -c "
import sys; sys.argv[1:] = ['$scratch']
exec(open('$scratch/join.py').read())
s = udp(socket.AF_INET6, 6000)
mreq = socket.inet_pton(socket.AF_INET6, 'ff05::99') + struct.pack('i', socket.if_nametoindex('eth0'))
send('ff05::99', 6000); assert not heard(s), 'before'
s.setsockopt(41, 20, mreq)
send('ff05::99', 6000); assert heard(s), 'member'
s.setsockopt(41, 21, mreq)
send('ff05::99', 6000); assert not heard(s), 'after'"
ok "source-specific: only who was asked for is heard, or who was not blocked" lab_bulk python3 -c "
import sys; sys.argv[1:] = ['$scratch']
exec(open('$scratch/join.py').read())
group, peer, other = [socket.inet_aton(a) for a in ('239.1.2.4', '192.0.2.1', '192.0.2.77')]
s = udp(socket.AF_INET, 6000)
s.setsockopt(0, 39, group + any4 + other); send('239.1.2.4', 6000); assert not heard(s), 'other'
s.setsockopt(0, 39, group + any4 + peer); send('239.1.2.4', 6000); assert heard(s), 'peer'
s.setsockopt(0, 40, group + any4 + peer); send('239.1.2.4', 6000); assert not heard(s), 'dropped'
s.setsockopt(0, 36, group + any4)
s.setsockopt(0, 35, group + any4); send('239.1.2.4', 6000); assert heard(s), 'any'
s.setsockopt(0, 38, group + any4 + peer); send('239.1.2.4', 6000); assert not heard(s), 'blocked'
s.setsockopt(0, 37, group + any4 + peer); send('239.1.2.4', 6000); assert heard(s), 'unblocked'"
if [ "$E2E_STACK" = kernel ]; then
	skip "routers are told and answered" "the second host of these labs hears the kernel's own groups, too"
else
	ok "routers are told and answered" lab_bulk bash -ec "
		cd \$TEACHNET_LAB/temp
		teachnet peer python3 $scratch/peer.py hear 2 >told & sleep 0.7
		python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(0, 35, socket.inet_aton(\"239.9.9.9\") + socket.inet_aton(\"0.0.0.0\"))
time.sleep(9)' & wait %1; test \"\$(sort -u told)\" = \"\$(printf '4 239.9.9.9\nlistening')\"
		teachnet peer python3 $scratch/peer.py query 1 >answered
		grep -qx '2 239.9.9.9' answered
		teachnet peer python3 $scratch/peer.py hear 1 >left & sleep 0.5; kill %2; wait %3
		grep -qx '3 239.9.9.9' left"
fi
