// Estimates that merge lawfully: how many distinct values, and quantiles.

import { DecodeError } from "../bytes.js";
import { OutOfRange } from "../json.js";
import { int64, json } from "../kinds.js";
import { bitLength, timesOf } from "./numbers.js";
import { Part, jsonOf } from "./part.js";

const MAX_U64 = 2n ** 64n - 1n;
/** Bits that a register takes in the dense form. */
const WIDTH = 6;
/** Hashes that are remembered at once: texts come again and again. */
const REMEMBERED = 1 << 16;

/**
 * HyperLogLog: 2^bits registers, each the greatest number of leading zeros, plus one, of the hashes
 * that chose it. Sparse while at most a quarter is in use, else dense: by content alone.
 */
class DistinctState {
  constructor(type) {
    this.type = type;
    this.sparse = new Map(); // index -> rank above 0
    this.dense = undefined; // a Uint8Array of ranks
    this.used = 0;
  }

  add(value) {
    const { index, rank } = this.type.placeOf(value);
    this.raise(index, rank);
  }

  raise(index, rank) {
    const kept = this.dense ? this.dense[index] : (this.sparse.get(index) ?? 0);
    if (rank <= kept) return;
    if (kept === 0) this.used++;
    if (this.dense) {
      this.dense[index] = rank;
      return;
    }
    this.sparse.set(index, rank);
    if (this.used > this.type.sparseMax) {
      this.dense = new Uint8Array(this.type.count);
      for (const [at, held] of this.sparse) this.dense[at] = held;
      this.sparse.clear();
    }
  }

  /** Indexes and ranks above 0, ascending. */
  registers() {
    if (!this.dense) {
      const indexes = new Uint16Array(this.sparse.size);
      let at = 0;
      this.sparse.forEach((_, index) => (indexes[at++] = index));
      indexes.sort();
      const sorted = new Array(indexes.length);
      for (let i = 0; i < sorted.length; i++) sorted[i] = [indexes[i], this.sparse.get(indexes[i])];
      return sorted;
    }
    const registers = [];
    for (let i = 0; i < this.dense.length; i++) if (this.dense[i] > 0) registers.push([i, this.dense[i]]);
    return registers;
  }

  /** About how many distinct values were added. */
  estimate() {
    const counts = new Array(this.type.rankMax + 1).fill(0);
    for (const [, rank] of this.registers()) counts[rank]++;
    counts[0] = this.type.count - this.used;
    const estimate = estimateOf(counts, this.type.count);
    const whole = Math.floor(estimate); // half up: estimates are not negative
    return estimate - whole >= 0.5 ? whole + 1 : whole;
  }

  encode(out) {
    out.varint(this.used);
    if (!this.dense) {
      const registers = this.registers();
      for (let i = 0; i < registers.length; i++) {
        const [index, rank] = registers[i];
        out.u8(index & 0xff);
        out.u8(index >> 8);
        out.u8(rank);
      }
      return;
    }
    const { dense } = this;
    let at = out.take((dense.length * WIDTH) / 8);
    const { bytes } = out;
    for (let i = 0; i < dense.length; i += 4) {
      const bits = dense[i] | (dense[i + 1] << WIDTH) | (dense[i + 2] << (2 * WIDTH)) | (dense[i + 3] << (3 * WIDTH));
      bytes[at++] = bits;
      bytes[at++] = bits >> 8;
      bytes[at++] = bits >> 16;
    }
  }

  merge(right) {
    if (!right.dense) {
      right.sparse.forEach((rank, index) => this.raise(index, rank));
      return;
    }
    for (let i = 0; i < right.dense.length; i++) if (right.dense[i] > 0) this.raise(i, right.dense[i]);
  }

  present() {
    return BigInt(this.estimate());
  }
}

/** What all sketches of one kind share. */
class DistinctType {
  constructor(kind, bits) {
    this.kind = kind;
    this.bits = BigInt(bits);
    this.count = 2 ** bits;
    this.sparseMax = this.count / 4;
    this.rankMax = 65 - bits;
    this.places = new Map();
  }

