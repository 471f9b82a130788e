import { isIPv6 } from "node:net";

/**
 * Where a server listens or is reached: `unix:<path>` or `tcp:<host>:<port>`, an IPv6 address in brackets:
 * `tcp:[::1]:8080`.
 */
export type Address =
  | { kind: "unix"; path: string }
  /** `host` is a name, an IPv4 address, or an IPv6 address without brackets in its shortest form. */
  | { kind: "tcp"; host: string; port: number };

/** Linux holds 108 bytes of path in sockaddr_un, the terminating zero included. */
const UNIX_PATH_BYTES_MAX = 107;
const PORT_MAX = 65_535;
/** What names and IPv4 addresses are made of; a URL takes the same. */
const HOST = /^[\w.-]+$/;
const FORMS = "must be unix:<path>, tcp:<host>:<port> or tcp:[<IPv6 address>]:<port>";

/** Returns the address, or the rule that the text breaks. */
export function parseAddress(text: string): Address | string {
  if (text.startsWith("unix:")) return parseUnix(text.slice("unix:".length));
  const match = /^tcp:(.+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match || port > PORT_MAX) return FORMS;
  const host = parseHost(match[1]!);
  return typeof host === "string" ? { kind: "tcp", host, port } : host.rule;
}

function parseUnix(path: string): Address | string {
  if (path === "") return "a unix address names a path";
  if (Buffer.byteLength(path) > UNIX_PATH_BYTES_MAX)
    return `a unix socket path has at most ${UNIX_PATH_BYTES_MAX} bytes`;
  return { kind: "unix", path };
}

function parseHost(text: string): string | { rule: string } {
  const bracketed = /^\[(.*)\]$/.exec(text)?.[1];
  // Links are reached by URLs, and those have no place for a zone.
  if (text.includes("%")) return { rule: "takes no IPv6 zone: use an address that needs none" };
  if (bracketed !== undefined) return isIPv6(bracketed) ? shortestIpv6(bracketed) : { rule: FORMS };
  if (text.includes(":")) return { rule: "must have brackets around an IPv6 address, as in tcp:[::1]:8080" };
  return HOST.test(text) && URL.canParse(`http://${text}`) ? text : { rule: FORMS };
}

/** One address has many texts; in its shortest it can be compared. */
function shortestIpv6(text: string): string {
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}

export function formatAddress(address: Address): string {
  return address.kind === "unix" ? `unix:${address.path}` : `tcp:${formatHostPort(address)}`;
}

/** Host and port as a URL has them. */
export function formatHostPort({ host, port }: { host: string; port: number }): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** The health monitor's own listener next to an instance's link: the same path with a suffix, or the next port. */
export function healthAddress(link: Address): Address {
  if (link.kind === "unix") return { kind: "unix", path: `${link.path}.health` };
  return { kind: "tcp", host: link.host, port: link.port + 1 };
}
