// The cells that one chunk touches: how a key and a time become a state, fast, and the form in which
// cells leave `fold`.

import { Reader, Writer } from "./bytes.js";
import { Builder, NOTHING, bytesOf, heapOf } from "./columns.js";

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

/** Numbers for the values of one part of a key. */
class Values {
  constructor(name, kind) {
    this.name = name;
    this.kind = kind;
    this.numbers = new Map();
    this.list = [];
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
    let number = this.numbers.get(key);
    if (number === undefined) {
      number = this.list.length;
      if (number === VALUES_MAX) throw new Error(`more than ${VALUES_MAX} values of '${this.name}' in one chunk`);
      this.numbers.set(key, number);
      this.list.push(value);
    }
    return number;
  }
}

/** The column of one part of the keys of cells. */
function keyColumn({ kind, list }, keys, part) {
  if (kind.wire.tag === "text" && !kind.isOptional) {
    // Its values have numbers already.
    const codes = new Uint32Array(keys.length);
    for (let i = 0; i < codes.length; i++) codes[i] = keys[i][part];
    return { fixed: bytesOf(codes), heap: heapOf(list), validity: NOTHING };
  }
  const column = new Builder(kind);
  for (let i = 0; i < keys.length; i++) column.push(list[keys[i][part]]);
  return column.finish();
}

/**
 * The states of one chunk by key and window. What an author sees of them are `cell` and `cellAt` in
 * `event.js` and `BulkCells`.
 */
