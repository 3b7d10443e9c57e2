// Whole columns against the same events one by one: the same cells, whatever the numbers, times and keys.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "../index.js";
import { Bench } from "../testing.js";
import { pick, random } from "./random.js";

const { count, decimal, firstSeen, int, int64, lastSeen, max, mean, min, sum, text, timestamp64, transform, uint8 } = sdk;

const SMALL = [0n, 1n, 5n, 2n ** 31n, 2n ** 40n];
const SIGNED = [...SMALL, -1n, -(2n ** 40n)];
const WIDE = [...SIGNED, 2n ** 52n - 1n, 2n ** 52n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)];
// Each exact as a number, which three of them are not together.
const NEAR = [2n ** 52n - 1n, 2n ** 52n - 3n];
const BELOW = [...NEAR, -(2n ** 52n) + 1n];
const RECENT = [1_795_132_800_000n, 1_795_132_799_999n, 1_795_140_000_000n];
const OLD = [...RECENT, -1n, 0n, -3_600_000n, -3_600_001n];
const FAR = [...OLD, 2n ** 52n, 2n ** 53n + 1n, 2n ** 62n, -(2n ** 62n)];

const state = () => ({
  orders: count(),
  amount: sum(int64),
  mean: mean(int64),
  least: min(int64),
  greatest: max(int64),
  small: sum(uint8),
  first: firstSeen(int64),
});
const event = { who: text, where: text.optional(), kind: text, amount: int64, small: uint8, other: int64.optional(), at: timestamp64 };
const shared = { name: "walk", event, outputs: { orders: int }, present: (cell) => ({ orders: cell.orders.get() }) };

const byRow = (key, times) => ({
  fold(row, cells) {
    if (row.kind === "b") return;
    const named = Object.fromEntries(Object.entries(key).map(([name, from]) => [name, row[from]]));
    const cell = times ? cells.cellAt(row.at, named) : cells.cell(named);
    cell.orders.add();
    cell.amount.add(row.amount);
    cell.mean.add(row.amount);
    cell.least.see(row.amount);
    cell.greatest.see(row.amount);
    cell.small.add(row.small);
    cell.first.see(row.amount);
    if (row.other === undefined) return;
    cell.amount.add(row.other);
    cell.first.see(row.other);
    cell.greatest.see(row.other);
  },
});
const byColumn = (key, times) => ({
  foldColumns(rows, cells) {
    const { columns } = rows;
    const how = { key: Object.fromEntries(Object.entries(key).map(([name, from]) => [name, columns[from]])), ...(times && { times: columns.at }) };
    const wanted = rows.where(columns.kind, ["a", "c"]);
    const cell = cells.of(wanted, how);
    cell.orders.add();
    cell.amount.add(columns.amount);
    cell.mean.add(columns.amount);
    cell.least.see(columns.amount);
    cell.first.see(columns.amount); // one by one, in between what is put off
    cell.greatest.see(columns.amount);
    cell.small.add(columns.small);
    const more = cells.of(rows.having(columns.other, wanted), how);
    more.amount.add(columns.other);
    more.first.see(columns.other);
    more.greatest.see(columns.other); // in cells that are known by now, of which it sees some
  },
});

const KEYS = {
  "one text": [{ who: text }, { who: "who" }],
  "two texts": [{ who: text, kind: text }, { who: "who", kind: "kind" }],
  "three texts, one twice": [{ who: text, kind: text, again: text }, { who: "who", kind: "kind", again: "who" }],
  "a text that may be absent": [{ who: text, where: text.optional() }, { who: "who", where: "where" }],
  "a number": [{ amount: int64 }, { amount: "amount" }],
  nothing: [{}, {}],
};
const WINDOWS = { global: {}, hours: { window: "1h" }, hopping: { window: "1h", slide: "20m" }, "of one millisecond": { window: "1ms" } };

