// The states of many cells side by side, one pack for each part. Chunks make thousands of cells and
// merges take thousands of pairs; in the interpreter of a component an object for each costs a hundred
// times what a number in a typed array does.
//
// A pack has `count` cells, each neutral until something is put there:
//
// - `resize(count)` gives it so many.
// - `put(i, state)` makes cell i what an object of the part holds; `get(i)` is such an object.
// - `sizes(sizes)` adds the number of bytes of each state to what is there.
// - `write(out, at)` writes state i at at[i] and moves at[i] behind it; what is not written there is 0.
// - `read(bytes, at, ends)` reads state i from at[i], at most to ends[i], and moves at[i] behind it.
// - `merge(targets, right)` takes cell i of `right`, which is later, into cell targets[i].
// - `show()` is the column of what the states show, undefined if a pack leaves that to its objects.

import { DecodeError, Reader, SMALL_END, TINY, TINY_END, Writer } from "../bytes.js";
import { NOTHING, bytesOf } from "../columns.js";

/** An error of state `i` that says so, with the place where it was found. */
export function ofState(i, error) {
  error.message = `state ${i}: ${error.message}`;
  return error;
}

/** States of any part, as its own objects. */
export class Objects {
  constructor(type) {
    this.type = type;
    this.count = 0;
    this.states = [];
    this.written = undefined; // all states, one after the other, between `sizes` and `write`
  }

  resize(count) {
    for (; this.count < count; this.count++) this.states.push(undefined);
  }

  put(i, state) {
    this.states[i] = state;
  }

  get(i) {
    return (this.states[i] ??= this.type.create());
  }

  sizes(sizes) {
    const out = new Writer(64 * this.count + 64);
    const ends = new Uint32Array(this.count);
    for (let i = 0, before = 0; i < ends.length; i++) {
      this.get(i).encode(out);
      const end = out.length;
      sizes[i] += end - before;
      ends[i] = before = end;
    }
    this.written = { bytes: out.bytes, ends };
  }

  write(out, at) {
    const { bytes, ends } = this.written;
    for (let i = 0, from = 0; i < ends.length; i++) {
      const end = ends[i];
      out.bytes.set(bytes.subarray(from, end), at[i]);
      at[i] += end - from;
      from = end;
    }
    this.written = undefined;
  }

  read(bytes, at, ends) {
    const input = new Reader(bytes);
    for (let i = 0; i < this.count; i++) {
      input.at = at[i];
      input.end = ends[i];
      try {
        this.states[i] = this.type.decode(input);
      } catch (error) {
        throw ofState(i, error);
      }
      at[i] = input.at;
    }
  }

  merge(targets, right) {
    for (let i = 0; i < right.count; i++) {
      const target = targets[i];
      try {
        this.get(target).merge(right.get(i));
      } catch (error) {
        throw ofState(i, error);
      }
    }
  }

  steps() {
    return undefined;
  }

  show() {
    return undefined;
  }
}

/**
 * One whole number a cell, or none: as a number below 2^52 in magnitude, NaN for none, and only beyond
 * that as a bigint. What numbers mean, how wide they are and how two become one is for those that extend it.
 */
export class Wholes {
  constructor(none) {
    this.none = none; // what a cell has at first, 0 or NaN
    this.count = 0;
    this.small = new Float64Array(0);
    this.large = undefined; // a sparse array of the bigints, made for the first of them; `small` is 0 there
  }

  resize(count) {
    const grown = new Float64Array(count);
    grown.set(this.small);
    if (this.none !== 0) grown.fill(this.none, this.count);
    this.small = grown;
    this.count = count;
  }

  /** Takes numbers for all cells, of which each is small. */
  fill(numbers) {
    this.small = numbers;
    this.count = numbers.length;
  }

  /** The bigint of cell i; only where there is one. */
  exact(i) {
    return this.large?.[i] ?? BigInt(this.small[i]);
  }

  /** Gives cell i a whole number, a bigint or a number. */
  set(i, value) {
    const number = Number(value);
    if (number < SMALL_END && number > -SMALL_END) {
      this.small[i] = number;
      if (this.large !== undefined) this.large[i] = undefined;
    } else {
      this.small[i] = 0;
      (this.large ??= [])[i] = BigInt(value);
    }
  }
}

