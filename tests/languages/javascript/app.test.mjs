// The guest against a straight loop over events, without a component or a host: `node --test`.
// The seed is printed; SEED=… repeats a run.

import assert from "node:assert/strict";
import { test } from "node:test";
import { transform } from "./app.js";

const HOUR_MS = 3_600_000n;
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
console.log(`SEED=${seed}`);

let randomState = seed >>> 0;
/** A whole number from 0 to `below` - 1 (mulberry32). */
function random(below) {
  randomState = (randomState + 0x6d2b79f5) >>> 0;
  let t = Math.imul(randomState ^ (randomState >>> 15), 1 | randomState);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % below;
}
const pick = (values) => values[random(values.length)];

const MERCHANTS = ["m_1", "m_2", "", "märz", "商店", "🏪", "completed", "a\u0000b", "null"];
const CURRENCIES = ["EUR", "USD", ""];
const STATUSES = ["completed", "completed", "pending", "refunded", "complete", "Completed", "completed "];
const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;
const AMOUNTS = [0n, -1n, 1n, 2n ** 32n, 2n ** 32n - 1n, -(2n ** 32n), -(2n ** 32n) - 1n, 2n ** 53n + 1n, MIN, MAX, 2n ** 62n];
const TIMES = [0n, -1n, HOUR_MS, HOUR_MS - 1n, -HOUR_MS, 2n ** 52n, -(2n ** 52n) - 1n, 2n ** 53n + 1n, MAX, MIN + HOUR_MS, HOUR_MS * 2n ** 40n - 1n];

function randomEvent(wild) {
  return {
    time: wild && random(4) === 0 ? pick(TIMES) : 982_800_000_000n + BigInt(random(3 * 3_600_000)),
    merchant: random(20) === 0 ? `m_${random(5000)}` : pick(MERCHANTS),
    currency: wild && random(20) === 0 ? `c_${random(5000)}` : pick(CURRENCIES),
    amount: wild && random(4) === 0 ? pick(AMOUNTS) : BigInt(random(1_000_000)) - 1000n,
    status: pick(STATUSES),
  };
}
const randomEvents = (count, wild) => Array.from({ length: count }, () => randomEvent(wild));

/** The bytes of a typed array, at an odd address half of the time. */
function buffer(array) {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  if (random(2)) return bytes;
  const shifted = new Uint8Array(bytes.length + 1).subarray(1);
  shifted.set(bytes);
  return shifted;
}

function textColumn(values) {
  const unused = random(2) ? ["nobody", "completed?"] : [];
  const distinct = [...new Set([...unused, ...values])].sort(() => random(3) - 1);
  const codes = new Map(distinct.map((value, code) => [value, code]));
  const encoded = distinct.map((value) => new TextEncoder().encode(value));
  let end = 0;
  return {
    fixed: buffer(Uint32Array.from(values, (value) => codes.get(value))),
    heap: { ends: buffer(Uint32Array.from(encoded, (value) => (end += value.length))), bytes: buffer(Uint8Array.from(encoded.flatMap((value) => [...value]))) },
    validity: random(2) ? new Uint8Array(0) : new Uint8Array(Math.ceil(values.length / 8)).fill(255),
  };
}

function chunkOf(events) {
  const nothing = new Uint8Array(0);
  return {
    times: buffer(BigInt64Array.from(events, (event) => event.time)),
    columns: [
      textColumn(events.map((event) => event.merchant)),
      textColumn(events.map((event) => event.currency)),
      { fixed: buffer(BigInt64Array.from(events, (event) => event.amount)), heap: { ends: nothing, bytes: nothing }, validity: nothing },
      textColumn(events.map((event) => event.status)),
    ],
  };
}

const numbers = (Type, bytes) => [...new Type(bytes.slice().buffer)];

function textsOf(column) {
  const ends = numbers(Uint32Array, column.heap.ends);
  return numbers(Uint32Array, column.fixed).map((code) => new TextDecoder().decode(column.heap.bytes.slice(code ? ends[code - 1] : 0, ends[code])));
}

