// The kinds of values: how each reaches an author, its canonical bytes, its order and its JSON.
//
// One rule for whole numbers: what JavaScript calls a number is exact to 2^53 only. So `int` and
// `timestamp` are numbers, and an event with a greater value is rejected; `int64`, `uint64`,
// `timestamp64` and `decimal` (units of 10^-n) are bigints, exact to the last bit. Nothing is ever
// rounded, and a number never becomes a bigint halfway.

import { DecodeError, Reader, Writer, compareBytes, compareText, hasSurrogate, utf8 } from "./bytes.js";
import { xxh64 } from "./hash.js";
import { OutOfRange, base64, decimalText, floatJson, integerJson, textJson, timeText } from "./json.js";

const MIN_64 = -(2n ** 63n);
const MAX_64 = 2n ** 63n - 1n;
const SAFE = Number.MAX_SAFE_INTEGER;

const compareNumbers = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/**
 * A kind of value. `optional()` makes one that may be absent (`undefined`), `at(path)` one that is
 * found elsewhere in an event than under its own name.
 */
export class Kind {
  /**
   * `wire`: the contract's kind. `name`: for messages. `zero`: the value before the first one.
   * `own(value)`: the value as states hold it; throws a TypeError or RangeError at what is not of the
   * kind. `key(value)`: what a Map tells values apart by; `sortKeys(keys)`: these in the order of their
   * values by a sort that calls no function, undefined if there is none. `range`: for numbers.
   */
  constructor(how) {
    Object.assign(this, { isOptional: false, path: undefined, range: undefined, key: (value) => value, sortKeys: () => undefined }, how);
  }

  optional() {
    return new Kind({ ...this, isOptional: true });
  }

  at(path) {
    return new Kind({ ...this, path });
  }

  /** The value before the first one: absent if it may be. */
  initial() {
    return this.isOptional ? undefined : this.zero;
  }

  encode(value, out) {
    if (this.isOptional) {
      out.u8(value === undefined || value === null ? 0 : 1);
      if (value === undefined || value === null) return;
    }
    this.write(this.own(value), out);
  }

  decode(input) {
    if (this.isOptional && !input.some()) return undefined;
    return this.read(input);
  }

  /** XXH64 of the bytes, of text and binary without their length. */
  hash(value) {
    const out = new Writer(16);
    this.write(value, out);
    return xxh64(out.bytes.subarray(0, out.length));
  }
}

const fail = (value, expected) => {
  const shown = typeof value === "bigint" ? `${value}n` : typeof value === "string" ? `"${value}"` : String(value);
  throw new TypeError(`expected ${expected}, found ${shown}`);
};

export const boolean = new Kind({
  wire: { tag: "boolean" },
  name: "a boolean",
  zero: false,
  own: (value) => (typeof value === "boolean" ? value : fail(value, "a boolean")),
  compare: compareNumbers,
  write: (value, out) => out.u8(value ? 1 : 0),
  read: (input) => input.boolean(),
  json: String,
});

/** Whole numbers from `min` to `max`, held as numbers, in `bytes` bytes. */
function numbers(name, bytes, min, max, wire = { tag: "integer" }, json = integerJson) {
  const setters = { 1: "setUint8", 2: "setUint16", 4: "setUint32" };
  const read = {
    1: (input) => input.view.getUint8(input.take(1)),
    2: (input) => input.view.getUint16(input.take(2), true),
    4: (input) => input.u32(),
    8: (input) => {
      const value = input.i64();
      if (value > BigInt(max) || value < BigInt(min)) {
        throw new DecodeError(`${value} is not exact as a number`);
      }
      return Number(value);
    },
  }[bytes];
  const signed = min < 0 && bytes < 8;
  const shift = 32 - 8 * bytes;
  return new Kind({
    wire,
    name,
    zero: 0,
    range: [min, max],
    own(value) {
      if (typeof value !== "number" || value % 1 !== 0 || value < min || value > max) {
        fail(value, `a whole number from ${min} to ${max}`);
      }
      return value;
    },
    compare: compareNumbers,
    sortKeys: (keys) => Float64Array.from(keys).sort(),
    write(value, out) {
      if (bytes === 8) return out.int(value);
      const at = out.take(bytes);
      out.view[setters[bytes]](at, value, true);
    },
    read: signed ? (input) => (read(input) << shift) >> shift : read,
    json,
  });
}

/** A whole number exact as a number: from -(2^53 - 1) to 2^53 - 1. */
export const int = numbers("an integer", 8, -SAFE, SAFE);
export const int8 = numbers("an integer", 1, -128, 127);
export const int16 = numbers("an integer", 2, -32768, 32767);
export const int32 = numbers("an integer", 4, -(2 ** 31), 2 ** 31 - 1);
export const uint8 = numbers("an integer", 1, 0, 255);
export const uint16 = numbers("an integer", 2, 0, 65535);
export const uint32 = numbers("an integer", 4, 0, 2 ** 32 - 1);

/** A point in time: milliseconds since 1970-01-01T00:00Z, a number. */
export const timestamp = numbers("a timestamp", 8, -SAFE, SAFE, { tag: "timestamp" }, (ms) => `"${timeText(ms)}"`);

/** Whole numbers of 64 bits, held as bigints. A number that is exact is taken, too. */
function bigints(wire, name, min, max, json) {
  return new Kind({
    wire,
    name,
    zero: 0n,
    range: [min, max],
    own(value) {
      if (typeof value === "number" && Number.isSafeInteger(value)) value = BigInt(value);
      if (typeof value !== "bigint" || value < min || value > max) fail(value, `a bigint from ${min} to ${max}`);
      return value;
    },
    compare: compareNumbers,
    sortKeys: (keys) => (min < 0n ? BigInt64Array : BigUint64Array).from(keys).sort(),
    write: (value, out) => out.i64(value),
    read: min < 0n ? (input) => input.i64() : (input) => input.u64(),
    json,
  });
}

