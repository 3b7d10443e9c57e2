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
  for (const numbers of keys) column.push(list[numbers[part]]);
  return column.finish();
}

/** Where a transform puts what it has seen: one state for each key and window. */
export class Cells {
  /**
   * `keys`: names and kinds; `type`: the part of a cell; `window`: `{ size, slide }` in bigint
   * milliseconds, undefined if it is global; `times`: a BigInt64Array; `coded`: the text columns that
   * the parts of a key are in when an event stands for its own key, undefined if they are none.
   */
  constructor(keys, type, window, times, coded) {
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
    // The window at hand, [start, end) of times that share it, and the states of coded keys in it.
    this.start = 0n;
    this.end = 0n;
    this.at = -1;
    this.back = 0n;
    this.memo = undefined;
    this.memos = new Map();
    // The event at hand.
    this.row = 0;
    this.event = undefined;
    this.hop = 1;
    this.touched = -1; // the last row that asked for a cell
    this.setCoded(coded);
    if (window === undefined) this.enter(0n, MIN_64, 2n ** 63n);
  }

  setCoded(coded) {
    this.codes = coded?.map((column) => column.values);
    this.radixes = coded?.map((column) => column.texts.length);
    const places = this.radixes?.reduce((product, radix) => product * radix, 1) ?? 0;
    // Small dictionaries are multiplied out; of large ones the pairs that occur are found by a Map.
    this.isSmall = places <= 4 * this.times.length + 1024;
    this.isCoded = coded !== undefined && places < Number.MAX_SAFE_INTEGER;
    this.places = places;
    this.texts = coded?.map((column) => column.texts);
    this.numbersByCode = this.radixes?.map((radix) => new Int32Array(radix).fill(-1));
  }

  /** The event's time, in milliseconds since 1970. */
  get time() {
    return Number(this.times[this.row]);
  }

  /**
   * The state of `key` in the window of the event's time. An event that has the members of its key
   * may stand for it, which is found at half the price.
   */
  cell(key) {
    this.touched = this.row;
    const time = this.times[this.row];
    if (time >= this.end || time < this.start) this.turn(time);
    if (key === this.event && this.isCoded) {
      const place = this.place(this.row);
      const state = this.isSmall ? this.memo[place] : this.memo.get(place);
      return state === undefined ? this.remember(place) : state;
    }
    return this.states[this.find(key)];
  }

  /**
   * The state of `key` in the window that holds `time`, for events that concern another time than
   * their own: a correction, a refund of yesterday's order.
   */
  cellAt(time, key) {
    this.touched = this.row;
    const exact = BigInt(time);
    if (exact >= this.end || exact < this.start) this.turn(exact);
    return this.states[this.find(key)];
  }

  /** The number of the key that the columns have in a row. */
  place(row) {
    const { codes, radixes } = this;
    let place = codes[0][row];
    for (let i = 1; i < codes.length; i++) place = place * radixes[i] + codes[i][row];
    return place;
  }

  remember(place) {
    const state = this.states[this.findCoded(this.row)];
    if (this.isSmall) this.memo[place] = state;
    else this.memo.set(place, state);
    return state;
  }

  /** The cell of a key in the window at hand. */
  find(key) {
    return this.findNumbered(this.parts.map((part) => part.number(key[part.name])));
  }

  /** The same of the key that the columns have in a row: each text is looked at once a chunk. */
  findCoded(row) {
    const numbers = new Array(this.codes.length);
    for (let i = 0; i < numbers.length; i++) {
      const code = this.codes[i][row];
      const known = this.numbersByCode[i];
      if (known[code] < 0) known[code] = this.parts[i].number(this.texts[i][code]);
      numbers[i] = known[code];
    }
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

  /** Turns to the window of a time: the one that starts last, and `back` before it. */
  turn(time) {
    const { size, slide } = this.window;
    let start = time - (time % slide);
    if (start > time) start -= slide;
    if (start - (size - slide) < MIN_64) throw new RangeError(`time ${time} ms is too early to have a window`);
    this.enter(start - this.back, start, start + slide);
  }

  enter(window, start, end) {
    let at = this.windowNumbers.get(window);
    if (at === undefined) {
      at = this.windows.length;
      if (at === VALUES_MAX) throw new Error(`more than ${VALUES_MAX} windows in one chunk`);
      this.windowNumbers.set(window, at);
      this.windows.push(window);
    }
    this.at = at;
    this.start = start;
    this.end = end;
    if (this.isCoded) {
      this.memo = this.memos.get(at);
      if (this.memo === undefined) this.memos.set(at, (this.memo = this.isSmall ? new Array(this.places) : new Map()));
    }
  }

  /** Turns to the next of the windows that hold a time, each one slide earlier. */
  nextHop() {
    this.back = BigInt(this.hop++) * this.window.slide;
    this.end = this.start; // whatever is asked for next, turn
    return true;
  }

  /** Back to the latest of the windows. */
  resetHop() {
    if (this.hop === 1) return;
    this.hop = 1;
    this.back = 0n;
    this.end = this.start;
  }

  refuseResult() {
    throw new TypeError("fold returned a value: it returns nothing, and is not asynchronous");
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
