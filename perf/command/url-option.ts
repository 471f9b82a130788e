/** An http URL. Throws a one-line `rule: name=value` error on anything else. */
export function readUrl(name: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" || url.hostname === "") throw new Error(`${name} must be an http URL: ${name}=${text}`);
  return url;
}
