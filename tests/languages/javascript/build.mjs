// node build.mjs SOURCE WIT OUTPUT: JavaScript to a component. `tests/languages/build` calls it.

import { writeFile } from "node:fs/promises";
import { componentize } from "@bytecodealliance/componentize-js";

const [sourcePath, witPath, output] = process.argv.slice(2);
const { component } = await componentize({
  sourcePath,
  witPath,
  worldName: "plugin",
  // The rest of the runtime's WASI stays imported and is answered, frozen, by the host: what is
  // disabled here is baked in instead, and `Date.now()` would be the time of this build.
  disableFeatures: ["http", "fetch-event"],
});
await writeFile(output, component);
