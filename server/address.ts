/** Where a server listens or is reached: `unix:<path>` or `tcp:<host>:<port>`. */
export type Address = { kind: "unix"; path: string } | { kind: "tcp"; host: string; port: number };

/** Linux holds 108 bytes of path in sockaddr_un, the terminating zero included. */
const UNIX_PATH_BYTES_MAX = 107;

/** Returns the address, or what is wrong with the text. */
export function parseAddress(text: string): Address | string {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    if (path === "") return "a unix address names a path";
    if (Buffer.byteLength(path) > UNIX_PATH_BYTES_MAX)
      return `a unix socket path has at most ${UNIX_PATH_BYTES_MAX} bytes`;
    return { kind: "unix", path };
  }
  const match = /^tcp:(?<host>.+):(?<port>\d{1,5})$/.exec(text);
  const port = Number(match?.groups?.["port"]);
  if (!match?.groups || port > 65_535) return "must be unix:<path> or tcp:<host>:<port>";
  return { kind: "tcp", host: match.groups["host"]!, port };
}

export function formatAddress(address: Address): string {
  return address.kind === "unix" ? `unix:${address.path}` : `tcp:${address.host}:${address.port}`;
}

/** The health monitor's own listener next to an instance's link: the same path with a suffix, or the next port. */
export function healthAddress(link: Address): Address {
  if (link.kind === "unix") return { kind: "unix", path: `${link.path}.health` };
  return { kind: "tcp", host: link.host, port: link.port + 1 };
}