/** Whole numbers to which more is added: `bytes` of each state, 8 without a sign or 16 with one. */
export class Totals extends Wholes {
  constructor(bytes) {
    super(0);
    this.bytes = bytes;
  }

  /** A bigint as a state can hold it. */
  held(exact) {
    if (this.bytes === 16) return BigInt.asIntN(128, exact); // beyond 128 bits, which no log reaches, it wraps
    return exact < 2n ** 64n ? exact : 2n ** 64n - 1n;
  }

  sizes(sizes) {
    const { bytes, count } = this;
    for (let i = 0; i < count; i++) sizes[i] += bytes;
  }

  write({ view }, at) {
    const { bytes, count, large, small } = this;
    const tiny = TINY;
    for (let i = 0; i < count; i++) {
      const place = at[i];
      const value = small[i];
      at[i] = place + bytes;
      if (large !== undefined && large[i] !== undefined) {
        view.setBigInt64(place, large[i], true); // what is above 64 bits is cut off
        if (bytes === 16) view.setBigInt64(place + 8, large[i] >> 64n, true);
      } else if (value >= 0) {
        view.setFloat64(place, value * tiny, true);
      } else {
        view.setBigInt64(place, BigInt(value), true);
        view.setInt32(place + 8, -1, true);
        view.setInt32(place + 12, -1, true);
      }
    }
  }

  read(states, at, ends) {
    const view = new DataView(states.buffer, states.byteOffset, states.byteLength);
    const { bytes, count, small } = this;
    const tiny = TINY;
    const end = TINY_END;
    for (let i = 0; i < count; i++) {
      const place = at[i];
      const next = place + bytes;
      if (next > ends[i]) throw ofState(i, new DecodeError("it ends within a value"));
      at[i] = next;
      const low = view.getFloat64(place, true);
      if (1 / low > 0 && low < end && (bytes === 8 || Object.is(view.getFloat64(place + 8, true), 0))) {
        small[i] = low / tiny;
      } else if (bytes === 8) {
        this.set(i, view.getBigUint64(place, true));
      } else {
        this.set(i, (view.getBigInt64(place + 8, true) << 64n) | view.getBigUint64(place, true));
      }
    }
  }

  merge(targets, right) {
    const { small } = this;
    const more = right.small;
    const end = SMALL_END;
    const isLarge = this.large !== undefined || right.large !== undefined;
    for (let i = 0, { count } = right; i < count; i++) {
      const target = targets[i];
      const sum = small[target] + more[i];
      if (isLarge || sum >= end || sum <= -end) this.set(target, this.held(this.exact(target) + right.exact(i)));
      else small[target] = sum;
    }
  }
}

/** Two packs whose states stand one behind the other in the bytes of a part. */
export class Pair {
  constructor(one, other) {
    this.one = one;
    this.other = other;
  }

  get count() {
    return this.one.count;
  }

  resize(count) {
    this.one.resize(count);
    this.other.resize(count);
  }

  sizes(sizes) {
    this.one.sizes(sizes);
    this.other.sizes(sizes);
  }

  write(out, at) {
    this.one.write(out, at);
    this.other.write(out, at);
  }

  read(bytes, at, ends) {
    this.one.read(bytes, at, ends);
    this.other.read(bytes, at, ends);
  }

  merge(targets, right) {
    this.one.merge(targets, right.one);
    this.other.merge(targets, right.other);
  }

  show() {
    return undefined;
  }
}

/** Whole numbers of eight bytes with a sign, or none, of which the better is kept: the greater if `better` is 1, the lesser if -1. */
export class Extremes extends Wholes {
  constructor(better, readLarge) {
    super(NaN);
    this.better = better;
    this.readLarge = readLarge; // of a Reader, what is not small: refuses what is none of the kind
  }

  has(i) {
    return this.small[i] === this.small[i];
  }

  sizes(sizes) {
    const { count, small } = this;
    for (let i = 0; i < count; i++) {
      const value = small[i];
      sizes[i] += value === value ? 9 : 1;
    }
  }

