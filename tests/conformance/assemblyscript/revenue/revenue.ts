// Hourly revenue per merchant and currency of completed orders, written from `wit/transform.wit` alone: no SDK and
// no generated bindings. Records are read and written at the offsets that the canonical ABI gives them; addresses
// and lengths are 32 bits. build.mjs gives the exports their canonical names.

// @ts-ignore: decorator
@external("bifocal:transform/host@1.0.0", "settings")
declare function settings(out: usize): void;

// ---- Memory: of one call. It goes when the result has been read, and is taken again from the start. ----

let top: usize = __heap_base;

function allocate(size: usize): usize {
  const at = (top + 15) & ~15;
  top = at + size;
  const pages = <i32>((top + 0xffff) >>> 16);
  if (pages > memory.size() && memory.grow(pages - memory.size()) < 0) unreachable();
  return at;
}

/** The same, all zero: a second call in one instance finds what the first one left. */
function cleared(size: usize): usize {
  const at = allocate(size);
  memory.fill(at, 0, size);
  return at;
}

export function cabi_realloc(old: usize, oldSize: usize, alignment: usize, newSize: usize): usize {
  const at = allocate(newSize);
  memory.copy(at, old, min(oldSize, newSize));
  return at;
}

export function release(result: usize): void {
  top = __heap_base;
}

// ---- Texts and lists: an address, and behind it a length ----

function list(into: usize, at: usize, length: usize): void {
  store<usize>(into, at);
  store<usize>(into, length, 4);
}

/** Writes the list of a text. */
function text(into: usize, what: string): void {
  const at = allocate(<usize>what.length * 3);
  list(into, at, String.UTF8.encodeUnsafe(changetype<usize>(what), what.length, at));
}

function isText(at: usize, length: usize, wanted: string): bool {
  const bytes = allocate(<usize>wanted.length * 3);
  const wantedLength = String.UTF8.encodeUnsafe(changetype<usize>(wanted), wanted.length, bytes);
  return length == wantedLength && memory.compare(at, bytes, length) == 0;
}

// An error is a text that is being written.
let error: usize = 0;
let errorLength: usize = 0;

function write(part: string): void {
  if (!error) error = allocate(1024);
  errorLength += String.UTF8.encodeUnsafe(changetype<usize>(part), part.length, error + errorLength);
}

/** A number of 128 bits without its sign, with a point before its last `digits` digits. */
function writeNumber(high: u64, low: u64, digits: i32): void {
  const end = allocate(64) + 64;
  let at = end;
  for (let count = 0; high | low || count <= digits; count++) {
    if (digits > 0 && count == digits) store<u8>(--at, 0x2e);
    // Long division by ten, 32 bits at a time.
    let rest: u64 = high % 10;
    high /= 10;
    const upper = (rest << 32) | (low >>> 32);
    const lower = ((upper % 10) << 32) | (low & 0xffffffff);
    low = ((upper / 10) << 32) | (lower / 10);
    store<u8>(--at, <u8>(0x30 + (lower % 10)));
  }
  if (!error) error = allocate(1024);
  memory.copy(error + errorLength, at, end - at);
  errorLength += end - at;
}

/** The result of a call that failed; `payload` is where a result has its payload. */
function failed(payload: usize): usize {
  const result = cleared(payload + 8);
  store<u8>(result, 1);
  list(result + payload, error, errorLength);
  error = errorLength = 0;
  return result;
}

/** Value `i` of blobs begins here. */
function startOf(ends: usize, i: usize): usize {
  return i ? <usize>load<u32>(ends + 4 * (i - 1)) : 0;
}

// ---- Describing ----

const INTEGER: u8 = 1, TEXT: u8 = 3, DECIMAL: u8 = 6;

/** A field: name, path, kind (a tag and, for decimals, digits), required; 32 bytes. */
function field(at: usize, name: string, kind: u8, isInput: bool): void {
  text(at, name);
  if (isInput) text(at + 8, name);
  store<u8>(at, kind, 16);
  if (kind == DECIMAL) store<u8>(at, 2, 20);
  store<u8>(at, isInput, 28);
}

