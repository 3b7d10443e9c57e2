// What a cell accumulates: parts with canonical bytes, a beginning and a lawful merge.

import { Objects } from "./pack.js";

/**
 * A type of part. Its states have `encode(out)`, `merge(right)` and `present()`.
 *
 * - `create()`: the state before anything was added; neutral for `merge` on both sides.
 * - `decode(input)`: the state of canonical bytes; throws a DecodeError at all others.
 * - `first()`: the state of a cell before its first event: anchored where there is the distinction.
 * - `orderFree`: whether `merge(x, y)` and `merge(y, x)` have the same bytes for all states.
 * - `anchored`: whether states are anchored or floating, as machines are.
 * - `pack()`: an empty pack for the states of many cells, see `pack.js`: of objects, if the part has none of its own.
 * - `shows`: the kind of what `present()` returns (absent: undefined); undefined if it shows nothing.
 */
export class Part {
  constructor(how) {
    Object.assign(this, { anchored: false, shows: undefined, first: how.create, pack: () => new Objects(this) }, how);
  }

  // A part can stand where a machine keeps a value.
  initial() {
    return this.create();
  }

  encode(state, out) {
    state.encode(out);
  }
}

/** What a text as `{"a":…}` or `[…]` shows of a value that may be absent. */
export const jsonOf = (kind, value) => (value === undefined || value === null ? "null" : kind.json(kind.own(value)));

/** The later state has run from the beginning of its cell, so nothing can precede it. */
export class AnchoredRight extends Error {
  constructor() {
    super(
      "the later state is anchored: it has run from the beginning of its cell; merge floating states onto it",
    );
  }
}
