// Whole transforms: rows against a straight loop, rejections, windows, keys, columns, and the hazards of
// the language.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "../index.js";
import { freeze } from "../src/frozen.js";
import { Bench } from "../testing.js";
import { pick, random } from "./random.js";

const { count, decimal, eventOffset, eventTime, firstSeen, int, int64, lastSeen, map, max, oneOf, reject, sum, text, transform } = sdk;

const HOUR = 3_600_000;
const KEYS = ["a", "", "ä", "\uffff", "🏪", "1", "__proto__", "constructor"];

const declared = {
  name: "payments",
  window: "1h",
  event: { who: text, currency: text.optional(), amount: int64, time: eventTime },
  key: { who: text, currency: text.optional() },
  state: { orders: count(), amount: sum(int64), largest: max(int64) },
  fold(event, cells) {
    const cell = cells.cell(event);
    cell.orders.add();
    cell.amount.add(event.amount);
    cell.largest.see(event.amount);
    if (event.amount === 13n) reject("unlucky");
  },
};

const events = (count) =>
  Array.from({ length: count }, () => ({
    time: random(3) === 0 ? random(10) - 5 : random(3 * HOUR) - HOUR,
    who: pick(KEYS),
    currency: pick(["EUR", "USD", undefined]),
    amount: random(10) === 0 ? 13 : random(2 ** 31),
  }));
const benchOf = (plugin, list) => {
  const bench = new Bench(plugin);
  for (const { time, ...payload } of list) bench.appendAt(time, JSON.stringify(payload));
  return bench;
};

/** What the rows must be, one event at a time. */
function straightLoop(list) {
  const cells = new Map();
  for (const { time, who, currency, amount } of list) {
    if (amount === 13) continue;
    const window = Math.floor(time / HOUR) * HOUR;
    const name = JSON.stringify([who, currency ?? null, window]);
    const cell = cells.get(name) ?? { orders: 0, amount: 0, largest: -Infinity };
    cells.set(name, { orders: cell.orders + 1, amount: cell.amount + amount, largest: Math.max(cell.largest, amount) });
  }
  return cells;
}

test("rows are a straight loop over the events, without those that were rejected", () => {
  for (let round = 0; round < 60; round++) {
    const list = events(random(80));
    const bench = benchOf(transform(declared), list);
    const expected = straightLoop(list);
    const found = new Map(
      bench.rows().map((row) => {
        const { who, currency, window, ...shown } = JSON.parse(row);
        return [JSON.stringify([who, currency, Date.parse(window)]), shown];
      }),
    );
    assert.deepEqual(new Map([...found].sort()), new Map([...expected].sort()));
    assert.equal(bench.rejected().length, list.filter(({ amount }) => amount === 13).length);
    if (round < 5) bench.checkLaws();
  }
});

test("columns, events as keys and other objects as keys give the same cells", () => {
  const required = { ...declared, event: { ...declared.event, currency: text }, key: { who: text, currency: text } };
  const spelled = { ...required, fold: (event, cells) => required.fold(event, { cell: () => cells.cell({ who: event.who, currency: event.currency }) }) };
  const { fold: _fold, ...rest } = required;
  const columns = {
    ...rest,
    foldColumns(chunk, cells) {
      const { amount } = chunk.columns;
      const cell = cells.of(chunk.all);
      cell.orders.add();
      cell.amount.add(amount);
      cell.largest.see(amount);
      for (const row of chunk.all) if (amount.get(row) === 13n) chunk.reject(row, "unlucky");
    },
  };
  for (let round = 0; round < 30; round++) {
    const list = events(random(60)).map((event) => ({ ...event, currency: event.currency ?? "" }));
    const [expected, ...others] = [required, spelled, columns].map((how) => benchOf(transform(how), list));
    for (const other of others) {
      assert.deepEqual(other.rows(), expected.rows());
      assert.deepEqual(other.rejected(), expected.rejected());
    }
    if (round < 3) others.forEach((other) => other.checkLaws());
  }
});

