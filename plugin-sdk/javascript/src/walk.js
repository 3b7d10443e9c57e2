// One walk over the rows of a chunk that finds the cell of each and adds columns to it.
//
// The text of the loop is made here from what it has to do, and compiled once: in an interpreter, which is
// what runs JavaScript in a component, what counts is the number of operations, so one loop does all
// that a row needs and leaves out what it does not. Names and values of authors never enter it.

import { TINY } from "./bytes.js";

/** How a row's number of a column is read: see `numbersOf`. `name` has what `readingOf` needs. */
const reading = (name, isTiny) => (isTiny ? `${name}[row]` : `${name}High[row * 2 + 1] * 4294967296 + ${name}Low[row * 2]`);

/** Declares the arrays of a column of numbers that `from` has. */
const declaring = (name, isTiny, from) =>
  isTiny ? `const ${name} = ${from}.tiny;` : `const ${name}High = ${from}.high, ${name}Low = ${from}.low;`;

/** What a step does to its array `to` at a cell, given a value. */
const STEPS = {
  count: (to) => `${to}[cell] = ${to}[cell] + 1;`,
  sum: (to, value) => `${to}[cell] = ${to}[cell] + ${value};`,
  greatest: (to, value) => `if (${value} > ${to}[cell]) ${to}[cell] = ${value};`,
  least: (to, value) => `if (${value} < ${to}[cell]) ${to}[cell] = ${value};`,
};
/** What an array has where nothing was added, where that is not 0. */
const FIRST = { greatest: -Infinity, least: Infinity };

const compiled = new Map();

function compile(shape) {
  const { isListed, isKnown, keys, isDense, time, values, steps, isNumbered } = shape;
  const find = [];
  if (time !== undefined) {
    find.push(
      `time = ${reading("clock", time)};`,
      `if (!(time < end && time >= start)) {
        at = Math.floor(time / slide);
        start = at * slide;
        end = start + slide;
        offset = (at - first) * places;
      }`,
    );
  }
  const place = keys.reduce((before, _, i) => (i === 0 ? "codes0[row]" : `(${before}) * radix${i} + codes${i}[row]`), "0");
  find.push(
    `place = ${time === undefined ? place : `offset + ${place}`};`,
    `cell = ${isDense ? "table[place]" : "table.get(place) ?? 0"};`,
    `if (cell === 0) {
        cell = ++found;
        ${isDense ? "table[place] = cell" : "table.set(place, cell)"};
        rowOf[cell] = row;
        windowOf[cell] = at;
      }`,
  );
  const source = `"use strict";
  return (function walk({ rows, count, known, table, rowOf, windowOf, numbers, codes, radixes, times, slide, first, places, values, results }) {
    ${keys.map((i) => `const codes${i} = codes[${i}], radix${i} = radixes[${i}];`).join("\n    ")}
    ${time === undefined ? "" : declaring("clock", time, "times")}
    ${values.map((isTiny, i) => declaring(`column${i}`, isTiny, `values[${i}]`)).join("\n    ")}
    ${steps.map((_, i) => `const result${i} = results[${i}];`).join("\n    ")}
    let row = 0, cell = 0, place = 0, found = 0, at = 0, time = NaN, start = NaN, end = NaN, offset = 0${values.map((_, i) => `, value${i} = 0`).join("")};
    for (let i = 0; i < count; i++) {
      row = ${isListed ? "rows[i]" : "i"};
      ${isKnown ? "cell = known[i] + 1;" : find.join("\n      ")}
      ${isNumbered ? "numbers[i] = cell - 1;" : ""}
      ${values.map((isTiny, i) => `value${i} = ${reading(`column${i}`, isTiny)};`).join("\n      ")}
      ${steps.map(({ how, value }, i) => STEPS[how](`result${i}`, `value${value}`)).join("\n      ")}
    }
    return found;
  });`;
  return new Function(source)();
}

