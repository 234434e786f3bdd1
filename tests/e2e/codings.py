# SPDX-License-Identifier: Apache-2.0
"""codings: gzip, deflate, br and zstd there and back, by the libraries themselves (Python of Debian 12 has the first two alone)."""
import ctypes
import gzip
import zlib

NAMES = ("gzip", "deflate", "br", "zstd")


def library(name):
    return ctypes.CDLL(name)


def brotli(data):
    lib, n = library("libbrotlienc.so.1"), ctypes.c_size_t(len(data) + 1024)
    out = ctypes.create_string_buffer(n.value)
    assert lib.BrotliEncoderCompress(5, 22, 0, ctypes.c_size_t(len(data)), data, ctypes.byref(n), out)
    return out.raw[:n.value]


def unbrotli(data):
    lib, n = library("libbrotlidec.so.1"), ctypes.c_size_t(1 << 24)
    out = ctypes.create_string_buffer(n.value)
    assert lib.BrotliDecoderDecompress(ctypes.c_size_t(len(data)), data, ctypes.byref(n), out) == 1
    return out.raw[:n.value]


def zstd(data, level=3):
    lib = library("libzstd.so.1")
    lib.ZSTD_compress.restype = ctypes.c_size_t
    out = ctypes.create_string_buffer(len(data) + 1024)
    n = lib.ZSTD_compress(out, ctypes.c_size_t(len(out)), data, ctypes.c_size_t(len(data)), level)
    return out.raw[:n]


def unzstd(data):
    lib = library("libzstd.so.1")
    stream = ctypes.c_void_p(lib_fn(lib, "ZSTD_createDStream", ctypes.c_void_p)())

    class Buffer(ctypes.Structure):
        _fields_ = [("at", ctypes.c_void_p), ("size", ctypes.c_size_t), ("pos", ctypes.c_size_t)]

    room = ctypes.create_string_buffer(1 << 24)
    held = ctypes.create_string_buffer(data, len(data))
    to, of = Buffer(ctypes.addressof(room), len(room), 0), Buffer(ctypes.addressof(held), len(data), 0)
    left = lib_fn(lib, "ZSTD_decompressStream", ctypes.c_size_t)(stream, ctypes.byref(to), ctypes.byref(of))
    assert left == 0 and of.pos == len(data), (left, of.pos, len(data))
    return room.raw[:to.pos]


def lib_fn(lib, name, result):
    fn = getattr(lib, name)
    fn.restype = result
    return fn


def encode(name, data):
    return {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli, "zstd": zstd}[name](data)


def decode(name, data):
    return {"gzip": gzip.decompress, "deflate": zlib.decompress, "br": unbrotli, "zstd": unzstd}[name](data)
