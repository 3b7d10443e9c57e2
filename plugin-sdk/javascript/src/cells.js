// The cells that one chunk touches: how a key and a time become a state, fast, and the form in which
// cells leave `fold`.

import { SMALL_END } from "./bytes.js";
import { Builder, NOTHING, bytesOf, cast, heapOf, upTo } from "./columns.js";
import { Walk } from "./walk.js";
import { blobsOfPacks, readPacks } from "./state/pack.js";

const MIN_64 = -(2n ** 63n);
/** Distinct values of one part of a key that a chunk may have. */
const VALUES_MAX = 2 ** 22;

/** Numbers for pairs of numbers, in the order in which they are met. */
class Pairs {
  constructor() {
    this.numbers = new Map();
  }

  /** The number of (a, b), b below VALUES_MAX. */
  number(a, b) {
    const pair = a * VALUES_MAX + b;
    let number = this.numbers.get(pair);
    if (number === undefined) this.numbers.set(pair, (number = this.numbers.size));
    return number;
  }
}

/** Numbers for the values of one part of a key: the codes of a column of texts, as long as these are all. */
class Values {
  constructor(name, kind) {
    this.name = name;
    this.kind = kind;
    this.column = undefined; // the one whose codes are numbers
    this.list = []; // undefined while it would be the texts of that column
    this.numbers = new Map(); // undefined as long
  }

  /** Takes the codes of a column for numbers; false if other numbers are given already. */
  adopt(column) {
    if (this.column === undefined && this.list.length === 0 && column.textCount <= VALUES_MAX) {
      this.column = column;
      this.list = this.numbers = undefined;
    }
    return this.column === column;
  }

  number(value) {
    const { kind } = this;
    if (value === undefined || value === null) {
      if (!kind.isOptional) throw new TypeError(`the key lacks '${this.name}'`);
      return this.numberOf(undefined, undefined);
    }
    const owned = kind.own(value);
    return this.numberOf(kind.key(owned), owned);
  }

  numberOf(key, value) {
    if (this.numbers === undefined) {
      this.list = this.column.texts.slice();
      this.numbers = new Map();
      for (let i = 0; i < this.list.length; i++) this.numbers.set(this.list[i], i);
    }
    let number = this.numbers.get(key);
    if (number === undefined) {
      number = this.list.length;
      if (number === VALUES_MAX) throw new Error(`more than ${VALUES_MAX} values of '${this.name}' in one chunk`);
      this.numbers.set(key, number);
      this.list.push(value);
    }
    return number;
  }

  /** The column of a part of keys, by the number of each. */
  keyColumn(numbers) {
    const { column, kind, list } = this;
    if (list === undefined || list.length === column?.textCount) {
      return { fixed: bytesOf(new Uint32Array(numbers)), heap: column.buffers.heap, validity: NOTHING };
    }
    if (kind.wire.tag === "text" && !kind.isOptional) {
      return { fixed: bytesOf(new Uint32Array(numbers)), heap: heapOf(list), validity: NOTHING };
    }
    const made = new Builder(kind);
    for (let i = 0; i < numbers.length; i++) made.push(list[numbers[i]]);
    return made.finish();
  }
}

/**
 * The states of one chunk by key and window. What an author sees of them are `cell` and `cellAt` in
 * `event.js` and `BulkCells`.
 */
export class Cells {
  /**
   * `keys`: names and kinds; `type`: the part of a cell; `window`: `{ size, slide }` in bigint
   * milliseconds, undefined if it is global; `times`: the events' times, a Column.
   */
  constructor(keys, type, window, times) {
    this.type = type;
    this.window = window;
    this.times = times;
    this.parts = keys.map(([name, kind]) => new Values(name, kind));
    this.windows = []; // distinct starts
    this.windowNumbers = new Map();
    // One entry a cell.
    this.count = 0;
    this.numbersOf = keys.map(() => []); // for each part of the key its number
    this.windowOf = []; // the number of its window
    this.states = []; // its state as an object, once it was asked for
    this.index = undefined; // of pairs of numbers, made when a cell is looked for by them
    this.taken = undefined; // the numbers of those that a walk found before there were any
    this.added = []; // what whole columns added to them
    // The window at hand: its number, and [start, end), the times that share it.
    this.at = -1;
    this.start = 0n;
    this.end = 0n;
    // Which of the windows that hold a time is meant, the latest being 0.
    this.hop = 0n;
    if (window === undefined) {
      this.at = this.windowNumber(0n);
      this.start = MIN_64;
      this.end = 2n ** 63n;
    }
  }

  /** The state of a cell as an object. */
  state(cell) {
    return (this.states[cell] ??= this.type.create());
  }

