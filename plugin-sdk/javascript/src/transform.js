// A declaration as the four functions of the contract. Owns verdicts on rows and their undoing.

import { Writer } from "./bytes.js";
import { BulkCells, Events, codedColumns } from "./bulk.js";
import { Cells, Slots, walkBy } from "./cells.js";
import { Builder, Column, NOTHING, bytesOf, cast, upTo } from "./columns.js";
import { Inputs, compileRows, fieldsOf } from "./event.js";
import { Kind, timestamp64 } from "./kinds.js";
import { blobsOfPacks, readPacks } from "./state/pack.js";
import { Part } from "./state/part.js";
import { parts } from "./state/record.js";

/** Why an event cannot be folded. No Error: nobody looks at its stack, and many may come. */
class Rejection {
  constructor(reason) {
    this.reason = reason;
  }
}

/**
 * Rejects the event at hand: it leaves no trace in any cell. The reason is read by a person: name the
 * field, the value and what would have been right. The verdict must be a function of the event alone.
 */
export function reject(reason) {
  throw new Rejection(String(reason));
}

const UNITS = { ms: 1n, s: 1000n, m: 60_000n, h: 3_600_000n, d: 86_400_000n };

/** `"1h"`, `"15m"`, `"30s"`, `"500ms"`, `"1d"` in milliseconds, a bigint. */
export function duration(text) {
  const [, digits, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(text) ?? [];
  const ms = digits === undefined ? 0n : BigInt(digits) * UNITS[unit];
  if (ms <= 0n || ms >= 2n ** 63n) {
    throw new RangeError(`'${text}' is not a length of time; write "1h", with one of ms, s, m, h, d`);
  }
  return ms;
}

function windowOf({ window, slide }) {
  if (window === undefined) {
    if (slide !== undefined) throw new TypeError("a slide needs a window");
    return undefined;
  }
  const size = duration(window);
  const step = slide === undefined ? size : duration(slide);
  if (size % step !== 0n) throw new RangeError("the slide must divide the window");
  return { size, slide: step };
}

/** Settings, checked: of a transform that takes none anything but `{}` is an error. */
function settingsOf(declared, text) {
  if (declared === undefined) {
    if (text !== "" && text !== "{}") throw new Error(`settings ${text} do not fit: this transform has no settings`);
    return undefined;
  }
  const given = JSON.parse(text || "{}");
  try {
    return declared(given);
  } catch (error) {
    throw new Error(`settings ${text} do not fit: ${error.message}`);
  }
}

const KNOWN = ["name", "summary", "window", "slide", "time", "timeUnit", "event", "key", "state", "settings", "fold", "foldColumns", "outputs", "present"];

/** A transform: see `transform`. Its methods take and return what the contract says. */
export class Transform {
  constructor(declared) {
    const unknown = Object.keys(declared).find((name) => !KNOWN.includes(name));
    if (unknown !== undefined) throw new TypeError(`a transform has no '${unknown}'; it has ${KNOWN.join(", ")}`);
    if ((declared.fold === undefined) === (declared.foldColumns === undefined)) {
      throw new TypeError("a transform has one of fold and foldColumns");
    }
    if ((declared.outputs === undefined) !== (declared.present === undefined)) {
      throw new TypeError("outputs and present go together");
    }
    this.declared = declared;
    this.inputs = new Inputs(declared.event);
    this.keys = Object.entries(declared.key ?? {});
    this.keyFields = fieldsOf(declared.key ?? {}, "a key");
    const wrong = this.keys.find(([, kind]) => ["float", "json"].includes(kind.wire.tag));
    if (wrong) throw new TypeError(`'${wrong[0]}' cannot be part of a key: equal values of ${wrong[1].name} have no single form`);
    this.type = declared.state instanceof Part && declared.state.names ? declared.state : parts(declared.state);
    this.window = windowOf(declared);
    this.hops = this.window === undefined ? 1 : Number(this.window.size / this.window.slide);
    this.panes = this.hops > 1 && this.type.orderFree;
    const { names, types } = this.type;
    const shown = declared.outputs ?? Object.fromEntries(names.map((name, i) => [name, types[i].shows]));
    const silent = Object.keys(shown).find((name) => !(shown[name] instanceof Kind));
    if (silent !== undefined) throw new TypeError(`'${silent}' shows nothing by itself: declare outputs and present`);
    this.outputs = Object.entries(shown);
    this.outputFields = fieldsOf(shown, "an output");
    this.rows = declared.fold && compileRows(this.inputs, Rejection);
  }

  describe(settings) {
    settingsOf(this.declared.settings, settings);
    const { name, summary = "", time, timeUnit } = this.declared;
    const annotations = [];
    if (time !== undefined) annotations.push(["time", time]);
    if (timeUnit !== undefined) annotations.push(["time-unit", timeUnit]);
    return {
      name,
      summary,
      inputs: this.inputs.fields,
      keys: this.keyFields,
      outputs: this.outputFields,
      only: this.inputs.only,
      window: this.window && { sizeMs: this.window.size, slideMs: this.window.slide },
      order: this.type.orderFree ? "none" : "log",
      initial: this.type.anchored ? this.firstState() : undefined,
      annotations,
    };
  }

  firstState() {
    const out = new Writer();
    this.type.first().encode(out);
    return out.finish();
  }

  /**
   * The author's function runs on each row, straight into the cells. If a row is rejected *after* it
   * has asked for a cell, the chunk is folded again without the rows rejected so far, which leaves no
   * trace of them by construction and costs nothing where none is.
   */
  fold(events, settings) {
    const given = settingsOf(this.declared.settings, settings);
    const rows = events.times.length / 8;
    const times = new Column("@time", timestamp64, { fixed: events.times, validity: NOTHING }, rows);
    const columns = this.inputs.open(events.columns, rows);
    const rejected = new Map(); // row -> reason
    for (;;) {
      const cells = new Cells(this.keys, this.type, this.window, times);
      if (this.pass(columns, cells, rejected, given)) {
        const sorted = [...rejected].sort((a, b) => a[0] - b[0]);
        return {
          cells: this.panes ? cells.finishPanes(this.hops) : cells.finish(),
          rejected: sorted.map(([row, reason]) => ({ row, reason })),
        };
      }
    }
  }

  /** One walk over all rows but those rejected before. False: a row was rejected that had touched a cell. */
  pass(columns, cells, rejected, settings) {
    const times = cells.times.values;
    const skipped = rejected.size > 0 ? new Set(rejected.keys()) : undefined;
    const hops = this.panes ? 1 : this.hops;
    const named = Object.fromEntries(this.inputs.columns.map(({ name }, i) => [name, columns[i]]));
    let clean = true;
    if (this.declared.foldColumns) {
      // Whatever was rejected may be in a cell already: fold again without it.
      const refuse = (row, reason) => {
        if (!rejected.has(row)) clean = false;
        rejected.set(row, String(reason));
      };
      const bulk = new BulkCells(cells, this.keys, named, hops);
      this.declared.foldColumns(new Events(this.inputs, columns, times.length, skipped, times, refuse), bulk, settings);
      if (clean) bulk.finish();
      return clean;
    }
    const refuse = (row, reason, isTouched) => {
      clean &&= !isTouched;
      rejected.set(row, reason);
    };
    const coded = hops === 1 ? this.codedKeys(named) : undefined;
    const walk = coded && walkBy(cells, coded, cells.times, undefined, times.length);
    const slots = walk && new Slots(cells, walk.run(true), coded);
    const variants = this.inputs.tag === undefined ? undefined : this.inputs.variantsByCode(columns);
    this.rows(columns, times, skipped, cells, slots, this.declared.fold, hops, settings, variants, refuse);
    return clean;
  }

  /** The columns by which an event stands for its own key: those that every type of event has. */
  codedKeys(named) {
    const hasAll = this.keys.every(([name]) =>
      this.inputs.variants.every(({ fields }) =>
        fields.some((field) => field.name === name && this.inputs.columns[field.column].name === name),
      ),
    );
    return hasAll ? codedColumns(this.keys, named) : undefined;
  }

  merge(left, right) {
    const [before, after] = [cast(Uint32Array, left.ends), cast(Uint32Array, right.ends)];
    if (before.length !== after.length) throw new Error(`${before.length} states at the left, ${after.length} at the right`);
    const [packs, later] = [this.unpacked(left.bytes, before), this.unpacked(right.bytes, after)];
    const all = upTo(before.length);
    for (let k = 0; k < packs.length; k++) packs[k].merge(all, later[k]);
    return blobsOfPacks(packs, before.length);
  }

  /** Packs with the states of blobs, one for each part. */
  unpacked(bytes, ends) {
    const packs = this.type.packs();
    readPacks(packs, bytes, ends);
    return packs;
  }

  present(_keys, _windows, states) {
    const ends = cast(Uint32Array, states.ends);
    const packs = this.unpacked(states.bytes, ends);
    if (this.declared.present) return this.presentOwn(packs, ends.length);
    return packs.map((pack, k) => {
      const shown = pack.show();
      if (shown !== undefined) return shown;
      const column = new Builder(this.outputs[k][1]);
      for (let i = 0; i < ends.length; i++) column.push(pack.get(i).present());
      return column.finish();
    });
  }

  /**
   * Runs everything once over nothing: an engine compiles a function when it is first called, so a component,
   * whose every call begins with the memory of its snapshot, would compile it in each of them. Of the author's
   * functions only those of no event can be called; what they throw is for a call that means it.
   */
  rehearse() {
    const { inputs, keyFields, type } = this;
    const nothing = { fixed: NOTHING, heap: { ends: NOTHING, bytes: NOTHING }, validity: NOTHING };
    const out = new Writer();
    type.create().encode(out);
    const state = { ends: bytesOf(Uint32Array.of(out.length)), bytes: out.finish() };
    for (const call of [
      () => this.describe("{}"),
      () => this.fold({ times: NOTHING, columns: inputs.fields.map(() => nothing) }, "{}"),
      () => this.merge(state, state),
      () => this.present(keyFields.map(() => nothing), NOTHING, state),
    ]) {
      try {
        call();
      } catch {
        // What fails here fails again where it counts, with its reason.
      }
    }
  }

  /** What the author's function makes of each state. */
  presentOwn(packs, count) {
    const columns = this.outputs.map(([, kind]) => new Builder(kind));
    for (let i = 0; i < count; i++) {
      const row = this.declared.present(this.type.stateOf(packs, i));
      for (let k = 0; k < columns.length; k++) columns[k].push(row[this.outputs[k][0]]);
    }
    return columns.map((column) => column.finish());
  }
}

/**
 * Declares a transform. Members: `name`, `summary`, `window` ("1h") and `slide`, `time` (path of the
 * event's time) and `timeUnit`, `event`, `key`, `state`, `settings` (a function that checks them),
 * `fold(event, cells, settings)` or `foldColumns(events, cells, settings)`, and, to show something
 * else than the state's parts, `outputs` with `present(state)`.
 */
export const transform = (declared) => new Transform(declared);
