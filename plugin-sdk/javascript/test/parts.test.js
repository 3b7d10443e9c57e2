// The laws of every part, against nothing but the inputs: `node --test`. SEED=… repeats a run.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "../index.js";
import { Reader, Writer } from "../src/bytes.js";
import { nearest } from "../src/state/numbers.js";
import { random, pick, seed } from "./random.js";

const { binary, boolean, decimal, float, int, int64, json, text, timestamp, timestamp64, tuple, uint32, uint64 } = sdk;
console.log(`SEED=${seed}`);

const TEXTS = ["", "a", "b", "aa", "ä", "e\u0301", "商店", "\uffff", "\ufb01", "🏪", "\u{10ffff}", "a\u0000b", "null"];
const NUMBERS = [0, 1, -1, 7, 255, 256, -256, 2 ** 31, -(2 ** 31) - 1, 2 ** 53 - 1, -(2 ** 53) + 1];
const BIGINTS = [0n, 1n, -1n, 255n, 2n ** 31n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 62n];
const FLOATS = [0, -0, 1, -1, 0.1, 0.2, 0.3, 1e16, 5e-324, -5e-324, 2 ** -1022, Number.MAX_VALUE, -Number.MAX_VALUE, 1e100, NaN, Infinity, -Infinity];
const BINARIES = [[], [0], [255], [1, 2, 3], [1, 2]].map((bytes) => Uint8Array.from(bytes));

const VALUES = new Map([
  [boolean, [true, false]],
  [int, NUMBERS],
  [uint32, [0, 1, 2 ** 32 - 1]],
  [int64, BIGINTS],
  [uint64, [0n, 1n, 2n ** 64n - 1n, 2n ** 63n]],
  [float, FLOATS],
  [text, TEXTS],
  [binary, BINARIES],
  [timestamp, NUMBERS],
  [timestamp64, BIGINTS],
  [decimal(2), BIGINTS],
  [json, ["1", "[1, {}]", '"ä"', "null"]],
  [tuple(text, int.optional()), [["a", 1], ["a", undefined], ["b", -1], ["", 0]]],
]);

const bytes = (state) => {
  const out = new Writer();
  state.encode(out);
  return out.finish();
};
const hex = (state) => Buffer.from(bytes(state)).toString("hex");
const decode = (part, encoded) => {
  const input = new Reader(encoded);
  const state = part.decode(input);
  input.finish();
  return state;
};
const copy = (part, state) => decode(part, bytes(state));
const merged = (part, left, right) => {
  const state = copy(part, left);
  state.merge(copy(part, right));
  return state;
};

/** What adds the i-th of some inputs to a state. */
const adders = [];
const add = (name, part, values, how) => adders.push({ name, part, values, how });
for (const [kind, values] of VALUES) {
  const { name } = kind;
  for (const part of ["min", "max", "firstSeen", "lastSeen"]) add(`${part} of ${name}`, sdk[part](kind), values, (s, v) => s.see(v));
  for (const part of ["first", "last"]) add(`${part} of ${name}`, sdk[part](kind), values, (s, v, i) => s.see(i % 3, i, v));
  add(`lastN of ${name}`, sdk.lastN(kind, 3), values, (s, v, i) => s.push(i % 3, i, v));
  add(`topK of ${name}`, sdk.topK(kind, 2), values, (s, v) => s.add(v));
  add(`set of ${name}`, sdk.set(kind), values, (s, v) => s.add(v));
  add(`map of ${name}`, sdk.map(kind, sdk.count()), values, (s, v) => s.entry(v).add());
  add(`distinct of ${name}`, sdk.distinct(kind, 4), values, (s, v) => s.add(v));
}
for (const kind of [int, int64, uint32, decimal(2)]) {
  for (const part of ["sum", "mean", "quantiles"]) add(`${part} of ${kind.name}`, sdk[part](kind), VALUES.get(kind) ?? BIGINTS, (s, v) => s.add(v));
}
add("quantiles of floats", sdk.quantiles(float), FLOATS, (s, v) => s.add(v));
add("exactSum", sdk.exactSum(), FLOATS.slice(0, -3), (s, v) => s.add(v));
add("count", sdk.count(), [1, 2, 2n ** 63n], (s, v) => s.add(v));
const steps = sdk.machine({
  state: { seen: sdk.list(text), total: sdk.sum(int64), last: timestamp.optional() },
  input: sdk.choice({ text: { text }, number: { number: int64 } }),
  step(machine, input) {
    if (input.type === "text") machine.seen.push(input.text);
    else machine.total.add(input.number);
    machine.last = machine.seen.length;
  },
});
const toInput = (value) => (typeof value === "string" ? { type: "text", text: value } : { type: "number", number: value });
const inputs = [...TEXTS, ...BIGINTS];
add("ordered", sdk.ordered(steps), inputs, (s, v) => s.push(toInput(v)));
add("timeline", sdk.timeline(steps), inputs, (s, v, i) => s.push(i % 3, i, toInput(v)));
add("map of machines", sdk.map(text, sdk.ordered(steps)), inputs, (s, v) => s.entry(typeof v === "string" ? v : "").push(toInput(v)));
const record = sdk.parts({ count: sdk.count(), texts: sdk.set(text), last: sdk.lastSeen(text) });
add("parts", record, TEXTS, (s, v) => (s.count.add(), s.texts.add(v), s.last.see(v)));

