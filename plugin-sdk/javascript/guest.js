// The component's side of the boundary. `build.mjs` makes a module of this and an author's file.

import * as host from "bifocal:transform/host@1.0.0";
import { logTo } from "./src/log.js";

/**
 * Makes every exception an error with its text and where it came from, also in the log: one that
 * leaves a component is a trap without a word.
 */
function told(call) {
  return (...given) => {
    try {
      return call(...given);
    } catch (error) {
      const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      const place = error?.stack ? `${text}\n${error.stack}` : text;
      host.log("error", place);
      throw error instanceof Error && /out of range/.test(error.message) ? `${error.message}` : place;
    }
  };
}

/** The exported interface of a transform. */
export function guest(transform) {
  if (typeof transform?.describe !== "function") {
    throw new TypeError("the module's default export is not a transform: export default transform({ … })");
  }
  // The host is not there while the snapshot is made.
  logTo(() => {});
  transform.rehearse();
  logTo((level, message) => host.log(level, message));
  const settings = transform.declared.settings === undefined ? () => "" : () => host.settings();
  return {
    describe: told(() => transform.describe(host.settings())),
    fold: told((events) => transform.fold(events, settings())),
    merge: told((left, right) => transform.merge(left, right)),
    present: told((keys, windows, states) => transform.present(keys, windows, states)),
  };
}
