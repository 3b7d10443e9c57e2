/** A bench for testing transforms natively: JSON events in, rows and rejections out, and the laws. */

import type { Transform } from "./index.js";

export class Bench {
  /** `time`: where events have their time, instead of the transform's own `time`. */
  constructor(transform: Transform, how?: { settings?: object; time?: string });
  /** Events that the filter does not want. */
  ignored: number;
  /** Appends an event, JSON text or an object, and returns its offset. */
  append(event: string | object): number;
  /** Appends an event with a time of its own, in milliseconds. */
  appendAt(time: number | bigint, payload: string): number;
  /** One JSON object a cell, in the order in which a host has them. */
  rows(): string[];
  rejected(): { offset: number; reason: string }[];
  /** Key, window and state of each cell. */
  cells(): { key: unknown[]; window: bigint | undefined; state: Uint8Array }[];
  /** Tries the laws on every cut; throws at the first that is broken. */
  checkLaws(): void;
}

/** Tries every `CASE/{events,expected,rejected}.ndjson` in a folder, and the laws on the events of each. */
export function checkFixtures(transform: Transform, folder: string): void;
