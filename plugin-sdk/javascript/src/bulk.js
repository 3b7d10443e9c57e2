// Columns for authors: whole columns at once, where speed matters.

import { Slots } from "./cells.js";
import { Column } from "./columns.js";

/** What `foldColumns` sees of a chunk. Each input is a member: a Column. */
export class Events {
  constructor(inputs, columns, rows, skipped, times, reject) {
    this.length = rows;
    /** The events' times, milliseconds: a BigInt64Array. */
    this.times = times;
    this.reject = reject;
    const all = new Uint32Array(rows - (skipped?.size ?? 0));
    for (let row = 0, at = 0; row < rows; row++) if (!skipped?.has(row)) all[at++] = row;
    /** The numbers of all rows, ascending. */
    this.all = all;
    /** The columns by name. */
    this.columns = Object.fromEntries(inputs.columns.map(({ name }, i) => [name, columns[i]]));
  }

  /** The rows whose text in `column` is one of these, of `rows` or of all. */
  where(column, texts, rows = this.all) {
    const wanted = column.texts.map((text) => (texts.includes(text) ? 1 : 0));
    const { values, validity } = column;
    const found = new Uint32Array(rows.length);
    let count = 0;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i];
      if (wanted[values[row]] === 1 && (validity === undefined || column.has(row))) found[count++] = row;
    }
    return found.subarray(0, count);
  }

  /** The rows that have a value in `column`, of `rows` or of all. */
  having(column, rows = this.all) {
    return column.validity === undefined ? rows : rows.filter((row) => column.has(row));
  }
}

/** One part of the cells of some rows: its methods take columns, or values that are the same for all rows. */
class BulkPart {
  constructor(group, name) {
    this.rows = group.rows;
    this.numbers = group.numbers;
    this.parts = group.states.map((state) => state[name]);
  }

  /** Calls a method of the part for each row, with what each column has there. */
  each(method, values) {
    const { rows, numbers, parts } = this;
    const [a, b, c] = values.map((value) => (value instanceof Column ? value : { get: () => value }));
    const count = rows.length;
    if (values.length === 0) for (let i = 0; i < count; i++) parts[numbers[i]][method]();
    if (values.length === 1) {
      if (isPlain(a)) {
        const bigints = a.values;
        for (let i = 0; i < count; i++) parts[numbers[i]][method](bigints[rows[i]]);
      } else {
        for (let i = 0; i < count; i++) parts[numbers[i]][method](a.get(rows[i]));
      }
    }
    if (values.length === 2) for (let i = 0; i < count; i++) parts[numbers[i]][method](a.get(rows[i]), b.get(rows[i]));
    if (values.length === 3) {
      for (let i = 0; i < count; i++) parts[numbers[i]][method](a.get(rows[i]), b.get(rows[i]), c.get(rows[i]));
    }
  }

  add(...values) {
    const { parts } = this;
    if (parts.length > 0 && parts[0].addRows?.(parts, this.numbers, this.rows, values, isPlain)) return;
    this.each("add", values);
  }

  see(...values) {
    const { parts } = this;
    if (parts.length > 0 && parts[0].seeRows?.(parts, this.numbers, this.rows, values, isPlain)) return;
    this.each("see", values);
  }

  push(...values) {
    this.each("push", values);
  }

  subtract(...values) {
    this.each("subtract", values);
  }
}

/** Whether a column's buffer has just the bigints that the rows have. */
const isPlain = (column) =>
  column instanceof Column && column.validity === undefined && column.kind.range?.[0] === -(2n ** 63n);

/** The cells of some rows: a part of each under its name. */
export class Group {
  constructor(rows, numbers, states, names) {
    this.rows = rows;
    this.numbers = numbers;
    this.states = states;
    for (const name of names) this[name] = new BulkPart(this, name);
  }
}

/** What `foldColumns` is given as cells: `of(rows)` finds the cells of rows. */
export class BulkCells {
  constructor(cells, keys, columns, hops) {
    this.cells = cells;
    this.keys = keys;
    this.columns = columns;
    this.hops = hops;
  }

  /**
   * The cells of `rows`, by the columns `key` (by default those that have the names of the key's
   * parts) and the window of each event's time, or of the timestamps in the column `times`.
   */
  of(rows, { key = this.columns, times } = {}) {
    const { cells, hops } = this;
    const at = times === undefined ? cells.times : times.values;
    const coded = codedColumns(this.keys, key);
    const slots = coded && hops === 1 ? new Slots(cells, coded, at, rows) : undefined;
    const [spread, numbers] = slots ? [rows, this.bySlots(slots)] : this.byRows(rows, key, at);
    return new Group(spread, numbers, cells.states, cells.type.names);
  }

  bySlots(slots) {
    const cellOf = Int32Array.from(slots.rowOf, (row) => slots.cell(row));
    const numbers = slots.of;
    for (let i = 0; i < numbers.length; i++) {
      const slot = numbers[i];
      if (slot < 0) throw new RangeError("a time is too early to have a window");
      numbers[i] = cellOf[slot];
    }
    return numbers;
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
    return [spread, numbers];
  }
}

/** The text columns of all parts of a key, every row of which is present; undefined if there are others. */
export function codedColumns(keys, columns) {
  const found = keys.map(([name]) => columns[name]);
  const isCoded = (column) => column?.kind.wire.tag === "text" && column.validity === undefined;
  return found.length > 0 && found.every(isCoded) ? found : undefined;
}