for (const { name, part, values, how } of adders) {
  test(`${name}: any cut gives the same bytes`, () => {
    for (let round = 0; round < 20; round++) {
      const added = Array.from({ length: random(30) }, (_, i) => [pick(values), i]);
      const fold = (from, to) => {
        const state = part.create();
        added.slice(from, to).forEach(([value, i]) => how(state, value, i));
        return state;
      };
      const [cut, middle] = [random(added.length + 1), random(added.length + 1)].sort((a, b) => b - a);
      const [first, second, third] = [fold(0, middle), fold(middle, cut), fold(cut)];
      const whole = hex(fold());
      assert.equal(hex(merged(part, merged(part, first, second), third)), whole, "left to right");
      assert.equal(hex(merged(part, first, merged(part, second, third))), whole, "right to left");
      assert.equal(hex(merged(part, fold(0, cut), part.create())), hex(fold(0, cut)), "neutral");
      if (part.orderFree) assert.equal(hex(merged(part, third, fold(0, cut))), whole, "order-free");
      if (part.anchored) {
        const anchored = merged(part, part.first(), fold());
        assert.equal(hex(merged(part, merged(part, part.first(), fold(0, cut)), third)), hex(anchored));
        assert.throws(() => merged(part, fold(), anchored), /anchored/);
      }
    }
  });

  test(`${name}: only its own bytes decode, and nothing crashes`, () => {
    const state = part.create();
    for (let i = 0; i < 12; i++) how(state, pick(values), i);
    const whole = bytes(state);
    for (let cut = 0; cut < whole.length; cut++) assert.throws(() => decode(part, whole.slice(0, cut)), /malformed state/);
    assert.throws(() => decode(part, Uint8Array.from([...whole, 0])), /malformed state/);
    for (let i = 0; i < 300; i++) {
      const broken = whole.slice();
      broken[random(broken.length)] ^= 1 << random(8);
      try {
        assert.equal(hex(decode(part, broken)), Buffer.from(broken).toString("hex"));
      } catch (error) {
        assert.equal(error.name, "DecodeError", error.stack);
      }
    }
  });
}

test("layouts are those that are documented", () => {
  const state = (part, ...given) => {
    const made = part.create();
    given.forEach((args) => (made.add ?? made.see).call(made, ...[args].flat()));
    return hex(made);
  };
  assert.equal(state(sdk.count(), 2), "0200000000000000");
  assert.equal(state(sdk.sum(int64), -1n), "ff".repeat(16));
  assert.equal(state(sdk.sum(int), -1), "ff".repeat(16));
  assert.equal(state(sdk.max(int64)), "00");
  assert.equal(state(sdk.max(uint32), 5), "0105000000");
  assert.equal(state(sdk.max(float), NaN), "01000000000000f87f");
  assert.equal(state(sdk.set(text), "b", "a"), "0201610162");
  assert.equal(state(sdk.set(text), "🏪", "\uffff"), "0203efbfbf04f09f8faa");
  assert.equal(state(sdk.last(text), [1, 2, "x"]), "01010000000000000002000000000000000178");
  assert.equal(state(sdk.exactSum(), 1), "002101" + "00000040".slice(0, 0) + "00000400");
  assert.equal(hex(sdk.ordered(steps).first()), "01" + "00" + "00".repeat(16) + "00");
});

