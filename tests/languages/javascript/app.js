// Revenue per merchant, currency and hour of completed orders: a transform in JavaScript, written
// from `wit/transform.wit` alone.
//
// JavaScript's numbers are exact to 2^53 only and BigInt is slow. So 64-bit values are read as two
// halves, `high * 2^32 + low` with `low` unsigned; what is small enough to be summed exactly as a number
// is, and the rare value that is not takes the way of BigInt.
//
// A state is 32 bytes, little-endian: the sum of the amounts (two's complement, 16), the number of
// orders (unsigned, 8), the largest amount (signed, 8).

const HOUR_MS = 3_600_000;
const TWO_32 = 2 ** 32;
// Times from -2^52 to 2^52 are exact as numbers, with room for the end of their window.
const SAFE_TIME = 2 ** 52;
// So many amounts from -2^32 to 2^32 have a sum that is exact as a number. A larger chunk is an error,
// at which the host folds its halves.
const ROWS_MAX = 2 ** 20;
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
    this.orders = new Float64Array(rows);
    // Of amounts from -2^32 to 2^32.
    this.sum = new Float64Array(rows);
    this.largest = new Float64Array(rows);
    // Of the others: cell -> { sum, largest }, BigInt.
    this.wide = new Map();
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
      this.largest[cell] = -Infinity;
    }
    this.latest[pair] = cell;
    return cell;
  }

  addWide(cell, amount) {
    const before = this.wide.get(cell);
    const largest = before && before.largest > amount ? before.largest : amount;
    this.wide.set(cell, { sum: before ? before.sum + amount : amount, largest });
  }
}

const bigOf = (high, low) => (BigInt(high) << 32n) | BigInt(low);

/** Hours since 1970 of a time given as halves: exact where a number is not. */
function hourOf(high, low) {
  const time = high * TWO_32 + low;
  if (Math.abs(time) < SAFE_TIME) return Math.floor(time / HOUR_MS);
  const exact = bigOf(high, low);
  const hour = exact / BigInt(HOUR_MS);
  return Number(exact < 0n && hour * BigInt(HOUR_MS) !== exact ? hour - 1n : hour);
}

function foldRows(events, rows, cells, numberOf, completed) {
  const [merchants, currencies, amountColumn, statusColumn] = events.columns;
  const times = cast(Int32Array, events.times);
  const merchantCodes = cast(Uint32Array, merchants.fixed);
  const currencyCodes = cast(Uint32Array, currencies.fixed);
  const amounts = cast(Int32Array, amountColumn.fixed);
  const statuses = cast(Uint32Array, statusColumn.fixed);
  const currencyCount = currencies.heap.ends.length / 4;
  const { latest, hour: hourOfCell, sum, orders, largest } = cells;
  let hour = -1; // of the row before: its index in cells.hours, start and end
  let start = 0;
  let end = 0;
  for (let row = 0; row < rows; row++) {
    if (statuses[row] !== completed) continue;
    const low = times[2 * row] >>> 0;
    const time = times[2 * row + 1] * TWO_32 + low;
    if (!(time >= start && time < end)) {
      const number = hourOf(times[2 * row + 1], low);
      hour = cells.numberOfHour(number);
      start = number * HOUR_MS;
      // A time that is not exact as a number must not be compared with a window: make it miss.
      end = Math.abs(time) < SAFE_TIME ? start + HOUR_MS : start;
    }
    const merchant = merchantCodes[row];
    const currency = currencyCodes[row];
    const pair = numberOf ? numberOf(merchant, currency) : merchant * currencyCount + currency;
    let cell = latest[pair];
    if (cell < 0 || hourOfCell[cell] !== hour) cell = cells.find(hour, pair, merchant, currency);
    orders[cell]++;
    const amountLow = amounts[2 * row] >>> 0;
    const amountHigh = amounts[2 * row + 1];
    if (amountHigh === 0 || amountHigh === -1) {
      const amount = amountHigh * TWO_32 + amountLow;
      sum[cell] += amount;
      if (amount > largest[cell]) largest[cell] = amount;
    } else {
      cells.addWide(cell, bigOf(amountHigh, amountLow));
    }
  }
}

function endsOf(count) {
  const ends = new Uint32Array(count);
  for (let i = 0; i < count; ) ends[i] = STATE_BYTES * ++i;
  return bytesOf(ends);
}

/** Writes a whole number as two words of two's complement. */
function putNumber(words, at, number) {
  const low = number >>> 0; // modulo 2^32, as all that is written to a Uint32Array
  words[at] = low;
  words[at + 1] = (number - low) / TWO_32;
}

function statesOf(cells) {
  const words = new Uint32Array(cells.count * 8);
  for (let cell = 0, at = 0; cell < cells.count; cell++, at += 8) {
    const sum = cells.sum[cell];
    putNumber(words, at, sum);
    words[at + 2] = words[at + 3] = sum < 0 ? 0xffffffff : 0;
    putNumber(words, at + 4, cells.orders[cell]);
    putNumber(words, at + 6, cells.largest[cell]);
  }
  const view = new DataView(words.buffer);
  for (const [cell, wide] of cells.wide) {
    const at = STATE_BYTES * cell;
    const sum = wide.sum + BigInt(cells.sum[cell]);
    const other = cells.largest[cell]; // -Infinity if there is none
    const largest = other > wide.largest ? BigInt(other) : wide.largest;
    view.setBigInt64(at, BigInt.asIntN(64, sum), true);
    view.setBigInt64(at + 8, sum >> 64n, true);
    view.setBigInt64(at + 24, largest, true);
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

function describe() {
  return DESCRIPTION;
}

function fold(events) {
  const rows = events.times.length / 8;
  if (rows > ROWS_MAX) throw new Error(`a chunk of ${rows} rows; at most ${ROWS_MAX} are summed exactly`);
  const [merchants, currencies, , statuses] = events.columns;
  DESCRIPTION.inputs.forEach((input, i) => requirePresent(input.name, events.columns[i], rows));
  const completed = codeOf(statuses.heap, "completed");
  const pairs = numberPairs(merchants.heap.ends.length / 4, currencies.heap.ends.length / 4, rows);
  const cells = new Cells(rows, pairs.count);
  foldRows(events, rows, cells, pairs.numberOf, completed);
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
    // Word by word; a word takes a sum modulo 2^32.
    let sum = (merged[at] = a[at] + b[at]);
    sum = merged[at + 1] = a[at + 1] + b[at + 1] + (sum >= TWO_32 ? 1 : 0);
    sum = merged[at + 2] = a[at + 2] + b[at + 2] + (sum >= TWO_32 ? 1 : 0);
    merged[at + 3] = a[at + 3] + b[at + 3] + (sum >= TWO_32 ? 1 : 0);
    // Equal signs that give another sign: the sum does not fit.
    if ((~(a[at + 3] ^ b[at + 3]) & (a[at + 3] ^ merged[at + 3])) < 0) throw new Error("amount is out of 128 bits");
    sum = merged[at + 4] = a[at + 4] + b[at + 4];
    sum = merged[at + 5] = a[at + 5] + b[at + 5] + (sum >= TWO_32 ? 1 : 0);
    if (sum >= TWO_32) throw new Error("orders is out of 64 bits");
    const highA = a[at + 7] | 0;
    const highB = b[at + 7] | 0;
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