export function describe(): usize {
  const given = cleared(8);
  settings(given);
  if (!isText(load<usize>(given), load<usize>(given, 4), "{}")) {
    write("settings ");
    memory.copy(error + errorLength, load<usize>(given), min<usize>(load<usize>(given, 4), 900));
    errorLength += min<usize>(load<usize>(given, 4), 900);
    write(" do not fit: this transform has no settings");
    return failed(8);
  }
  const result = cleared(128);
  const description = result + 8;
  text(description, "revenue");
  text(description + 8, "Hourly revenue per merchant and currency of completed orders.");
  const inputs = cleared(4 * 32);
  field(inputs, "merchant_id", TEXT, true);
  field(inputs + 32, "currency", TEXT, true);
  field(inputs + 64, "amount", DECIMAL, true);
  field(inputs + 96, "status", TEXT, true);
  list(description + 16, inputs, 4);
  const keys = cleared(2 * 32);
  field(keys, "merchant_id", TEXT, false);
  field(keys + 32, "currency", TEXT, false);
  list(description + 24, keys, 2);
  const outputs = cleared(3 * 32);
  field(outputs, "amount", DECIMAL, false);
  field(outputs + 32, "orders", INTEGER, false);
  field(outputs + 64, "largest", DECIMAL, false);
  list(description + 32, outputs, 3);
  // No filter; the window is some, of a size and a slide; order none, no initial state.
  store<u8>(description, 1, 64);
  store<u64>(description, HOUR_MS, 72);
  store<u64>(description, HOUR_MS, 80);
  const annotation = cleared(16);
  text(annotation, "time");
  text(annotation + 8, "ts");
  list(description + 104, annotation, 1);
  return result;
}

// ---- States: an exact sum of 128 bits, a count, the largest behind a byte 1; as the SDKs have them ----

const HOUR_MS: i64 = 3_600_000;

/** A cell in memory: its state as it is encoded, 33 bytes, then window, merchant and currency. */
const LOW: usize = 0, HIGH: usize = 8, ORDERS: usize = 16, IS_SOME: usize = 24, LARGEST: usize = 25;
const WINDOW: usize = 40, MERCHANT: usize = 48, CURRENCY: usize = 52, CELL: usize = 56;

/** Adds to a state another one, whose words these are. */
function add(state: usize, low: u64, high: u64, orders: u64, isSome: bool, largest: i64): void {
  const sum = load<u64>(state, LOW) + low;
  store<u64>(state, sum, LOW);
  store<u64>(state, load<u64>(state, HIGH) + high + <u64>(sum < low), HIGH);
  const count = load<u64>(state, ORDERS) + orders;
  store<u64>(state, count < orders ? u64.MAX_VALUE : count, ORDERS);
  if (isSome && (!load<u8>(state, IS_SOME) || largest > load<i64>(state, LARGEST))) {
    store<u8>(state, 1, IS_SOME);
    store<i64>(state, largest, LARGEST);
  }
}

function sizeOf(state: usize): usize {
  return load<u8>(state, IS_SOME) ? 33 : 25;
}

/** Whether these are the bytes of a state; if not, the error says so. */
function isState(at: usize, length: usize): bool {
  if ((length == 33 && load<u8>(at, IS_SOME) == 1) || (length == 25 && load<u8>(at, IS_SOME) == 0)) return true;
  write("malformed state of ");
  writeNumber(0, length, 0);
  write(" bytes");
  return false;
}

// ---- Folding ----

let cells: usize = 0;
let count: usize = 0;
let room: usize = 0;
let slots: usize = 0;
let slotCount: usize = 0;

