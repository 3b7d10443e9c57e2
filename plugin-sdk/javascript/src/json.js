// Values as JSON, by the rules of the host's own output: integers beyond 2^53 as strings, NaN and
// infinities null, times in RFC 3339, binary in base64, decimals with all their digits.

const EXACT_MAX = 2n ** 53n;
const ESCAPES = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

export function textJson(text) {
  if (!/["\\\u0000-\u001f]/.test(text)) return `"${text}"`;
  const escape = (unit) => ESCAPES[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `"${text.replace(/["\\\u0000-\u001f]/g, escape)}"`;
}

/** An integer, number or bigint. */
export function integerJson(value) {
  const exact = BigInt(value);
  return exact > EXACT_MAX || exact < -EXACT_MAX ? `"${exact}"` : `${exact}`;
}

/**
 * A double by its shortest digits, with a point or an exponent, so that a reader sees that it is one:
 * 1.0, 0.0001, 1e16, 1.5e-5.
 */
export function floatJson(value) {
  if (!Number.isFinite(value)) return "null";
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e16)) {
    return value.toExponential().replace("e+", "e");
  }
  const text = Object.is(value, -0) ? "-0" : `${value}`;
  return text.includes(".") ? text : `${text}.0`;
}

/** Units of 10^-digits with all digits: `1182.50`, `-0.05`, and no point if there are none. */
export function decimalText(units, digits) {
  const exact = BigInt(units);
  const sign = exact < 0n ? "-" : "";
  const text = `${exact < 0n ? -exact : exact}`.padStart(digits + 1, "0");
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

const DAY_MS = 86_400_000n;
const two = (value) => `${value}`.padStart(2, "0");
const divide = (value, by) => {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
};

/**
 * Milliseconds since 1970 as RFC 3339 with Z, milliseconds only if they are not 0. Years beyond four
 * digits have as many as they need. The calendar is the proleptic Gregorian one.
 * Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
 */
export function timeText(value) {
  const ms = BigInt(value);
  const days = divide(ms, DAY_MS);
  const rest = Number(ms - days * DAY_MS);
  const day = days + 719_468n;
  const era = divide(day, 146_097n);
  const ofEra = Number(day - era * 146_097n);
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * ofYear + 2) / 153);
  const ofMonth = ofYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  const year = era * 400n + BigInt(yearOfEra + (month <= 2 ? 1 : 0));
  const yearText = year < 0n ? `-${`${-year}`.padStart(3, "0")}` : `${year}`.padStart(4, "0");
  const clock = [rest / 3_600_000, (rest / 60_000) % 60, (rest / 1000) % 60].map((part) => two(Math.floor(part)));
  const fraction = rest % 1000 === 0 ? "" : `.${`${rest % 1000}`.padStart(3, "0")}`;
  return `${yearText}-${two(month)}-${two(ofMonth)}T${clock.join(":")}${fraction}Z`;
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** RFC 4648, the standard alphabet, padded. */
export function base64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const bits = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    for (let digit = 0; digit < 4; digit++) {
      text += i + digit <= bytes.length ? ALPHABET[(bits >> (18 - 6 * digit)) & 63] : "=";
    }
  }
  return text;
}

/** What an output column cannot hold. The host reports the cell as broken and serves all others. */
export class OutOfRange extends RangeError {
  constructor(value, kind) {
    super(`out of range: ${value} does not fit ${kind}`);
    this.name = "OutOfRange";
  }
}
