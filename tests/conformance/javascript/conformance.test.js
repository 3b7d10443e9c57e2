// The transforms of this folder natively: the fixtures of the plugins that they repeat, and the vectors
// of all languages where there are some. `node --test tests/conformance/javascript/`.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { compact } from "../../../plugin-sdk/javascript/src/raw.js";
import { Bench, checkFixtures } from "../../../plugin-sdk/javascript/testing.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const load = async (name) => (await import(join(here, name, "transform.js"))).default;
const lines = (file) => readFileSync(file, "utf8").split("\n").filter((line) => line.trim() !== "");

for (const name of ["revenue", "flights", "fraud", "earnings"]) {
  test(`${name}: the plugin's fixtures hold`, async () => {
    checkFixtures(await load(name), join(here, "../../../plugins", name, "fixtures"));
  });
}

test("columns give the cells that rows give", async () => {
  checkFixtures(await load("revenue-columns"), join(here, "../../../plugins/revenue/fixtures"));
});

const vectors = process.env.VECTORS ?? join(here, "../vectors");
const cases = !existsSync(vectors)
  ? []
  : readdirSync(vectors).flatMap((name) => readdirSync(join(vectors, name)).map((vector) => [name, vector]));

for (const [name, vector] of cases.filter(([name]) => existsSync(join(here, name)))) {
  const folder = join(vectors, name, vector);
  if (!existsSync(join(folder, "states.ndjson"))) continue;
  test(`${name}: the vector ${vector} gives the states of all languages`, async () => {
    const transform = await load(name);
    const bench = new Bench(transform, transform.declared.time === undefined ? { time: "ts" } : {});
    lines(join(folder, "events.ndjson")).forEach((event) => bench.append(event));
    const states = bench.cells().map(({ state }) => Buffer.from(state).toString("hex"));
    assert.deepEqual(states, lines(join(folder, "states.ndjson")).map((line) => JSON.parse(line).state));
    const offsets = lines(join(folder, "rejected.ndjson")).map((line) => JSON.parse(line).offset);
    assert.deepEqual(bench.rejected().map(({ offset }) => offset), offsets);
    const expected = lines(join(folder, "expected.ndjson")).map(compact);
    if (expected.length === states.length) assert.deepEqual(bench.rows().map(compact), expected);
  });
}
