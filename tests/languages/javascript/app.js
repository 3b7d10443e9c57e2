// Revenue per merchant, currency and hour of completed orders: a transform in JavaScript, written
// from `wit/transform.wit` alone.
//
// JavaScript's numbers are exact to 2^53 only and BigInt is slow, so a 64-bit value travels as two
// 32-bit halves, `high * 2^32 + low` with `low` unsigned; a sum of a million halves is still exact.
//
// A state is 32 bytes, little-endian: the sum of the amounts (two's complement, 16), the number of
// orders (unsigned, 8), the largest amount (signed, 8).

const HOUR_MS = 3_600_000;
const TWO_32 = 2 ** 32;
// Times from -2^52 to 2^52 are whole numbers of a double, with room for the end of their window.
const SAFE_HIGH = 2 ** 20;
// Beyond this number of rows a sum of halves could exceed 2^53 and round.
const ROWS_PER_BLOCK = 2 ** 20;
const STATE_BYTES = 32;
const NOTHING = new Uint8Array(0);
const NO_HEAP = { ends: NOTHING, bytes: NOTHING };

const text = (name) => ({ name, path: name, kind: { tag: "text" }, required: true });
const decimal = (name) => ({ name, path: name, kind: { tag: "decimal", val: 2 }, required: true });
const integer = (name) => ({ name, path: name, kind: { tag: "integer" }, required: true });

const DESCRIPTION = {
  name: "revenue",
  summary: "Hourly revenue per merchant and currency of completed orders",
  inputs: [text("merchant_id"), text("currency"), decimal("amount"), text("status")],
  keys: [text("merchant_id"), text("currency")],
  outputs: [decimal("amount"), integer("orders"), decimal("largest")],
  only: undefined,
  window: { sizeMs: BigInt(HOUR_MS), slideMs: BigInt(HOUR_MS) },
  order: "none",
  initial: undefined,
  annotations: [["time", "ts"]],
};

/** A view of `buffer` as another typed array; copied first where its address is not aligned. */
function cast(Type, buffer) {
  if (buffer.length % Type.BYTES_PER_ELEMENT) throw new Error(`a buffer of ${buffer.length} bytes is cut short`);
  const aligned = buffer.byteOffset % Type.BYTES_PER_ELEMENT ? buffer.slice() : buffer;
  return new Type(aligned.buffer, aligned.byteOffset, aligned.length / Type.BYTES_PER_ELEMENT);
}