/** The slot that holds the index + 1 of a cell, or the free one where it belongs. */
function slotOf(window: i64, merchant: u32, currency: u32): usize {
  let hash = <u64>window * 0x9e3779b97f4a7c15;
  hash = (hash ^ ((<u64>merchant << 32) | currency)) * 0x9e3779b97f4a7c15;
  let at = <usize>(hash >>> 40);
  while (true) {
    const slot = slots + 4 * (at & (slotCount - 1));
    const index = load<u32>(slot);
    if (!index) return slot;
    const cell = cells + CELL * <usize>(index - 1);
    // Within one chunk codes tell texts apart, since a dictionary has each once.
    if (load<i64>(cell, WINDOW) == window && load<u32>(cell, MERCHANT) == merchant && load<u32>(cell, CURRENCY) == currency) return slot;
    at++;
  }
}

function cellOf(window: i64, merchant: u32, currency: u32): usize {
  if (count * 2 >= slotCount) {
    slotCount = max<usize>(64, slotCount * 4);
    slots = cleared(4 * slotCount);
    for (let i: usize = 0; i < count; i++) {
      const known = cells + CELL * i;
      store<u32>(slotOf(load<i64>(known, WINDOW), load<u32>(known, MERCHANT), load<u32>(known, CURRENCY)), <u32>i + 1);
    }
  }
  const slot = slotOf(window, merchant, currency);
  if (!load<u32>(slot)) {
    if (count == room) {
      const grown = max<usize>(64, room * 2);
      const moved = cleared(CELL * grown);
      memory.copy(moved, cells, CELL * count);
      cells = moved;
      room = grown;
    }
    const cell = cells + CELL * count;
    store<i64>(cell, window, WINDOW);
    store<u32>(cell, merchant, MERCHANT);
    store<u32>(cell, currency, CURRENCY);
    store<u32>(slot, <u32>++count);
  }
  return cells + CELL * (<usize>load<u32>(slot) - 1);
}

/** The code of a text in a column's dictionary; one that no row has if it is not there. */
function codeOf(column: usize, wanted: string): u32 {
  const ends = load<usize>(column, 8);
  for (let code: usize = 0; code < load<usize>(column, 12) / 4; code++) {
    const from = startOf(ends, code);
    if (isText(load<usize>(column, 16) + from, <usize>load<u32>(ends + 4 * code) - from, wanted)) return <u32>code;
  }
  return u32.MAX_VALUE;
}

/** A column is four lists: fixed values, the ends and the bytes of its heap, validity; 32 bytes. */
export function fold(times: usize, timesLength: usize, columns: usize, columnCount: usize): usize {
  if (columnCount != 4) {
    writeNumber(0, columnCount, 0);
    write(" columns for 4 inputs");
    return failed(4);
  }
  cells = count = room = slots = slotCount = 0;
  const merchants = load<usize>(columns), currencies = load<usize>(columns, 32);
  const amounts = load<usize>(columns, 64), statuses = load<usize>(columns, 96);
  const completed = codeOf(columns + 96, "completed");
  for (let row: usize = 0; row < timesLength / 8; row++) {
    if (load<u32>(statuses + 4 * row) != completed) continue;
    const time = load<i64>(times + 8 * row), amount = load<i64>(amounts + 8 * row);
    // Toward minus infinity.
    const past = time % HOUR_MS, window = time - past - (past < 0 ? HOUR_MS : 0);
    if (window > time) unreachable(); // the window would start before the least number
    add(cellOf(window, load<u32>(merchants + 4 * row), load<u32>(currencies + 4 * row)), <u64>amount, <u64>(amount >> 63), 1, true, amount);
  }
  const result = cleared(44);
  const keys = cleared(2 * 32), windows = allocate(8 * count), merchantCodes = allocate(4 * count), currencyCodes = allocate(4 * count);
  for (let i: usize = 0; i < count; i++) {
    const cell = cells + CELL * i;
    store<i64>(windows + 8 * i, load<i64>(cell, WINDOW));
    store<u32>(merchantCodes + 4 * i, load<u32>(cell, MERCHANT));
    store<u32>(currencyCodes + 4 * i, load<u32>(cell, CURRENCY));
  }
  // The dictionaries may hold texts that no cell uses.
  list(keys, merchantCodes, 4 * count);
  memory.copy(keys + 8, columns + 8, 16);
  list(keys + 32, currencyCodes, 4 * count);
  memory.copy(keys + 40, columns + 40, 16);
  list(result + 4, keys, 2);
  list(result + 12, windows, 8 * count);
  encode(result + 20, cells, CELL, count);
  return result;
}

