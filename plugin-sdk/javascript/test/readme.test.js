// The code of README.md is that of files that are tested.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Bench } from "../testing.js";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const blocks = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code);
const conformance = new URL("../../../tests/conformance/javascript/", import.meta.url);
const source = (name) => readFileSync(new URL(`${name}/transform.js`, conformance), "utf8");
const body = (code) => code.slice(code.indexOf("export default"));

test("rows and columns are those of the conformance transforms", () => {
  assert.equal(body(blocks[0]), body(source("revenue")));
  assert.ok(source("revenue-columns").includes(blocks[1]));
});

test("the example of a test passes", async () => {
  const revenue = (await import(new URL("revenue/transform.js", conformance))).default;
  const run = new Function("Bench", "assert", "revenue", "checkFixtures", blocks[2].replace(/^import.*$/m, ""));
  run(Bench, assert, revenue, () => {});
});
