// How many, how much, and the mean: exact in 64 and 128 bits.

import { DecodeError, SMALL_END } from "../bytes.js";
import { Column } from "../columns.js";
import { OutOfRange, decimalText } from "../json.js";
import { float, int64 } from "../kinds.js";
import { Pair, Totals, ofState, showWholes } from "./pack.js";
import { Part } from "./part.js";

const SAFE = Number.MAX_SAFE_INTEGER;
const MAX_U64 = 2n ** 64n - 1n;
const MIN_64 = -(2n ** 63n);
const MAX_64 = 2n ** 63n - 1n;

/** The number or bigint that a caller counts by, refused unless it is whole and not negative. */
export function timesOf(times) {
  if (typeof times === "number" && times >= 0 && Number.isSafeInteger(times)) return BigInt(times);
  if (typeof times === "bigint" && times >= 0n) return times;
  throw new TypeError(`expected a whole number that is not negative, found ${String(times)}`);
}

class CountState {
  constructor(base) {
    this.base = base; // a bigint
    this.small = 0; // what was added since, exact as a number
  }

  add(times = 1) {
    if (times === 1) {
      this.small++;
    } else {
      this.base = this.exact() + timesOf(times);
      this.small = 0;
    }
  }

  /** The count, a bigint. It stays at 2^64 - 1 rather than wrap. */
  exact() {
    const count = this.base + BigInt(this.small);
    return count > MAX_U64 ? MAX_U64 : count;
  }

  get() {
    const count = this.exact();
    if (count > BigInt(SAFE)) throw new OutOfRange(count, "a number; use exact()");
    return Number(count);
  }

  encode(out) {
    if (this.base === 0n) out.int(this.small);
    else out.i64(this.exact());
  }

  merge(right) {
    this.base = this.exact() + right.exact();
    this.small = 0;
  }

  present() {
    const count = this.exact();
    if (count > MAX_64) throw new OutOfRange(count, "a 64-bit integer");
    return count;
  }
}

class Counts extends Totals {
  constructor() {
    super(8);
  }

  steps(method, [times = 1, ...more]) {
    return method === "add" && times === 1 && more.length === 0 ? [["count", undefined, this]] : undefined;
  }

  put(i, state) {
    if (state.base === 0n) this.small[i] = state.small;
    else this.set(i, state.exact());
  }

  get(i) {
    return new CountState(this.exact(i));
  }

  show() {
    return showWholes(this);
  }
}

const COUNT = new Part({
  create: () => new CountState(0n),
  pack: () => new Counts(),
  decode: (input) => new CountState(input.u64()),
  orderFree: true,
  shows: int64,
});

/** A number of things. Order-free; 8 bytes; shows as an integer. */
export const count = () => COUNT;

class SumState {
  constructor(kind, units) {
    this.kind = kind;
    this.units = units; // a bigint of 128 bits
    this.small = 0; // numbers added since, whose sum is exact as a number
  }

  add(value) {
    if (typeof value === "bigint") {
      this.units += value;
      return;
    }
    const sum = this.small + value;
    if ((value | 0) === value && sum < SAFE && sum > -SAFE) {
      this.small = sum;
    } else {
      this.units += BigInt(this.kind.own(value));
    }
  }

  /** Takes back what was added: the image of a row before it changed. */
  subtract(value) {
    this.units -= BigInt(this.kind.own(value));
  }

  /** The sum, exactly, in units: a bigint. Beyond 128 bits, which no log reaches, it wraps. */
  exact() {
    return BigInt.asIntN(128, this.units + BigInt(this.small));
  }

  /** The sum as the kind has it; throws if it does not fit. */
  get() {
    const [min, max] = this.kind.range;
    const units = this.exact();
    if (units > BigInt(max) || units < BigInt(min)) throw outOfRange(units, this.kind);
    return typeof this.kind.zero === "bigint" ? units : Number(units);
  }

  encode(out) {
    out.i128(this.small === 0 ? this.units : this.exact());
  }

  merge(right) {
    this.units = BigInt.asIntN(128, this.exact() + right.exact());
    this.small = 0;
  }

  present() {
    const units = this.exact();
    if (units > MAX_64 || units < MIN_64) throw outOfRange(units, this.kind);
    return units;
  }
}

class Sums extends Totals {
  constructor(kind) {
    super(16);
    this.kind = kind;
  }

  steps(method, [column, ...more]) {
    return method === "add" && column instanceof Column && more.length === 0 ? [["sum", column, this]] : undefined;
  }