/** All 64 bits, signed: a bigint. */
export const int64 = bigints({ tag: "integer" }, "an integer", MIN_64, MAX_64, integerJson);
/** All 64 bits, unsigned: a bigint. */
export const uint64 = bigints({ tag: "integer" }, "an integer", 0n, 2n ** 64n - 1n, (value) => {
  if (value > MAX_64) throw new OutOfRange(value, "a 64-bit integer");
  return integerJson(value);
});
/** A point in time of all 64 bits: milliseconds since 1970, a bigint. */
export const timestamp64 = bigints({ tag: "timestamp" }, "a timestamp", MIN_64, MAX_64, (ms) => `"${timeText(ms)}"`);

/** An exact decimal number with `digits` digits after the point, 0 to 18: units of 10^-digits, a bigint. */
export function decimal(digits) {
  if (!Number.isInteger(digits) || digits < 0 || digits > 18) {
    throw new RangeError(`a decimal has 0 to 18 digits after the point, not ${digits}`);
  }
  const wire = { tag: "decimal", val: digits };
  return bigints(wire, `a decimal(${digits})`, MIN_64, MAX_64, (units) => decimalText(units, digits));
}

/** Bytes as a string of as many units, which a Map tells apart. */
function keyOf(bytes) {
  let key = "";
  for (let at = 0; at < bytes.length; at += 4096) key += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return key;
}

const scratch = new DataView(new ArrayBuffer(8));
/** The bits of a double as a number that is ordered as IEEE 754 totalOrder is, NaN being one and last. */
export function floatRank(value) {
  if (value !== value) return MAX_64;
  scratch.setFloat64(0, value);
  const bits = scratch.getBigInt64(0);
  return bits < 0n ? bits ^ MAX_64 : bits;
}

/** A double. Every NaN is one and above all; -0 is below 0. */
export const float = new Kind({
  wire: { tag: "float" },
  name: "a float",
  zero: 0,
  own: (value) => (typeof value === "number" ? value : fail(value, "a number")),
  compare(a, b) {
    if (a < b) return -1;
    if (a > b) return 1;
    return a === b && a !== 0 ? 0 : compareNumbers(floatRank(a), floatRank(b));
  },
  key: (value) => (value === 0 && 1 / value < 0 ? "-0" : value),
  write: (value, out) => out.f64(value),
  read: (input) => input.f64(),
  json: floatJson,
});

/** A string. Its order is that of its UTF-8 bytes; a lone surrogate, which is no text, becomes U+FFFD. */
export const text = new Kind({
  wire: { tag: "text" },
  name: "a text",
  zero: "",
  own: (value) => (typeof value !== "string" ? fail(value, "a string") : value.isWellFormed() ? value : value.toWellFormed()),
  compare: compareText,
  sortKeys: (keys) => (keys.some(hasSurrogate) ? undefined : keys.sort()),
  write: (value, out) => out.blob(utf8(value)),
  read: (input) => input.text(),
  json: textJson,
  hash: (value) => xxh64(utf8(value)),
});

/** A Uint8Array, ordered by its bytes. */
export const binary = new Kind({
  wire: { tag: "binary" },
  name: "a binary",
  zero: new Uint8Array(0),
  // By its tag: what a host hands over is of another realm than the author's.
  own: (value) => (Object.prototype.toString.call(value) === "[object Uint8Array]" ? value : fail(value, "a Uint8Array")),
  compare: compareBytes,
  key: keyOf,
  sortKeys: (keys) => keys.sort(),
  write: (value, out) => out.blob(value),
  read: (input) => input.blob().slice(),
  json: (value) => `"${base64(value)}"`,
  hash: xxh64,
});

/** The text of one JSON value as it stands in the payload, a string. Ordered by its bytes, never parsed. */
export const json = new Kind({ ...text, wire: { tag: "json" }, name: "a json", json: (value) => value });

/** Several values as one: `tuple(text, int)`. Ordered by the first, then the second; shows as a JSON list. */
export function tuple(...kinds) {
  const parts = (value) => (Array.isArray(value) && value.length === kinds.length ? value : fail(value, `a list of ${kinds.length}`));
  const same = new Writer(64);
  return new Kind({
    wire: { tag: "json" },
    name: "a json",
    zero: kinds.map((kind) => kind.initial()),
    own: (value) => kinds.map((kind, i) => (kind.isOptional && parts(value)[i] == null ? undefined : kind.own(parts(value)[i]))),
    compare(a, b) {
      for (let i = 0; i < kinds.length; i++) {
        const absent = Number(a[i] !== undefined) - Number(b[i] !== undefined);
        const order = absent !== 0 || a[i] === undefined ? absent : kinds[i].compare(a[i], b[i]);
        if (order !== 0) return order;
      }
      return 0;
    },
    key(value) {
      same.length = 0;
      kinds.forEach((kind, i) => kind.encode(value[i], same));
      return keyOf(same.bytes.subarray(0, same.length));
    },
    write: (value, out) => kinds.forEach((kind, i) => kind.encode(value[i], out)),
    read: (input) => kinds.map((kind) => kind.decode(input)),
    json: (value) => `[${kinds.map((kind, i) => (value[i] === undefined ? "null" : kind.json(value[i]))).join(",")}]`,
  });
}

/** The event's time, as the host fixed it when it was appended. */
export const eventTime = timestamp.at("@time");
/** The event's place in the log. */
export const eventOffset = int.at("@offset");

/** The value of all of `bytes`. */
export function decodeAll(kind, bytes) {
  const input = new Reader(bytes);
  const value = kind.decode(input);
  input.finish();
  return value;
}
