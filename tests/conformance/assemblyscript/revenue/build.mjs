// node build.mjs OUT.wasm: revenue.ts to a core module whose exports have the names of the canonical ABI, which are
// no names of AssemblyScript's. Without an import but the host's.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import asc from "assemblyscript/asc";
import binaryen from "binaryen";

const out = process.argv[2];
const source = new URL("revenue.ts", import.meta.url).pathname;
const options = ["-O3", "--runtime", "stub", "--use", "abort=", "--noAssert"];
const { error, stderr } = await asc.main([source, "-o", out, ...options]);
if (error) {
  console.error(error.message, stderr.toString());
  process.exit(1);
}
const module = binaryen.readBinary(readFileSync(out));
const interfaceName = "bifocal:transform/transform@1.0.0";
const release = binaryen.getExportInfo(module.getExport("release")).value;
for (const name of ["describe", "fold", "merge", "present"]) {
  const { value } = binaryen.getExportInfo(module.getExport(name));
  module.addFunctionExport(value, `${interfaceName}#${name}`);
  module.addFunctionExport(release, `cabi_post_${interfaceName}#${name}`);
  module.removeExport(name);
}
module.removeExport("release");
rmSync(out);
writeFileSync(out, module.emitBinary());
