# SPDX-License-Identifier: MIT
"""Reads the TCP segments of a capture, as one would tell them: relative numbers, no clock values.

A segment longer than its connection's MSS (a sender that leaves the cutting to its card) counts as
the packets that it becomes on the wire, of which only the last one pushes or finishes.
"""
import dataclasses
import struct

NSEC_MAGIC, USEC_MAGIC = 0xA1B23C4D, 0xA1B2C3D4
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
LETTERS = ((SYN, "S"), (FIN, "F"), (RST, "R"), (PSH, "P"), (URG, "U"), (64, "E"), (128, "W"), (ACK, "."))
MSS_WITH_STAMPS = 1448


@dataclasses.dataclass
class Segment:
    when: float         # seconds
    ours: bool          # sent by our host
    flags: int
    seq: int            # from the sender's initial number; absolute when that is not known
    length: int
    ack: int            # from the other one's
    window: int         # as it stands in the header
    options: str

    def flag_letters(self):
        return "".join(letter for bit, letter in LETTERS if self.flags & bit)

    def text(self):
        words = [">" if self.ours else "<", self.flag_letters(), f"{self.seq}:{self.seq + self.length}({self.length})"]
        if self.flags & ACK:
            words.append(f"ack {self.ack}")
        if self.flags & SYN:
            words.append(f"win {self.window}")
        elif self.window == 0 and not self.flags & RST:
            words.append("win 0")
        if self.options:
            words.append(f"<{self.options}>")
        return " ".join(words)


def options_text(data):
    words = []
    while data:
        kind = data[0]
        if kind == 0:
            words.append("eol")
            break
        if kind == 1:
            words.append("nop")
            data = data[1:]
            continue
        body = data[2:data[1]]
        if kind == 2:
            words.append(f"mss {struct.unpack('>H', body)[0]}")
        elif kind == 3:
            # The shift follows from the receive buffer's bound, a setting of the machine.
            words.append("wscale")
        elif kind == 8:
            value, echo = struct.unpack(">II", body)
            words.append("TS" + (" val" if value else "") + (" ecr" if echo else ""))
        else:
            words.append({4: "sackOK", 5: "sack"}.get(kind, f"kind {kind}"))
        data = data[data[1]:]
    return ",".join(words)


def records(path):
    with open(path, "rb") as capture:
        data = capture.read()
    magic = struct.unpack_from("<I", data)[0]
    if magic not in (NSEC_MAGIC, USEC_MAGIC):
        raise ValueError(f"{path} is no capture of this machine")
    unit = 1e9 if magic == NSEC_MAGIC else 1e6
    at = 24
    while at + 16 <= len(data):
        seconds, part, captured, _ = struct.unpack_from("<IIII", data, at)
        yield seconds + part / unit, data[at + 16:at + 16 + captured]
        at += 16 + captured


def read_flows(path, host):
    """{port: [Segment]}, a list for each port of the scenarios (the one below the ephemeral ones)."""
    host_bytes = bytes(int(n) for n in host.split("."))
    flows, initial = {}, {}
    for when, frame in records(path):
        if frame[12:14] != b"\x08\x00" or frame[23] != 6:
            continue
        ip = frame[14:]
        total, header = struct.unpack_from(">H", ip, 2)[0], (ip[0] & 15) * 4
        source, target, seq, ack, offset, flags, window = struct.unpack_from(">HHIIBBH", ip, header)
        tcp_bytes = (offset >> 4) * 4
        length = total - header - tcp_bytes
        ours = ip[12:16] == host_bytes
        if flags & SYN:
            initial[source, target] = seq
        mine, other = initial.get((source, target)), initial.get((target, source))
        relative = seq if mine is None else (seq - mine) & 0xFFFFFFFF
        options = options_text(ip[header + 20:header + tcp_bytes])
        ack = (ack - other) & 0xFFFFFFFF if other is not None and flags & ACK else 0
        flow = flows.setdefault(min(source, target), [])
        while length > MSS_WITH_STAMPS:
            flow.append(Segment(when, ours, flags & ~(PSH | FIN), relative, MSS_WITH_STAMPS, ack, window, options))
            relative += MSS_WITH_STAMPS
            length -= MSS_WITH_STAMPS
        flow.append(Segment(when, ours, flags, relative, length, ack, window, options))
    return flows
