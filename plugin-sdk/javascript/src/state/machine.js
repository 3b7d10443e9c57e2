// Logic that needs its events one after the other: machines, and the codecs of what they keep.

import { DecodeError, Reader, Writer } from "../bytes.js";
import { int, timestamp } from "../kinds.js";
import { AnchoredRight, Part } from "./part.js";

// A codec has `initial()`, `encode(value, out)` and `decode(input)`. Kinds and parts are codecs, too.

/** A list of values, empty at first. */
export const list = (codec) => ({
  initial: () => [],
  encode(values, out) {
    out.varint(values.length);
    for (const value of values) codec.encode(value, out);
  },
  decode(input) {
    const values = [];
    for (let left = input.count(); left > 0; left--) values.push(codec.decode(input));
    return values;
  },
});

/** An object of these members, written one after the other. */
export function object(members) {
  const names = namesOf(members, "an object");
  const make = (value) => Object.fromEntries(names.map((name) => [name, value(members[name], name)]));
  return {
    initial: () => make((codec) => codec.initial()),
    encode: (value, out) => names.forEach((name) => members[name].encode(value[name], out)),
    decode: (input) => make((codec) => codec.decode(input)),
  };
}

/**
 * One of several objects, told apart by their member `type`: a byte and its other members.
 * `choice({ declined: { time: timestamp }, approved: { … } })` holds `{ type: "declined", time }`.
 */
export function choice(variants) {
  const types = namesOf(variants, "a choice");
  if (types.length > 256) throw new RangeError("a choice has at most 256 types");
  const codecs = types.map((type) => object(variants[type]));
  return {
    initial: () => ({ type: types[0], ...codecs[0].initial() }),
    encode(value, out) {
      const at = types.indexOf(value.type);
      if (at < 0) throw new TypeError(`'${value.type}' is no type of this choice`);
      out.u8(at);
      codecs[at].encode(value, out);
    },
    decode(input) {
      const at = input.u8();
      if (at >= types.length) throw new DecodeError("a variant that there is not");
      return { type: types[at], ...codecs[at].decode(input) };
    },
  };
}

/**
 * The names of an object's members, in the order in which they were written. JavaScript moves names
 * that are whole numbers to the front, so those are refused.
 */
export function namesOf(members, what) {
  const names = Object.keys(members);
  const moved = names.find((name) => /^(0|[1-9]\d*)$/.test(name) || name === "__proto__");
  if (moved !== undefined) throw new TypeError(`'${moved}' cannot be a name in ${what}`);
  return names;
}

/**
 * What takes its inputs one after the other. `state`: members of the machine before its first input;
 * `input`: a codec; `step(machine, input)` changes the machine; `shows` and `present(machine)`, if it
 * shows itself.
 */
export function machine({ state, input, step, shows, present }) {
  const codec = object(state);
  const empty = new Writer(16);
  return {
    codec,
    input,
    step,
    shows,
    present,
    /** Runs the machine over encoded inputs. */
    run(running, bytes) {
      const inputs = new Reader(bytes);
      while (inputs.at < inputs.end) step(running, input.decode(inputs));
    },
    /** That all inputs decode. */
    check(bytes) {
      const inputs = new Reader(bytes);
      while (inputs.at < inputs.end) input.decode(inputs);
    },
    /** An input as bytes, which are valid until the next call. */
    encoded(value) {
      empty.length = 0;
      input.encode(value, empty);
      // The number of inputs is known by their bytes alone.
      if (empty.length === 0) throw new TypeError("an input of a machine must encode to at least one byte");
      return empty.bytes.subarray(0, empty.length);
    },
    copy(running) {
      const out = new Writer();
      codec.encode(running, out);
      return codec.decode(new Reader(out.bytes, 0, out.length));
    },
  };
}

class OrderedState {
  constructor(type, anchored, inputs) {
    this.type = type;
    this.anchored = anchored; // a machine that has run from the beginning of its cell
    this.inputs = inputs; // else a Writer of inputs that wait for what precedes them
  }