const bytesOf = (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** Guards a promise of the host: events without a required input do not come here. */
function requirePresent(field, column, rows) {
  const validity = column.validity;
  if (!validity.length) return;
  for (let row = 0; row < rows; row++) {
    if (!((validity[row >> 3] >> (row & 7)) & 1)) throw new Error(`${field} is required and absent from row ${row}`);
  }
}

/** The index of an ASCII `value` in a text heap, or -1, which no row has. */
function codeOf(heap, value) {
  const ends = cast(Uint32Array, heap.ends);
  for (let code = 0, start = 0; code < ends.length; start = ends[code++]) {
    if (ends[code] - start !== value.length) continue;
    let i = 0;
    while (i < value.length && heap.bytes[start + i] === value.charCodeAt(i)) i++;
    if (i === value.length) return code;
  }
  return -1;
}

/**
 * Numbers for pairs of a merchant and a currency. Small dictionaries are multiplied out, which costs
 * nothing a row; of large ones the pairs that occur are counted, so that no table outgrows the chunk.
 */
function numberPairs(merchantCount, currencyCount, rows) {
  if (merchantCount * currencyCount <= 4 * rows + 1024) {
    return { count: merchantCount * currencyCount, numberOf: undefined };
  }
  const numbers = new Map();
  const numberOf = (merchant, currency) => {
    const pair = merchant * currencyCount + currency;
    let number = numbers.get(pair);
    if (number === undefined) numbers.set(pair, (number = numbers.size));
    return number;
  };
  return { count: rows, numberOf };
}

/** The cells of one fold: columns with one entry a cell. */
class Cells {
  constructor(rows, pairs) {
    this.count = 0;
    this.pairCount = pairs;
    this.hours = []; // distinct hours since 1970
    this.hourNumbers = new Map(); // hour -> index in hours
    this.slots = new Map(); // (index of hour, pair) -> cell
    this.latest = new Int32Array(pairs).fill(-1); // pair -> the cell it was last seen in
    this.hour = new Int32Array(rows); // index in hours
    this.merchant = new Uint32Array(rows);
    this.currency = new Uint32Array(rows);
    this.sumHigh = new Float64Array(rows);
    this.sumLow = new Float64Array(rows);
    this.orders = new Float64Array(rows);
    this.largestHigh = new Int32Array(rows);
    this.largestLow = new Uint32Array(rows);
  }

  numberOfHour(hour) {
    let number = this.hourNumbers.get(hour);
    if (number === undefined) {
      number = this.hours.length;
      this.hours.push(hour);
      this.hourNumbers.set(hour, number);
    }
    return number;
  }

  /** The cell of a pair in an hour that is not the one in `latest`. */
  find(hour, pair, merchant, currency) {
    const key = hour * this.pairCount + pair;
    let cell = this.slots.get(key);
    if (cell === undefined) {
      cell = this.count++;
      this.slots.set(key, cell);
      this.hour[cell] = hour;
      this.merchant[cell] = merchant;
      this.currency[cell] = currency;
      this.largestHigh[cell] = -(2 ** 31);
    }
    this.latest[pair] = cell;
    return cell;
  }

  /** Moves what the low halves of the sums hold beyond 32 bits to the high halves. */
  carry() {
    for (let cell = 0; cell < this.count; cell++) {
      const carry = Math.floor(this.sumLow[cell] / TWO_32);
      this.sumLow[cell] -= carry * TWO_32;
      this.sumHigh[cell] += carry;
    }
  }
}

/** Hours since 1970 of a time given as halves: exact where a double is not. */
function hourOf(high, low) {
  if (high >= -SAFE_HIGH && high < SAFE_HIGH) return Math.floor((high * TWO_32 + low) / HOUR_MS);
  const time = (BigInt(high) << 32n) | BigInt(low);
  const hour = time / BigInt(HOUR_MS);
  return Number(time < 0n && hour * BigInt(HOUR_MS) !== time ? hour - 1n : hour);
}

function foldRows(events, cells, numberOf, completed, from, to) {
  const [merchants, currencies, amountColumn, statusColumn] = events.columns;
  const times = cast(Int32Array, events.times);
  const merchantCodes = cast(Uint32Array, merchants.fixed);
  const currencyCodes = cast(Uint32Array, currencies.fixed);
  const amounts = cast(Int32Array, amountColumn.fixed);
  const statuses = cast(Uint32Array, statusColumn.fixed);
  const currencyCount = currencies.heap.ends.length / 4;
  const { latest, hour: hourOfCell, sumHigh, sumLow, orders, largestHigh, largestLow } = cells;
  let hour = -1; // of the row before: its index in cells.hours, start and end
  let start = 0;
  let end = 0;
  for (let row = from; row < to; row++) {
    if (statuses[row] !== completed) continue;
    const low = times[2 * row] >>> 0;
    const time = times[2 * row + 1] * TWO_32 + low;
    if (!(time >= start && time < end)) {
      const number = hourOf(times[2 * row + 1], low);
      hour = cells.numberOfHour(number);
      start = number * HOUR_MS;
      // A time that is not exact as a double must not be compared with a window: make it miss.
      end = Math.abs(time) < SAFE_HIGH * TWO_32 ? start + HOUR_MS : start;
    }
    const merchant = merchantCodes[row];
    const currency = currencyCodes[row];
    const pair = numberOf ? numberOf(merchant, currency) : merchant * currencyCount + currency;
    let cell = latest[pair];
    if (cell < 0 || hourOfCell[cell] !== hour) cell = cells.find(hour, pair, merchant, currency);
    const amountHigh = amounts[2 * row + 1];
    const amountLow = amounts[2 * row] >>> 0;
    sumHigh[cell] += amountHigh;
    sumLow[cell] += amountLow;
    orders[cell]++;
    const highest = largestHigh[cell];
    if (amountHigh > highest || (amountHigh === highest && amountLow > largestLow[cell])) {
      largestHigh[cell] = amountHigh;
      largestLow[cell] = amountLow;
    }
  }
}

const endsOf = (count) => bytesOf(Uint32Array.from({ length: count }, (_, i) => STATE_BYTES * (i + 1)));

function statesOf(cells) {
  const words = new Uint32Array(cells.count * 8);
  for (let cell = 0, at = 0; cell < cells.count; cell++, at += 8) {
    const high = cells.sumHigh[cell];
    words[at] = cells.sumLow[cell];
    words[at + 1] = high; // modulo 2^32
    const sign = Math.floor(high / TWO_32); // what is left of it, and its sign
    words[at + 2] = sign;
    words[at + 3] = sign < 0 ? 0xffffffff : 0;
    words[at + 4] = cells.orders[cell];
    words[at + 5] = 0;
    words[at + 6] = cells.largestLow[cell];
    words[at + 7] = cells.largestHigh[cell];
  }
  return { ends: endsOf(cells.count), bytes: bytesOf(words) };
}

function windowsOf(cells) {
  const starts = cells.hours.map((hour) => {
    const start = BigInt(hour) * BigInt(HOUR_MS);
    if (BigInt.asIntN(64, start) !== start) throw new Error(`window ${start} is out of range`);
    return start;
  });
  const windows = new BigInt64Array(cells.count);
  for (let cell = 0; cell < cells.count; cell++) windows[cell] = starts[cells.hour[cell]];
  return bytesOf(windows);
}

/** The states as 32-bit words, eight a state; refuses any other length. */
function wordsOf(states) {
  const ends = cast(Uint32Array, states.ends);
  for (let i = 0; i < ends.length; i++) {
    if (ends[i] !== STATE_BYTES * (i + 1)) throw new Error(`state ${i} is not ${STATE_BYTES} bytes long`);
  }
  if (states.bytes.length !== STATE_BYTES * ends.length) throw new Error("there are bytes after the last state");
  return cast(Uint32Array, states.bytes);
}

/** Writes the sum of `words` words of two's complement at `at`; returns what it carries out. */
function addWords(left, right, into, at, words) {
  let carry = 0;
  for (let i = at; i < at + words; i++) {
    const sum = left[i] + right[i] + carry;
    into[i] = sum; // modulo 2^32
    carry = sum >= TWO_32 ? 1 : 0;
  }
  return carry;
}

function describe() {
  return DESCRIPTION;
}

function fold(events) {
  const rows = events.times.length / 8;
  const [merchants, currencies, , statuses] = events.columns;
  DESCRIPTION.inputs.forEach((input, i) => requirePresent(input.name, events.columns[i], rows));
  const completed = codeOf(statuses.heap, "completed");
  const pairs = numberPairs(merchants.heap.ends.length / 4, currencies.heap.ends.length / 4, rows);
  const cells = new Cells(rows, pairs.count);
  for (let from = 0; from < rows; from += ROWS_PER_BLOCK) {
    foldRows(events, cells, pairs.numberOf, completed, from, Math.min(from + ROWS_PER_BLOCK, rows));
    cells.carry();
  }
  const key = (codes, heap) => ({ fixed: bytesOf(codes.slice(0, cells.count)), heap, validity: NOTHING });
  return {
    cells: {
      keys: [key(cells.merchant, merchants.heap), key(cells.currency, currencies.heap)],
      windows: windowsOf(cells),
      states: statesOf(cells),
    },
    rejected: [],
  };
}

function merge(left, right) {
  const [a, b] = [wordsOf(left), wordsOf(right)];
  if (a.length !== b.length) throw new Error("left and right are not of one length");
  const merged = new Uint32Array(a.length);
  for (let at = 0; at < a.length; at += 8) {
    addWords(a, b, merged, at, 4);
    // Equal signs that give another sign: the sum does not fit.
    if ((~(a[at + 3] ^ b[at + 3]) & (a[at + 3] ^ merged[at + 3])) < 0) throw new Error("amount is out of 128 bits");
    if (addWords(a, b, merged, at + 4, 2)) throw new Error("orders is out of 64 bits");
    const [highA, highB] = [a[at + 7] | 0, b[at + 7] | 0];
    const larger = highA > highB || (highA === highB && a[at + 6] >= b[at + 6]) ? a : b;
    merged[at + 6] = larger[at + 6];
    merged[at + 7] = larger[at + 7];
  }
  return { ends: left.ends, bytes: bytesOf(merged) };
}

function present(_keys, _windows, states) {
  const words = wordsOf(states);
  const count = words.length / 8;
  const [amount, orders, largest] = [0, 1, 2].map(() => new Uint32Array(count * 2));
  for (let row = 0, at = 0; row < count; row++, at += 8) {
    const sign = words[at + 1] >> 31;
    if ((words[at + 2] | 0) !== sign || (words[at + 3] | 0) !== sign) {
      throw new Error("amount is out of range: it does not fit in 64 bits");
    }
    if (words[at + 5] >>> 31) throw new Error("orders is out of range: it does not fit in 64 bits");
    amount.set([words[at], words[at + 1]], 2 * row);
    orders.set([words[at + 4], words[at + 5]], 2 * row);
    largest.set([words[at + 6], words[at + 7]], 2 * row);
  }
  return [amount, orders, largest].map((values) => ({ fixed: bytesOf(values), heap: NO_HEAP, validity: NOTHING }));
}

/** Makes every exception an error with its text: one that leaves a component is a trap without a word. */
function told(call) {
  return (...parameters) => {
    try {
      return call(...parameters);
    } catch (error) {
      throw String(error);
    }
  };
}

export const transform = { describe: told(describe), fold: told(fold), merge: told(merge), present: told(present) };
