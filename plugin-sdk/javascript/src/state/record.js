// States made of parts, each under its name.

import { json } from "../kinds.js";
import { namesOf } from "./machine.js";
import { Part, jsonOf } from "./part.js";

/** Several parts as one: the state of a cell, or of a key in a `map`. Order-free if all of its parts are. */
export function parts(members) {
  const names = namesOf(members, "a state");
  const types = names.map((name) => members[name]);
  const clash = names.find((name) => ["encode", "merge", "present", "constructor"].includes(name));
  if (clash !== undefined) throw new TypeError(`a part cannot be named '${clash}'`);

  class Record {
    encode(out) {
      for (const name of names) this[name].encode(out);
    }

    merge(right) {
      for (const name of names) this[name].merge(right[name]);
    }

    present() {
      const shown = names.map((name, i) => `"${name}":${jsonOf(types[i].shows, this[name].present())}`);
      return `{${shown.join(",")}}`;
    }
  }
  const make = (stateOf) => {
    const record = new Record();
    for (let i = 0; i < names.length; i++) record[names[i]] = stateOf(types[i]);
    return record;
  };
  const creates = types.map((type) => type.create);
  return Object.assign(
    new Part({
      create() {
        const record = new Record();
        for (let i = 0; i < names.length; i++) record[names[i]] = creates[i]();
        return record;
      },
      decode: (input) => make((type) => type.decode(input)),
      first: () => make((type) => type.first()),
      orderFree: types.every((type) => type.orderFree),
      anchored: types.some((type) => type.anchored),
      shows: types.every((type) => type.shows) ? json : undefined,
    }),
    { names, types },
  );
}