  /** The number of the cell of `key` in the window that holds `time`, a bigint. */
  find(time, key) {
    this.turn(time);
    const { parts } = this;
    const numbers = new Array(parts.length);
    for (let i = 0; i < numbers.length; i++) numbers[i] = parts[i].number(key[parts[i].name]);
    return this.findNumbered(numbers, this.at);
  }

  /** The number of the cell whose key has parts of these numbers, in the window of number `at`. */
  findNumbered(numbers, at) {
    const index = this.index ?? this.makeIndex();
    const cell = numberIn(index, numbers, at);
    if (cell === this.count) this.add(numbers, at);
    return cell;
  }

  makeIndex() {
    this.index = Array.from({ length: Math.max(this.parts.length, 1) }, () => new Pairs());
    for (let i = 0; i < this.count; i++) numberIn(this.index, this.numbersOf.map((numbers) => numbers[i]), this.windowOf[i]);
    return this.index;
  }

  /** A new cell, not yet in the index. */
  add(numbers, at) {
    for (let i = 0; i < numbers.length; i++) this.numbersOf[i].push(numbers[i]);
    this.windowOf.push(at);
    return this.count++;
  }

  /** Turns to the window of a time. */
  turn(time) {
    if (time < this.end && time >= this.start) return;
    const latest = latestStart(this.window, time);
    if (latest === undefined) throw new RangeError(`time ${time} ms is too early to have a window`);
    this.at = this.windowNumber(latest - this.hop * this.window.slide);
    this.start = latest;
    this.end = latest + this.window.slide;
  }

  windowNumber(start) {
    let at = this.windowNumbers.get(start);
    if (at === undefined) {
      at = this.windows.length;
      if (at === VALUES_MAX) throw new Error(`more than ${VALUES_MAX} windows in one chunk`);
      this.windowNumbers.set(start, at);
      this.windows.push(start);
    }
    return at;
  }

  /** Turns to another of the windows that hold a time, each one slide earlier than the one before it. */
  turnHop(hop) {
    this.hop = BigInt(hop);
    this.end = this.start; // whatever is asked for next, turn
  }

  /** Cells that a walk found by columns of texts which are the parts of the key: the number of each. */
  take(walk, columns) {
    const { parts, windowOf } = this;
    const all = upTo(walk.found);
    const isFirst = this.count === 0;
    const numbersOf = parts.map((part, k) => numbersIn(part, columns[k], walk.rowOf, walk.found));
    const windows = this.windowsOf(walk);
    if (isFirst) {
      this.numbersOf = numbersOf;
      this.windowOf = windows;
      this.count = walk.found;
      this.taken = all;
      return all;
    }
    for (let i = 0; i < all.length; i++) all[i] = this.findNumbered(numbersOf.map((numbers) => numbers[i]), windows[i]);
    return all;
  }

  /** The numbers of the windows of a walk's cells. */
  windowsOf({ found, windowOf }) {
    const windows = new Array(found);
    let before = NaN;
    let number = 0;
    for (let i = 0; i < found; i++) {
      const at = windowOf[i + 1];
      if (at !== before) {
        number = this.windowNumber(this.window === undefined ? 0n : BigInt(at) * this.window.slide);
        before = at;
      }
      windows[i] = number;
    }
    return windows;
  }

  /** Takes what columns added to part `k` of cells: cell i of `pack` is cell targets[i]. */
  addPack(k, targets, pack) {
    this.added.push({ k, targets, pack });
  }

  /** The states of all cells, as packs. */
  packed() {
    const { count, states } = this;
    return this.type.packs().map((empty, k) => {
      const name = this.type.names[k];
      let added = this.added.filter((one) => one.k === k);
      let pack = empty;
      if (states.length === 0 && added.length > 0 && added[0].targets === this.taken) {
        // Of all cells so far one walk's are the first: their numbers are those of the walk.
        pack = added[0].pack;
        added = added.slice(1);
      }
      pack.resize(count);
      for (let i = 0; i < states.length; i++) if (states[i] !== undefined) pack.put(i, states[i][name]);
      for (const { targets, pack: more } of added) pack.merge(targets, more);
      return pack;
    });
  }

  /** The cells as the contract has them. */
  finish() {
    const starts = new BigInt64Array(this.count);
    for (let i = 0; i < starts.length; i++) starts[i] = this.windows[this.windowOf[i]];
    return this.columns(this.packed(), this.numbersOf, starts);
  }

