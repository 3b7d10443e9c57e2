// One 64-bit hash of bytes, fixed for good: states that were written with it are read with it.

const [P1, P2, P3, P4, P5] = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
];
const MASK = 0xffffffffffffffffn;

const times = (a, b) => BigInt.asUintN(64, a * b);
const turn = (value, by) => ((value << by) & MASK) | (value >> (64n - by));
const round = (lane, word) => times(turn(BigInt.asUintN(64, lane + times(word, P2)), 31n), P1);

/** XXH64 of `bytes` with seed 0. Source: Y. Collet, "xxHash fast digest algorithm", version 0.1.1. */
export function xxh64(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let hash = P5;
  if (bytes.length >= 32) {
    const lanes = [BigInt.asUintN(64, P1 + P2), P2, 0n, BigInt.asUintN(64, -P1)];
    for (; at + 32 <= bytes.length; at += 32) {
      for (let i = 0; i < 4; i++) lanes[i] = round(lanes[i], view.getBigUint64(at + 8 * i, true));
    }
    const turns = [1n, 7n, 12n, 18n];
    hash = BigInt.asUintN(64, lanes.reduce((sum, lane, i) => sum + turn(lane, turns[i]), 0n));
    for (const lane of lanes) hash = BigInt.asUintN(64, times(hash ^ round(0n, lane), P1) + P4);
  }
  hash = BigInt.asUintN(64, hash + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8) {
    hash = BigInt.asUintN(64, times(turn(hash ^ round(0n, view.getBigUint64(at, true)), 27n), P1) + P4);
  }
  if (at + 4 <= bytes.length) {
    const four = BigInt(view.getUint32(at, true));
    hash = BigInt.asUintN(64, times(turn(hash ^ times(four, P1), 23n), P2) + P3);
    at += 4;
  }
  for (; at < bytes.length; at++) hash = times(turn(hash ^ times(BigInt(bytes[at]), P5), 11n), P1);
  hash = times(hash ^ (hash >> 33n), P2);
  hash = times(hash ^ (hash >> 29n), P3);
  return hash ^ (hash >> 32n);
}
