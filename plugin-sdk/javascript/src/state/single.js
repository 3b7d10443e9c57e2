// Parts that keep one value: the least, the greatest, the first, the last.

import { Column } from "../columns.js";
import { int, timestamp } from "../kinds.js";
import { Extremes, showWholes } from "./pack.js";
import { Part } from "./part.js";

const MIN_64 = -(2n ** 63n);
const MAX_64 = 2n ** 63n - 1n;

/** By value: `better` is the sign of the order of a value that replaces the one that is kept. */
class ExtremeState {
  constructor(kind, better, value) {
    this.kind = kind;
    this.better = better;
    this.value = value;
  }

  see(value) {
    const owned = this.kind.own(value);
    if (this.value === undefined || this.kind.compare(owned, this.value) === this.better) this.value = owned;
  }

  get() {
    return this.value;
  }

  encode(out) {
    if (this.value === undefined) {
      out.u8(0);
    } else {
      out.u8(1);
      this.kind.write(this.value, out);
    }
  }

  merge(right) {
    if (right.value !== undefined) this.see(right.value);
  }

  present() {
    return this.value;
  }
}

/** The same of bigints, by far the most frequent: their own order, and no call for it. */
class GreatestBigint extends ExtremeState {
  see(value) {
    if (typeof value !== "bigint" || this.value === undefined) return super.see(value);
    if (value <= this.value) {
      if (value < MIN_64) this.kind.own(value); // says what is wrong
    } else {
      this.value = value <= MAX_64 ? value : this.kind.own(value);
    }
  }
}

class LeastBigint extends ExtremeState {
  see(value) {
    if (typeof value !== "bigint" || this.value === undefined) return super.see(value);
    if (value >= this.value) {
      if (value > MAX_64) this.kind.own(value); // says what is wrong
    } else {
      this.value = value >= MIN_64 ? value : this.kind.own(value);
    }
  }
}

/** Extremes of whole numbers of 64 bits. */
class WholeExtremes extends Extremes {
  constructor(kind, better, State) {
    super(better, kind.read);
    this.kind = kind;
    this.State = State;
    this.isBigint = typeof kind.zero === "bigint";
  }

  steps(method, [column, ...more]) {
    if (method !== "see" || !(column instanceof Column) || more.length > 0) return undefined;
    return [[this.better > 0 ? "greatest" : "least", column, this]];
  }

  put(i, { value }) {
    if (value !== undefined) this.set(i, value);
  }

  get(i) {
    const value = this.has(i) ? this.exact(i) : undefined;
    return new this.State(this.kind, this.better, this.isBigint || value === undefined ? value : Number(value));
  }

  show() {
    return showWholes(this);
  }
}

/** Whether states have such a number in eight bytes with a sign. */
const isWide = ({ range }) => range !== undefined && range[0] <= -Number.MAX_SAFE_INTEGER;

function extreme(kind, better) {
  const isBigint = kind.range !== undefined && kind.range[0] === MIN_64;
  const State = !isBigint ? ExtremeState : better > 0 ? GreatestBigint : LeastBigint;
  return new Part({
    create: () => new State(kind, better, undefined),
    decode: (input) => new State(kind, better, input.some() ? kind.read(input) : undefined),
    ...(isWide(kind) && { pack: () => new WholeExtremes(kind, better, State) }),
    orderFree: true,
    shows: kind,
  });
}

/**
 * The least value seen. Order-free; a byte and the value; null if nothing was seen. Of floats -0 is
 * below 0 and NaN above all.
 */
export const min = (kind) => extreme(kind, -1);

/** The greatest value seen; as `min`, so one NaN is kept for good. */
export const max = (kind) => extreme(kind, 1);

/** By event time, then offset: order-free, since each value brings its place. */
class ByTimeState {
  constructor(kind, better) {
    this.kind = kind;
    this.better = better;
    this.at = undefined; // the event's time, undefined if nothing was seen
    this.place = undefined; // its offset
    this.value = undefined;
  }

  /** `time` and `offset` are the event's: the inputs `eventTime` and `eventOffset`. */
  see(time, offset, value) {
    const owned = this.kind.own(value);
    timestamp.own(time);
    int.own(offset);
    this.take(time, offset, owned);
  }

  take(time, offset, value) {
    if (this.at !== undefined) {
      const order = Math.sign(time - this.at) || Math.sign(offset - this.place) || this.kind.compare(value, this.value);
      if (order !== this.better) return;
    }
    this.at = time;
    this.place = offset;
    this.value = value;
  }

  get() {
    return this.value;
  }

  time() {
    return this.at;
  }

  offset() {
    return this.place;
  }

  encode(out) {
    out.u8(this.at === undefined ? 0 : 1);
    if (this.at === undefined) return;
    out.int(this.at);
    out.int(this.place);
    this.kind.write(this.value, out);
  }

  merge(right) {
    if (right.at !== undefined) this.take(right.at, right.place, right.value);
  }

  present() {
    return this.value;
  }
}

function byTime(kind, better) {
  return new Part({
    create: () => new ByTimeState(kind, better),
    decode(input) {
      const state = new ByTimeState(kind, better);
      if (input.some()) state.take(timestamp.read(input), int.read(input), kind.read(input));
      return state;
    },
    orderFree: true,
    shows: kind,
  });
}

/** The value of the event with the least (event time, offset); of two of one event, the lesser. Order-free. */
export const first = (kind) => byTime(kind, -1);

/** The value of the event with the greatest (event time, offset); of two of one event, the greater. Order-free. */
export const last = (kind) => byTime(kind, 1);

/** By the order of the log alone. */
class SeenState {
  constructor(kind, isFirst, value) {
    this.kind = kind;
    this.isFirst = isFirst;
    this.value = value;
  }

  see(value) {
    const owned = this.kind.own(value);
    if (this.value === undefined || !this.isFirst) this.value = owned;
  }

  get() {
    return this.value;
  }

  encode(out) {
    out.u8(this.value === undefined ? 0 : 1);
    if (this.value !== undefined) this.kind.write(this.value, out);
  }

  merge(right) {
    if (right.value !== undefined) this.see(right.value);
  }

  present() {
    return this.value;
  }
}

function seen(kind, isFirst) {
  return new Part({
    create: () => new SeenState(kind, isFirst, undefined),
    decode: (input) => new SeenState(kind, isFirst, input.some() ? kind.read(input) : undefined),
    orderFree: false,
    shows: kind,
  });
}

/** The value that came first in the log, whatever its time. Not order-free. */
export const firstSeen = (kind) => seen(kind, true);

/** The value that came last in the log, whatever its time. Not order-free. */
export const lastSeen = (kind) => seen(kind, false);
