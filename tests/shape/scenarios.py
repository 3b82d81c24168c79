#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The plain cases of a TCP connection, as small programs of ordinary socket calls.

Each scenario is a pair of functions: what a program does on our host, and what one does on the
second host, whose stack is always the kernel's. They tell each other by lines through a pipe when
the next step may come, and wait PAUSE seconds between steps, so that what crosses the wire does
not depend on who of them was faster. A scenario has a port of its own, by which its segments are
found in the capture.

    scenarios.py run NAME...    in a lab: runs them; prints a line of JSON for each, with its result
    scenarios.py host NAME      one side of one of them
    scenarios.py peer NAME
"""
import concurrent.futures
import ctypes
import dataclasses
import errno
import json
import os
import socket
import struct
import subprocess
import sys
import time

PAUSE = 0.15
PEER, HOST = "192.0.2.1", "192.0.2.2"
FIRST_PORT = 9100
SO_ATTACH_FILTER = 26
TCP_USER_TIMEOUT = 18

SCENARIOS = {}


class Scenario:
    """view chooses what of a conversation is compared; without it, all of it is."""

    def __init__(self, name, story, slow, host, peer, view=None):
        self.name, self.story, self.slow, self.host, self.peer = name, story, slow, host, peer
        self.view = view or (lambda segments: segments)
        self.port = FIRST_PORT + len(SCENARIOS)
        SCENARIOS[name] = self


class Talk:
    """What one side may use: its scenario's port, and a line to the other side."""

    def __init__(self, port, source, sink):
        self.port, self.source, self.sink = port, source, sink

    def say(self, word="go"):
        self.sink.write(word + "\n")
        self.sink.flush()

    def hear(self):
        if not self.source.readline():
            raise RuntimeError("the other side has gone")

    def listen(self, address):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((address, self.port))
        s.listen(8)
        return s

    def serve(self):
        """On the second host: a listener, which the other side is told of, and the connection."""
        listener = self.listen(PEER)
        self.say()
        s = listener.accept()[0]
        listener.close()
        return s

    def call(self):
        """On our host: a connection to serve()."""
        self.hear()
        s = socket.create_connection((PEER, self.port))
        pause()
        return s


def pause():
    time.sleep(PAUSE)


def read(s, count):
    while count > 0:
        part = s.recv(count)
        if not part:
            raise RuntimeError("end of data too early")
        count -= len(part)


def read_end(s):
    while s.recv(65536):
        pass


def deafen(s):
    """Nothing that arrives reaches this socket any more: a filter that takes no byte of anything."""
    code = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HxxxxxxQ", 1, ctypes.addressof(code)))


def seconds_until_failure(action):
    """The error's name, and when it came."""
    start = time.monotonic()
    try:
        action()
    except OSError as error:
        return [errno.errorcode[error.errno], time.monotonic() - start]
    return ["no error", time.monotonic() - start]


def linger_reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def request_host(t):
    s = t.call()
    s.sendall(b"q" * 100)
    read(s, 1000)
    pause()
    s.close()
    t.hear()


def request_peer(t):
    s = t.serve()
    read(s, 100)
    pause()
    s.sendall(b"r" * 1000)
    read_end(s)
    pause()
    s.close()
    t.say()


Scenario("request, we close", "connect, ask, get an answer, close first", False, request_host, request_peer)


def peer_closes_host(t):
    s = t.call()
    s.sendall(b"q" * 100)
    read_end(s)
    pause()
    s.close()
    t.hear()


def peer_closes_peer(t):
    s = t.serve()
    read(s, 100)
    pause()
    s.sendall(b"r" * 1000)
    pause()
    s.close()
    time.sleep(3 * PAUSE)
    t.say()


Scenario("request, peer closes", "the answer's end is the connection's", False, peer_closes_host, peer_closes_peer)


def serve_host(t):
    listener = t.listen(HOST)
    t.say()
    s = listener.accept()[0]
    read(s, 100)
    pause()
    s.sendall(b"r" * 1000)
    pause()
    s.close()
    t.hear()


def serve_peer(t):
    t.hear()
    s = socket.create_connection((HOST, t.port))
    pause()
    s.sendall(b"q" * 100)
    read_end(s)
    pause()
    s.close()
    pause()
    t.say()


Scenario("served, we close", "we listen, answer and close first", False, serve_host, serve_peer)


def serve_until_end_host(t):
    listener = t.listen(HOST)
    t.say()
    s = listener.accept()[0]
    read(s, 100)
    pause()
    s.sendall(b"r" * 1000)
    read_end(s)
    pause()
    s.close()
    t.hear()


def serve_until_end_peer(t):
    t.hear()
    s = socket.create_connection((HOST, t.port))
    pause()
    s.sendall(b"q" * 100)
    read(s, 1000)
    pause()
    s.close()
    time.sleep(3 * PAUSE)
    t.say()


Scenario("served, peer closes", "we listen and answer; the client closes", False, serve_until_end_host,
         serve_until_end_peer)


def refused_host(t):
    t.hear()
    return seconds_until_failure(lambda: socket.create_connection((PEER, t.port)))


