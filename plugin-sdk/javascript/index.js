// Write Bifocal transforms in JavaScript and TypeScript: see README.md.

export { oneOf } from "./src/event.js";
export {
  binary,
  boolean,
  decimal,
  eventOffset,
  eventTime,
  float,
  int,
  int16,
  int32,
  int64,
  int8,
  json,
  text,
  timestamp,
  timestamp64,
  tuple,
  uint16,
  uint32,
  uint64,
  uint8,
} from "./src/kinds.js";
export { decimalText, timeText } from "./src/json.js";
export { log } from "./src/log.js";
export { exactSum } from "./src/state/exact-sum.js";
export { choice, list, machine, object, ordered, timeline } from "./src/state/machine.js";
export { lastN, map, set, topK } from "./src/state/many.js";
export { count, mean, sum } from "./src/state/numbers.js";
export { parts } from "./src/state/record.js";
export { first, firstSeen, last, lastSeen, max, min } from "./src/state/single.js";
export { distinct, quantiles } from "./src/state/sketches.js";
export { reject, transform } from "./src/transform.js";
