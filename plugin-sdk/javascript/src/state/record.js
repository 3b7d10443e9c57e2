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

  const Record = compileRecord(names, types);
  const make = (stateOf) => {
    const record = Object.create(Record.prototype);
    for (let i = 0; i < names.length; i++) record[names[i]] = stateOf(types[i]);
    return record;
  };
  return Object.assign(
    new Part({
      create: () => new Record(),
      decode: (input) => make((type) => type.decode(input)),
      first: () => make((type) => type.first()),
      orderFree: types.every((type) => type.orderFree),
      anchored: types.some((type) => type.anchored),
      shows: types.every((type) => type.shows) ? json : undefined,
    }),
    {
      names,
      types,
      /** Empty packs for the states of many cells, one for each part. */
      packs: () => types.map((type) => type.pack()),
      /** The state of cell i of packs, as an object. */
      stateOf(packs, i) {
        const record = Object.create(Record.prototype);
        for (let k = 0; k < names.length; k++) record[names[k]] = packs[k].get(i);
        return record;
      },
    },
  );
}

/**
 * The class of a state: fresh parts under their names, written and merged one after the other. Its text
 * is made from the names, which enter it as string literals only: a loop over names that are looked up
 * costs an interpreter twice as much, for every cell of every chunk.
 */
function compileRecord(names, types) {
  const each = (write) => names.map((name, i) => write(`this[${JSON.stringify(name)}]`, i, JSON.stringify(name))).join("\n      ");
  const source = `"use strict";
  const [${names.map((_, i) => `create${i}`).join(", ")}] = creates;
  return class Record {
    constructor() {
      ${each((part, i) => `${part} = create${i}();`)}
    }
    encode(out) {
      ${each((part) => `${part}.encode(out);`)}
    }
    merge(right) {
      ${each((part, _, name) => `${part}.merge(right[${name}]);`)}
    }
  };`;
  const Record = new Function("creates", source)(types.map((type) => type.create));
  Record.prototype.present = function present() {
    const shown = names.map((name, i) => `"${name}":${jsonOf(types[i].shows, this[name].present())}`);
    return `{${shown.join(",")}}`;
  };
  return Record;
}
