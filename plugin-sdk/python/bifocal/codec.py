"""Canonical bytes: equal values have equal bytes, and only those bytes decode.

Numbers are little-endian and of fixed width; text, binary and sequences begin with their length as a
LEB128 of 64 bits; an optional value begins with a byte 0 or 1. A value takes at least one byte.

`encode(value, out)` appends to a bytearray; `decode(data, at)` returns the value that begins at `at` and
where it ends. Decoding raises `DecodeError` for whatever `encode` would not have written.
"""

from __future__ import annotations

U64_MAX = 2**64 - 1
I64_MIN, I64_MAX = -(2**63), 2**63 - 1


class DecodeError(ValueError):
    """Bytes that no value encodes to."""

    def __init__(self, what: str):
        super().__init__(f"malformed state: {what}")


def short() -> DecodeError:
    return DecodeError("it ends within a value")


def take(data: bytes, at: int, length: int) -> bytes:
    """The `length` bytes that begin at `at`."""
    taken = data[at : at + length]
    if len(taken) < length:
        raise short()
    return taken


def take_byte(data: bytes, at: int) -> int:
    if at >= len(data):
        raise short()
    return data[at]


def put_varint(value: int, out: bytearray) -> None:
    """LEB128: seven bits a byte, least first, the top bit set on all but the last."""
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def take_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = take_byte(data, at)
        at += 1
        if shift == 63 and byte & 0x7F > 1:
            raise DecodeError("a number of more than 64 bits")
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if byte == 0 and shift > 0:
                raise DecodeError("a padded number")
            return value, at
        shift += 7
        if shift > 63:
            raise DecodeError("a number of more than 64 bits")


def take_length(data: bytes, at: int) -> tuple[int, int]:
    """A number of elements. Each takes at least a byte, so more than there are bytes is refused at once."""
    length, at = take_varint(data, at)
    if length > len(data) - at:
        raise short()
    return length, at


def decode_all(decode, data: bytes):
    """All of `data` as one value."""
    value, at = decode(data, 0)
    if at != len(data):
        raise DecodeError(f"{len(data) - at} bytes follow its end")
    return value
