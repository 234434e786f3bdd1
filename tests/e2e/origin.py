# SPDX-License-Identifier: Apache-2.0
"""origin: an HTTP/2 server of frames, for a Backend's script.

    def script(conn, backend):
        o = Origin(conn)
        while True:
            r = o.request()                      # the next whole request: .stream, .head, .body, .trailers
            o.answer(r.stream, 200, b"x", [("x-own", "1")])

    b = t.backend(serving(lambda o, r: o.answer(r.stream, 200, r.body)))
"""
import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
from peers import Gone


def text(v):
    return v if isinstance(v, str) else v.decode()


class Request:
    def __init__(self, stream, fields):
        self.stream, self.fields = stream, [(text(n), text(v)) for n, v in fields]
        self.head, self.body, self.trailers, self.ended, self.reset = dict(self.fields), b"", [], False, None


class Origin:
    def __init__(self, conn, streams=None, window=None, begin=True):
        self.conn, self.requests, self.consumes, self.gone, self.pings = conn, {}, True, None, 0
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, validate_outbound_headers=False,
                                                                       normalize_outbound_headers=False, header_encoding=None))
        settings = {}
        if streams is not None:
            settings[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS] = streams
        if window is not None:
            settings[h2.settings.SettingCodes.INITIAL_WINDOW_SIZE] = window
        self.h2.local_settings.update(settings)
        self.h2.local_settings.acknowledge()
        self.answered = set()
        if begin:
            self.h2.initiate_connection()
            self.flush()

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.conn.send(data)

    def step(self):
        data = self.conn.sock.recv(65536)
        if not data:
            raise Gone("closed")
        for e in self.h2.receive_data(data):
            stream = getattr(e, "stream_id", None)
            r = self.requests.get(stream)
            if isinstance(e, h2.events.RequestReceived):
                self.requests[stream] = Request(stream, e.headers)
            elif isinstance(e, h2.events.DataReceived):
                r.body += e.data
                if self.consumes and e.flow_controlled_length:
                    self.h2.acknowledge_received_data(e.flow_controlled_length, stream)
            elif isinstance(e, h2.events.TrailersReceived):
                r.trailers = [(text(n), text(v)) for n, v in e.headers]
            elif isinstance(e, h2.events.StreamEnded):
                r.ended = True
            elif isinstance(e, h2.events.StreamReset):
                r.reset = int(e.error_code)
            elif isinstance(e, h2.events.ConnectionTerminated):
                self.gone = int(e.error_code)
            elif isinstance(e, h2.events.PingReceived):
                self.pings += 1
        self.flush()

    def until(self, done):
        while not done():
            self.step()

    def request(self, whole=True):
        """The next request that was not given yet, whole or its head."""
        def found():
            return next((r for r in self.requests.values() if r.stream not in self.answered and (r.ended or not whole)), None)

        self.until(found)
        r = found()
        self.answered.add(r.stream)
        return r

    def head(self, stream, status=200, fields=(), ends=False):
        self.h2.send_headers(stream, [(":status", str(status)), *fields], end_stream=ends)
        self.flush()

    def data(self, stream, body, ends=False):
        """As the client's windows allow."""
        while True:
            while body and self.h2.local_flow_control_window(stream) == 0:
                self.step()
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            part, body = body[:room], body[room:]
            self.h2.send_data(stream, part, end_stream=ends and not body)
            self.flush()
            if not body:
                return

    def answer(self, stream, status=200, body=b"", fields=(), trailers=()):
        self.head(stream, status, fields, ends=not body and not trailers)
        if body:
            self.data(stream, body, ends=not trailers)
        if trailers:
            self.h2.send_headers(stream, list(trailers), end_stream=True)
            self.flush()

    def reset(self, stream, code):
        self.h2.reset_stream(stream, code)
        self.flush()

    def goaway(self, last, code=0):
        """GOAWAY, after which what was begun goes on (the library would refuse to send)."""
        payload = last.to_bytes(4, "big") + code.to_bytes(4, "big")
        self.raw(7, 0, 0, payload)

    def raw(self, kind, flags, stream, payload):
        self.flush()
        self.conn.send(len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload)


def serving(answer, **settings):
    """A script that gives each whole request to answer(origin, request)."""
    def script(conn, backend):
        o = Origin(conn, **settings)
        while True:
            r = o.request()
            backend.requests.put(r)
            answer(o, r)
    return script
