// Exact sums of floats.

import { DecodeError } from "../bytes.js";
import { OutOfRange } from "../json.js";
import { float } from "../kinds.js";
import { bitLength } from "./numbers.js";
import { Part } from "./part.js";

const NAN = 1;
const PLUS_INFINITY = 2;
const MINUS_INFINITY = 4;
/** 2^64 doubles sum up to less than 2^1088 in magnitude: 68 digits of 32 bits. Beyond these a sum wraps. */
const DIGITS_MAX = 70;
const MANTISSA_BITS = 52;
const EXPONENT_MAX = 0x7ffn;

const scratch = new DataView(new ArrayBuffer(8));

class ExactSumState {
  constructor(flags, units) {
    this.flags = flags;
    this.units = units; // the sum in units of 2^-1074, the least positive double
  }

  add(value) {
    float.own(value);
    if (value - value !== 0) {
      this.flags |= value !== value ? NAN : value > 0 ? PLUS_INFINITY : MINUS_INFINITY;
    } else if (value !== 0) {
      scratch.setFloat64(0, value);
      const bits = scratch.getBigUint64(0);
      const exponent = (bits >> 52n) & 0x7ffn;
      const fraction = bits & 0xfffffffffffffn;
      // The value is mantissa x 2^(shift - 1074).
      const units = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n);
      this.units += value < 0 ? -units : units;
    }
  }

  /** The sum as the nearest double, ties to even; undefined if it is finite and beyond the greatest. */
  get() {
    switch (this.flags) {
      case 0:
        return nearest(this.wrapped());
      case PLUS_INFINITY:
        return Infinity;
      case MINUS_INFINITY:
        return -Infinity;
      default:
        return NaN;
    }
  }

  wrapped() {
    return BigInt.asIntN(32 * DIGITS_MAX, this.units);
  }

  /** Two's complement digits of 32 bits, the lowest first, without needless ones at either end. */
  encode(out) {
    let units = this.wrapped();
    let lowest = 0;
    while (units !== 0n && (units & 0xffffffffn) === 0n) {
      units >>= 32n;
      lowest++;
    }
    const digits = [];
    // Until what is left only repeats the sign of the digit below it.
    for (let top = 0; units !== (top >>> 31 ? -1n : 0n); units >>= 32n) {
      top = Number(units & 0xffffffffn);
      digits.push(top);
    }
    out.u8(this.flags);
    out.u8(lowest);
    out.u8(digits.length);
    digits.forEach((digit) => out.u32(digit));
  }

  merge(right) {
    this.flags |= right.flags;
    this.units += right.units;
  }

  present() {
    const sum = this.get();
    if (sum === undefined) {
      throw new OutOfRange("a sum beyond 1.7976931348623157e308 in magnitude", "a float");
    }
    return sum;
  }
}

function nearest(units) {
  if (units === 0n) return 0;
  const magnitude = units < 0n ? -units : units;
  // The lowest bit that a double with this top bit has; 0 for subnormals and the least normals.
  const last = BigInt(Math.max(0, bitLength(magnitude) - 1 - MANTISSA_BITS));
  const mantissa = magnitude >> last;
  const half = last === 0n ? 0n : 1n << (last - 1n);
  const rest = magnitude & ((1n << last) - 1n);
  const roundsUp = last > 0n && (rest > half || (rest === half && (mantissa & 1n) === 1n));
  // The leading bit of the mantissa adds 1 to the exponent, for normals only: as it should be.
  const bits = (last << 52n) + mantissa + (roundsUp ? 1n : 0n);
  if (bits >> 52n >= EXPONENT_MAX) return undefined;
  scratch.setBigUint64(0, bits);
  return units < 0n ? -scratch.getFloat64(0) : scratch.getFloat64(0);
}

const isNeedless = (top, below) => top === (below >>> 31 ? 0xffffffff : 0);

const EXACT_SUM = new Part({
  create: () => new ExactSumState(0, 0n),
  decode(input) {
    const [flags, lowest, length] = [input.u8(), input.u8(), input.u8()];
    if (flags > (NAN | PLUS_INFINITY | MINUS_INFINITY)) throw new DecodeError("unknown flags of an exact sum");
    if (lowest + length > DIGITS_MAX) throw new DecodeError("an exact sum of too many digits");
    const digits = [];
    for (let i = 0; i < length; i++) digits.push(input.u32());
    const isCanonical =
      length === 0 ? lowest === 0 : digits[0] !== 0 && (length === 1 || !isNeedless(digits[length - 1], digits[length - 2]));
    if (!isCanonical) throw new DecodeError("an exact sum with needless digits");
    const units = digits.reduceRight((sum, digit) => (sum << 32n) | BigInt(digit), 0n);
    return new ExactSumState(flags, BigInt.asIntN(32 * length, units) << BigInt(32 * lowest));
  },
  orderFree: true,
  shows: float,
});

/**
 * The exact sum of floats: the same bits whatever the order and the cuts. Order-free; shows as the
 * nearest float. A NaN, or infinities of both signs, make it NaN for good.
 */
export const exactSum = () => EXACT_SUM;
