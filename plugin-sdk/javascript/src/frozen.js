// What would make a transform depend on anything but its events, taken away: clocks, randomness, the
// machine's zone and language, collected garbage, tasks that run later. In a component this is the
// first module that runs, so nothing can bake the moment of its build into what is shipped.

const refuse = (what, instead) => () => {
  throw new Error(`a transform has no ${what}: ${instead}`);
};
const useEventTime = "use the event's time";
const useUtc = "use its UTC methods";

const LOCAL = ["FullYear", "Month", "Date", "Day", "Hours", "Minutes", "Seconds", "Milliseconds"];
const LOCALE = [
  [String.prototype, ["localeCompare", "toLocaleLowerCase", "toLocaleUpperCase"]],
  [Number.prototype, ["toLocaleString"]],
  [BigInt.prototype, ["toLocaleString"]],
  [Array.prototype, ["toLocaleString"]],
  [Object.getPrototypeOf(Uint8Array.prototype), ["toLocaleString"]],
  [Date.prototype, ["toLocaleString", "toLocaleDateString", "toLocaleTimeString"]],
];
const LATER = ["setTimeout", "setInterval", "setImmediate", "queueMicrotask", "fetch"];

/** A Date of given times only: `new Date(ms)`, `new Date("2026-01-01T00:00:00Z")`. */
function frozenDate(RealDate) {
  const isZoned = (value) => typeof value !== "string" || /(Z|[+-]\d\d:\d\d|^\d{4}-\d\d-\d\d)$/i.test(value.trim());
  return class Date extends RealDate {
    constructor(...given) {
      if (given.length === 0) refuse("clock", useEventTime)();
      if (given.length > 1) refuse("time zone", "write new Date(Date.UTC(…))")();
      if (!isZoned(given[0])) refuse("time zone", `write ${given[0]}Z`)();
      super(...given);
    }

    static now() {
      refuse("clock", useEventTime)();
    }

    static parse(value) {
      if (!isZoned(value)) refuse("time zone", `write ${value}Z`)();
      return RealDate.parse(value);
    }
  };
}

/** Takes it all away; returns a function that gives it back. */
export function freeze() {
  const kept = [];
  const replace = (target, name, value) => {
    const before = Object.getOwnPropertyDescriptor(target, name);
    if (before === undefined || !before.configurable) return;
    kept.push([target, name, before]);
    Object.defineProperty(target, name, { value, configurable: true, writable: true, enumerable: before.enumerable });
  };
  const { prototype } = Date;
  for (const part of LOCAL) {
    for (const how of ["get", "set"]) replace(prototype, how + part, refuse("time zone", useUtc));
  }
  for (const name of ["getTimezoneOffset", "toString", "toDateString", "toTimeString"]) {
    replace(prototype, name, refuse("time zone", useUtc));
  }
  for (const [target, names] of LOCALE) {
    for (const name of names) replace(target, name, refuse("language", "compare with <, format by hand"));
  }
  for (const name of LATER) replace(globalThis, name, refuse("later", "what is not done when fold returns is not done"));
  replace(Math, "random", refuse("randomness", "derive it from the event, for example from its id"));
  if (typeof performance === "object") replace(Object.getPrototypeOf(performance), "now", refuse("clock", useEventTime));
  for (const name of ["WeakRef", "FinalizationRegistry", "Intl", "crypto", "SharedArrayBuffer", "Atomics"]) {
    replace(globalThis, name, undefined);
  }
  replace(globalThis, "Date", frozenDate(Date));
  return () => kept.reverse().forEach(([target, name, before]) => Object.defineProperty(target, name, before));
}
