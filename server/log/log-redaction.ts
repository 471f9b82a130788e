/** Fields whose values are nobody's business, as pino's `redact` wants them: on the line itself and two levels down. */
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

export const REDACTED_PATHS: readonly string[] = SECRET_FIELDS.flatMap((field) => [
  `["${field}"]`,
  `*["${field}"]`,
  `*.*["${field}"]`,
]);

const SECRET_NAMES = SECRET_FIELDS.join("|");
/** `"Authorization":"…"` and `authorization: …`, at any depth, in any case, in messages and stacks as well. */
const NAMED_SECRET = new RegExp(
  `(\\b(?:${SECRET_NAMES})\\\\?"?\\s*[:=]\\s*\\[?\\\\?"?)(?!\\*\\*\\*)[^"\\\\,;}\\]]+`,
  "gi",
);
const BEARER = /\b(Bearer|Basic)\s+[\w.~+/=-]+/gi;
const URL_PASSWORD = /(\w:\/\/)[^/@\s"\\]*@/g;
/** Nearly every line has none of these, and is left at one look. */
const MAYBE_SECRET = new RegExp(`@|bearer|basic|${SECRET_NAMES}`, "i");

/**
 * Takes out of a finished line what the redaction of fields does not see: passwords in URLs, and secrets inside of
 * texts.
 */
export function redactLine(line: string): string {
  if (!MAYBE_SECRET.test(line)) return line;
  return line
    .replace(URL_PASSWORD, `$1${REDACTED}@`)
    .replace(BEARER, `$1 ${REDACTED}`)
    .replace(NAMED_SECRET, `$1${REDACTED}`);
}