  /** Which register a value's hash chooses, and the rank that it gives it. */
  placeOf(value) {
    const owned = this.kind.own(value);
    const key = this.kind.key(owned);
    let place = this.places.get(key);
    if (place === undefined) {
      const hash = this.kind.hash(owned);
      const index = Number(hash >> (64n - this.bits));
      // The lowest bit set: where all others are 0 it is found after 64 - bits of them.
      const rest = BigInt.asUintN(64, (hash << this.bits) | (1n << (this.bits - 1n)));
      place = { index, rank: 65 - bitLength(rest) };
      if (this.places.size === REMEMBERED) this.places.clear();
      this.places.set(key, place);
    }
    return place;
  }

  decode(input) {
    const state = new DistinctState(this);
    const used = Number(input.varint());
    const raise = (index, rank) => {
      if (index >= this.count || rank < 1 || rank > this.rankMax) {
        throw new DecodeError("a register that no hash sets");
      }
      state.raise(index, rank);
    };
    if (used <= this.sparseMax) {
      for (let i = 0, before = -1; i < used; i++) {
        const index = input.u8() | (input.u8() << 8);
        if (index <= before) throw new DecodeError("keys that do not ascend");
        raise(index, input.u8());
        before = index;
      }
      return state;
    }
    const at = input.take((this.count * WIDTH) / 8);
    const { bytes } = input;
    const dense = new Uint8Array(this.count);
    for (let index = 0; index < dense.length; index++) {
      const bit = index * WIDTH;
      const two = bytes[at + (bit >> 3)] | (bytes[at + (bit >> 3) + 1] << 8);
      const rank = (two >> (bit & 7)) & 63;
      if (rank > this.rankMax) throw new DecodeError("a register that no hash sets");
      if (rank > 0) state.used++;
      dense[index] = rank;
    }
    state.dense = dense;
    if (state.used !== used) throw new DecodeError("another number of registers in use");
    return state;
  }
}

/** 1 / (2 ln 2). */
const ALPHA = 0.7213475204444817;

/**
 * The improved raw estimator of O. Ertl (arXiv:1702.01284, algorithm 6). Sums, products and square
 * roots alone, which IEEE 754 defines to the last bit: the same everywhere.
 */
function estimateOf(counts, m) {
  let z = m * tau(1 - counts[counts.length - 1] / m);
  for (let k = counts.length - 2; k > 0; k--) z = 0.5 * (z + counts[k]);
  z += m * sigma(counts[0] / m);
  return (ALPHA * m * m) / z;
}

/** x + sum over k from 1 of x^(2^k) 2^(k - 1), for registers that were never hit. */
function sigma(x) {
  if (x === 1) return Infinity;
  for (let y = 1, z = x; ; y += y) {
    const before = z;
    x *= x;
    z += x * y;
    if (z === before) return z;
  }
}

/** (1 - x - sum over k from 1 of (1 - x^(2^-k))^2 2^-k) / 3, for registers that are full. */
function tau(x) {
  if (x === 0 || x === 1) return 0;
  for (let y = 1, z = 1 - x; ; ) {
    const before = z;
    x = Math.sqrt(x);
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
    if (z === before) return z / 3;
  }
}

/**
 * The number of distinct values, estimated with a standard error of 1.04 / sqrt(2^bits): 1.6 % by
 * default. Order-free; at most 3/4 x 2^bits bytes; shows as an integer.
 */
export function distinct(kind, bits = 12) {
  if (!Number.isInteger(bits) || bits < 4 || bits > 16) {
    throw new RangeError("registers are chosen by 4 to 16 bits");
  }
  const type = new DistinctType(kind, bits);
  return new Part({
    create: () => new DistinctState(type),
    decode: (input) => type.decode(input),
    orderFree: true,
    shows: int64,
  });
}

const scratch = new DataView(new ArrayBuffer(8));

/** The upper half of the bits of a double; every NaN is one. */
function upperBits(value) {
  if (value !== value) return 0x7ff80000;
  scratch.setFloat64(0, value);
  return scratch.getInt32(0);
}

function doubleOf(bits) {
  scratch.setBigUint64(0, bits);
  return scratch.getFloat64(0);
}

const MANTISSA_BITS = 52;
const EXPONENT_OF_ONE = 1023;
const signed = (cut, isNegative) => (isNegative ? -(cut + 1) : cut + 1);

