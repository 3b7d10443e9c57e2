// Columns for authors: whole columns at once, where speed matters.

import { SMALL_END } from "./bytes.js";
import { walkBy } from "./cells.js";
import { Column, upTo } from "./columns.js";
import { Walk } from "./walk.js";

/** What `foldColumns` sees of a chunk. Each input is a member: a Column. */
export class Events {
  constructor(inputs, columns, rows, skipped, times, reject) {
    this.length = rows;
    /** The events' times, milliseconds: a BigInt64Array. */
    this.times = times;
    this.reject = reject;
    this.skipped = skipped;
    this.listed = undefined;
    /** The columns by name. */
    this.columns = Object.fromEntries(inputs.columns.map(({ name }, i) => [name, columns[i]]));
  }

  /** The numbers of all rows, ascending. */
  get all() {
    if (this.listed === undefined) {
      const all = upTo(this.length);
      this.listed = this.skipped === undefined ? all : all.filter((row) => !this.skipped.has(row));
    }
    return this.listed;
  }

  /** The rows whose text in `column` is one of these, of `rows` or of all. */
  where(column, texts, rows = this.skipped && this.all) {
    const { values, validity } = column;
    const wanted = Uint8Array.from(column.texts, (text) => (texts.includes(text) ? 1 : 0));
    const length = rows === undefined ? this.length : rows.length;
    const found = new Uint32Array(length);
    let count = 0;
    if (rows === undefined) {
      for (let row = 0; row < length; row++) if (wanted[values[row]] === 1) found[count++] = row;
    } else {
      for (let i = 0; i < length; i++) if (wanted[values[rows[i]]] === 1) found[count++] = rows[i];
    }
    const all = found.subarray(0, count);
    return validity === undefined ? all : all.filter((row) => column.has(row));
  }

  /** The rows that have a value in `column`, of `rows` or of all. */
  having(column, rows = this.all) {
    return column.validity === undefined ? rows : rows.filter((row) => column.has(row));
  }
}

/** One part of the cells of some rows: its methods take columns, or values that are the same for all rows. */
class BulkPart {
  constructor(group, k) {
    this.group = group;
    this.k = k;
  }

  add(...values) {
    this.group.call(this.k, "add", values);
  }

  see(...values) {
    this.group.call(this.k, "see", values);
  }

  push(...values) {
    this.group.call(this.k, "push", values);
  }

  subtract(...values) {
    this.group.call(this.k, "subtract", values);
  }
}

/** Whether a step's column can be read as numbers in all rows, and nothing that it adds up to is inexact or none of its kind. */
function fits(how, column, rows, { kind }) {
  const numbers = column.numbers;
  if (numbers === undefined) return false;
  const within = ({ range: [min, max] }) => numbers.least >= min && numbers.greatest <= max;
  const most = Math.max(numbers.greatest, -numbers.least) * (how === "sum" ? Math.max(rows.length, 1) : 1);
  return most < SMALL_END && within(column.kind) && within(kind) && column.hasAll(rows);
}

/**
 * The cells of some rows. What columns of numbers add is put off until
 * all of it is known, and done in one walk; no part of which that is true can tell in which order it happens.
 */
class Group {
  constructor(cells, rows, walk, coded, numbers) {
    this.cells = cells;
    this.rows = rows;
    this.walk = walk; // finds the cells of the rows by the columns `coded`, once it has run
    this.coded = coded;
    this.numbers = numbers; // the cell of each row, if it is known
    this.added = []; // [part, pack] of what the walk adds
    /** What an author sees of it. */
    this.parts = Object.fromEntries(cells.type.names.map((name, k) => [name, new BulkPart(this, k)]));
  }

  /** Calls a method of a part for each row, with what each column has there. */
  call(k, method, values) {
    const pack = this.cells.type.types[k].pack();
    const steps = pack.steps(method, values);
    if (steps?.every(([how, column]) => column === undefined || fits(how, column, this.rows, pack))) {
      for (const [how, column, into] of steps) this.walk.add(how, column?.numbers, into);
      this.added.push([k, pack]);
    } else {
      this.each(this.cells.type.names[k], method, values);
    }
  }

  each(name, method, values) {
    const { cells, rows } = this;
    const numbers = this.numbers ?? this.find();
    const [a, b, c] = values.map((value) => (value instanceof Column ? value : { get: () => value }));
    const parts = [];
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i];
      const part = (parts[numbers[i]] ??= cells.state(numbers[i])[name]);
      if (values.length === 0) part[method]();
      else if (values.length === 1) part[method](a.get(row));
      else if (values.length === 2) part[method](a.get(row), b.get(row));
      else part[method](a.get(row), b.get(row), c.get(row));
    }
  }

  /** The cell of each row. */
  find() {
    const { cells, coded, walk } = this;
    walk.run(true);
    const targets = cells.take(walk, coded);
    this.numbers = walk.numbers.map((found) => targets[found]);
    this.settle(targets);
    return this.numbers;
  }

  /** Does what was put off. */
  finish() {
    if (this.numbers === undefined) this.settle(this.cells.take(this.walk.run(), this.coded));
    else if (this.added.length > 0) this.settle(upTo(this.walk.run().found));
  }

  settle(targets) {
    for (const [k, pack] of this.added) this.cells.addPack(k, targets, pack);
    this.added = [];
    // From here on cells are known.
    if (this.numbers !== undefined) this.walk = new Walk(this.rows, 0, this.numbers, this.cells.count);
  }
}

/** What `foldColumns` is given as cells: `of(rows)` finds the cells of rows. */
export class BulkCells {
  constructor(cells, keys, columns, hops) {
    this.cells = cells;
    this.keys = keys;
    this.columns = columns;
    this.hops = hops;
    this.groups = [];
  }

  /**
   * The cells of `rows`, by the columns `key` (by default those that have the names of the key's
   * parts) and the window of each event's time, or of the timestamps in the column `times`.
   */
  of(rows, { key = this.columns, times = this.cells.times } = {}) {
    const { cells, hops } = this;
    const coded = hops === 1 ? codedColumns(this.keys, key) : undefined;
    const walk = coded && walkBy(cells, coded, times, rows, rows.length);
    const group = walk ? new Group(cells, rows, walk, coded, undefined) : this.byRows(rows, key, times.values);
    this.groups.push(group);
    return group.parts;
  }

  /** Each row once for each of its windows, so that every state sees its events in the order of the log. */
  byRows(rows, key, times) {
    const { cells, hops } = this;
    const numbers = new Int32Array(rows.length * hops);
    const spread = new Uint32Array(numbers.length);
    for (let i = 0, at = 0; i < rows.length; i++) {
      const named = Object.fromEntries(this.keys.map(([name]) => [name, key[name].get(rows[i])]));
      for (let hop = 0; hop < hops; hop++, at++) {
        if (hops > 1) cells.turnHop(hop);
        spread[at] = rows[i];
        numbers[at] = cells.find(times[rows[i]], named);
      }
    }
    return new Group(cells, spread, new Walk(spread, 0, numbers, cells.count), undefined, numbers);
  }

  /** Does what was put off. */
  finish() {
    for (const group of this.groups) group.finish();
  }
}

/** The text columns of all parts of a key, every row of which is present; undefined if there are others. */
export function codedColumns(keys, columns) {
  const found = keys.map(([name]) => columns[name]);
  const isText = (kind) => kind?.wire.tag === "text";
  const isCoded = (column, i) => isText(column?.kind) && isText(keys[i][1]) && column.validity === undefined;
  return found.length > 0 && found.every(isCoded) ? found : undefined;
}
