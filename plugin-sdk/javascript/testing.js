// A bench for testing transforms: JSON events in, rows and rejections out, and the laws of the
// contract tried on every cut. No host, no WebAssembly. Slow on purpose, so that it is plain.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Builder, Column, blobsOf, bytesOf, cast } from "./src/columns.js";
import { freeze } from "./src/frozen.js";
import { binary, boolean, decimal, float, int64, json, text, timestamp64 } from "./src/kinds.js";
import { compact, parse, rawAt } from "./src/raw.js";

/** The kind that has all values of a column of the contract. */
function kindOf(wire) {
  if (wire.tag === "decimal") return decimal(wire.val);
  return { boolean, integer: int64, float, text, binary, timestamp: timestamp64, json }[wire.tag];
}

/** A transform with its settings and the events that it is tried on. */
export class Bench {
  /** `settings`: an object. `time`: where events have their time, instead of the transform's own `time`. */
  constructor(transform, { settings = {}, time } = {}) {
    this.transform = transform;
    this.settings = JSON.stringify(settings);
    this.description = this.call(() => transform.describe(this.settings));
    const annotations = new Map(this.description.annotations);
    this.timePath = time ?? annotations.get("time");
    this.timeUnit = time === undefined ? (annotations.get("time-unit") ?? "ms") : "ms";
    this.records = []; // in the order of the log
    this.unfit = []; // rejected before they come to the transform
    this.ignored = 0;
    this.nextOffset = 0;
  }

  /** Calls into the transform, which has no clock, no randomness and no zone of its own. */
  call(work) {
    const thaw = freeze();
    try {
      return work();
    } finally {
      thaw();
    }
  }

  /** Appends an event, JSON text or an object, and returns its offset. Throws if it has no time. */
  append(event) {
    const payload = typeof event === "string" ? event : JSON.stringify(event);
    return this.appendAt(this.timeOf(payload), payload);
  }

  /** Appends an event with a time of its own, in milliseconds: a number or a bigint. */
  appendAt(time, payload) {
    const offset = this.nextOffset++;
    const { only, inputs } = this.description;
    const tag = only && rawAt(payload, only.path);
    if (only && !(tag?.startsWith('"') && only.oneOf.includes(JSON.parse(tag)))) {
      this.ignored++;
      return offset;
    }
    try {
      const values = inputs.map((field) => inputOf(field, offset, BigInt(time), payload));
      this.records.push({ offset, time: BigInt(time), values });
    } catch (error) {
      this.unfit.push({ offset, reason: error.message });
    }
    return offset;
  }

  timeOf(payload) {
    if (this.timePath === undefined) return 0n;
    const raw = rawAt(payload, this.timePath);
    if (raw === undefined) throw new Error(`event ${this.nextOffset}: ${this.timePath}: the time is missing`);
    if (/^-?\d+$/.test(raw)) {
      const number = BigInt(raw);
      const by = { s: 1000n, us: -1000n, ns: -1_000_000n }[this.timeUnit] ?? 1n;
      return by > 0n ? number * by : (number - (((number % -by) - by) % -by)) / -by;
    }
    const time = parse({ tag: "timestamp" }, raw);
    if (time === undefined) throw new Error(`event ${this.nextOffset}: ${this.timePath}: ${raw} is not a time`);
    return time;
  }

  /** Cells of the records `[from, to)` as one chunk, by what a person reads of their keys. */
  fold(from = 0, to = this.records.length) {
    const records = this.records.slice(from, to);
    const columns = this.description.inputs.map((field, i) => {
      const column = new Builder(kindOf(field.kind));
      records.forEach((record) => column.push(record.values[i]));
      return column.finish();
    });
    const events = { times: bytesOf(BigInt64Array.from(records, (record) => record.time)), columns };
    const { cells, rejected } = this.call(() => this.transform.fold(events, this.settings));
    const states = blobsOf(cells.states);
    const keys = this.description.keys.map((field, i) => new Column(field.name, kindOf(field.kind), cells.keys[i], states.length));
    const windows = cast(BigInt64Array, cells.windows);
    const found = new Map();
    for (let i = 0; i < states.length; i++) {
      const cell = { key: keys.map((column) => column.get(i)), window: windows[i], state: states.get(i) };
      const name = JSON.stringify([cell.key.map((part, k) => part === undefined ? null : keys[k].kind.json(part)), String(cell.window)]);
      if (found.has(name)) throw new Error(`two cells have ${name}`);
      found.set(name, cell);
    }
    return { cells: found, rejected: rejected.map(({ row, reason }) => ({ offset: records[row].offset, reason })) };
  }