/** A fold's cells as a map from key and window to the state's bytes in hexadecimal. */
function cellsOf({ cells, rejected }) {
  assert.deepEqual(rejected, []);
  const [merchants, currencies] = cells.keys.map(textsOf);
  const windows = numbers(BigInt64Array, cells.windows);
  const found = new Map();
  merchants.forEach((merchant, i) => {
    const key = JSON.stringify([merchant, currencies[i], String(windows[i])]);
    assert.ok(!found.has(key), `${key} is there twice`);
    found.set(key, Buffer.from(cells.states.bytes.slice(32 * i, 32 * i + 32)).toString("hex"));
  });
  assert.equal(numbers(Uint32Array, cells.states.ends).length, merchants.length);
  return found;
}

/** What `cellsOf(fold(events))` must be, one event at a time. */
function straightLoop(events) {
  const cells = new Map();
  for (const { time, merchant, currency, amount, status } of events) {
    if (status !== "completed") continue;
    const window = time - ((((time % HOUR_MS) + HOUR_MS) % HOUR_MS));
    const key = JSON.stringify([merchant, currency, String(window)]);
    const cell = cells.get(key) ?? { sum: 0n, orders: 0n, largest: MIN };
    cells.set(key, { sum: cell.sum + amount, orders: cell.orders + 1n, largest: amount > cell.largest ? amount : cell.largest });
  }
  return new Map([...cells].map(([key, cell]) => [key, stateOf(cell)]));
}

function stateOf({ sum, orders, largest }) {
  const bytes = Buffer.alloc(32);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, sum), 0);
  bytes.writeBigInt64LE(sum >> 64n, 8);
  bytes.writeBigUInt64LE(orders, 16);
  bytes.writeBigInt64LE(largest, 24);
  return bytes.toString("hex");
}

function blobsOf(states) {
  const bytes = Buffer.from(states.join(""), "hex");
  return { ends: buffer(Uint32Array.from(states, (_, i) => 32 * (i + 1))), bytes: buffer(new Uint8Array(bytes)) };
}

function mergeCells(left, right) {
  const both = [...left.keys()].filter((key) => right.has(key));
  const merged = transform.merge(blobsOf(both.map((key) => left.get(key))), blobsOf(both.map((key) => right.get(key))));
  const cells = new Map([...left, ...right]);
  both.forEach((key, i) => cells.set(key, Buffer.from(merged.bytes.slice(32 * i, 32 * i + 32)).toString("hex")));
  return cells;
}

const sorted = (cells) => [...cells].sort();
const present = (states) => transform.present([], new Uint8Array(0), blobsOf(states)).map((column) => numbers(BigInt64Array, column.fixed));

test("fold is a straight loop over the events", () => {
  for (let round = 0; round < 400; round++) {
    const events = randomEvents(random(200), round % 2 === 1);
    assert.deepEqual(sorted(cellsOf(transform.fold(chunkOf(events)))), sorted(straightLoop(events)));
  }
});

test("fold of many keys and of many rows is a straight loop too", () => {
  const events = Array.from({ length: 20_000 }, (_, i) => ({ ...randomEvent(false), merchant: `m${i % 7001}`, currency: `c${i % 6007}` }));
  assert.deepEqual(sorted(cellsOf(transform.fold(chunkOf(events)))), sorted(straightLoop(events)));
});

/** A chunk of `rows` completed orders of one cell with one amount. */
function sameOrders(rows, amount) {
  const heap = { ends: new Uint8Array([9, 0, 0, 0]), bytes: new TextEncoder().encode("completed") };
  const text = { fixed: new Uint8Array(4 * rows), heap, validity: new Uint8Array(0) };
  const fixed = new Uint8Array(new BigInt64Array(rows).fill(amount).buffer);
  return { times: new Uint8Array(8 * rows), columns: [text, text, { ...text, fixed }, text] };
}

test("the largest chunk has an exact sum, and a larger one is refused", () => {
  const rows = 2 ** 20;
  for (const amount of [2n ** 32n - 1n, -(2n ** 32n), MAX, MIN]) {
    const expected = stateOf({ sum: amount * BigInt(rows), orders: BigInt(rows), largest: amount });
    assert.deepEqual([...cellsOf(transform.fold(sameOrders(rows, amount))).values()], [expected]);
  }
  assert.throws(() => transform.fold(sameOrders(rows + 1, 1n)), (error) => /^Error: a chunk of 1048577 rows/.test(error));
});

