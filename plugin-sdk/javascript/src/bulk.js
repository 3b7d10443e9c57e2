// Columns for authors: whole columns at once, where speed matters.

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
    const columns = values.map((value) => (value instanceof Column ? value : undefined));
    const given = [...values];
    for (let i = 0; i < rows.length; i++) {
      for (let k = 0; k < columns.length; k++) if (columns[k] !== undefined) given[k] = columns[k].get(rows[i]);
      parts[numbers[i]][method](...given);
    }
  }

  add(...values) {
    const [column] = values;
    if (values.length === 1 && isPlain(column) && this.parts[0]?.units !== undefined) return this.addUnits(column.values);
    if ((values.length === 0 || (values.length === 1 && column === 1)) && this.parts[0]?.small !== undefined) {
      const { numbers, parts } = this;
      if (parts[0].units === undefined) {
        for (let i = 0; i < numbers.length; i++) parts[numbers[i]].small++;
        return;
      }
    }
    this.each("add", values);
  }

  addUnits(values) {
    const { rows, numbers, parts } = this;
    for (let i = 0; i < rows.length; i++) parts[numbers[i]].units += values[rows[i]];
  }

  see(...values) {
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
   * The cells of `rows`, by the columns `keys` (by default those that have the names of the key's
   * parts) and the window of each event's time, or of the timestamps in the column `times`.
   */
  of(rows, { key = this.columns, times = undefined } = {}) {
    const { cells, hops } = this;
    const own = times === undefined ? cells.times : times.values;
    const coded = codedColumns(this.keys, key);
    cells.setCoded(coded);
    cells.memos.clear();
    cells.end = cells.start;
    if (cells.window === undefined) cells.enter(0n, -(2n ** 63n), 2n ** 63n);
    const numbers = new Int32Array(rows.length * hops);
    const spread = hops === 1 ? rows : new Uint32Array(numbers.length);
    for (let i = 0, at = 0; i < rows.length; i++) {
      const row = rows[i];
      cells.row = row;
      cells.touched = row;
      const time = own[row];
      for (let hop = 0; hop < hops; hop++, at++) {
        if (hop > 0) cells.nextHop();
        if (time >= cells.end || time < cells.start) cells.turn(time);
        spread[at] = row;
        numbers[at] = this.number(cells, coded, key, row);
      }
      if (hops > 1) cells.resetHop();
    }
    return new Group(spread, numbers, cells.states, cells.type.names);
  }

  number(cells, coded, key, row) {
    if (coded === undefined || !cells.isCoded) return cells.find(this.keyAt(key, row));
    const place = cells.place(row);
    const { memo } = cells;
    const known = cells.isSmall ? memo[place] : memo.get(place);
    if (known !== undefined) return known;
    const number = cells.findCoded(row);
    if (cells.isSmall) memo[place] = number;
    else memo.set(place, number);
    return number;
  }

  keyAt(key, row) {
    return Object.fromEntries(this.keys.map(([name]) => [name, key[name].get(row)]));
  }
}

/** The text columns of all parts of a key, every row of which is present; undefined if there are others. */
export function codedColumns(keys, columns) {
  const found = keys.map(([name]) => columns[name]);
  const isCoded = (column) => column?.kind.wire.tag === "text" && column.validity === undefined;
  return found.length > 0 && found.every(isCoded) ? found : undefined;
}