  put(i, state) {
    const { small } = state;
    if (state.units === 0n && small < SMALL_END && small > -SMALL_END) this.small[i] = small;
    else this.set(i, state.exact());
  }

  get(i) {
    return new SumState(this.kind, this.exact(i));
  }

  show() {
    return showWholes(this);
  }
}

function outOfRange(units, { wire }) {
  const isDecimal = wire.tag === "decimal";
  return isDecimal
    ? new OutOfRange(decimalText(units, wire.val), `a decimal(${wire.val})`)
    : new OutOfRange(units, "a 64-bit integer");
}

/** What sums present in: the column has 64 bits, whatever what is added has. */
const columnOf = (kind) => (kind.wire.tag === "integer" ? int64 : kind);

function addable(kind, what) {
  if (!["integer", "decimal"].includes(kind?.wire?.tag)) {
    throw new TypeError(`${what} adds integers and decimals; a sum of floats is exactSum()`);
  }
}

/** The exact sum of integers or decimals. Order-free; 16 bytes; shows as what it adds, 0 at first. */
export function sum(kind) {
  addable(kind, "a sum");
  return new Part({
    create: () => new SumState(kind, 0n),
    decode: (input) => new SumState(kind, input.i128()),
    pack: () => new Sums(kind),
    orderFree: true,
    shows: columnOf(kind),
  });
}

class MeanState {
  constructor(total, count) {
    this.total = total;
    this.times = count;
  }

  add(value) {
    this.total.add(value);
    this.times.add(1);
  }

  count() {
    return this.times.get();
  }

  /** The double nearest to the exact quotient; undefined if nothing was added. */
  get() {
    const { wire } = this.total.kind;
    const each = this.times.exact() * 10n ** BigInt(wire.tag === "decimal" ? wire.val : 0);
    return each === 0n ? undefined : nearest(this.total.exact(), each);
  }

  encode(out) {
    this.total.encode(out);
    this.times.encode(out);
  }

  merge(right) {
    this.total.merge(right.total);
    this.times.merge(right.times);
  }

  present() {
    return this.get();
  }
}

const hasNothing = () => new DecodeError("a mean of nothing with a sum");

class Means extends Pair {
  constructor(kind) {
    super(new Sums(kind), new Counts());
    this.kind = kind;
  }

  steps(method, values) {
    const sum = this.one.steps(method, values);
    return sum && [...sum, ["count", undefined, this.other]];
  }

  put(i, state) {
    this.one.put(i, state.total);
    this.other.put(i, state.times);
  }

  get(i) {
    return new MeanState(this.one.get(i), this.other.get(i));
  }

  read(bytes, at, ends) {
    super.read(bytes, at, ends);
    const [totals, counts] = [this.one, this.other];
    for (let i = 0, { count } = this; i < count; i++) {
      if (counts.small[i] === 0 && counts.exact(i) === 0n && totals.exact(i) !== 0n) throw ofState(i, hasNothing());
    }
  }
}

/** The exact mean of integers or decimals. Order-free; 24 bytes; shows as a float, null at first. */
export function mean(kind) {
  addable(kind, "a mean");
  const total = sum(kind);
  return new Part({
    create: () => new MeanState(total.create(), COUNT.create()),
    decode(input) {
      const state = new MeanState(total.decode(input), COUNT.decode(input));
      if (state.times.exact() === 0n && state.total.exact() !== 0n) {
        throw hasNothing();
      }
      return state;
    },
    pack: () => new Means(kind),
    orderFree: true,
    shows: float,
  });
}

const EXACT = 2n ** 53n;

/** The number of bits of a bigint above 0. */
export const bitLength = (value) => {
  const digits = value.toString(16);
  return 4 * digits.length - Math.clz32(parseInt(digits[0], 16)) + 28;
};

/**
 * The double nearest to `numerator / denominator`, ties to even: one rounding of the exact quotient.
 * Where both are at most 2^53 IEEE 754 division is that rounding. Beyond, 64 bits of the quotient
 * and whether anything is left decide: far below the 53 bits that count.
 */
export function nearest(numerator, denominator) {
  const magnitude = numerator < 0n ? -numerator : numerator;
  if (magnitude <= EXACT && denominator <= EXACT) return Number(numerator) / Number(denominator);
  if (magnitude === 0n) return 0;
  const shift = Math.max(0, 64 + bitLength(denominator) - bitLength(magnitude));
  const scaled = magnitude << BigInt(shift);
  const quotient = (scaled / denominator) | (scaled % denominator === 0n ? 0n : 1n);
  const rounded = Number(quotient) * 2 ** -shift;
  return numerator < 0n ? -rounded : rounded;
}