test("a chunk cut in two gives the cells of the whole, in either order", () => {
  for (let round = 0; round < 400; round++) {
    const events = randomEvents(1 + random(100), round % 2 === 1);
    const cut = random(events.length + 1);
    const [left, right] = [events.slice(0, cut), events.slice(cut)].map((part) => cellsOf(transform.fold(chunkOf(part))));
    const whole = sorted(cellsOf(transform.fold(chunkOf(events))));
    assert.deepEqual(sorted(mergeCells(left, right)), whole);
    assert.deepEqual(sorted(mergeCells(right, left)), whole);
  }
});

test("merge adds sums of 128 bits", () => {
  const wide = () => BigInt.asIntN(32 * (1 + random(4)) - 1, [0, 0, 0, 0].reduce((bits) => (bits << 32n) | BigInt(random(2 ** 32)), 0n));
  const pairs = Array.from({ length: 2000 }, () => [wide(), wide()]);
  const blobs = (side) => blobsOf(pairs.map((pair) => stateOf({ sum: pair[side], orders: 1n, largest: 0n })));
  const expected = pairs.map(([left, right]) => stateOf({ sum: left + right, orders: 2n, largest: 0n }));
  assert.equal(Buffer.from(transform.merge(blobs(0), blobs(1)).bytes).toString("hex"), expected.join(""));
  const most = blobsOf([stateOf({ sum: 2n ** 127n - 1n, orders: 1n, largest: 0n })]);
  assert.throws(() => transform.merge(most, most), (error) => error === "Error: amount is out of 128 bits");
});

test("present reads what the states hold", () => {
  const states = Array.from({ length: 50 }, () => ({ sum: pick(AMOUNTS), orders: BigInt(1 + random(9)), largest: pick(AMOUNTS) }));
  const expected = ["sum", "orders", "largest"].map((field) => states.map((state) => state[field]));
  assert.deepEqual(present(states.map(stateOf)), expected);
  assert.deepEqual(present([]), [[], [], []]);
});

test("a sum beyond 64 bits lives in the state and fails only when presented", () => {
  const order = { time: 0n, merchant: "m", currency: "c", status: "completed" };
  const high = cellsOf(transform.fold(chunkOf([{ ...order, amount: 2n ** 62n }, { ...order, amount: 2n ** 62n }])));
  assert.throws(() => present([...high.values()]), (error) => error === "Error: amount is out of range: it does not fit in 64 bits");
  const low = cellsOf(transform.fold(chunkOf([{ ...order, amount: -(2n ** 62n) }])));
  assert.deepEqual(present([...mergeCells(high, low).values()]), [[2n ** 62n], [3n], [2n ** 62n]]);
  const higher = stateOf({ sum: 2n ** 64n + 5n, orders: 1n, largest: 0n });
  assert.throws(() => present([higher]), (error) => error.startsWith("Error: amount is out of range"));
  const deep = cellsOf(transform.fold(chunkOf([{ ...order, amount: MIN }, { ...order, amount: -1n }])));
  assert.throws(() => present([...deep.values()]), (error) => error.startsWith("Error: amount is out of range"));
});

test("what is malformed is an error with a text, never an exception object", () => {
  const text = (pattern) => (error) => typeof error === "string" && pattern.test(error);
  const short = { ends: new Uint8Array([31, 0, 0, 0]), bytes: new Uint8Array(31) };
  const whole = blobsOf([stateOf({ sum: 1n, orders: 1n, largest: 1n })]);
  assert.throws(() => transform.merge(short, whole), text(/state 0 is not 32 bytes long/));
  assert.throws(() => transform.merge(whole, blobsOf([])), text(/not of one length/));
  assert.throws(() => transform.present([], new Uint8Array(0), short), text(/state 0 is not 32 bytes long/));
  assert.throws(() => transform.fold({ times: new Uint8Array(8), columns: [] }), text(/./));
  const chunk = chunkOf(randomEvents(9, false));
  chunk.columns[2].validity = new Uint8Array([255, 0]);
  assert.throws(() => transform.fold(chunk), text(/amount is required and absent from row 8/));
});

test("describe names the columns of the contract", () => {
  const described = transform.describe();
  assert.deepEqual(described.inputs.map((field) => [field.name, field.kind.tag, field.required]), [
    ["merchant_id", "text", true],
    ["currency", "text", true],
    ["amount", "decimal", true],
    ["status", "text", true],
  ]);
  assert.deepEqual(described.outputs.map((field) => field.name), ["amount", "orders", "largest"]);
  assert.equal(described.order, "none");
});
