// Lines for the host's log. They never change a result; outside a component they go to standard error.

let sink = (level, message) => console.error(`${level}: ${message}`);

/** Where lines go: `(level, message)`. */
export function logTo(write) {
  sink = write;
}

const line = (level) => (message) => sink(level, String(message));

/** `log.info("…")`; also trace, debug, warn and error. */
export const log = {
  trace: line("trace"),
  debug: line("debug"),
  info: line("info"),
  warn: line("warn"),
  error: line("error"),
};
