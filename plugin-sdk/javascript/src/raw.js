// JSON text in pieces, as it stands: a number keeps its digits, of two members the last one counts.
// For tests only: a host has its own, fast reader.

/** The value that begins at `at`: `{ raw, end, members?, elements? }`. `text` is known to be JSON. */
function scan(text, at) {
  const from = skip(text, at);
  const found = { members: undefined, elements: undefined };
  let end;
  if (text[from] === "{") {
    found.members = new Map();
    end = each(text, from, "}", (start) => {
      const name = scan(text, start);
      const value = scan(text, skip(text, name.end) + 1);
      found.members.set(JSON.parse(name.raw), value);
      return value.end;
    });
  } else if (text[from] === "[") {
    found.elements = [];
    end = each(text, from, "]", (start) => {
      const value = scan(text, start);
      found.elements.push(value);
      return value.end;
    });
  } else {
    const scalar = /"(?:[^"\\]|\\.)*"|[^\s,\]}:]+/y;
    scalar.lastIndex = from;
    end = from + scalar.exec(text)[0].length;
  }
  return { ...found, raw: text.slice(from, end), end };
}

const skip = (text, at) => {
  while (" \t\r\n".includes(text[at]) && at < text.length) at++;
  return at;
};

function each(text, from, close, take) {
  let at = skip(text, from + 1);
  while (text[at] !== close) {
    at = skip(text, take(at));
    if (text[at] === ",") at = skip(text, at + 1);
  }
  return at + 1;
}

/** The text at a path of a payload; undefined if nothing or null is there. */
export function rawAt(payload, path) {
  JSON.parse(payload);
  const steps = path.startsWith("/")
    ? path.slice(1).split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    : path.split(".");
  let found = scan(payload, 0);
  for (const step of steps) {
    found = found.members?.get(step) ?? found.elements?.[/^\d+$/.test(step) ? Number(step) : -1];
    if (found === undefined) return undefined;
  }
  return found.raw === "null" ? undefined : found.raw;
}

/** The same JSON without the blanks between its parts. */
export function compact(text) {
  const write = ({ raw, members, elements }) => {
    if (members) return `{${[...members].map(([name, value]) => `${JSON.stringify(name)}:${write(value)}`).join(",")}}`;
    return elements ? `[${elements.map(write).join(",")}]` : raw;
  };
  return write(scan(text, 0));
}

/** JSON text as a value of a kind, by its wire form: whole numbers are bigints. Undefined: it is none. */
export function parse(wire, raw) {
  const asText = () => (raw.startsWith('"') ? JSON.parse(raw) : undefined);
  switch (wire.tag) {
    case "boolean":
      return raw === "true" ? true : raw === "false" ? false : undefined;
    case "integer":
      return /^-?\d+$/.test(raw) ? within(BigInt(raw)) : undefined;
    case "float":
      return raw.startsWith('"') || !Number.isFinite(Number(raw)) ? undefined : Number(raw);
    case "text":
      return asText();
    case "binary":
      return fromBase64(asText());
    case "timestamp":
      return instant(asText()); // a number has no unit, unless a host is told one
    case "decimal":
      return decimalUnits(asText() ?? raw, wire.val);
    default:
      return raw;
  }
}

const within = (value) => (BigInt.asIntN(64, value) === value ? value : undefined);

function decimalUnits(text, digits) {
  const [, sign, whole, fraction = "0"] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === undefined || /[1-9]/.test(fraction.slice(digits))) return undefined;
  const units = BigInt(whole + fraction.slice(0, digits).padEnd(digits, "0"));
  return within(sign ? -units : units);
}

function fromBase64(text) {
  if (text === undefined || text.length % 4 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  return Uint8Array.from(atob(text), (unit) => unit.charCodeAt(0));
}

/** RFC 3339, or the same without a zone, which is UTC; also with a space for the T, or a date alone. */
function instant(text) {
  const found = /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|z|[+-]\d\d:\d\d)?)?$/.exec(text ?? "");
  if (!found) return undefined;
  const [, year, month, day, hour = 0, minute = 0, second = 0, fraction = "", zone = "Z"] = found;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, Number(fraction.padEnd(3, "0").slice(0, 3)));
  const [, sign, hours = 0, minutes = 0] = /^([+-])(\d\d):(\d\d)$/.exec(zone) ?? [];
  const zoneMs = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === "-" ? -1 : 1);
  return BigInt(date.getTime() - zoneMs);
}
