/** Fields whose values are nobody's business, and names that introduce such a value in a text. */
const SECRET_FIELDS = [
  "authorization",
  "proxy-authorization",
  "cookie",
  "set-cookie",
  "x-rinha-token",
  "token",
  "password",
  "secret",
];

export const REDACTED = "***";

const SECRETS = new Set(SECRET_FIELDS);
const SECRET_NAMES = SECRET_FIELDS.join("|");
/** `"Authorization":"…"` and `authorization: …`, in any case. */
const NAMED_SECRET = new RegExp(
  `(\\b(?:${SECRET_NAMES})\\\\?"?\\s*[:=]\\s*\\[?\\\\?"?)(?!\\*\\*\\*)[^"\\\\,;}\\]]+`,
  "gi",
);
const BEARER = /\b(Bearer|Basic)\s+[\w.~+/=-]+/gi;
const URL_PASSWORD = /(\w:\/\/)[^/@\s"\\]*@/g;
/** Nearly every line has none of these, and is left at one look. */
const MAYBE_SECRET = new RegExp(`@|bearer|basic|${SECRET_NAMES}`, "i");

/**
 * Takes secrets out of a finished line, which is a JSON object: the values of fields with such names, at any depth and
 * in any case, and what stands in texts, messages and stacks. pino's own `redact` costs 17 µs and 45 KB of garbage a
 * line, whether or not there is a secret in it, and sees three levels (docs/performance.md).
 */
export function redactLine(line: string): string {
  if (!MAYBE_SECRET.test(line)) return line;
  return `${JSON.stringify(JSON.parse(line, withoutSecret))}\n`;
}

function withoutSecret(name: string, value: unknown): unknown {
  if (SECRETS.has(name.toLowerCase())) return REDACTED;
  return typeof value === "string" ? redactText(value) : value;
}

function redactText(text: string): string {
  return text
    .replace(URL_PASSWORD, `$1${REDACTED}@`)
    .replace(BEARER, `$1 ${REDACTED}`)
    .replace(NAMED_SECRET, `$1${REDACTED}`);
}