  /** The next input of the machine. */
  push(value) {
    if (this.anchored !== undefined) this.type.step(this.anchored, value);
    else this.inputs.raw(this.type.encoded(value));
  }

  /** The machine as it is after all inputs; of a floating state, as if they were the first. */
  machine() {
    if (this.anchored !== undefined) return this.type.copy(this.anchored);
    const running = this.type.codec.initial();
    this.type.run(running, this.bytes());
    return running;
  }

  get isAnchored() {
    return this.anchored !== undefined;
  }

  bytes() {
    return this.inputs.bytes.subarray(0, this.inputs.length);
  }

  encode(out) {
    if (this.anchored !== undefined) {
      out.u8(1);
      this.type.codec.encode(this.anchored, out);
    } else {
      out.u8(0);
      out.blob(this.bytes());
    }
  }

  merge(right) {
    if (right.anchored !== undefined) throw new AnchoredRight();
    if (this.anchored !== undefined) this.type.run(this.anchored, right.bytes());
    else this.inputs.raw(right.bytes());
  }

  present() {
    return this.type.present(this.machine());
  }
}

/**
 * Runs a machine over the events of a cell in the order of the log, however the log is cut. Never
 * order-free. States are anchored (a machine) or floating (inputs); `fold` makes floating ones.
 */
export const ordered = (type) =>
  new Part({
    create: () => new OrderedState(type, undefined, new Writer(16)),
    decode(input) {
      const tag = input.u8();
      if (tag === 1) return new OrderedState(type, type.codec.decode(input), undefined);
      if (tag !== 0) throw new DecodeError("neither an anchored nor a floating state");
      const bytes = input.blob();
      type.check(bytes);
      const inputs = new Writer(bytes.length + 16);
      inputs.raw(bytes);
      return new OrderedState(type, undefined, inputs);
    },
    first: () => new OrderedState(type, type.codec.initial(), undefined),
    orderFree: false,
    anchored: true,
    shows: type.shows,
  });

class TimelineState {
  constructor(type) {
    this.type = type;
    this.places = new Map(); // "time offset" -> [time, offset, Writer of inputs]
  }

  /** `time` and `offset` are the event's: the inputs `eventTime` and `eventOffset`. */
  push(time, offset, value) {
    this.at(timestamp.own(time), int.own(offset)).raw(this.type.encoded(value));
  }

  at(time, offset) {
    const key = `${time} ${offset}`;
    let place = this.places.get(key);
    if (place === undefined) this.places.set(key, (place = [time, offset, new Writer(16)]));
    return place[2];
  }

  sorted() {
    return [...this.places.values()].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  }

  /** The machine as it is after all inputs, by event time. */
  machine() {
    const running = this.type.codec.initial();
    for (const [, , inputs] of this.sorted()) this.type.run(running, inputs.bytes.subarray(0, inputs.length));
    return running;
  }

  encode(out) {
    out.varint(this.places.size);
    for (const [time, offset, inputs] of this.sorted()) {
      out.int(time);
      out.int(offset);
      out.blob(inputs.bytes.subarray(0, inputs.length));
    }
  }

  merge(right) {
    for (const [time, offset, inputs] of right.places.values()) {
      this.at(time, offset).raw(inputs.bytes.subarray(0, inputs.length));
    }
  }

  present() {
    return this.type.present(this.machine());
  }
}

/**
 * Runs a machine over the events of a cell in the order of (event time, offset), however late they
 * come. Order-free; keeps every input of the cell.
 */
export const timeline = (type) =>
  new Part({
    create: () => new TimelineState(type),
    decode(input) {
      const state = new TimelineState(type);
      let before;
      for (let left = input.count(); left > 0; left--) {
        const [time, offset] = [timestamp.read(input), int.read(input)];
        if (before && (before[0] - time || before[1] - offset) >= 0) {
          throw new DecodeError("a timeline that does not ascend");
        }
        const inputs = input.blob();
        if (inputs.length === 0) throw new DecodeError("a place of a timeline without an input");
        type.check(inputs);
        state.at(time, offset).raw(inputs);
        before = [time, offset];
      }
      return state;
    },
    orderFree: true,
    shows: type.shows,
  });