test("values are shown by the rules of JSON", () => {
  const shown = (part, how) => {
    const state = part.create();
    how(state);
    return state.present();
  };
  assert.equal(shown(sdk.map(text, sdk.sum(decimal(2))), (s) => s.entry('a"').add(-5n)), '{"a\\"":-0.05}');
  assert.equal(shown(sdk.map(int, sdk.count()), (s) => s.entry(-3).add()), "[[-3,1]]");
  assert.equal(shown(sdk.topK(text, 1), (s) => (s.add("b"), s.add("a"), s.add("a"))), '[["a",2]]');
  assert.equal(shown(sdk.lastN(timestamp, 2), (s) => s.push(0, 0, 978526800000)), '["2001-01-03T13:00:00Z"]');
  assert.throws(() => shown(sdk.sum(decimal(2)), (s) => (s.add(2n ** 62n), s.add(2n ** 62n))), /out of range: 92233720368547758.08 does not fit a decimal\(2\)/);
  assert.equal(int64.json(2n ** 53n), "9007199254740992");
  assert.equal(int64.json(2n ** 53n + 1n), '"9007199254740993"');
  assert.deepEqual([1, -0, 0.1, 1e16, 1.5e-5, NaN].map(float.json), ["1.0", "-0.0", "0.1", "1e16", "1.5e-5", "null"]);
  assert.equal(timestamp64.json(-1n), '"1969-12-31T23:59:59.999Z"');
  assert.equal(binary.json(Uint8Array.of(255, 254)), '"//4="');
});

test("values that are not of their kind are refused, and not by what a cell holds", () => {
  const largest = sdk.max(int64).create();
  largest.see(5n);
  for (const wrong of [2n ** 63n, -(2n ** 63n) - 1n, 0.5, "5", undefined]) {
    assert.throws(() => largest.see(wrong), TypeError);
    assert.throws(() => sdk.max(int64).create().see(wrong), TypeError);
  }
  for (const wrong of [2 ** 53, 0.5, NaN, "1"]) assert.throws(() => sdk.sum(int).create().add(wrong), TypeError);
});

test("a mean is the exact quotient, rounded once", () => {
  const mean = (kind, ...values) => {
    const state = sdk.mean(kind).create();
    values.forEach((value) => state.add(value));
    return state.get();
  };
  assert.equal(mean(decimal(2), 10n, 20n, 30n), 0.2);
  assert.equal(mean(int64), undefined);
  assert.equal(mean(int64, 2n ** 53n + 1n, 2n ** 53n + 1n), 2 ** 53); // a tie, to even
  // Just above a tie: what is beyond 64 bits of the quotient decides.
  assert.equal(nearest(((2n ** 53n + 1n) << 70n) + 1n, 1n << 70n), 2 ** 53 + 2);
  assert.equal(nearest(-(((2n ** 53n + 1n) << 70n) + 1n), 1n << 70n), -(2 ** 53 + 2));
  assert.equal(nearest(1n, 3n * 10n ** 18n), 1 / 3e18);
});

test("an estimate is near, and the hash is XXH64", () => {
  const sketch = sdk.distinct(text).create();
  for (let i = 0; i < 20_000; i++) sketch.add(`user-${i}`);
  assert.ok(Math.abs(sketch.estimate() - 20_000) < 1000, `${sketch.estimate()}`);
  assert.equal(text.hash(""), 0xef46db3751d8e999n);
  assert.equal(text.hash("Nobody inspects the spammish repetition"), 0xfbcea83c8a378bf1n);
});