for (const [order, extra] of [["order-free", {}], ["ordered", { first: firstSeen(int64), last: lastSeen(int64) }]]) {
  test(`every event counts in each hopping window that holds it: ${order}`, () => {
    const hopping = {
      name: "hopping",
      window: "40ms",
      slide: "10ms",
      event: { amount: int64 },
      state: { orders: count(), ...extra },
      fold(event, cells) {
        const cell = cells.cell({});
        cell.orders.add();
        cell.first?.see(event.amount);
        cell.last?.see(event.amount);
        if (event.amount % 7n === 0n) reject("a multiple of seven");
      },
    };
    const list = Array.from({ length: 40 }, (_, i) => ({ time: random(200) - 100, amount: i }));
    const bench = benchOf(transform(hopping), list);
    const counted = list.filter(({ amount }) => amount % 7 !== 0);
    for (const row of bench.rows().map((row) => JSON.parse(row))) {
      const start = Date.parse(row.window);
      const within = counted.filter(({ time }) => time >= start && time < start + 40);
      assert.equal(row.orders, within.length, row.window);
      if (order === "ordered") assert.deepEqual([row.first, row.last], [within.at(0).amount, within.at(-1).amount]);
    }
    bench.checkLaws();
  });
}

test("events of several types: others are ignored, and what a type needs must be there", () => {
  const plugin = transform({
    name: "trips",
    event: oneOf("type", { "trip.started": { car: text }, "trip.ended": { car: text, fare: decimal(2), tip: decimal(2).optional() } }),
    key: { car: text },
    state: { started: count(), fares: sum(decimal(2)) },
    fold(trip, cells) {
      if (trip.type === "trip.started") cells.cell(trip).started.add();
      else cells.cell(trip).fares.add(trip.fare + (trip.tip ?? 0n));
    },
  });
  const { inputs, only } = plugin.describe("{}");
  assert.deepEqual(inputs.map(({ name, required }) => [name, required]), [["car", true], ["fare", false], ["tip", false], ["type", true]]);
  assert.deepEqual(only, { path: "type", oneOf: ["trip.started", "trip.ended"] });
  const bench = new Bench(plugin);
  for (const event of [{ type: "trip.started", car: "c" }, { type: "trip.ended", car: "c", fare: 7.5, tip: 0.5 }, { type: "trip.ended", car: "c" }, { type: "other" }]) bench.append(event);
  assert.deepEqual(bench.rows(), ['{"car":"c","started":1,"fares":8.00}']);
  assert.deepEqual(bench.rejected(), [{ offset: 2, reason: "fare: is missing" }]);
  assert.equal(bench.ignored, 1);
});

test("cellAt attributes to another window, and a time without a window is an error", () => {
  const plugin = transform({
    name: "late",
    window: "1h",
    event: { at: int },
    state: { events: count() },
    fold: (event, cells) => cells.cellAt(event.at, {}).events.add(),
  });
  const bench = new Bench(plugin);
  bench.append({ at: -1 });
  bench.append({ at: HOUR });
  assert.deepEqual(bench.rows(), ['{"window":"1969-12-31T23:00:00Z","events":1}', '{"window":"1970-01-01T01:00:00Z","events":1}']);
  const early = new Bench(transform({ ...declared, event: { amount: int64 }, key: {} }));
  early.appendAt(-(2n ** 63n), '{"amount":1}');
  assert.throws(() => early.rows(), /too early to have a window/);
});

test("64 bits are exact, and a number that would not be is a rejection", () => {
  const values = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n];
  const exact = new Bench(transform({ ...declared, event: { amount: int64 }, key: { amount: int64 }, fold: (event, cells) => cells.cell(event).largest.see(event.amount) }));
  values.forEach((value) => exact.append(`{"amount":${value}}`));
  const found = exact.cells().map(({ key }) => key[0]);
  assert.deepEqual(found, [...values].sort((a, b) => (a < b ? -1 : 1)));
  const safe = new Bench(transform({ ...declared, event: { amount: int }, key: {}, state: { amount: sum(int) }, fold: (event, cells) => cells.cell({}).amount.add(event.amount) }));
  [2n ** 53n - 1n, 2n ** 53n].forEach((value) => safe.append(`{"amount":${value}}`));
  assert.deepEqual(safe.rejected(), [{ offset: 1, reason: "amount: 9007199254740992 is not within -9007199254740991 and 9007199254740991" }]);
});