for (const [keyName, [key, from]] of Object.entries(KEYS)) {
  for (const [windowName, window] of Object.entries(WINDOWS)) {
    test(`columns give the cells of rows: ${windowName} windows, key of ${keyName}`, () => {
      for (let round = 0; round < 24; round++) {
        const values = [SMALL, SIGNED, WIDE, NEAR, BELOW][round % 5];
        const times = [RECENT, OLD, FAR][(round >> 1) % 3];
        const attributed = round % 4 === 3;
        const declared = { ...shared, ...window, key, state: round % 7 === 4 ? state() : { ...state(), first: min(int64) } };
        const [rows, columns] = [byRow, byColumn].map((how) => new Bench(transform({ ...declared, ...how(from, attributed) })));
        for (let i = random(30); i > 0; i--) {
          const payload = `{"who":"${pick(["x", "y", "ä"])}","where":${pick(['"v"', "null"])},"kind":"${pick(["a", "b", "c"])}","amount":${pick(values)},"small":${random(256)},"other":${pick(["null", ...values])},"at":"2026-11-20T0${random(9)}:00:00Z"}`;
          const time = pick(times);
          rows.appendAt(time, payload);
          columns.appendAt(time, payload);
        }
        assert.deepEqual(columns.cells(), rows.cells());
        if (round < 2) columns.checkLaws();
      }
    });
  }
}

test("a number that a row cannot have is the error that a row would raise, not what a column adds", () => {
  const plugin = (value, part) => {
    const bench = new Bench(transform({
      name: "misfit",
      event: { small: uint8 },
      state: { small: part },
      foldColumns: (rows, cells) => cells.of(rows.all).small.add(rows.columns.small),
    }));
    bench.append(`{"small":${value}}`);
    return bench;
  };
  assert.deepEqual(plugin(255, sum(uint8)).rows(), ['{"small":255}']);
  for (const part of [sum(uint8), sum(int64)]) {
    assert.throws(() => plugin(256, part).rows(), (error) => /256 is not within 0 and 255/.test(error.reason));
  }
  const absent = new Bench(transform({
    name: "absent",
    event: { n: int64.optional() },
    state: { n: sum(int64) },
    foldColumns: (rows, cells) => cells.of(rows.all).n.add(rows.columns.n),
  }));
  absent.append("{}");
  assert.throws(() => absent.rows());
});

test("groups that meet the cells in another order add to the same ones", () => {
  const bench = new Bench(transform({
    name: "groups",
    event: { who: text, kind: text },
    key: { who: text },
    state: { n: count(), m: count() },
    foldColumns(rows, cells) {
      cells.of(rows.where(rows.columns.kind, ["a"])).n.add();
      cells.of(rows.where(rows.columns.kind, ["b"])).m.add();
    },
  }));
  for (const [who, kind] of ["xa", "yb", "ya", "xb", "xb"]) bench.append({ who, kind });
  assert.deepEqual(bench.rows(), ['{"who":"x","n":1,"m":2}', '{"who":"y","n":1,"m":1}']);
});

test("a column of texts is no key of another kind", () => {
  const bench = new Bench(transform({
    name: "kinds",
    event: { who: text },
    key: { who: int64 },
    state: { n: count() },
    foldColumns: (rows, cells) => cells.of(rows.all).n.add(),
  }));
  bench.append('{"who":"a"}');
  assert.throws(() => bench.rows(), /expected a bigint/);
});

test("a part may have any name that a state may have", () => {
  const names = ["rows", "cells", "numbers", "walk", "added", "parts", "finish", "call"];
  const bench = new Bench(transform({
    name: "names",
    event: { n: int64 },
    state: Object.fromEntries(names.map((name) => [name, count()])),
    foldColumns(rows, cells) {
      const cell = cells.of(rows.all);
      for (const name of names) cell[name].add();
    },
  }));
  bench.append('{"n":1}');
  assert.deepEqual(JSON.parse(bench.rows()[0]), Object.fromEntries(names.map((name) => [name, 1])));
});

test("a sum that columns bring beyond 2^63 is out of range, and exact before it", () => {
  const bench = (values) => {
    const made = new Bench(transform({
      name: "limits",
      event: { who: text, n: decimal(2) },
      key: { who: text },
      state: { n: sum(decimal(2)) },
      foldColumns: (rows, cells) => cells.of(rows.all).n.add(rows.columns.n),
    }));
    for (const value of values) made.append(`{"who":"a","n":${value}}`);
    return made;
  };
  assert.deepEqual(bench(["92233720368547758.06", "0.01"]).rows(), ['{"who":"a","n":92233720368547758.07}']);
  assert.throws(() => bench(["92233720368547758.07", "0.01"]).rows(), /out of range: 92233720368547758.08 does not fit a decimal\(2\)/);
  assert.deepEqual(bench(["45035996273704.95", "45035996273704.95"]).rows(), ['{"who":"a","n":90071992547409.90}']);
});