/** Buckets of doubles. */
class FloatBuckets {
  constructor(bits) {
    this.bits = bits;
    this.infinity = 0x7ff << bits;
    this.nan = this.bucket(NaN);
  }

  bucket(value) {
    if (value === 0) return 0;
    const upper = upperBits(value);
    // Far below 2^-1022 the upper half may be 0 and is a bucket all the same.
    return signed((upper & 0x7fffffff) >>> (20 - this.bits), upper < 0);
  }

  has(bucket) {
    return bucket === 0 || Math.abs(bucket) - 1 <= this.infinity || bucket === this.nan;
  }

  bounds(bucket) {
    const cut = Math.abs(bucket) - 1;
    if (bucket === 0 || cut >= this.infinity) return [this.middle(bucket), this.middle(bucket)];
    const shift = BigInt(MANTISSA_BITS - this.bits);
    const near = doubleOf((BigInt(cut) << shift) || 1n); // 0 has a bucket of its own
    const far = doubleOf((BigInt(cut + 1) << shift) - 1n);
    return bucket < 0 ? [-far, -near] : [near, far];
  }

  middle(bucket) {
    const cut = Math.abs(bucket) - 1;
    if (bucket === 0) return 0;
    if (cut > this.infinity) return NaN;
    const half = cut === this.infinity ? 0n : 1n << BigInt(MANTISSA_BITS - 1 - this.bits);
    const magnitude = doubleOf((BigInt(cut) << BigInt(MANTISSA_BITS - this.bits)) | half);
    return bucket < 0 ? -magnitude : magnitude;
  }
}

/** Buckets of integers and decimals, by their units. */
class IntegerBuckets {
  constructor(bits, kind) {
    this.bits = bits;
    this.take = typeof kind.zero === "bigint" ? (value) => value : Number;
  }

  bucket(value) {
    if (typeof value === "bigint") {
      const magnitude = value < 0n ? -value : value;
      // Cut off, not rounded, beyond 2^53.
      if (magnitude >> 53n) {
        const beyond = BigInt(bitLength(magnitude) - 53);
        value = Number((magnitude >> beyond) << beyond) * (value < 0n ? -1 : 1);
      } else {
        value = Number(value);
      }
    }
    if (value === 0) return 0;
    const upper = upperBits(value);
    return signed((upper & 0x7fffffff) >>> (20 - this.bits), upper < 0);
  }

  has(bucket) {
    return this.magnitudes(bucket) !== undefined;
  }

  bounds(bucket) {
    const [near, far] = this.magnitudes(bucket);
    return (bucket < 0 ? [-far, -near] : [near, far]).map(this.take);
  }

  middle(bucket) {
    const [near, far] = this.magnitudes(bucket);
    const magnitude = near + (far - near) / 2n;
    return this.take(bucket < 0 ? -magnitude : magnitude);
  }

  /** The least and the greatest magnitude of the integers in a bucket; undefined if there are none. */
  magnitudes(bucket) {
    if (bucket === 0) return [0n, 0n];
    const bits = BigInt(this.bits);
    const greatest = 2n ** 63n - (bucket < 0 ? 0n : 1n);
    const cut = BigInt(Math.abs(bucket)) - 1n;
    const exponent = (cut >> bits) - BigInt(EXPONENT_OF_ONE);
    if (exponent < 0n || exponent > 63n) return undefined;
    const scaled = ((1n << bits) | (cut & ((1n << bits) - 1n))) << exponent;
    const near = scaled >> bits;
    if (near << bits !== scaled || near > greatest) return undefined;
    const width = (1n << exponent) >> bits;
    const far = near + (width || 1n) - 1n;
    return [near, far < greatest ? far : greatest];
  }
}

class QuantilesState {
  constructor(kind, buckets) {
    this.kind = kind;
    this.buckets = buckets;
    this.counts = new Map(); // bucket -> a bigint above 0
  }

  /** Counts `value`, so many times. Counts stay at 2^64 - 1 rather than wrap. */
  add(value, times = 1) {
    const more = times === 1 ? 1n : timesOf(times);
    if (more > 0n) this.countIn(this.buckets.bucket(this.kind.own(value)), more);
  }

  countIn(bucket, more) {
    const count = (this.counts.get(bucket) ?? 0n) + more;
    this.counts.set(bucket, count > MAX_U64 ? MAX_U64 : count);
  }

