// Parts that keep many values: distinct ones, counted ones, states by key, the last few. All are
// found by a Map and put in order only where they are written or shown. Loops are by index: in the
// interpreter of a component one step of `for … of` costs ten times as much.

import { DecodeError } from "../bytes.js";
import { OutOfRange } from "../json.js";
import { int, int64, json, timestamp } from "../kinds.js";
import { timesOf } from "./numbers.js";
import { AnchoredRight, Part, jsonOf } from "./part.js";

const MAX_U64 = 2n ** 64n - 1n;

/** Values with something each, told apart by their bytes and listed in their order. */
class Entries {
  /** `list`: entries `[value, what it has]` in the order of their values. */
  constructor(kind, list = []) {
    this.kind = kind;
    this.list = list; // undefined while `found` has entries that it has not
    this.map = undefined; // key -> entry, made when a value is looked up
  }

  get found() {
    if (this.map === undefined) {
      this.map = new Map();
      for (let i = 0; i < this.list.length; i++) this.map.set(this.kind.key(this.list[i][0]), this.list[i]);
    }
    return this.map;
  }

  get size() {
    return this.list?.length ?? this.map.size;
  }

  get(value) {
    return this.found.get(this.kind.key(this.kind.own(value)))?.[1];
  }

  /** The entry of a value, which `make` makes if there is none. */
  entry(value, make) {
    const owned = this.kind.own(value);
    const key = this.kind.key(owned);
    const found = this.map ?? this.found;
    let entry = found.get(key);
    if (entry === undefined) {
      entry = [owned, make()];
      found.set(key, entry);
      this.list = undefined;
    }
    return entry;
  }

  sorted() {
    if (this.list === undefined) {
      const { kind, map } = this;
      const keys = [];
      map.forEach((_, key) => keys.push(key));
      const sorted = kind.sortKeys(keys);
      if (sorted === undefined) {
        this.list = keys.map((key) => map.get(key)).sort((a, b) => kind.compare(a[0], b[0]));
      } else {
        this.list = new Array(sorted.length);
        for (let i = 0; i < sorted.length; i++) this.list[i] = map.get(sorted[i]);
      }
    }
    return this.list;
  }

  /** Takes the entries of `right`, one walk over both; `join(mine, other)` joins those of one value. */
  merge(right, join, take = (entry) => entry) {
    const [a, b, { compare }] = [this.sorted(), right.sorted(), this.kind];
    const merged = [];
    const count = a.length;
    let i = 0;
    for (let k = 0; k < b.length; k++) {
      const entry = b[k];
      let order = -1;
      while (i < count && (order = compare(a[i][0], entry[0])) < 0) merged.push(a[i++]);
      if (i < count && order === 0) {
        join(a[i], entry);
        merged.push(a[i++]);
      } else {
        merged.push(take(entry));
      }
    }
    while (i < a.length) merged.push(a[i++]);
    this.list = merged;
    this.map = undefined;
  }

  encode(out, writeOther) {
    const entries = this.sorted();
    const { kind } = this;
    out.varint(entries.length);
    for (let i = 0; i < entries.length; i++) {
      kind.write(entries[i][0], out);
      writeOther(entries[i][1]);
    }
  }

  /** Entries in strict order, or a DecodeError that says what does not ascend. */
  static decode(kind, input, readOther, what) {
    const list = [];
    let before;
    for (let left = input.count(); left > 0; left--) {
      const value = kind.read(input);
      if (before !== undefined && kind.compare(before, value) >= 0) {
        throw new DecodeError(`${what} that do not ascend`);
      }
      list.push([value, readOther()]);
      before = value;
    }
    return new Entries(kind, list);
  }
}

class SetState {
  constructor(entries) {
    this.entries = entries;
  }

  add(value) {
    this.entries.entry(value, () => undefined);
  }

  has(value) {
    const { kind, found } = this.entries;
    return found.has(kind.key(kind.own(value)));
  }

  get size() {
    return this.entries.size;
  }

  /** The values, in their order. */
  values() {
    return this.entries.sorted().map(([value]) => value);
  }

  /** The values as a JSON list, for an output of kind `json`. */
  list() {
    return `[${this.values().map((value) => this.entries.kind.json(value)).join(",")}]`;
  }

  encode(out) {
    this.entries.encode(out, () => {});
  }

  merge(right) {
    this.entries.merge(right.entries, () => {});
  }

  present() {
    return BigInt(this.size);
  }
}

/** The distinct values, exactly. Order-free; grows with them; shows as their number. */
export const set = (kind) =>
  new Part({
    create: () => new SetState(new Entries(kind)),
    decode: (input) => new SetState(Entries.decode(kind, input, () => undefined, "values of a set")),
    orderFree: true,
    shows: int64,
  });

class MapState {
  constructor(part, entries, anchored) {
    this.part = part;
    this.entries = entries;
    this.anchored = anchored;
  }

  /** The state of `key`; a fresh one if the key is new. */
  entry(key) {
    return this.entries.entry(key, () => (this.anchored ? this.part.first() : this.part.create()))[1];
  }

  get(key) {
    return this.entries.get(key);
  }

  get size() {
    return this.entries.size;
  }

  /** Keys and states, in the order of the keys. */
  list() {
    return this.entries.sorted();
  }

  encode(out) {
    if (this.part.anchored) out.u8(this.anchored ? 1 : 0);
    this.entries.encode(out, (state) => state.encode(out));
  }

