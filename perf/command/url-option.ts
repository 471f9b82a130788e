/** An http URL. Throws a one-line `rule: name=value` error on anything else. */
export function readUrl(name: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" || url.hostname === "") throw new Error(`${name} must be an http URL: ${name}=${text}`);
  return url;
}

/**
 * URLs by their names, in order, from `NAME=URL` each. Throws a one-line `rule: name=value` error on anything else, and
 * on a name that comes twice.
 */
export function readNamedUrls(name: string, texts: readonly string[]): Record<string, URL> {
  const urls = new Map<string, URL>();
  for (const text of texts) {
    const [, key, url] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    if (key === undefined) throw new Error(`${name} must be NAME=URL: ${name}=${text}`);
    if (urls.has(key)) throw new Error(`${name} must be named once: ${name}=${text}`);
    urls.set(key, readUrl(name, url!));
  }
  return Object.fromEntries(urls);
}
