// Every kind of input, key and output, each of them optional, in one global window.

import {
  binary,
  boolean,
  decimal,
  eventOffset,
  eventTime,
  float,
  int64,
  json,
  last,
  text,
  timestamp64,
  transform,
} from "../../../../plugin-sdk/javascript/index.js";

const kinds = {
  boolean: boolean.optional(),
  integer: int64.optional(),
  float: float.optional(),
  text: text.optional(),
  binary: binary.optional(),
  timestamp: timestamp64.optional(),
  decimal: decimal(3).optional().at("inner.decimal"),
  json: json.optional().at("/inner/a~1b/0"),
};
const { float: _float, json: _json, ...keys } = kinds;

export default transform({
  name: "kinds",
  summary: "The last value of every kind, by a key of every kind.",
  time: "at",
  event: { ...kinds, time: eventTime, offset: eventOffset },
  key: keys,
  state: {
    last_boolean: last(boolean),
    last_integer: last(int64),
    last_float: last(float),
    last_text: last(text),
    last_binary: last(binary),
    last_timestamp: last(timestamp64),
    last_decimal: last(decimal(3)),
    last_json: last(json),
  },

  fold(thing, cells) {
    const cell = cells.cell(thing);
    for (const name of Object.keys(kinds)) {
      if (thing[name] !== undefined) cell[`last_${name}`].see(thing.time, thing.offset, thing[name]);
    }
  },
});
