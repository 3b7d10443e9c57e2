// node build.mjs TOOLS SDK SOURCE WIT OUTPUT: a transform in JavaScript or TypeScript to a component.
//
// TOOLS: a folder with node_modules as package.json in this folder's `tools/` pins them.
// SDK: the folder of the SDK. SOURCE: the author's module. WIT: the folder of the contract.
// TypeScript is stripped, not checked; author and SDK become one module, which the component holds as
// a snapshot taken after it was loaded.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [tools, sdk, source, witPath, output] = process.argv.slice(2).map((path) => resolve(path));
if (output === undefined) {
  console.error("usage: node build.mjs TOOLS SDK SOURCE WIT OUTPUT");
  process.exit(2);
}

const tool = (path) => import(pathToFileURL(join(tools, "node_modules", path)));
const { default: esbuild } = await tool("esbuild/lib/main.js");
const { componentize } = await tool("@bytecodealliance/componentize-js/src/componentize.js");

const work = await mkdtemp(join(tmpdir(), "bifocal-build-"));
try {
  // What would make it depend on anything but its events is taken away before the author's code runs.
  const entry = `
    import ${JSON.stringify(join(sdk, "frozen.js"))};
    import { guest } from ${JSON.stringify(join(sdk, "guest.js"))};
    import plugin from ${JSON.stringify(source)};
    export const transform = guest(plugin);
  `;
  const sourcePath = join(work, "plugin.js");
  await esbuild.build({
    stdin: { contents: entry, resolveDir: work },
    bundle: true,
    format: "esm",
    target: "es2022",
    external: ["bifocal:*"],
    outfile: sourcePath,
    logLevel: "warning",
    // Messages name the author's own lines, not a path of the machine that built them.
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
