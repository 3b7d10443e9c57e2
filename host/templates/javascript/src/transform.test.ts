import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench, checkFixtures } from "../bifocal-sdk/testing.js";
import {{function}} from "./transform.js";

test("visits of a page add up", () => {
  const bench = new Bench({{function}});
  bench.append({ at: "2026-01-01T10:05:00Z", page: "/", seconds: 12 });
  bench.append({ at: "2026-01-01T10:50:00Z", page: "/", seconds: 30 });
  assert.deepEqual(bench.rows(), ['{"page":"/","window":"2026-01-01T10:00:00Z","visits":2,"seconds":42,"longest":30}']);
  bench.checkLaws();
});

test("fixtures hold", () => checkFixtures({{function}}, "fixtures"));