function walkOf(shape) {
  const name = JSON.stringify(shape);
  let walk = compiled.get(name);
  if (walk === undefined) compiled.set(name, (walk = compile(shape)));
  return walk;
}

/** Makes sums and extremes numbers in units of 1, and NaN where there is none. */
function finishNumbers(numbers, unit, hasNone) {
  const { length } = numbers;
  if (unit !== 1) for (let i = 0; i < length; i++) numbers[i] /= unit;
  if (hasNone) for (let i = 0; i < length; i++) if (!Number.isFinite(numbers[i])) numbers[i] = NaN;
}

const NO_ROWS = new Uint32Array(0);

/**
 * The cells of some rows, and what columns add to them. Cells are numbered from 0 in the order in which
 * they are met; `rowOf` and `windowOf`, by one more than that number, have a row of each and which of
 * all windows since 1970 it is in.
 */
export class Walk {
  /** `rows`: their numbers, undefined for all below `count`; or `known`: the cell of each, of `cells` cells. */
  constructor(rows, count, known, cells) {
    this.rows = rows;
    this.count = rows?.length ?? count;
    this.known = known;
    this.found = cells;
    this.codes = NO_ROWS;
    this.radixes = [];
    this.times = undefined;
    this.numbers = undefined;
    this.values = [];
    this.steps = [];
  }

  /** Finds cells by columns of texts and the windows of times, which are `numbersOf` them. Else by the texts alone. */
  by(columns, times, slide) {
    this.codes = columns.map((column) => column.values);
    this.radixes = columns.map((column) => column.textCount);
    this.places = this.radixes.reduce((product, radix) => product * radix, 1);
    this.windows = 1;
    if (times !== undefined) {
      this.times = times;
      this.slide = slide * times.unit;
      this.first = Math.floor(times.least / slide);
      this.windows = Math.floor(times.greatest / slide) - this.first + 1;
    }
    // Small dictionaries are multiplied out; of large ones the pairs that occur are found by a Map.
    this.isDense = this.places * this.windows <= 8 * this.count + 4096;
    return this;
  }

  /** Whether places have numbers that are exact. */
  get isExact() {
    return this.places * this.windows <= Number.MAX_SAFE_INTEGER;
  }

  /** One more thing that each row does to its cell: `how` is one of STEPS, `column` what `numbersOf` gave. */
  add(how, column, into) {
    let value = -1;
    if (column !== undefined) {
      value = this.values.indexOf(column);
      if (value < 0) value = this.values.push(column) - 1;
    }
    this.steps.push({ how, value, into });
  }

  /** Walks, and puts what was added into the packs that `add` was given, for each cell. */
  run(isNumbered = false) {
    const { count, known, steps, values } = this;
    const isKnown = known !== undefined;
    const room = (isKnown ? this.found : Math.min(count, this.places * this.windows)) + 1;
    if (!isKnown) {
      this.table = this.isDense ? new Int32Array(this.places * this.windows) : new Map();
      this.rowOf = new Uint32Array(room);
      this.windowOf = new Float64Array(room);
    }
    if (isNumbered) this.numbers = new Int32Array(count);
    this.results = steps.map(({ how }) => (how in FIRST ? new Float64Array(room).fill(FIRST[how]) : new Float64Array(room)));
    const walk = walkOf({
      isListed: this.rows !== undefined,
      isKnown,
      keys: isKnown ? [] : this.codes.map((_, i) => i),
      isDense: this.isDense,
      time: this.times && this.times.unit === TINY,
      values: values.map(({ unit }) => unit === TINY),
      steps: steps.map(({ how, value }) => ({ how, value })),
      isNumbered,
    });
    const found = walk(this);
    if (!isKnown) this.found = found;
    for (let i = 0; i < steps.length; i++) {
      const { how, into, value } = steps[i];
      const result = this.results[i].subarray(1, this.found + 1);
      if (value >= 0) finishNumbers(result, values[value].unit, isKnown && how in FIRST);
      into.fill(result);
    }
    return this;
  }
}
