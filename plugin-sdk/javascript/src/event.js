// Events: the inputs that a declaration asks for, and how a row of columns becomes an object.

import { Column, Misfit } from "./columns.js";
import { Kind, text } from "./kinds.js";
import { namesOf } from "./state/machine.js";

/** Several types of events in one stream; see `oneOf`. */
class Choice {
  constructor(tag, variants) {
    this.tag = tag;
    this.variants = variants;
  }
}

/**
 * Events of several types, told apart by the text at `tag`; all others are ignored. Fields are those
 * of each type, and the event's member of the tag's name says which it is:
 * `oneOf("type", { "trip.started": { vehicle: text }, "trip.ended": { vehicle: text, fare: decimal(2) } })`.
 */
export const oneOf = (tag, variants) => new Choice(tag, variants);

/** An input column: name, path, kind, and whether the host rejects events without it. */
class Input {
  constructor(name, kind, required) {
    this.name = name;
    this.kind = kind;
    this.path = kind.path ?? name;
    this.required = required;
  }

  get field() {
    return { name: this.name, path: this.path, kind: this.kind.wire, required: this.required };
  }

  /** A path as a person reads it in a reason: the whole payload has no name. */
  get shown() {
    return this.path === "" ? "payload" : this.path;
  }
}

const sameColumn = (input, path, kind) =>
  input.path === path &&
  input.kind.wire.tag === kind.wire.tag &&
  input.kind.wire.val === kind.wire.val &&
  input.kind.zero?.constructor === kind.zero?.constructor &&
  String(input.kind.range) === String(kind.range);

function checkKinds(fields, what) {
  for (const name of namesOf(fields, what)) {
    if (!(fields[name] instanceof Kind)) throw new TypeError(`${what}: '${name}' has no kind`);
  }
  return Object.entries(fields);
}

/** What a transform reads, made from a declaration: an object of kinds, or `oneOf`. */
export class Inputs {
  constructor(declared) {
    this.columns = [];
    this.tag = undefined; // of a choice, the index of its column
    if (declared instanceof Choice) {
      this.variants = namesOf(declared.variants, "events").map((type) => ({ type, fields: this.fieldsOf(declared.variants[type], true) }));
      if (this.variants.length === 0) throw new TypeError("events of no type");
      for (const [i, column] of this.columns.entries()) {
        column.required = this.variants.every(({ fields }) => fields.some((field) => field.column === i && !field.optional));
      }
      this.tag = this.columns.length;
      this.columns.push(new Input(declared.tag, text, true));
      this.only = { path: declared.tag, oneOf: this.variants.map(({ type }) => type) };
    } else {
      this.variants = [{ type: undefined, fields: this.fieldsOf(declared, false) }];
      this.only = undefined;
    }
  }

  fieldsOf(declared, shared) {
    return checkKinds(declared, "an event").map(([name, kind]) => {
      const path = kind.path ?? name;
      let column = shared ? this.columns.findIndex((input) => sameColumn(input, path, kind)) : -1;
      if (column < 0) column = this.columns.push(new Input(name, kind, !kind.isOptional)) - 1;
      return { name, column, optional: kind.isOptional };
    });
  }

  get fields() {
    return this.columns.map((column) => column.field);
  }

  /** The columns of a chunk; throws unless they are as declared. */
  open(columns, rows) {
    if (columns.length !== this.columns.length) {
      throw new Error(`${columns.length} columns for ${this.columns.length} inputs`);
    }
    return this.columns.map((input, i) => {
      const column = new Column(input.shown, input.kind, columns[i], rows);
      if (input.required && column.validity) {
        for (let row = 0; row < rows; row++) {
          if (!column.has(row)) throw new Error(`input '${input.shown}' is required but absent in row ${row}`);
        }
      }
      return column;
    });
  }

  /** By code of the tag's column: the index of the variant; undefined if it is none. */
  variantsByCode(columns) {
    const types = this.variants.map(({ type }) => type);
    return columns[this.tag].texts.map((type) => {
      const at = types.indexOf(type);
      return at < 0 ? undefined : at;
    });
  }
}

/** The right side of an assignment that reads column `i` in row `row`. */
function reading(i, kind) {
  switch (kind.wire.tag) {
    case "boolean":
      return `values${i}[row] !== 0`;
    case "float":
      return `values${i}[row]`;
    case "text":
      return `texts${i}[values${i}[row]]`;
    case "binary":
    case "json":
      return `columns[${i}].get(row)`;
    default: {
      const [min, max] = kind.range;
      const all = kind.zero === 0n && min < 0n;
      return all ? `values${i}[row]` : `(whole = values${i}[row]) >= ${min}n && whole <= ${max}n ? ${kind.zero === 0n ? "whole" : "number(whole)"} : columns[${i}].whole(row)`;
    }
  }
}

