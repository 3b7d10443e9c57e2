// Numbers of a seed: SEED=… repeats a run.

export const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);

let state = seed >>> 0;

/** A whole number from 0 to `below` - 1 (mulberry32). */
export function random(below) {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
}

export const pick = (values) => values[random(values.length)];