  /** The state of each cell of all events, on top of `initial` if there is one, in the order of rows. */
  cells() {
    const cells = [...this.fold().cells.values()].sort((a, b) => this.order(a, b));
    const { initial } = this.description;
    if (initial === undefined) return cells;
    const merged = this.mergeAll(cells.map(() => initial), cells.map((cell) => cell.state));
    return cells.map((cell, i) => ({ ...cell, state: merged[i] }));
  }

  /** The view: one JSON object a cell, keys, window, outputs, in the order in which a host has them. */
  rows() {
    const cells = this.cells();
    const { keys, outputs } = this.description;
    const columns = keys.map((field, k) => {
      const column = new Builder(kindOf(field.kind));
      cells.forEach((cell) => column.push(cell.key[k]));
      return column.finish();
    });
    const windows = cells.some(({ window }) => window !== undefined) ? bytesOf(BigInt64Array.from(cells, (cell) => cell.window)) : new Uint8Array(0);
    const shown = this.call(() => this.transform.present(columns, windows, blobs(cells.map((cell) => cell.state))));
    const read = outputs.map((field, i) => new Column(field.name, kindOf(field.kind), shown[i], cells.length));
    const member = (name, kind, value) => `${JSON.stringify(name)}:${value === undefined ? "null" : kind.json(value)}`;
    return cells.map((cell, row) => {
      const members = keys.map((field, k) => member(field.name, kindOf(field.kind), cell.key[k]));
      if (cell.window !== undefined) members.push(member("window", timestamp64, cell.window));
      read.forEach((column) => members.push(member(column.name, column.kind, column.get(row))));
      return `{${members.join(",")}}`;
    });
  }

  /** Rejected events: `{ offset, reason }`, ascending. */
  rejected() {
    return [...this.fold().rejected, ...this.unfit].sort((a, b) => a.offset - b.offset);
  }

  /**
   * Tries the laws on the events so far: *split* at every cut, *associative* at cuts into three,
   * *monotone* on every event, *order-free* if it is claimed. Throws at the first that is broken.
   */
  checkLaws() {
    const all = this.records.length;
    const whole = this.fold();
    for (let cut = 0; cut <= all; cut++) {
      const [left, right] = [this.fold(0, cut), this.fold(cut, all)];
      const merged = this.mergeParts(left, right);
      same("split", `cut at ${cut} of ${all}`, whole, merged);
      if (this.description.order === "none") {
        const swapped = this.mergeParts(right, left);
        swapped.rejected.sort((a, b) => a.offset - b.offset);
        same("order-free", `cut at ${cut} of ${all}`, merged, swapped);
      }
      const middle = cut >> 1;
      const other = this.mergeParts(this.fold(0, middle), this.mergeParts(this.fold(middle, cut), right));
      same("associative", `cuts at ${middle} and ${cut} of ${all}`, whole, other);
    }
    for (let row = 0; row < all; row++) {
      const verdict = ({ rejected }) => rejected.find(({ offset }) => offset === this.records[row].offset)?.reason;
      const [alone, among] = [verdict(this.fold(row, row + 1)), verdict(whole)];
      if (alone !== among) {
        throw new Error(`law monotone: event ${this.records[row].offset} alone is ${alone}, among others ${among}`);
      }
    }
  }

  mergeAll(lefts, rights) {
    const merged = blobsOf(this.call(() => this.transform.merge(blobs(lefts), blobs(rights))));
    return lefts.map((_, i) => merged.get(i));
  }

