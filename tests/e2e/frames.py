# SPDX-License-Identifier: Apache-2.0
"""frames: HTTP/2 by hand, for what no library would send.

    f = Frames(t.connect(w.port))                # preface and SETTINGS are out; the server's are acknowledged
    f.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block()))
    f.until(lambda: f.status(1))                 # "200"; or f.resets.get(1), f.goaway, f.ended
"""
import hpack
from peers import Gone

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK, PADDED = 1, 4, 1, 8
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL, STREAM_CLOSED, FRAME_SIZE, REFUSED, COMPRESSION, CALM = 0, 1, 2, 3, 5, 6, 7, 9, 11
GET = [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/")]
POST = [(":method", "POST"), *GET[1:]]


def frame(kind, flags=0, stream=0, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def raw(v):
    return v if isinstance(v, bytes) else v.encode("latin-1")


def block(fields=GET):
    """A header block that needs no table."""
    return hpack.Encoder().encode([(raw(n), raw(v)) for n, v in fields], huffman=False)


class Frames:
    """One side of a connection: what it is sent is kept by stream."""

    def __init__(self, conn, settings=b"", acknowledges=True, begin=PREFACE):
        self.conn, self.acknowledges, self.decoder = conn, acknowledges, hpack.Decoder()
        self.heads, self.resets, self.ended, self.bodies, self.settings, self.kinds = {}, {}, set(), {}, {}, []
        self.goaway, self.closed, self.acks = None, False, 0
        self.send(begin + frame(SETTINGS, 0, 0, settings))

    def send(self, data):
        """What cannot be sent any more is not: the end is read."""
        try:
            self.conn.send(data)
        except OSError:
            pass
        return self

    def step(self):
        """Take one frame; False when there is none any more."""
        try:
            head = self.conn.exactly(9)
            payload = self.conn.exactly(int.from_bytes(head[:3], "big"))
        except (Gone, ConnectionError):
            self.closed = True
            return False
        kind, flags, stream = head[3], head[4], int.from_bytes(head[5:], "big")
        self.kinds.append(kind)
        if kind == SETTINGS and flags & ACK:
            self.acks += 1
        elif kind == SETTINGS:
            for i in range(0, len(payload), 6):
                self.settings[int.from_bytes(payload[i:i + 2], "big")] = int.from_bytes(payload[i + 2:i + 6], "big")
            if self.acknowledges:
                self.send(frame(SETTINGS, ACK))
        elif kind == HEADERS:
            assert flags & END_HEADERS
            self.heads.setdefault(stream, []).append(dict(self.decoder.decode(payload)))
        elif kind == DATA:
            self.bodies[stream] = self.bodies.get(stream, b"") + payload
        elif kind == RST:
            self.resets[stream] = int.from_bytes(payload, "big")
        elif kind == GOAWAY:
            self.goaway = int.from_bytes(payload[4:8], "big")
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            self.ended.add(stream)
        return True

    def until(self, done):
        """Read until it is so; False when the connection ended first."""
        while not done():
            if not self.step():
                return bool(done())
        return True

    def status(self, stream):
        head = self.heads.get(stream)
        return head and int(head[-1][":status"])

    def rest(self):
        """To the end of the connection."""
        while self.step():
            pass
        return self