Scenario("refused", "nobody listens at the second host's port", False, refused_host, lambda t: t.say())


def refuses_host(t):
    t.say()
    t.hear()


def refuses_peer(t):
    t.hear()
    seconds_until_failure(lambda: socket.create_connection((HOST, t.port)))
    t.say()


Scenario("refuses", "nobody listens at our port", False, refuses_host, refuses_peer)


def reset_host(t):
    s = t.call()
    s.sendall(b"q" * 100)
    pause()
    linger_reset(s)
    t.say()
    t.hear()


def absorb_peer(t):
    s = t.serve()
    t.hear()
    seconds_until_failure(lambda: read_end(s))
    s.close()
    pause()
    t.say()


Scenario("reset by linger", "SO_LINGER with no time, then close", False, reset_host, absorb_peer)


def unread_host(t):
    s = t.call()
    t.say()
    t.hear()
    s.close()
    t.say()
    t.hear()


def unread_peer(t):
    s = t.serve()
    t.hear()
    s.sendall(b"r" * 500)
    pause()
    t.say()
    t.hear()
    pause()
    s.close()
    t.say()


Scenario("reset by unread data", "close with data in the queue that nobody reads", False, unread_host, unread_peer)


def reset_by_peer_host(t):
    s = t.call()
    s.sendall(b"q" * 100)
    t.hear()
    pause()
    result = seconds_until_failure(lambda: s.recv(10))
    s.close()
    return result[:1]


def reset_by_peer_peer(t):
    s = t.serve()
    read(s, 100)
    pause()
    linger_reset(s)
    t.say()


Scenario("reset by the peer", "the peer has had enough", False, reset_by_peer_host, reset_by_peer_peer)


def late_data_host(t):
    s = t.call()
    s.close()
    t.say()
    t.hear()


def late_data_peer(t):
    s = t.serve()
    t.hear()
    pause()
    s.sendall(b"r" * 300)
    pause()
    s.close()
    t.say()


Scenario("data after our close", "we have closed, the peer sends on", False, late_data_host, late_data_peer)


def send_to_closed_host(t):
    s = t.call()
    t.hear()
    pause()
    s.sendall(b"q" * 100)
    pause()
    result = seconds_until_failure(lambda: s.send(b"q"))
    s.close()
    return result[:1]


def send_to_closed_peer(t):
    s = t.serve()
    s.close()
    t.say()
    time.sleep(5 * PAUSE)


Scenario("data after the peer's close", "the peer has closed, we send on", False, send_to_closed_host,
         send_to_closed_peer)


def half_close_host(t):
    s = t.call()
    s.sendall(b"q" * 100)
    pause()
    s.shutdown(socket.SHUT_WR)
    t.say()
    read_end(s)
    pause()
    s.close()
    t.hear()


def half_close_peer(t):
    s = t.serve()
    t.hear()
    read_end(s)
    for _ in range(3):
        pause()
        s.sendall(b"r" * 700)
    pause()
    s.close()
    time.sleep(3 * PAUSE)
    t.say()


Scenario("half-close", "we have said all, and listen on", False, half_close_host, half_close_peer)


def half_closed_host(t):
    s = t.call()
    t.say()
    read_end(s)
    for _ in range(3):
        pause()
        s.sendall(b"q" * 700)
    pause()
    s.close()
    t.hear()


def half_closed_peer(t):
    s = t.serve()
    t.hear()
    s.shutdown(socket.SHUT_WR)
    read_end(s)
    pause()
    s.close()
    t.say()


Scenario("half-closed by the peer", "the peer has said all, we go on", False, half_closed_host, half_closed_peer)


def ping_pong_host(t):
    s = t.call()
    for _ in range(6):
        s.sendall(b"q" * 10)
        read(s, 10)
        time.sleep(0.1)
    t.hear()
    s.close()


def ping_pong_peer(t):
    s = t.serve()
    for _ in range(6):
        read(s, 10)
        s.sendall(b"r" * 10)
    time.sleep(0.3)
    t.say()
    read_end(s)


Scenario("question and answer", "who acknowledges when: pingpong mode and the delayed ACK", False, ping_pong_host,
         ping_pong_peer)


def trickle_host(t):
    s = t.call()
    t.say()
    for _ in range(24):
        read(s, 50)
    pause()
    s.close()
    t.hear()


def trickle_peer(t):
    s = t.serve()
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    t.hear()
    for _ in range(24):
        s.sendall(b"r" * 50)
        time.sleep(0.1)
    read_end(s)
    pause()
    s.close()
    t.say()


Scenario("trickle", "small segments arrive every 100 ms: quick ACKs, then delayed ones", True, trickle_host,
         trickle_peer)


def bulk_out_host(t):
    s = t.call()
    s.sendall(b"q" * 14000)
    t.hear()
    s.close()
    t.hear()


def bulk_out_peer(t):
    s = t.serve()
    read(s, 14000)
    pause()
    t.say()
    read_end(s)
    pause()
    s.close()
    t.say()


Scenario("14,000 bytes out", "the first window: sizes and PSH", False, bulk_out_host, bulk_out_peer)


