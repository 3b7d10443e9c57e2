// Canonical bytes: numbers little-endian and of fixed width, lengths as LEB128. What is read back is
// exactly what would have been written, or a DecodeError.

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes that no value encodes to. */
export class DecodeError extends Error {
  constructor(what) {
    super(`malformed state: ${what}`);
    this.name = "DecodeError";
  }
}

/** One more than the greatest whole number that is held as a number, where it may be a bigint. */
export const SMALL_END = 2 ** 52;

/**
 * The double whose bits are those of 1: `n * TINY` has the bits of n, for n from 0 below 2^52, and
 * `x / TINY` is n again. Both are exact. So one access of eight bytes reads or writes a whole number,
 * with neither halves nor a bigint, and such doubles add and compare as their numbers do.
 *
 * A double is one of these if `1 / x > 0 && x < TINY_END`: of -0, which has the bits of -2^63, the
 * inverse is negative.
 */
export const TINY = Number.MIN_VALUE;
export const TINY_END = SMALL_END * TINY;

/** UTF-8 of a text. */
export const utf8 = (text) => encoder.encode(text);

/** The text of UTF-8 bytes; throws a TypeError at others. */
export const textOf = (bytes) => decoder.decode(bytes);

/** Bytes that grow. */
export class Writer {
  constructor(room = 64) {
    this.room = room;
    this.bytes = new Uint8Array(room);
    this.view = new DataView(this.bytes.buffer);
    this.length = 0;
  }

  /** Makes room for `more` bytes and returns where they begin. */
  take(more) {
    const at = this.length;
    this.length = at + more;
    if (this.length > this.room) this.grow();
    return at;
  }

  grow() {
    this.room = Math.max(this.length, this.room * 2);
    const grown = new Uint8Array(this.room);
    grown.set(this.bytes);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  u8(value) {
    // Without the call of `take`, which costs more than all else here.
    const at = this.length++;
    if (this.length > this.room) this.grow();
    this.bytes[at] = value;
  }

  u32(value) {
    const at = this.take(4);
    this.view.setUint32(at, value, true);
  }

  /** A bigint of 64 bits, signed or not. */
  i64(value) {
    const at = this.length;
    if ((this.length = at + 8) > this.room) this.grow();
    this.view.setBigInt64(at, value, true);
  }

  /** A whole number that is exact, as 64 bits, signed. */
  int(value) {
    const at = this.length;
    if ((this.length = at + 8) > this.room) this.grow();
    const { view } = this;
    view.setInt32(at, value % 4294967296 | 0, true);
    view.setInt32(at + 4, Math.floor(value / 4294967296), true);
  }

  /** A bigint of 128 bits, which wraps. */
  i128(value) {
    const at = this.length;
    if ((this.length = at + 16) > this.room) this.grow();
    const { view } = this;
    view.setBigInt64(at, value, true); // what is above 64 bits is cut off
    view.setBigInt64(at + 8, value >> 64n, true);
  }

  /** A double; every NaN as the one that states hold, whatever bits the engine has for it. */
  f64(value) {
    const at = this.take(8);
    if (value === value) {
      this.view.setFloat64(at, value, true);
    } else {
      this.view.setUint32(at, 0, true);
      this.view.setUint32(at + 4, 0x7ff80000, true);
    }
  }

  /** A whole number from 0, a number or a bigint below 2^64. */
  varint(value) {
    if (typeof value === "bigint") {
      while (value >= 0x80n) {
        this.u8(Number(value & 0x7fn) | 0x80);
        value >>= 7n;
      }
      this.u8(Number(value));
      return;
    }
    while (value >= 0x80) {
      this.u8(value % 0x80 | 0x80);
      value = Math.floor(value / 0x80);
    }
    this.u8(value);
  }

  raw(bytes) {
    const at = this.take(bytes.length);
    this.bytes.set(bytes, at);
  }

  /** A length and as many bytes. */
  blob(bytes) {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** What was written, as bytes of its own. */
  finish() {
    return this.bytes.slice(0, this.length);
  }
}

/** Bytes that are read once, first to last. */
export class Reader {
  /** Reads `bytes[at .. end]`. */
  constructor(bytes, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
    this.end = end;
  }

  /** Steps over `count` bytes and returns where they begin. */
  take(count) {
    const at = this.at;
    if (count > this.end - at) throw new DecodeError("it ends within a value");
    this.at = at + count;
    return at;
  }

  u8() {
    return this.bytes[this.take(1)];
  }

  u32() {
    return this.view.getUint32(this.take(4), true);
  }

  i64() {
    return this.view.getBigInt64(this.take(8), true);
  }

  u64() {
    return this.view.getBigUint64(this.take(8), true);
  }

  i128() {
    const at = this.take(16);
    return (this.view.getBigInt64(at + 8, true) << 64n) | this.view.getBigUint64(at, true);
  }

  f64() {
    const at = this.take(8);
    const value = this.view.getFloat64(at, true);
    if (value === value) return value;
    if (this.view.getUint32(at, true) !== 0 || this.view.getUint32(at + 4, true) !== 0x7ff80000) {
      throw new DecodeError("a NaN other than the canonical one");
    }
    return value;
  }

  /** A bigint from 0 below 2^64. */
  varint() {
    const first = this.bytes[this.at];
    if (this.at < this.end && first < 0x80) {
      this.at++;
      return BigInt(first);
    }
    let value = 0n;
    for (let shift = 0n; shift < 64n; shift += 7n) {
      const byte = this.u8();
      if (shift === 63n && byte % 0x80 > 1) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0n) throw new DecodeError("a padded number");
        return value;
      }
    }
    throw new DecodeError("a number of more than 64 bits");
  }

  /** A number of bytes or elements, each of which takes a byte at least. */
  count() {
    const first = this.bytes[this.at];
    if (this.at < this.end && first < 0x80 && first <= this.end - this.at - 1) {
      this.at++;
      return first;
    }
    const count = this.varint();
    if (count > BigInt(this.end - this.at)) throw new DecodeError("it ends within a value");
    return Number(count);
  }

  /** A length and as many bytes, as a view. */
  blob() {
    const count = this.count();
    const at = this.take(count);
    return this.bytes.subarray(at, at + count);
  }

  text() {
    const bytes = this.blob();
    try {
      return decoder.decode(bytes);
    } catch {
      throw new DecodeError("text that is not UTF-8");
    }
  }

  boolean() {
    const byte = this.u8();
    if (byte > 1) throw new DecodeError("a boolean other than 0 and 1");
    return byte === 1;
  }

  /** Whether an option has a value. */
  some() {
    const byte = this.u8();
    if (byte > 1) throw new DecodeError("an option other than 0 and 1");
    return byte === 1;
  }

  /** Refuses bytes behind the value. */
  finish() {
    if (this.at < this.end) throw new DecodeError(`${this.end - this.at} bytes follow its end`);
  }
}

const SURROGATE = /[\ud800-\udfff]/;
export const hasSurrogate = (text) => SURROGATE.test(text);
/** Where a UTF-16 unit stands by UTF-8: surrogates, which stand for what is above, come last. */
const rank = (unit) => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800);

/** The order of texts by their UTF-8 bytes, which JavaScript's own is only where there are no surrogates. */
export function compareText(a, b) {
  if (a === b) return 0;
  if (!SURROGATE.test(a) && !SURROGATE.test(b)) return a < b ? -1 : 1;
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const [left, right] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (left !== right) return rank(left) < rank(right) ? -1 : 1;
  }
  return a.length < b.length ? -1 : 1;
}

export function compareBytes(a, b) {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return Math.sign(a.length - b.length);
}
