// The buffers of the contract: columns read as typed arrays, and columns made row by row.

import { SMALL_END, TINY, TINY_END, Writer, textOf, utf8 } from "./bytes.js";
import { OutOfRange } from "./json.js";

export const NOTHING = new Uint8Array(0);
const MIN_64 = -(2n ** 63n);
const MAX_64 = 2n ** 63n - 1n;

/** A view of `buffer` as another typed array; copied first where its address is not aligned. */
export function cast(Type, buffer) {
  const width = Type.BYTES_PER_ELEMENT;
  if (buffer.length % width) throw new Error(`a buffer of ${buffer.length} bytes is cut short`);
  const aligned = buffer.byteOffset % width ? buffer.slice() : buffer;
  return new Type(aligned.buffer, aligned.byteOffset, aligned.length / width);
}

export const bytesOf = (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** The whole numbers from 0 below `count`. */
export function upTo(count) {
  const numbers = new Uint32Array(count);
  for (let i = 0; i < count; i++) numbers[i] = i;
  return numbers;
}

/**
 * Whole numbers of 64 bits for reading without bigints: `least` and `greatest`, and, in units of `unit`, either
 * `tiny`, a double a value in units of TINY, or, if some are below 0, the 32-bit halves `high[2 i + 1]` and
 * `low[2 i]` of value i, in units of 1. Undefined if one is not below 2^52 in magnitude.
 */
export function numbersOf(values) {
  const words = [values.buffer, values.byteOffset];
  const tiny = new Float64Array(...words, values.length);
  let least = Infinity;
  let greatest = 0;
  // The engine's own loops: a NaN, which has the bits of some other number, makes both NaN.
  for (let from = 0; from < tiny.length; from += 4096) {
    const some = tiny.subarray(from, from + 4096);
    least = Math.min(least, Math.min.apply(null, some));
    greatest = Math.max(greatest, Math.max.apply(null, some));
  }
  if (1 / least > 0 && greatest < TINY_END) return { unit: TINY, tiny, least: least / TINY, greatest: greatest / TINY };
  if (values.length === 0) return { unit: TINY, tiny, least: 0, greatest: 0 };
  const sorted = values.slice().sort();
  [least, greatest] = [Number(sorted[0]), Number(sorted[sorted.length - 1])];
  if (least <= -SMALL_END || greatest >= SMALL_END) return undefined;
  return { unit: 1, high: new Int32Array(...words, 2 * values.length), low: new Uint32Array(...words, 2 * values.length), least, greatest };
}

/** The values of blobs, each as a view. */
export function blobsOf(blobs) {
  const ends = cast(Uint32Array, blobs.ends);
  return {
    length: ends.length,
    get: (i) => blobs.bytes.subarray(i === 0 ? 0 : ends[i - 1], ends[i]),
  };
}

/** The texts of a heap. */
export function textsOf(heap) {
  const ends = cast(Uint32Array, heap.ends);
  const texts = new Array(ends.length);
  for (let i = 0, from = 0; i < ends.length; from = ends[i++]) texts[i] = textOf(heap.bytes.subarray(from, ends[i]));
  return texts;
}

/** Texts as a heap. */
export function heapOf(texts) {
  const whole = utf8(texts.join(""));
  const ends = new Uint32Array(texts.length);
  let units = 0;
  for (let i = 0; i < texts.length; i++) ends[i] = units += texts[i].length;
  if (whole.length !== units) {
    let end = 0;
    for (let i = 0; i < texts.length; i++) ends[i] = end += utf8(texts[i]).length;
  }
  return { ends: bytesOf(ends), bytes: whole };
}

const WIDTHS = { boolean: Uint8Array, float: Float64Array, text: Uint32Array, integer: BigInt64Array, timestamp: BigInt64Array, decimal: BigInt64Array };

/** An input column, checked and ready to be read by row. */
export class Column {
  /** @param kind the kind that the field is declared with; `column`: its buffers, for `rows` rows. */
  constructor(name, kind, column, rows) {
    this.name = name;
    this.kind = kind;
    /** A bitmap of the rows that are present; undefined if every row is. */
    this.validity = column.validity.length > 0 ? column.validity : undefined;
    const Type = WIDTHS[kind.wire.tag];
    if (Type) {
      /** One value a row: BigInt64Array, Float64Array, Uint8Array; of texts codes, a Uint32Array. */
      this.values = cast(Type, column.fixed);
      if (this.values.length !== rows) throw new Error(`input '${name}': ${this.values.length} values for ${rows} rows`);
    } else {
      this.heap = blobsOf(column.heap);
      if (this.heap.length !== rows) throw new Error(`input '${name}': ${this.heap.length} values for ${rows} rows`);
    }
    this.buffers = column;
    this.rows = rows;
  }

  /** The distinct texts, by code. */
  get texts() {
    return (this.cut ??= textsOf(this.buffers.heap));
  }

  /** How many distinct texts there are. */
  get textCount() {
    return this.buffers.heap.ends.length / 4;
  }

  /** The whole numbers of the column for fast reading: see `numbersOf`. */
  get numbers() {
    if (this.read === undefined) this.read = this.values instanceof BigInt64Array ? numbersOf(this.values) : null;
    return this.read ?? undefined;
  }

  /** Whether some rows have values. */
  hasAll(rows) {
    if (this.validity === undefined) return true;
    const { validity } = this;
    for (let i = 0; i < rows.length; i++) if (((validity[rows[i] >> 3] >> (rows[i] & 7)) & 1) === 0) return false;
    return true;
  }

  /** Whether a row has a value. */
  has(row) {
    return this.validity === undefined || ((this.validity[row >> 3] >> (row & 7)) & 1) === 1;
  }

  /** The value of a row as the row interface has it; undefined if it is absent. */
  get(row) {
    if (!this.has(row)) return undefined;
    switch (this.kind.wire.tag) {
      case "boolean":
        return this.values[row] !== 0;
      case "float":
        return this.values[row];
      case "text":
        return this.texts[this.values[row]];
      case "binary":
        return this.heap.get(row);
      case "json":
        return textOf(this.heap.get(row));
      default:
        return this.whole(row);
    }
  }

  /** A whole number of the declared kind; throws a Misfit if it is beyond its range. */
  whole(row) {
    const value = this.values[row];
    const [min, max] = this.kind.range;
    if (value < min || value > max) throw new Misfit(this.kind.path ?? this.name, `${value} is not within ${min} and ${max}`);
    return typeof this.kind.zero === "bigint" ? value : Number(value);
  }
}

/** A value that is not one of the declared kind: the row is rejected. */
export class Misfit {
  constructor(path, why) {
    this.reason = `${path}: ${why}`;
  }
}

/** A column that is made row by row. */
export class Builder {
  constructor(kind) {
    this.kind = kind;
    this.tag = kind.wire.tag;
    this.fixed = new Writer(256);
    this.heap = new Writer(64);
    this.ends = [];
    this.codes = new Map();
    this.present = [];
    this.anyAbsent = false;
  }

  /** `value`: of the column's kind, undefined or null if absent. */
  push(value) {
    const isPresent = value !== undefined && value !== null;
    this.present.push(isPresent);
    this.anyAbsent ||= !isPresent;
    switch (this.tag) {
      case "boolean":
        return this.fixed.u8(isPresent && this.kind.own(value) ? 1 : 0);
      case "float":
        return this.fixed.f64(isPresent ? this.kind.own(value) : 0);
      case "text":
        return this.fixed.u32(isPresent ? this.code(this.kind.own(value)) : 0);
      case "binary":
        return this.blob(isPresent ? this.kind.own(value) : NOTHING);
      case "json":
        return this.blob(isPresent ? utf8(this.kind.json(this.kind.own(value))) : NOTHING);
      default:
        return this.fixed.i64(isPresent ? this.exact(value) : 0n);
    }
  }

  code(text) {
    let code = this.codes.get(text);
    if (code === undefined) this.codes.set(text, (code = this.codes.size));
    return code;
  }

  blob(bytes) {
    this.heap.raw(bytes);
    this.ends.push(this.heap.length);
  }

  exact(value) {
    const isWhole = typeof value === "bigint" || Number.isSafeInteger(value);
    if (!isWhole) this.kind.own(value);
    const exact = BigInt(value);
    if (exact < MIN_64 || exact > MAX_64) throw new OutOfRange(exact, this.tag === "integer" ? "a 64-bit integer" : this.kind.name);
    return exact;
  }

  finish() {
    const validity = this.anyAbsent ? new Uint8Array((this.present.length + 7) >> 3) : NOTHING;
    if (this.anyAbsent) this.present.forEach((isPresent, row) => (validity[row >> 3] |= Number(isPresent) << (row & 7)));
    const heap =
      this.tag === "text"
        ? heapOf([...this.codes.keys()])
        : { ends: bytesOf(Uint32Array.from(this.ends)), bytes: this.heap.finish() };
    return { fixed: this.fixed.finish(), heap, validity };
  }
}