def bulk_in_host(t):
    s = t.call()
    t.say()
    read(s, 14000)
    pause()
    s.close()
    t.hear()


def bulk_in_peer(t):
    s = t.serve()
    t.hear()
    pause()
    s.sendall(b"r" * 14000)
    read_end(s)
    pause()
    s.close()
    t.say()


Scenario("14,000 bytes in", "an ACK for every second segment", False, bulk_in_host, bulk_in_peer)


def connect_timeout_host(t):
    s = socket.socket()
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 2)
    t.hear()
    result = seconds_until_failure(lambda: s.connect((PEER, t.port)))
    s.close()
    t.say()
    return result


def connect_timeout_peer(t):
    listener = t.listen(PEER)
    deafen(listener)
    t.say()
    t.hear()


Scenario("connect times out", "nobody answers our SYN", True, connect_timeout_host, connect_timeout_peer)


def data_timeout_host(t):
    s = t.call()
    s.sendall(b"q" * 100)
    pause()
    s.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, 5000)
    t.say()
    t.hear()
    s.sendall(b"q" * 100)
    result = seconds_until_failure(lambda: s.recv(10))
    s.close()
    t.say()
    return result


def deaf_peer(t):
    s = t.serve()
    read(s, 100)
    t.hear()
    deafen(s)
    t.say()
    t.hear()
    linger_reset(s)


Scenario("data times out", "the peer falls silent: retransmissions until TCP_USER_TIMEOUT", True, data_timeout_host,
         deaf_peer)


def close_timeout_host(t):
    s = t.call()
    s.sendall(b"q" * 100)
    pause()
    t.say()
    t.hear()
    s.close()
    time.sleep(6)
    t.say()


Scenario("close times out", "the peer falls silent before our FIN", True, close_timeout_host, deaf_peer)


def keepalive_host(t):
    s = t.call()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 2)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    s.sendall(b"q" * 100)
    time.sleep(3)
    t.say()
    t.hear()
    result = seconds_until_failure(lambda: s.recv(10))
    s.close()
    t.say()
    return result


Scenario("keepalive", "a probe is answered, then no more", True, keepalive_host, deaf_peer)


def full_peer_host(t):
    t.hear()
    s = socket.create_connection((PEER, t.port))
    pause()
    s.sendall(b"q" * 14000)
    time.sleep(4)
    t.say()
    pause()
    s.close()
    t.hear()


def full_peer_peer(t):
    listener = t.listen(PEER)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    t.say()
    s = listener.accept()[0]
    t.hear()
    read_end(s)
    s.close()
    t.say()


Scenario("the peer's window is shut", "we probe until it reads", True, full_peer_host, full_peer_peer)


def full_host(t):
    t.hear()
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    s.connect((PEER, t.port))
    t.say()
    time.sleep(4)
    read(s, 40000)
    pause()
    s.close()
    t.hear()


def full_peer(t):
    listener = t.listen(PEER)
    t.say()
    s = listener.accept()[0]
    t.hear()
    s.sendall(b"r" * 40000)
    read_end(s)
    s.close()
    t.say()


def while_shut(segments):
    """From our first refusal of a probe to the update. How much came before depends on how much
    memory a segment takes in a receive buffer, which is each stack's own affair."""
    shut = [i for i, s in enumerate(segments) if s.ours and s.window == 0]
    if not shut:
        return []
    end = next((i for i, s in enumerate(segments) if i > shut[-1] and s.ours), shut[-1])
    return [dataclasses.replace(s, seq=0, ack=0) for s in segments[shut[0] + 1:end + 1]]


Scenario("our window is shut", "the peer probes until we read", True, full_host, full_peer, while_shut)


def run_host(name):
    peer = subprocess.Popen(["teachnet", "peer", sys.executable, os.path.abspath(__file__), "peer", name],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    scenario = SCENARIOS[name]
    result = scenario.host(Talk(scenario.port, peer.stdout, peer.stdin))
    peer.stdin.close()
    if peer.wait(timeout=30):
        raise RuntimeError("the peer's side has failed")
    return {"name": name, "result": result}


def run_all(names):
    """The quick ones one after the other, the others, which do nothing but wait, all at once."""
    def start(name):
        done = subprocess.run([sys.executable, os.path.abspath(__file__), "host", name], text=True, timeout=40,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        print(done.stdout.strip() or json.dumps({"name": name, "failure": done.stderr[-1500:]}), flush=True)

    with concurrent.futures.ThreadPoolExecutor(max_workers=16) as pool:
        waiting = [pool.submit(start, n) for n in names if SCENARIOS[n].slow]
        for name in names:
            if not SCENARIOS[name].slow:
                start(name)
        for w in waiting:
            w.result()


def main():
    side, names = sys.argv[1], sys.argv[2:]
    if side == "run":
        run_all(names)
    elif side == "host":
        print(json.dumps(run_host(names[0])), flush=True)
    else:
        SCENARIOS[names[0]].peer(Talk(SCENARIOS[names[0]].port, sys.stdin, sys.stdout))


if __name__ == "__main__":
    main()
