/**
 * What .NET's JSON writer escapes although JSON does not ask for it, so that the text is safe inside HTML. An escaped
 * backslash is taken as a whole, or its second half would look like the beginning of an escaped quote.
 */
const SPECIAL = /\\[\\"]|[<>&'+`\u007f-\uffff]/g;

/** `{"message": …}` as the real processor writes it: a quote as \u0022, and everything beyond ASCII escaped. */
export function messageJson(message: string): string {
  return `{"message":${JSON.stringify(message).replace(SPECIAL, escaped)}}`;
}

function escaped(found: string): string {
  if (found === "\\\\") return found;
  const code = found.charCodeAt(found.length - 1);
  return `\\u${code.toString(16).toUpperCase().padStart(4, "0")}`;
}
