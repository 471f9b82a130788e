/** Redis has 16 databases unless told otherwise, and never this many. */
const DATABASE_MAX = 65_535;

/** Reads the URL of a Redis or Valkey, or returns the rule that it breaks. */
export function parseRedisUrl(text: string): URL | string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^rediss?:$/.test(url.protocol) || !/^(?:[\w.-]+|\[[\da-f:.]+\])$/i.test(url.hostname))
    return "must be redis://<host>:<port>, or rediss://<host>:<port> for TLS";
  if (url.port === "0") return "must have a port from 1 to 65535";
  if (!/^\/?$|^\/\d{1,5}$/.test(url.pathname) || Number(url.pathname.slice(1)) > DATABASE_MAX)
    return `must have no path but the number of a database, up to ${DATABASE_MAX}`;
  if (url.search !== "" || url.hash !== "") return "must have neither query nor fragment";
  if (url.username !== "" && url.password === "") return "must have a password where it has a user";
  try {
    decodeURIComponent(url.username + url.password);
  } catch {
    return "must have user and password percent-encoded";
  }
  return url;
}