  merge(right) {
    if (right.anchored) throw new AnchoredRight();
    const anchor = (entry) => {
      const first = [entry[0], this.part.first()];
      first[1].merge(entry[1]);
      return first;
    };
    const join = (mine, other) => mine[1].merge(other[1]);
    this.entries.merge(right.entries, join, this.anchored ? anchor : undefined);
  }

  present() {
    const { kind } = this.entries;
    const shown = this.list().map(([key, state]) => [kind.json(key), jsonOf(this.part.shows, state.present())]);
    return kind.wire.tag === "text"
      ? `{${shown.map(([key, state]) => `${key}:${state}`).join(",")}}`
      : `[${shown.map(([key, state]) => `[${key},${state}]`).join(",")}]`;
  }
}

/** A state for each key. Order-free if the state is; shows as JSON: an object for text keys, else a list. */
export const map = (kind, part) =>
  new Part({
    create: () => new MapState(part, new Entries(kind), false),
    decode(input) {
      const anchored = part.anchored && input.boolean();
      return new MapState(part, Entries.decode(kind, input, () => part.decode(input), "keys"), anchored);
    },
    first: () => new MapState(part, new Entries(kind), part.anchored),
    orderFree: part.orderFree,
    anchored: part.anchored,
    shows: part.shows && json,
  });

function raise(entry, more) {
  const times = entry[1] + more;
  entry[1] = times > MAX_U64 ? MAX_U64 : times;
}

class TopKState {
  constructor(k, entries) {
    this.k = k;
    this.entries = entries;
  }

  /** Counts `value`, so many times. Counts stay at 2^64 - 1 rather than wrap. */
  add(value, times = 1) {
    const more = timesOf(times);
    if (more > 0n) raise(this.entries.entry(value, () => 0n), more);
  }

  /** How often `value` was added, a bigint. */
  count(value) {
    return this.entries.get(value) ?? 0n;
  }

  get distinct() {
    return this.entries.size;
  }

  /** All values with their counts, in the order of the values. */
  list() {
    return this.entries.sorted();
  }

  /** The k most frequent values with their counts, most frequent first, of equal counts the lesser value. */
  top() {
    // Sorting is stable.
    return [...this.list()].sort((a, b) => (a[1] > b[1] ? -1 : a[1] < b[1] ? 1 : 0)).slice(0, this.k);
  }

  encode(out) {
    this.entries.encode(out, (times) => out.varint(times - 1n));
  }

  merge(right) {
    this.entries.merge(right.entries, (mine, other) => raise(mine, other[1]));
  }

  present() {
    const shown = this.top().map(([value, times]) => {
      if (times > MAX_U64 >> 1n) throw new OutOfRange(times, "a 64-bit integer");
      return `[${this.entries.kind.json(value)},${int64.json(times)}]`;
    });
    return `[${shown.join(",")}]`;
  }
}

/**
 * How often each value was added, and the k most frequent. Exact: every value is counted and k only
 * cuts what is shown, so it grows with the distinct values. Order-free; shows as JSON.
 */
export const topK = (kind, k = 10) =>
  new Part({
    create: () => new TopKState(k, new Entries(kind)),
    decode(input) {
      const readCount = () => {
        const times = input.varint();
        if (times === MAX_U64) throw new DecodeError("a count of 2^64");
        return times + 1n;
      };
      return new TopKState(k, Entries.decode(kind, input, readCount, "counted values"));
    },
    orderFree: true,
    shows: json,
  });

class LastNState {
  constructor(kind, n) {
    this.kind = kind;
    this.n = n;
    this.kept = []; // [time, offset, value], first to last
  }

  order(a, b) {
    return Math.sign(a[0] - b[0]) || Math.sign(a[1] - b[1]) || this.kind.compare(a[2], b[2]);
  }

  /** `time` and `offset` are the event's: the inputs `eventTime` and `eventOffset`. */
  push(time, offset, value) {
    this.insert([timestamp.own(time), int.own(offset), this.kind.own(value)]);
  }

  insert(entry) {
    let at = this.kept.length;
    while (at > 0 && this.order(this.kept[at - 1], entry) >= 0) at--;
    if (this.kept.length === this.n && at === 0) return;
    this.kept.splice(at, 0, entry);
    if (this.kept.length > this.n) this.kept.shift();
  }

  get size() {
    return this.kept.length;
  }

  /** The values that are kept, the last one first. */
  values() {
    return this.kept.map(([, , value]) => value).reverse();
  }

  encode(out) {
    out.varint(this.kept.length);
    for (const [time, offset, value] of this.kept) {
      out.int(time);
      out.int(offset);
      this.kind.write(value, out);
    }
  }

  merge(right) {
    right.kept.forEach((entry) => this.insert(entry));
  }

  present() {
    return `[${this.values().map((value) => this.kind.json(value)).join(",")}]`;
  }
}

/** The n last values by (event time, offset), however late they come. Order-free; shows as a JSON list. */
export function lastN(kind, n = 10) {
  if (!Number.isInteger(n) || n < 1) throw new RangeError("the last 0 values are none");
  return new Part({
    create: () => new LastNState(kind, n),
    decode(input) {
      const state = new LastNState(kind, n);
      const count = input.count();
      if (count > n) throw new DecodeError("more values than the last ones that are kept");
      for (let i = 0; i < count; i++) {
        const entry = [timestamp.read(input), int.read(input), kind.read(input)];
        if (i > 0 && state.order(state.kept[i - 1], entry) > 0) {
          throw new DecodeError("last values that do not ascend");
        }
        state.kept.push(entry);
      }
      return state;
    },
    orderFree: true,
    shows: json,
  });
}
