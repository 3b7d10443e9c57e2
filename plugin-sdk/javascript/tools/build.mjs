// node build.mjs SOURCE WIT OUTPUT [SDK]: a transform in JavaScript or TypeScript to a component.
//
// Stands in a folder with the node_modules that package.json beside it pins. SOURCE: the author's
// module, or a folder with one of src/transform.ts, src/transform.js, transform.ts, transform.js. WIT:
// the folder of the contract. SDK: the folder of the SDK; without it, bifocal-sdk in SOURCE. TypeScript
// is stripped, not checked; author and SDK become one module, which the component holds as a snapshot
// taken after it was loaded.

import { existsSync, statSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { componentize } from "@bytecodealliance/componentize-js";
import { build } from "esbuild";

const MODULES = ["src/transform.ts", "src/transform.js", "transform.ts", "transform.js"];

const [source, witPath, output, sdkGiven] = process.argv.slice(2).map((path) => resolve(path));
if (output === undefined) fail("usage: node build.mjs SOURCE WIT OUTPUT [SDK]");
const isFolder = statSync(source).isDirectory();
const folder = isFolder ? source : resolve(source, "..");
const module = isFolder ? MODULES.find((name) => existsSync(join(source, name))) : relative(folder, source);
if (module === undefined) fail(`${source}: none of ${MODULES.join(", ")} is there`);
const sdk = sdkGiven ?? join(folder, "bifocal-sdk");

function fail(message) {
  console.error(message);
  process.exit(2);
}

// What would make a transform depend on anything but its events is taken away before its code runs.
const entry = `
  import "bifocal-sdk/frozen.js";
  import { guest } from "bifocal-sdk/guest.js";
  import plugin from ${JSON.stringify(`./${module}`)};
  export const transform = guest(plugin);
`;

const work = await mkdtemp(join(tmpdir(), "bifocal-build-"));
try {
  const sourcePath = join(work, "plugin.js");
  await build({
    stdin: { contents: entry, resolveDir: folder, sourcefile: "entry.js" },
    absWorkingDir: folder,
    alias: { "bifocal-sdk": sdk },
    bundle: true,
    format: "esm",
    target: "es2022",
    external: ["bifocal:*"],
    outfile: sourcePath,
    logLevel: "warning",
    legalComments: "none",
  });
  const { component } = await componentize({
    sourcePath,
    witPath,
    worldName: "plugin",
    // The rest of the runtime's WASI stays imported and is answered, frozen, by the host: what is
    // disabled here is baked in instead, and the clock would stand at the time of this build.
    disableFeatures: ["http", "fetch-event"],
  });
  await writeFile(output, component);
} finally {
  await rm(work, { recursive: true });
}
