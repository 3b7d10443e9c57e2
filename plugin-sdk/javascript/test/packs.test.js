// Packs against the objects of their parts: the same bytes, merges and rows, at the limits above all.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "../index.js";
import { Reader, Writer } from "../src/bytes.js";
import { Column, NOTHING, bytesOf, cast, numbersOf, upTo } from "../src/columns.js";
import { blobsOfPacks, readPacks } from "../src/state/pack.js";
import { pick, random } from "./random.js";

const { count, decimal, int, int64, max, mean, min, set, sum, text, timestamp, uint32, uint64 } = sdk;
const EDGES = [0n, 1n, -1n, 2n ** 31n, 2n ** 32n, 2n ** 52n - 1n, 2n ** 52n, -(2n ** 52n) + 1n, -(2n ** 52n), 2n ** 53n - 1n, -(2n ** 53n) + 1n];
/** Each is held as a number, a few of them together must not be. */
const NEAR = [2n ** 52n - 1n, 2n ** 52n - 3n, -(2n ** 52n) + 1n, 0n];
const LIMITS = [...EDGES, 2n ** 53n + 1n, 2n ** 62n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 63n) + 1n, -(2n ** 52n) * 3n];
const SAFE = EDGES.map(Number);

const add = (state, value) => state.add(value);
const see = (state, value) => state.see(value);
const PARTS = [
  ["count", count(), [1, 2, 2n ** 52n, 2n ** 63n, 2n ** 64n - 1n], add],
  ["sum of int64", sum(int64), LIMITS, add],
  ["sum of int64 near 2^52", sum(int64), NEAR, add],
  ["sum of decimals", sum(decimal(2)), LIMITS, add],
  ["sum of int", sum(int), SAFE, add],
  ["mean", mean(int64), LIMITS, add],
  ["max of int64", max(int64), LIMITS, see],
  ["min of decimals", min(decimal(2)), LIMITS, see],
  ["min of int", min(int), SAFE, see],
  ["max of timestamps", max(timestamp), SAFE, see],
  ["max of uint32", max(uint32), [0, 7, 2 ** 32 - 1], see],
  ["min of uint64", min(uint64), [0n, 2n ** 64n - 1n], see],
  ["set", set(text), ["", "a", "ä"], add],
];

const encoded = (states) => {
  const out = new Writer();
  const ends = Uint32Array.from(states, (state) => (state.encode(out), out.length));
  return { ends, bytes: out.finish() };
};
const packed = (part, { bytes, ends }) => {
  const pack = part.pack();
  readPacks([pack], bytes, ends);
  return pack;
};
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const written = (pack) => {
  const { bytes, ends } = blobsOfPacks([pack], pack.count);
  return { bytes: hex(bytes), ends: [...cast(Uint32Array, ends)] };
};
const asWritten = ({ bytes, ends }) => ({ bytes: hex(bytes), ends: [...ends] });

for (const [name, part, values, how] of PARTS) {
  const made = () => {
    const state = part.create();
    for (let left = random(4); left > 0; left--) how(state, pick(values));
    return state;
  };

  test(`${name}: packs read, write, hold and merge what objects do`, () => {
    for (let round = 0; round < 60; round++) {
      const [lefts, rights] = [Array.from({ length: 9 }, made), Array.from({ length: 9 }, made)];
      const [left, right] = [encoded(lefts), encoded(rights)];
      const pack = packed(part, left);
      assert.deepEqual(written(pack), asWritten(left), "as read");
      assert.deepEqual(asWritten(encoded(lefts.map((_, i) => pack.get(i)))), asWritten(left), "as objects");
      const put = part.pack();
      put.resize(lefts.length);
      lefts.forEach((state, i) => put.put(i, part.decode(new Reader(encoded([state]).bytes))));
      assert.deepEqual(written(put), asWritten(left), "as put");
      for (let times = 0; times < 4; times++) {
        pack.merge(upTo(9), packed(part, right));
        lefts.forEach((state, i) => state.merge(rights[i]));
        assert.deepEqual(written(pack), asWritten(encoded(lefts)), "as merged");
      }
      const [shown, wanted] = [pack.show(), () => lefts.map((state) => state.present())];
      if (shown !== undefined) {
        const column = new Column(name, int64, shown, 9);
        assert.deepEqual(wanted().map((value) => (value === undefined ? value : BigInt(value))), lefts.map((_, i) => column.get(i)), "as shown");
      }
    }
  });

  test(`${name}: packs refuse the bytes that objects refuse, with the same words`, () => {
    const why = (work) => {
      try {
        work();
        return undefined;
      } catch (error) {
        assert.equal(error.name, "DecodeError", error.stack);
        return error.message.replace(/^state 0: /, "");
      }
    };
    for (let round = 0; round < 200; round++) {
      const { bytes } = encoded([made()]);
      const broken = round % 2 ? bytes.slice(0, random(bytes.length + 1)) : Uint8Array.from([...bytes, ...new Array(random(2)).fill(0)]);
      if (broken.length > 0) broken[random(broken.length)] ^= 1 << random(8);
      const object = why(() => {
        const input = new Reader(broken);
        part.decode(input);
        input.finish();
      });
      const pack = why(() => packed(part, { bytes: broken, ends: Uint32Array.of(broken.length) }));
      assert.equal(pack, object, hex(broken));
    }
  });
}

test("states that are not within their bytes are an error of the host", () => {
  assert.throws(() => readPacks([count().pack()], new Uint8Array(8), Uint32Array.of(9)), /state 0 is not within its bytes/);
  assert.throws(() => readPacks([count().pack()], new Uint8Array(16), Uint32Array.of(8, 4)), /state 1 is not within its bytes/);
});

test("columns are read as numbers only if each of them is exact", () => {
  const values = (list) => numbersOf(BigInt64Array.from(list));
  const read = (numbers, i) => (numbers.tiny ? numbers.tiny[i] / numbers.unit : numbers.high[2 * i + 1] * 2 ** 32 + numbers.low[2 * i]);
  assert.equal(values([0n]).least, 0);
  for (let round = 0; round < 300; round++) {
    const list = Array.from({ length: 1 + random(5) }, () => pick(LIMITS));
    const numbers = values(list);
    const isSmall = list.every((value) => value > -(2n ** 52n) && value < 2n ** 52n);
    assert.equal(numbers !== undefined, isSmall, String(list));
    if (!isSmall) continue;
    assert.deepEqual(list.map((_, i) => BigInt(read(numbers, i))), list);
    const sorted = BigInt64Array.from(list).sort();
    assert.deepEqual([numbers.least, numbers.greatest].map(BigInt), [sorted[0], sorted.at(-1)]);
  }
  // What begins like a small double must not pass for one: -2^63 has the bits of -0.
  for (const hidden of [-(2n ** 63n), -(2n ** 63n) + 5n, 2n ** 52n, -1n]) assert.equal(values([3n, hidden])?.tiny, undefined);
  assert.equal(values(new Array(10_000).fill(1n).concat(-1n)).least, -1);
  assert.deepEqual([values([]).least, values([]).greatest], [0, 0]);
});
