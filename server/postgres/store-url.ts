import { isIPv6 } from "node:net";
import { userInfo } from "node:os";
import { formatHostPort } from "../system/address.ts";
import { readTls, TLS_PARAMETERS, type Tls } from "./tls.ts";

/** A server: `host` is a name, an address, or, with a slash first, the directory of its Unix socket. */
export type StoreHost = { host: string; port: number };

/** Where the store's database is, and who we are there. */
export type StoreTarget = {
  /** Tried in this order, from the one that was found last. */
  hosts: readonly StoreHost[];
  user: string;
  /** Undefined: what PGPASSWORD says, if the server asks. */
  password: string | undefined;
  database: string;
  tls: Tls;
  /** Of one attempt at one host. */
  connectTimeoutMs: number;
  applicationName: string;
};

const PORT_USUAL = 5432;
const PORT_MAX = 65_535;
const HOSTS_MAX = 16;
const CONNECT_TIMEOUT_MS = 2000;
const APPLICATION_NAME = "rinha";
const FORM = /^postgres(?:ql)?:\/\/(?:([^@/?#]*)@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const NAME = /^[\w.-]+$/;
/** Of libpq's, those with a meaning here; another one is refused, since it might have meant safety. */
const PARAMETERS = [
  ...["host", "port", "user", "password", "dbname", "connect_timeout", "application_name", "target_session_attrs"],
  ...TLS_PARAMETERS,
];

/**
 * Reads a STORE_URL, `postgres://user:password@host:port,host:port/database?name=value&…`, by libpq's rules. A Unix
 * socket's directory is a host that begins with a slash, percent-encoded, or the parameter `host`. Throws a
 * `rule: name=value` error, never with the password.
 */
export function readStoreUrl(text: string): StoreTarget {
  const match = FORM.exec(text.trim());
  if (!match) throw new Error("must be postgres://user:password@host:port/database: STORE_URL=(not shown)");
  // With a second one, or one that does not end the user's part, something of a password stands where a host should.
  if (text.split("@").length !== (match[1] === undefined ? 1 : 2))
    throw new Error("user, password and parameters are percent-encoded, an @ is %40: STORE_URL=(not shown)");
  const [, credentials = "", authority = "", path = "", query = ""] = match;
  const parameters = readParameters(query);
  const [user, password] = readCredentials(credentials);
  const hosts = readHosts(authority, parameters);
  const name = parameters.get("user") ?? user ?? process.env["PGUSER"] ?? ownName();
  return {
    hosts,
    user: name,
    password: parameters.get("password") ?? password,
    database: parameters.get("dbname") ?? (path === "" ? name : decoded("database", path)),
    tls: readTls(parameters),
    connectTimeoutMs: readTimeout(parameters.get("connect_timeout")),
    applicationName: parameters.get("application_name") ?? APPLICATION_NAME,
  };
}

/** For logs and errors: no password, no user. */
export function formatTarget({ hosts, database }: StoreTarget): string {
  return `${hosts.map(formatStoreHost).join(",")}/${database}`;
}

export function formatStoreHost({ host, port }: StoreHost): string {
  return host.startsWith("/") ? `${host}:${port}` : formatHostPort({ host, port });
}

function readParameters(query: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const part of query.split("&").filter((text) => text !== "")) {
    const [name = "", ...rest] = part.split("=");
    if (!PARAMETERS.includes(name)) throw new Error(`STORE_URL takes no such parameter: name=${name}`);
    if (parameters.has(name)) throw new Error(`STORE_URL has each parameter once: name=${name}`);
    parameters.set(name, decoded(name, rest.join("=")));
  }
  const attributes = parameters.get("target_session_attrs") ?? "read-write";
  if (!["read-write", "primary"].includes(attributes))
    throw new Error(`a store writes: STORE_URL target_session_attrs=${attributes}`);
  return parameters;
}

function readCredentials(text: string): [string | undefined, string | undefined] {
  if (text === "") return [undefined, undefined];
  const colon = text.indexOf(":");
  if (colon < 0) return [decoded("user", text), undefined];
  const user = text.slice(0, colon);
  return [user === "" ? undefined : decoded("user", user), decoded("password", text.slice(colon + 1))];
}

function readHosts(authority: string, parameters: ReadonlyMap<string, string>): StoreHost[] {
  const named = parameters.get("host");
  if (named !== undefined && authority !== "")
    throw new Error("STORE_URL names its hosts once, before the path or in host=: host=both");
  const ports = parameters.get("port")?.split(",") ?? [];
  const texts = (named ?? authority).split(",");
  if (texts.length > HOSTS_MAX) throw new Error(`STORE_URL has at most ${HOSTS_MAX} hosts: hosts=${texts.length}`);
  if (ports.length > 1 && ports.length !== texts.length)
    throw new Error(`STORE_URL has one port, or one for each host: ports=${ports.length} hosts=${texts.length}`);
  return texts.map((text, i) => {
    const port = ports[ports.length > 1 ? i : 0];
    return named === undefined ? readHost(text, port) : hostOf(text, port);
  });
}

/** As it stands before the path: percent-encoded, with its port behind it, an IPv6 address in brackets. */
function readHost(text: string, portUsual: string | undefined): StoreHost {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(text);
  if (!match) throw new Error(`STORE_URL has hosts as name, name:port or [IPv6]:port: host=${text}`);
  const host = decoded("host", match[1]!).replace(/^\[(.*)\]$/, "$1");
  return hostOf(host, match[2] || portUsual);
}

function hostOf(host: string, portText: string | undefined): StoreHost {
  const port = portText === undefined || portText === "" ? PORT_USUAL : Number(portText);
  if (!Number.isInteger(port) || port < 1 || port > PORT_MAX)
    throw new Error(`a port is 1 to ${PORT_MAX}: STORE_URL port=${portText}`);
  if (host === "") return { host: "localhost", port };
  if (!host.startsWith("/") && !NAME.test(host) && !isIPv6(host))
    throw new Error(`STORE_URL has hosts as name, name:port or [IPv6]:port: host=${host}`);
  return { host, port };
}

/** In whole seconds, as libpq has it. */
function readTimeout(text: string | undefined): number {
  if (text === undefined) return CONNECT_TIMEOUT_MS;
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 60)
    throw new Error(`connect_timeout is 1 to 60 seconds: STORE_URL connect_timeout=${text}`);
  return seconds * 1000;
}

function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    throw new Error("STORE_URL must name a user where this process has no name: user=");
  }
}

function decoded(name: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error(`STORE_URL is percent-encoded as UTF-8: name=${name}`);
  }
}