  mergeParts(left, right) {
    const both = [...right.cells].filter(([name]) => left.cells.has(name));
    const merged = this.mergeAll(both.map(([name]) => left.cells.get(name).state), both.map(([, cell]) => cell.state));
    const cells = new Map([...left.cells, ...right.cells]);
    both.forEach(([name, cell], i) => cells.set(name, { ...cell, state: merged[i] }));
    return { cells, rejected: [...left.rejected, ...right.rejected] };
  }

  /** The order of rows: null first, text by its bytes, then the window. */
  order(a, b) {
    for (const [k, field] of this.description.keys.entries()) {
      const [left, right] = [a.key[k], b.key[k]];
      const absent = Number(left !== undefined) - Number(right !== undefined);
      const order = absent || left === undefined ? absent : kindOf(field.kind).compare(left, right);
      if (order !== 0) return order;
    }
    return a.window < b.window ? -1 : Number(a.window > b.window);
  }
}

function inputOf(field, offset, time, payload) {
  const value = valueAt(field, offset, time, payload);
  if (field.required && value === undefined) throw new Error(`${field.path}: is missing`);
  return value;
}

function valueAt({ path, kind }, offset, time, payload) {
  if (path === "") return new TextEncoder().encode(payload);
  if (path === "@offset") return BigInt(offset);
  if (path === "@time" || path === "@ingested") return time;
  if (path.startsWith("@")) return undefined;
  const raw = rawAt(payload, path);
  const value = raw === undefined ? undefined : parse(kind, raw);
  if (raw !== undefined && value === undefined) throw new Error(`${path}: ${raw} is not of kind ${kindOf(kind).name}`);
  return value;
}

function blobs(states) {
  let end = 0;
  const ends = Uint32Array.from(states, (state) => (end += state.length));
  const bytes = new Uint8Array(end);
  states.forEach((state, i) => bytes.set(state, ends[i] - state.length));
  return { ends: bytesOf(ends), bytes };
}

const hex = (bytes) => (bytes === undefined ? "absent" : Buffer.from(bytes).toString("hex"));

function same(law, at, expected, got) {
  const [one, other] = [JSON.stringify(expected.rejected), JSON.stringify(got.rejected)];
  if (one !== other) throw new Error(`law ${law}, ${at}: rejected ${one} and ${other}`);
  for (const name of new Set([...expected.cells.keys(), ...got.cells.keys()])) {
    const [before, after] = [expected, got].map(({ cells }) => hex(cells.get(name)?.state));
    if (before !== after) throw new Error(`law ${law}, ${at}: cell ${name} is ${before} and ${after}`);
  }
}

const lines = (file) => readFileSync(file, "utf8").split("\n").filter((line) => line.trim() !== "");

/**
 * Tries every `CASE/{events,expected,rejected}.ndjson` in a folder, with the settings in
 * `CASE/settings.json` if it is there, and the laws on the events of each. The reason given for a
 * rejected event must contain the expected one. Throws at the first difference.
 */
export function checkFixtures(transform, folder) {
  const cases = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name).sort();
  if (cases.length === 0) throw new Error(`${folder}: no case is there`);
  for (const name of cases) checkCase(transform, join(folder, name));
}

function checkCase(transform, folder) {
  const settings = existsSync(join(folder, "settings.json")) ? JSON.parse(readFileSync(join(folder, "settings.json"), "utf8")) : {};
  const bench = new Bench(transform, { settings });
  lines(join(folder, "events.ndjson")).forEach((event) => bench.append(event));
  differ(`${folder}: row`, lines(join(folder, "expected.ndjson")).map(compact), bench.rows(), (expected, row) => expected === row);
  const rejected = lines(join(folder, "rejected.ndjson")).map((line) => JSON.parse(line));
  differ(`${folder}: rejection`, rejected, bench.rejected(), (expected, found) => expected.offset === found.offset && found.reason.includes(expected.reason ?? ""));
  bench.checkLaws();
}

function differ(what, expected, found, isSame) {
  for (let i = 0; i < Math.max(expected.length, found.length); i++) {
    if (expected[i] === undefined || found[i] === undefined || !isSame(expected[i], found[i])) {
      throw new Error(`${what} ${i}: expected ${JSON.stringify(expected[i])}, found ${JSON.stringify(found[i])}`);
    }
  }
}

