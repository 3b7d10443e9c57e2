"""One 64-bit hash of bytes, fixed for good: states that were written with it are read with it.

Never Python's own `hash`, which differs from one process to the next.
"""

from __future__ import annotations

from struct import unpack_from

_MASK = 2**64 - 1
_P1 = 0x9E3779B185EBCA87
_P2 = 0xC2B2AE3D27D4EB4F
_P3 = 0x165667B19E3779F9
_P4 = 0x85EBCA77C2B2AE63
_P5 = 0x27D4EB2F165667C5


def _turn(word: int, bits: int) -> int:
    return (word << bits | word >> 64 - bits) & _MASK


def _round(lane: int, word: int) -> int:
    return _turn(lane + word * _P2 & _MASK, 31) * _P1 & _MASK


def xxh64(data: bytes) -> int:
    """XXH64 with seed 0. Source: Y. Collet, "xxHash fast digest algorithm", version 0.1.1."""
    length, at = len(data), 0
    if length >= 32:
        lanes = [_P1 + _P2 & _MASK, _P2, 0, -_P1 & _MASK]
        while at + 32 <= length:
            lanes = list(map(_round, lanes, unpack_from("<4Q", data, at)))
            at += 32
        value = sum(map(_turn, lanes, (1, 7, 12, 18))) & _MASK
        for lane in lanes:
            value = ((value ^ _round(0, lane)) * _P1 + _P4) & _MASK
    else:
        value = _P5
    value = value + length & _MASK
    while at + 8 <= length:
        value = (_turn(value ^ _round(0, unpack_from("<Q", data, at)[0]), 27) * _P1 + _P4) & _MASK
        at += 8
    if at + 4 <= length:
        value = (_turn(value ^ unpack_from("<I", data, at)[0] * _P1 & _MASK, 23) * _P2 + _P3) & _MASK
        at += 4
    for byte in data[at:]:
        value = _turn(value ^ byte * _P5 & _MASK, 11) * _P1 & _MASK
    value = (value ^ value >> 33) * _P2 & _MASK
    value = (value ^ value >> 29) * _P3 & _MASK
    return value ^ value >> 32