/** Writes blobs of so many states, each of which lies `stride` behind the one before it. */
function encode(into: usize, states: usize, stride: usize, count: usize): void {
  const ends = allocate(4 * count), bytes = allocate(33 * count);
  let length: usize = 0;
  for (let i: usize = 0; i < count; i++) {
    const state = states + stride * i;
    memory.copy(bytes + length, state, sizeOf(state));
    length += sizeOf(state);
    store<u32>(ends + 4 * i, <u32>length);
  }
  list(into, ends, 4 * count);
  list(into + 8, bytes, length);
}

// ---- Merging and presenting ----

export function merge(
  leftEnds: usize, leftEndsLength: usize, left: usize, leftLength: usize,
  rightEnds: usize, rightEndsLength: usize, right: usize, rightLength: usize,
): usize {
  const states = leftEndsLength / 4;
  if (rightEndsLength != leftEndsLength) {
    write("a state has no partner");
    return failed(4);
  }
  const merged = cleared(40 * states);
  for (let i: usize = 0; i < states; i++) {
    const from = startOf(leftEnds, i), later = startOf(rightEnds, i), into = merged + 40 * i, other = right + later;
    const length = <usize>load<u32>(leftEnds + 4 * i) - from;
    if (!isState(left + from, length) || !isState(other, <usize>load<u32>(rightEnds + 4 * i) - later)) return failed(4);
    memory.copy(into, left + from, length);
    const isSome = load<u8>(other, IS_SOME) == 1;
    add(into, load<u64>(other, LOW), load<u64>(other, HIGH), load<u64>(other, ORDERS), isSome, isSome ? load<i64>(other, LARGEST) : 0);
  }
  const result = cleared(20);
  encode(result + 4, merged, 40, states);
  return result;
}

export function present(
  keys: usize, keyCount: usize, windows: usize, windowsLength: usize,
  ends: usize, endsLength: usize, bytes: usize, bytesLength: usize,
): usize {
  const states = endsLength / 4;
  const amounts = allocate(8 * states), orders = allocate(8 * states), largest = cleared(8 * states), validity = cleared((states + 7) / 8);
  for (let i: usize = 0; i < states; i++) {
    const from = startOf(ends, i), state = bytes + from;
    if (!isState(state, <usize>load<u32>(ends + 4 * i) - from)) return failed(4);
    const low = load<u64>(state, LOW), high = load<u64>(state, HIGH), count = load<u64>(state, ORDERS);
    if (high != <u64>(<i64>low >> 63)) {
      const isNegative = <i64>high < 0;
      write(isNegative ? "out of range: -" : "out of range: ");
      writeNumber(isNegative ? ~high + <u64>(low == 0) : high, isNegative ? 0 - low : low, 2);
      write(" does not fit a decimal(2)");
      return failed(4);
    }
    if (<i64>count < 0) {
      write("out of range: ");
      writeNumber(0, count, 0);
      write(" does not fit a 64-bit integer");
      return failed(4);
    }
    store<u64>(amounts + 8 * i, low);
    store<u64>(orders + 8 * i, count);
    if (load<u8>(state, IS_SOME)) {
      store<i64>(largest + 8 * i, load<i64>(state, LARGEST));
      store<u8>(validity + i / 8, load<u8>(validity + i / 8) | <u8>(<u32>1 << (<u32>i % 8)));
    }
  }
  const columns = cleared(3 * 32), result = cleared(12);
  list(columns, amounts, 8 * states);
  list(columns + 32, orders, 8 * states);
  list(columns + 64, largest, 8 * states);
  list(columns + 88, validity, (states + 7) / 8);
  list(result + 4, columns, 3);
  return result;
}