  sorted() {
    // Typed arrays sort without a call for each comparison, and loops by index are fast in an interpreter.
    const buckets = new Int32Array(this.counts.size);
    let at = 0;
    this.counts.forEach((_, bucket) => (buckets[at++] = bucket));
    buckets.sort();
    const sorted = new Array(buckets.length);
    for (let i = 0; i < sorted.length; i++) sorted[i] = [buckets[i], this.counts.get(buckets[i])];
    return sorted;
  }

  /** How many values were added, a bigint. */
  count() {
    let total = 0n;
    this.counts.forEach((times) => (total += times));
    return total > MAX_U64 ? MAX_U64 : total;
  }

  /**
   * The value at rank ceil(q n), within the stated error; undefined if nothing was added. `q` is
   * taken to nine decimals, so that 0.95 is 95 hundredths and not the double just below it.
   */
  quantile(q) {
    const bucket = this.bucketAt(q);
    return bucket === undefined ? undefined : this.buckets.middle(bucket);
  }

  /** The least and the greatest number that the exact quantile may be. */
  bounds(q) {
    const bucket = this.bucketAt(q);
    return bucket === undefined ? undefined : this.buckets.bounds(bucket);
  }

  bucketAt(q) {
    const one = 1_000_000_000n;
    const parts = BigInt(Math.round(Math.min(Math.max(q, 0), 1) * 1e9));
    let total = 0n;
    for (const times of this.counts.values()) total += times;
    const rank = (parts * total + one - 1n) / one || 1n;
    let reached = 0n;
    for (const [bucket, times] of this.sorted()) {
      reached += times;
      if (reached >= rank) return bucket;
    }
    return undefined;
  }

  encode(out) {
    const buckets = this.sorted();
    out.varint(buckets.length);
    let before;
    for (let i = 0; i < buckets.length; i++) {
      const [bucket, times] = buckets[i];
      out.varint(before === undefined ? (bucket << 1) ^ (bucket >> 31) : bucket - before - 1);
      out.varint(times - 1n);
      before = bucket;
    }
  }

  merge(right) {
    right.counts.forEach((times, bucket) => this.countIn(bucket, times));
  }

  present() {
    if (this.counts.size === 0) return undefined;
    const count = this.count();
    if (count > MAX_U64 >> 1n) throw new OutOfRange(count, "a 64-bit integer");
    const quantiles = [50, 90, 95, 99].map((p) => `"p${p}":${jsonOf(this.kind, this.quantile(p / 100))}`);
    return `{"count":${int64.json(count)},${quantiles.join(",")}}`;
  }
}

/**
 * Quantiles of integers, decimals or floats with a relative error of at most 2^-(bits + 1): 0.4 % by
 * default; integers below 2^(bits + 1) are exact. Buckets are cut from the bits of the number.
 * Order-free; a few bytes for each bucket in use; shows as JSON: count, p50, p90, p95, p99.
 */
export function quantiles(kind, bits = 7) {
  if (!Number.isInteger(bits) || bits < 1 || bits > 16) {
    throw new RangeError("buckets are cut from 1 to 16 bits of the mantissa");
  }
  const isFloat = kind.wire.tag === "float";
  if (!isFloat && !["integer", "decimal"].includes(kind.wire.tag)) {
    throw new TypeError("quantiles are of integers, decimals or floats");
  }
  const buckets = isFloat ? new FloatBuckets(bits) : new IntegerBuckets(bits, kind);
  return new Part({
    create: () => new QuantilesState(kind, buckets),
    decode(input) {
      const unknown = () => new DecodeError("a bucket that no number is in");
      const state = new QuantilesState(kind, buckets);
      let before;
      for (let left = input.count(); left > 0; left--) {
        const distance = Number(input.varint());
        if (distance > 0xffffffff) throw unknown();
        const bucket =
          before === undefined ? (distance >>> 1) ^ -(distance & 1) : before + distance + 1;
        if (bucket > 0x7fffffff || !buckets.has(bucket)) throw unknown();
        const times = input.varint();
        if (times === MAX_U64) throw new DecodeError("a count of 2^64");
        state.counts.set(bucket, times + 1n);
        before = bucket;
      }
      return state;
    },
    orderFree: true,
    shows: json,
  });
}