test("settings are read, and refused where there are none", () => {
  assert.throws(() => new Bench(transform(declared), { settings: { k: 1 } }), /no settings/);
  const plugin = transform({
    ...declared,
    settings({ least = 0 }) {
      if (typeof least !== "number") throw new Error("least is no number");
      return { least };
    },
    fold: (event, cells, { least }) => {
      if (event.amount >= least) cells.cell(event).orders.add();
    },
  });
  assert.throws(() => new Bench(plugin, { settings: { least: "x" } }), /do not fit: least is no number/);
  const bench = new Bench(plugin, { settings: { least: 5 } });
  [4, 5, 6].forEach((amount) => bench.append({ who: "a", amount }));
  assert.match(bench.rows()[0], /"orders":2/);
});

test("an author's mistake is an error with its place, and a declaration's is found at once", () => {
  const broken = benchOf(transform({ ...declared, fold: (event) => event.nothing.at }), events(1));
  assert.throws(() => broken.rows(), (error) => error instanceof TypeError && /transform\.test\.js/.test(error.stack));
  const late = benchOf(transform({ ...declared, fold: async () => {} }), events(1));
  assert.throws(() => late.rows(), /not asynchronous/);
  for (const [wrong, why] of [
    [{ windwo: "1h" }, /has no 'windwo'/],
    [{ window: "1.5h" }, /length of time/],
    [{ slide: "45m" }, /must divide/],
    [{ key: { f: sdk.float } }, /cannot be part of a key/],
    [{ state: { 1: count(), a: count() } }, /'1' cannot be a name/],
    [{ event: { 7: text } }, /'7' cannot be a name/],
    [{ fold: undefined }, /one of fold and foldColumns/],
  ]) {
    assert.throws(() => transform({ ...declared, ...wrong }), why);
  }
});

test("what differs between machines and moments is not there", () => {
  const hazards = {
    "Date.now": () => Date.now(),
    "new Date()": () => new Date(),
    "a local time": () => new Date(2026, 1, 1),
    "a text without a zone": () => new Date("2026-01-01T00:00:00"),
    getHours: () => new Date(0).getHours(),
    "Date's text": () => `${new Date(0)}`,
    "Math.random": () => Math.random(),
    "performance.now": () => performance.now(),
    localeCompare: () => "a".localeCompare("b"),
    toLocaleString: () => (1.5).toLocaleString(),
    Intl: () => new Intl.NumberFormat(),
    WeakRef: () => new WeakRef({}),
    FinalizationRegistry: () => new FinalizationRegistry(() => {}),
    crypto: () => crypto.randomUUID(),
    setTimeout: () => setTimeout(() => {}, 0),
    queueMicrotask: () => queueMicrotask(() => {}),
  };
  const now = Date.now;
  const thaw = freeze();
  const found = Object.entries(hazards).map(([name, use]) => {
    try {
      use();
      return name;
    } catch {
      return undefined;
    }
  });
  const allowed = [new Date(0).toISOString(), new Date("2026-01-01T00:00:00Z").getUTCHours(), Date.UTC(2026, 0, 1)];
  thaw();
  assert.deepEqual(found.filter(Boolean), []);
  assert.deepEqual(allowed, ["1970-01-01T00:00:00.000Z", 0, 1767225600000]);
  assert.equal(Date.now, now);
  const clock = benchOf(transform({ ...declared, fold: () => void Date.now() }), events(1));
  assert.throws(() => clock.rows(), /no clock: use the event's time/);
});

test("keys of a Map that look like numbers stay in the order of their bytes", () => {
  const plugin = transform({ name: "m", event: { k: text }, state: { by: map(text, count()) }, fold: (event, cells) => cells.cell({}).by.entry(event.k).add() });
  const bench = new Bench(plugin);
  ["10", "9", "a", "1", "__proto__"].forEach((k) => bench.append({ k }));
  assert.deepEqual(bench.rows(), ['{"by":{"1":1,"10":1,"9":1,"__proto__":1,"a":1}}']);
});
