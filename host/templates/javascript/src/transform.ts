// What this transform answers, in a sentence.
//
// `bifocal test .` runs the fixtures, `bifocal check` proves the laws, `npm test` runs the tests.

import { count, int, max, reject, sum, text, transform } from "../bifocal-sdk/index.js";

export default transform({
  name: "{{name}}",
  window: "1h",
  time: "at",

  // One event: the fields that are read. `text.optional()` if a field may be absent.
  event: { page: text, seconds: int },

  // What rows are keyed by, beside the window.
  key: { page: text },

  // What is kept for each key and window: parts that merge lawfully.
  state: { visits: count(), seconds: sum(int), longest: max(int) },

  fold(visit, cells) {
    if (visit.seconds < 0) reject("a visit cannot be shorter than nothing");
    const cell = cells.cell(visit);
    cell.visits.add();
    cell.seconds.add(visit.seconds);
    cell.longest.see(visit.seconds);
  },
});