  /** The same of windows that are `hops` panes wide, where the cells are panes of order-free states. */
  finishPanes(hops) {
    const numbersOf = this.parts.map(() => []);
    const starts = [];
    const indexes = new Map(); // by window start, from a pane's key to its cell
    const keys = this.keyNumbers();
    const panes = blobsOfPacks(this.packed(), this.count);
    const packs = this.type.packs();
    for (let hop = 0; hop < hops; hop++) {
      const targets = new Uint32Array(this.count);
      for (let i = 0; i < targets.length; i++) {
        const start = this.windows[this.windowOf[i]] - BigInt(hop) * this.window.slide;
        let index = indexes.get(start);
        if (index === undefined) indexes.set(start, (index = new Map()));
        let cell = index.get(keys[i]);
        if (cell === undefined) {
          index.set(keys[i], (cell = starts.length));
          numbersOf.forEach((numbers, k) => numbers.push(this.numbersOf[k][i]));
          starts.push(start);
        }
        targets[i] = cell;
      }
      // States of their own for each hop: what is merged may become a part of what it is merged into.
      const copies = this.type.packs();
      readPacks(copies, panes.bytes, cast(Uint32Array, panes.ends));
      packs.forEach((pack, k) => {
        pack.resize(starts.length);
        pack.merge(targets, copies[k]);
      });
    }
    return this.columns(packs, numbersOf, BigInt64Array.from(starts));
  }

  /** Equal numbers for cells of equal keys. */
  keyNumbers() {
    const pairs = this.parts.map(() => new Pairs());
    return Array.from({ length: this.count }, (_, i) => this.numbersOf.reduce((key, numbers, k) => pairs[k].number(key, numbers[i]), 0));
  }

  columns(packs, numbersOf, starts) {
    return {
      keys: this.parts.map((part, k) => part.keyColumn(numbersOf[k])),
      windows: this.window === undefined ? NOTHING : bytesOf(starts),
      states: blobsOfPacks(packs, starts.length),
    };
  }
}

/** The number that pairs of numbers give to a key in a window. */
function numberIn(index, numbers, at) {
  let number = numbers.length === 0 ? 0 : numbers[0];
  for (let i = 1; i < numbers.length; i++) number = index[i].number(number, numbers[i]);
  return index[0].number(number, at);
}

/** The number of a part of the key, for the row of each cell of a walk. */
function numbersIn(part, column, rowOf, found) {
  const { values } = column;
  const numbers = new Array(found);
  if (part.adopt(column)) {
    for (let i = 0; i < found; i++) numbers[i] = values[rowOf[i + 1]];
    return numbers;
  }
  const known = new Map();
  for (let i = 0; i < found; i++) {
    const code = values[rowOf[i + 1]];
    let number = known.get(code);
    if (number === undefined) known.set(code, (number = part.number(column.texts[code])));
    numbers[i] = number;
  }
  return numbers;
}

/** The start of the latest window that holds a time; undefined if its first one would be out of range. */
function latestStart({ size, slide }, time) {
  let start = time - (time % slide);
  if (start > time) start -= slide;
  return start - (size - slide) < MIN_64 ? undefined : start;
}

/**
 * A walk over rows by text columns that are the parts of the key, and by the windows of `times`; undefined
 * if it must be done row by row: where times are not exact as numbers or there are too many places.
 */
export function walkBy(cells, columns, times, rows, count) {
  const { window } = cells;
  const numbers = window === undefined ? undefined : times.numbers;
  if (window !== undefined) {
    if (numbers === undefined || window.slide >= SMALL_END) return undefined;
    // Windows that begin before all times of 64 bits are an error: said where rows are taken one by one.
    if (latestStart(window, BigInt(numbers.least)) === undefined) return undefined;
  }
  const walk = new Walk(rows, count).by(columns, numbers, Number(window?.slide));
  return walk.isExact ? walk : undefined;
}

/** The cells of a walk over the rows of a chunk, each made when it is asked for. */
export class Slots {
  constructor(cells, walk, columns) {
    this.cells = cells;
    this.walk = walk;
    this.columns = columns;
    this.adopted = cells.parts.map((part, k) => part.adopt(columns[k]));
    this.windows = cells.windowsOf(walk);
    this.of = walk.numbers; // the slot of each row
    this.count = walk.found;
  }

  /** The state of the cell of a slot. */
  state(slot) {
    const { adopted, cells, columns } = this;
    const row = this.walk.rowOf[slot + 1];
    const numbers = new Array(columns.length);
    for (let k = 0; k < numbers.length; k++) {
      const { values } = columns[k];
      numbers[k] = adopted[k] ? values[row] : cells.parts[k].number(columns[k].texts[values[row]]);
    }
    const at = this.windows[slot];
    // Without an index nothing but slots, each of another key or window, has made cells.
    return cells.state(cells.index === undefined ? cells.add(numbers, at) : cells.findNumbered(numbers, at));
  }
}