/**
 * A function of one chunk, `run(columns, times, skipped, cells, slots, author, hops, settings, variants,
 * reject)`: calls `author(event, out, settings)` for each row that is not in `skipped`, with one event
 * object a type that is filled anew for each row, and `reject(row, reason, touched)`.
 *
 * Its text is made here, once, from the declaration. In an interpreter, which is what runs JavaScript
 * in a component, locals cost next to nothing and a member or a call ten to forty times as much: a
 * loop over fields that calls a reader for each is three times slower than the assignments themselves.
 * Names enter it as string literals only.
 */
export function compileRows(inputs, Rejection) {
  const literal = JSON.stringify;
  const event = ({ type, fields }) => {
    const tag = type === undefined ? [] : [`${literal(inputs.columns[inputs.tag].name)}: ${literal(type)}`];
    return `{ ${[...tag, ...fields.map(({ name }) => `${literal(name)}: undefined`)].join(", ")} }`;
  };
  const fill = ({ fields }, at) =>
    fields.map(({ name, column, optional }) => {
      const target = `event${at}[${literal(name)}]`;
      const value = reading(column, inputs.columns[column].kind);
      const present = `valid${column} === undefined || valid${column}[row >> 3] >> (row & 7) & 1`;
      if (optional) return `${target} = ${present} ? ${value} : undefined;`;
      if (inputs.tag === undefined) return `${target} = ${value};`;
      return `if (!(${present})) throw new Misfit(${literal(inputs.columns[column].shown)}, "is missing"); ${target} = ${value};`;
    });
  const call = (at) => `
          event = event${at};
          ${fill(inputs.variants[at], at).join("\n          ")}
          for (let hop = 0; ;) {
            if (author(event, out, settings) !== undefined) refuseResult();
            if (++hop === hops) break;
            cells.turnHop(hop);
          }`;
  const body =
    inputs.tag === undefined
      ? call(0)
      : `
          switch (variants[values${inputs.tag}[row]]) {
            ${inputs.variants.map((_, at) => `case ${at}: {${call(at)}\n          break; }`).join("\n            ")}
            default: throw new Misfit(${literal(inputs.columns[inputs.tag].path)}, "'" + texts${inputs.tag}[values${inputs.tag}[row]] + "' is no event of this transform");
          }`;
  const columns = inputs.columns.map(({ kind }, i) => {
    const texts = kind.wire.tag === "text" ? ` const texts${i} = columns[${i}].texts;` : "";
    return `const values${i} = columns[${i}].values, valid${i} = columns[${i}].validity;${texts}`;
  });
  const source = `"use strict";
  return function run(columns, times, skipped, cells, slots, author, hops, settings, variants, reject) {
    ${columns.join("\n    ")}
    ${inputs.variants.map((variant, at) => `const event${at} = ${event(variant)};`).join("\n    ")}
    const slotOf = slots === undefined ? undefined : slots.of;
    const bySlot = slots === undefined ? undefined : new Array(slots.count);
    let row = 0, touched = -1, event, whole;
    const out = {
      cell(key) {
        touched = row;
        if (key === event && slotOf !== undefined) {
          const slot = slotOf[row];
          return bySlot[slot] ??= slots.state(slot);
        }
        return cells.state(cells.find(times[row], key));
      },
      cellAt(time, key) {
        touched = row;
        return cells.state(cells.find(bigint(time), key));
      },
      get time() {
        return number(times[row]);
      },
    };
    const rows = times.length;
    for (; row < rows; row++) {
      if (skipped !== undefined && skipped.has(row)) continue;
      if (hops > 1) cells.turnHop(0);
      try {${body}
      } catch (error) {
        if (!(error instanceof Rejection) && !(error instanceof Misfit)) throw error;
        reject(row, error.reason, touched === row);
      }
    }
  };`;
  return new Function("Misfit", "Rejection", "number", "bigint", "refuseResult", source)(Misfit, Rejection, Number, BigInt, refuseResult);
}

function refuseResult() {
  throw new TypeError("fold returned a value: it returns nothing, and is not asynchronous");
}

/** The declaration of keys or outputs as fields of the contract. */
export function fieldsOf(declared, what) {
  return checkKinds(declared, what).map(([name, kind]) => ({ name, path: "", kind: kind.wire, required: false }));
}