export class Cells {
  /**
   * `keys`: names and kinds; `type`: the part of a cell; `window`: `{ size, slide }` in bigint
   * milliseconds, undefined if it is global; `times`: a BigInt64Array.
   */
  constructor(keys, type, window, times) {
    this.type = type;
    this.window = window;
    this.times = times;
    this.parts = keys.map(([name, kind]) => new Values(name, kind));
    this.trie = keys.slice(1).map(() => new Pairs()); // from a number for the parts before to one with this part
    this.byWindow = new Pairs();
    this.windows = []; // distinct starts
    this.windowNumbers = new Map();
    // One entry a cell.
    this.states = [];
    this.keyOf = []; // the number of its key
    this.partsOf = []; // the numbers of its key's parts
    this.windowOf = []; // the number of its window
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

  /** The number of the cell of `key` in the window that holds `time`, a bigint. */
  find(time, key) {
    this.turn(time);
    const { parts } = this;
    const numbers = new Array(parts.length);
    for (let i = 0; i < numbers.length; i++) numbers[i] = parts[i].number(key[parts[i].name]);
    return this.findNumbered(numbers);
  }

  findNumbered(numbers) {
    let number = numbers.length === 0 ? 0 : numbers[0];
    for (let i = 1; i < numbers.length; i++) number = this.trie[i - 1].number(number, numbers[i]);
    const cell = this.byWindow.number(number, this.at);
    if (cell === this.states.length) {
      this.states.push(this.type.create());
      this.keyOf.push(number);
      this.partsOf.push(numbers);
      this.windowOf.push(this.at);
    }
    return cell;
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

  /** The cells as the contract has them. */
  finish() {
    return this.columns(this.states, this.partsOf, this.windowOf.map((at) => this.windows[at]));
  }

  /** The same of windows that are `hops` panes wide, where the cells are panes of order-free states. */
  finishPanes(hops) {
    const { type, window } = this;
    const [states, keys, starts] = [[], [], []];
    const found = new Map(); // key and window -> index
    const scratch = new Writer();
    this.states.forEach((pane, cell) => {
      scratch.length = 0;
      pane.encode(scratch);
      for (let hop = 0; hop < hops; hop++) {
        const start = this.windows[this.windowOf[cell]] - BigInt(hop) * window.slide;
        const name = `${this.keyOf[cell]} ${start}`;
        const copy = type.decode(new Reader(scratch.bytes, 0, scratch.length));
        const at = found.get(name);
        if (at === undefined) {
          found.set(name, states.length);
          states.push(copy);
          keys.push(this.partsOf[cell]);
          starts.push(start);
        } else {
          states[at].merge(copy);
        }
      }
    });
    return this.columns(states, keys, starts);
  }

  columns(states, keys, starts) {
    const out = new Writer(64 * states.length + 64);
    const ends = new Uint32Array(states.length);
    for (let i = 0; i < states.length; i++) {
      states[i].encode(out);
      ends[i] = out.length;
    }
    return {
      keys: this.parts.map((values, part) => keyColumn(values, keys, part)),
      windows: this.window === undefined ? NOTHING : bytesOf(BigInt64Array.from(starts)),
      states: { ends: bytesOf(ends), bytes: out.finish() },
    };
  }
}

/** The start of the latest window that holds a time; undefined if its first one would be out of range. */
function latestStart({ size, slide }, time) {
  let start = time - (time % slide);
  if (start > time) start -= slide;
  return start - (size - slide) < MIN_64 ? undefined : start;
}

/** Bounds as numbers; NaN if a number is not exact there. */
function numbersIfExact(start, end) {
  const exact = BigInt(Number.MAX_SAFE_INTEGER);
  return start > -exact && end < exact ? [Number(start), Number(end)] : [NaN, NaN];
}

/**
 * Slots for rows that have the same key and window: the cell of a row is then found by its slot. In
 * one loop over a chunk, where a look-up for each row costs five times as much.
 */
export class Slots {
  /**
   * `columns`: the text columns of all parts of the key, every row of which is present; `rows`: their
   * numbers, undefined for all.
   */
  constructor(cells, columns, times, rows) {
    this.cells = cells;
    this.columns = columns;
    this.times = times;
    this.numbers = columns.map((column) => new Int32Array(column.texts.length).fill(-1));
    this.rowOf = []; // a row of each slot
    this.of = this.assign(rows); // slot of each of the rows; -1: it has no window
  }

  assign(rows) {
    const { cells, columns, times, rowOf } = this;
    const count = rows === undefined ? times.length : rows.length;
    const slots = new Int32Array(count);
    const [first, second] = columns.map((column) => column.values);
    const radixes = columns.map((column) => column.texts.length);
    const places = radixes.reduce((product, radix) => product * radix, 1);
    // Small dictionaries are multiplied out; of large ones the pairs that occur are found by a Map.
    const isSmall = places <= 4 * count + 1024;
    const tables = new Map();
    const { window } = cells;
    const toNumber = Number;
    const radix = radixes[1];
    const hasMore = columns.length > 2;
    let table;
    // Times as numbers, which compare faster. Where they are not exact no time is within.
    let start = NaN;
    let end = NaN;
    for (let i = 0; i < count; i++) {
      const row = rows === undefined ? i : rows[i];
      const time = toNumber(times[row]);
      if (!(time < end && time >= start)) {
        const exact = window === undefined ? 0n : latestStart(window, times[row]);
        if (exact === undefined) {
          slots[i] = -1;
          continue;
        }
        [start, end] = window === undefined ? [-Infinity, Infinity] : numbersIfExact(exact, exact + window.slide);
        table = tables.get(exact);
        if (table === undefined) tables.set(exact, (table = isSmall ? new Int32Array(places) : new Map()));
      }
      let place = first[row];
      if (second !== undefined) place = place * radix + second[row];
      if (hasMore) for (let k = 2; k < columns.length; k++) place = place * radixes[k] + columns[k].values[row];
      // One more than the slot, so that 0 is none.
      let next = isSmall ? table[place] : table.get(place);
      if (next === 0 || next === undefined) {
        next = rowOf.push(row);
        if (isSmall) table[place] = next;
        else table.set(place, next);
      }
      slots[i] = next - 1;
    }
    return slots;
  }

  /** The number of the cell of a row: each text is looked at once. */
  cell(row) {
    const numbers = new Array(this.columns.length);
    for (let i = 0; i < numbers.length; i++) {
      const { values, texts } = this.columns[i];
      const known = this.numbers[i];
      const code = values[row];
      if (known[code] < 0) known[code] = this.cells.parts[i].number(texts[code]);
      numbers[i] = known[code];
    }
    this.cells.turn(this.times[row]);
    return this.cells.findNumbered(numbers);
  }
}
