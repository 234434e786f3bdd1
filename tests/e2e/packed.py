# SPDX-License-Identifier: Apache-2.0
"""MessagePack there and back, as far as documents of tests need it: shortest heads; a `Raw` is put in as it is."""
import struct


class Raw(bytes):
    """Bytes of a value that Python has no other word for."""


def head(n, small, most, wide):
    if n <= most:
        return bytes([small | n])
    for code, kind, limit in wide:
        if n <= limit:
            return struct.pack(">B" + kind, code, n)
    raise ValueError(n)


def dumps(value):
    if isinstance(value, Raw):
        return bytes(value)
    if value is None or isinstance(value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    if isinstance(value, int):
        if -32 <= value < 128:
            return struct.pack(">b", value)
        kinds = ((0xcc, "B"), (0xcd, "H"), (0xce, "I"), (0xcf, "Q")) if value > 0 else ((0xd0, "b"), (0xd1, "h"), (0xd2, "i"), (0xd3, "q"))
        for code, kind in kinds:
            try:
                return struct.pack(">B" + kind, code, value)
            except struct.error:
                pass
        raise ValueError(value)
    if isinstance(value, float):
        return struct.pack(">Bd", 0xcb, value)
    if isinstance(value, str):
        text = value.encode()
        return head(len(text), 0xa0, 31, ((0xd9, "B", 255), (0xda, "H", 65535), (0xdb, "I", 2**32 - 1))) + text
    if isinstance(value, list):
        return head(len(value), 0x90, 15, ((0xdc, "H", 65535), (0xdd, "I", 2**32 - 1))) + b"".join(map(dumps, value))
    return head(len(value), 0x80, 15, ((0xde, "H", 65535), (0xdf, "I", 2**32 - 1))) + b"".join(
        dumps(k) + dumps(v) for k, v in value.items())


def loads(data):
    value, end = read(data, 0)
    assert end == len(data), "more than one value"
    return value


def number(data, at, kind):
    return struct.unpack_from(">" + kind, data, at)[0], at + struct.calcsize(">" + kind)


WIDE = {0xcc: "B", 0xcd: "H", 0xce: "I", 0xcf: "Q", 0xd0: "b", 0xd1: "h", 0xd2: "i", 0xd3: "q", 0xca: "f", 0xcb: "d",
        0xd9: "B", 0xda: "H", 0xdb: "I", 0xdc: "H", 0xdd: "I", 0xde: "H", 0xdf: "I"}


def read(data, at):
    """A value, whatever widths its heads have, and where it ends."""
    code, at = data[at], at + 1
    if code < 0x80 or code >= 0xe0:
        return code - (256 if code >= 0xe0 else 0), at
    if code in (0xc0, 0xc2, 0xc3):
        return {0xc0: None, 0xc2: False, 0xc3: True}[code], at
    n = code & (0x1f if 0xa0 <= code < 0xc0 else 0x0f)
    if code >= 0xc0:
        n, at = number(data, at, WIDE[code])
        if code < 0xd9:
            return n, at
    if 0xa0 <= code < 0xc0 or 0xd9 <= code <= 0xdb:
        return data[at:at + n].decode(), at + n
    items = []
    is_map = code < 0x90 or code >= 0xde
    for _ in range(2 * n if is_map else n):
        item, at = read(data, at)
        items.append(item)
    return (dict(zip(items[::2], items[1::2])) if is_map else items), at