  write({ bytes, view }, at) {
    const { count, large, small } = this;
    const tiny = TINY;
    for (let i = 0; i < count; i++) {
      const value = small[i];
      const place = at[i];
      if (value !== value) {
        at[i] = place + 1;
        continue;
      }
      at[i] = place + 9;
      bytes[place] = 1;
      if (large !== undefined && large[i] !== undefined) view.setBigInt64(place + 1, large[i], true);
      else if (value >= 0) view.setFloat64(place + 1, value * tiny, true);
      else view.setBigInt64(place + 1, BigInt(value), true);
    }
  }

  read(bytes, at, ends) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { count, small } = this;
    const tiny = TINY;
    const end = TINY_END;
    for (let i = 0; i < count; i++) {
      const place = at[i];
      const low = place + 9 <= ends[i] && bytes[place] === 1 ? view.getFloat64(place + 1, true) : NaN;
      if (1 / low > 0 && low < end) {
        small[i] = low / tiny;
        at[i] = place + 9;
      } else {
        this.readOther(i, new Reader(bytes, place, ends[i]), at);
      }
    }
  }

  /** A state that is empty, has a number that is not small, or is none at all. */
  readOther(i, input, at) {
    try {
      if (input.some()) this.set(i, this.readLarge(input));
      at[i] = input.at;
    } catch (error) {
      throw ofState(i, error);
    }
  }

  merge(targets, right) {
    const { better, small } = this;
    const more = right.small;
    const isLarge = this.large !== undefined || right.large !== undefined;
    for (let i = 0, { count } = right; i < count; i++) {
      const target = targets[i];
      const value = more[i];
      if (value !== value) continue;
      if (isLarge) this.mergeExact(target, right.exact(i));
      else if (!(better > 0 ? value <= small[target] : value >= small[target])) small[target] = value; // also where there is none
    }
  }

  mergeExact(target, exact) {
    if (!this.has(target) || (this.better > 0 ? exact > this.exact(target) : exact < this.exact(target))) this.set(target, exact);
  }
}

/** The column of the numbers of a pack, absent where it has none; undefined if one of them is large. */
export function showWholes({ count, large, small }) {
  if (large !== undefined) return undefined;
  const fixed = new BigInt64Array(count);
  const doubles = new Float64Array(fixed.buffer);
  const tiny = TINY;
  let validity = NOTHING;
  for (let i = 0; i < count; i++) {
    const value = small[i];
    if (value >= 0) doubles[i] = value * tiny;
    else if (value < 0) fixed[i] = BigInt(value);
    else if (validity === NOTHING) validity = new Uint8Array((count + 7) >> 3);
  }
  if (validity !== NOTHING) for (let i = 0; i < count; i++) if (small[i] === small[i]) validity[i >> 3] |= 1 << (i & 7);
  return { fixed: bytesOf(fixed), heap: { ends: NOTHING, bytes: NOTHING }, validity };
}

/** States of several packs, cell by cell in their order, as blobs. */
export function blobsOfPacks(packs, count) {
  const at = new Uint32Array(count);
  for (let k = 0; k < packs.length; k++) packs[k].sizes(at);
  let total = 0;
  for (let i = 0; i < count; i++) {
    const size = at[i];
    at[i] = total;
    total += size;
  }
  const bytes = new Uint8Array(total);
  const out = { bytes, view: new DataView(bytes.buffer) };
  for (let k = 0; k < packs.length; k++) packs[k].write(out, at);
  return { ends: bytesOf(at), bytes }; // each place is now where its state ends
}

/** Fills packs with the states of blobs, `bytes[ends[i - 1] .. ends[i]]`; throws at what is none. */
export function readPacks(packs, bytes, ends) {
  const count = ends.length;
  const at = new Uint32Array(count);
  for (let i = 0, from = 0; i < count; i++) {
    const end = ends[i];
    if (end > bytes.length || from > end) throw new Error(`state ${i} is not within its bytes`);
    at[i] = from;
    from = end;
  }
  for (let k = 0; k < packs.length; k++) {
    packs[k].resize(count);
    packs[k].read(bytes, at, ends);
  }
  for (let i = 0; i < count; i++) {
    if (at[i] !== ends[i]) throw ofState(i, new DecodeError(`${ends[i] - at[i]} bytes follow its end`));
  }
}
