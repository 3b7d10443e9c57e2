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

const parts = {
  boolean: boolean.optional(),
  integer: int64.optional(),
  text: text.optional(),
  binary: binary.optional(),
  timestamp: timestamp64.optional(),
  decimal: decimal(3).optional(),
};

export default transform({
  name: "kinds",
  summary: "The last value of every kind, by a key of every kind.",
  time: "at",
  event: {
    boolean: boolean.optional(),
    integer: int64.optional(),
    float: float.optional(),
    text: text.optional(),
    binary: binary.optional(),
    timestamp: timestamp64.optional(),
    decimal: decimal(3).optional().at("inner.decimal"),
    json: json.optional().at("/inner/a~1b/0"),
    time: eventTime,
    offset: eventOffset,
  },
  key: parts,
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
    const { boolean, integer, float, text, binary, timestamp, decimal, json, time, offset } = thing;
    const cell = cells.cell(thing);
    if (boolean !== undefined) cell.last_boolean.see(time, offset, boolean);
    if (integer !== undefined) cell.last_integer.see(time, offset, integer);
    if (float !== undefined) cell.last_float.see(time, offset, float);
    if (text !== undefined) cell.last_text.see(time, offset, text);
    if (binary !== undefined) cell.last_binary.see(time, offset, binary);
    if (timestamp !== undefined) cell.last_timestamp.see(time, offset, timestamp);
    if (decimal !== undefined) cell.last_decimal.see(time, offset, decimal);
    if (json !== undefined) cell.last_json.see(time, offset, json);
  },
});
