import { MAX_CAPACITY } from "../core/ledger.ts";
import { MAX_INSTANCES } from "../core/payment-id.ts";
import { type Address, formatAddress, healthAddress, parseAddress } from "./address.ts";
import { dataDirectoryRule } from "./data-directory.ts";
import type { Durability } from "./group-commit.ts";
import { LOG_LEVELS } from "./log.ts";
import { SETTINGS } from "./settings.ts";
import { type Fee, readFee } from "./telemetry/fee.ts";
import { readTracing, type TracingSettings } from "./telemetry/tracing-settings.ts";
import { hasUsableCredentials, withoutCredentials } from "./url-credentials.ts";

/** Every setting of an instance (settings.ts), read from the environment and checked. */
export type Config = {
  profile: "default" | "contest";
  /** From 0; INSTANCE counts from 1. */
  instance: number;
  listen: Address;
  links: Address[];
  processorUrls: [URL, URL];
  durability: Durability;
  dataDir: string;
  segmentBytes: number;
  capacity: number;
  /** Records after the end of the journal may be lost. */
  restored: boolean;
  restoredGraceMs: number;
  restoredWatchMs: number;
  maxInFlight: number;
  failoverPatienceMs: number;
  saturationPatienceMs: number;
  giveUpAfterMs: number;
  retainCount: number;
  retainMs: number;
  requestTimeoutMs: number;
  linkTimeoutMs: number;
  maxBodyBytes: number;
  purgeEnabled: boolean;
  corsOrigin: string;
  logLevel: string;
  /** Where /metrics and /log-level are; undefined: on `listen`. */
  adminListen: Address | undefined;
  metricsEnabled: boolean;
  /** By processor; for reporting only. */
  fees: [Fee, Fee];
  shutdownGraceMs: number;
  /** From the standard OTEL_* variables; undefined: nothing is traced. */
  tracing: TracingSettings | undefined;
  page: boolean;
  processorAdminToken: string;
};

const DAY_MS = 86_400_000;

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads and checks everything; returns the configuration, or all that is wrong with it. Never throws. */
export function readConfig(environment: Environment): Config | string[] {
  const reader = new SettingReader(environment);
  const links = reader.links();
  const instance = reader.integer("INSTANCE", 1, MAX_INSTANCES) - 1;
  if (instance >= Math.max(links.length, 1))
    reader.refuse("INSTANCE", `must be one of ${Math.max(links.length, 1)} LINKS`);
  const { listen, adminListen } = reader.listening(links);
  const config: Config = {
    profile: reader.oneOf("PROFILE", ["default", "contest"]) as Config["profile"],
    instance,
    listen,
    links,
    processorUrls: [reader.url("DEFAULT_PROCESSOR_URL"), reader.url("FALLBACK_PROCESSOR_URL")],
    durability: reader.oneOf("DURABILITY", ["write", "fsync", "none"]) as Durability,
    dataDir: reader.dataDirectory("DATA_DIR"),
    segmentBytes: reader.integer("SEGMENT_BYTES", 65_536, 2 ** 32),
    capacity: reader.integer("CAPACITY", 1, MAX_CAPACITY),
    restored: reader.oneOf("RESTORED", ["true", "false"]) === "true",
    restoredGraceMs: reader.integer("RESTORED_GRACE_MS", 0, DAY_MS),
    restoredWatchMs: reader.integer("RESTORED_WATCH_MS", 0, 30 * DAY_MS),
    maxInFlight: reader.integer("MAX_IN_FLIGHT", 1, 1000),
    failoverPatienceMs: reader.integer("FAILOVER_PATIENCE_MS", 0, 30 * DAY_MS),
    saturationPatienceMs: reader.integer("SATURATION_PATIENCE_MS", 0, 30 * DAY_MS),
    giveUpAfterMs: reader.integer("GIVE_UP_AFTER_MS", 1, 30 * DAY_MS),
    retainCount: reader.integer("RETAIN_PAYMENTS", 0, MAX_CAPACITY),
    retainMs: reader.integer("RETAIN_MS", 0, 3650 * DAY_MS),
    requestTimeoutMs: reader.integer("REQUEST_TIMEOUT_MS", 100, 300_000),
    linkTimeoutMs: reader.integer("LINK_TIMEOUT_MS", 10, 30_000),
    maxBodyBytes: reader.integer("MAX_BODY_BYTES", 128, 1_048_576),
    purgeEnabled: reader.oneOf("PURGE_ENABLED", ["true", "false"]) === "true",
    corsOrigin: reader.origin("CORS_ORIGIN"),
    logLevel: reader.oneOf("LOG_LEVEL", LOG_LEVELS),
    adminListen,
    metricsEnabled: reader.oneOf("METRICS", ["true", "false"]) === "true",
    fees: [reader.fee("DEFAULT_FEE"), reader.fee("FALLBACK_FEE")],
    shutdownGraceMs: reader.integer("SHUTDOWN_GRACE_MS", 0, 60_000),
    tracing: readTracing(environment, reader.errors),
    page: reader.oneOf("PAGE", ["true", "false"]) === "true",
    processorAdminToken: reader.token("PROCESSOR_ADMIN_TOKEN"),
  };
  if (config.restored && config.durability === "none")
    reader.refuse("RESTORED", "needs a journal: DURABILITY must not be none");
  return reader.errors.length > 0 ? reader.errors : config;
}

/** Reads single settings and remembers what is wrong; what it returns after an error only keeps the reading going. */
class SettingReader {
  readonly errors: string[] = [];
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  refuse(name: string, rule: string): void {
    this.errors.push(`${name} ${rule}: ${name}=${withoutCredentials(this.text(name))}`);
  }

  text(name: string): string {
    const setting = SETTINGS.find((candidate) => candidate.name === name)!;
    const isContest = this.#environment["PROFILE"] === "contest";
    return this.#environment[name]?.trim() || (isContest && setting.contest) || setting.fallback;
  }

  integer(name: string, min: number, max: number): number {
    const text = this.text(name);
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      this.refuse(name, `must be a whole number from ${min} to ${max}`);
    return value;
  }

  /** Not looked at where nothing is written to it. */
  dataDirectory(name: string): string {
    const path = this.text(name);
    const rule = this.text("DURABILITY") === "none" ? undefined : dataDirectoryRule(path);
    if (rule !== undefined) this.refuse(name, rule);
    return path;
  }

  token(name: string): string {
    const text = this.text(name);
    if (!/^[\x21-\x7e]{0,256}$/.test(text)) this.errors.push(`${name} must be up to 256 visible ASCII characters`);
    return text;
  }

  oneOf(name: string, values: readonly string[]): string {
    const text = this.text(name);
    if (!values.includes(text)) this.refuse(name, `must be one of ${values.join(", ")}`);
    return text;
  }

  address(name: string): Address {
    return this.#parseAddress(name, this.text(name));
  }

  /** A unix socket replaces what is at its path, so no address may be used twice. */
  listening(links: readonly Address[]): { listen: Address; adminListen: Address | undefined } {
    const listen = this.address("LISTEN");
    const adminListen = this.text("ADMIN_LISTEN") === "" ? undefined : this.address("ADMIN_LISTEN");
    const taken = [...links, ...links.map(healthAddress)].map(formatAddress);
    if (taken.includes(formatAddress(listen))) this.refuse("LISTEN", "must be an address that nothing else has");
    if (adminListen && [formatAddress(listen), ...taken].includes(formatAddress(adminListen)))
      this.refuse("ADMIN_LISTEN", "must be an address that nothing else has");
    return { listen, adminListen };
  }

  links(): Address[] {
    const text = this.text("LINKS");
    if (text === "") return [];
    const links = text.split(",").map((part) => this.#parseAddress("LINKS", part.trim()));
    const names = links.map(formatAddress);
    const healthNames = links.map((link) => formatAddress(healthAddress(link)));
    if (links.length > MAX_INSTANCES) this.refuse("LINKS", `has at most ${MAX_INSTANCES} addresses`);
    if (new Set(names).size < links.length) this.refuse("LINKS", "names each address once");
    else if (healthNames.some((name) => typeof parseAddress(name) === "string" || names.includes(name)))
      this.refuse("LINKS", "leaves room for the health monitor: seven bytes of path, or the next port");
    return links;
  }

  url(name: string): URL {
    const text = this.text(name);
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url?.protocol !== "http:" || url.hostname === "") this.refuse(name, "must be an http URL");
    else if (url.search !== "" || url.hash !== "") this.refuse(name, "must be a URL without query and fragment");
    else if (!hasUsableCredentials(url))
      this.refuse(name, "must have a user without a colon, and user and password percent-encoded");
    else return url;
    return new URL("http://localhost");
  }

  fee(name: string): Fee {
    const fee = readFee(this.text(name));
    if (fee === undefined) this.refuse(name, "must be a decimal from 0 to 1");
    return fee ?? { text: "0", units: 0n, scale: 0 };
  }

  origin(name: string): string {
    const text = this.text(name);
    const isOrigin = text === "" || text === "*" || (URL.canParse(text) && new URL(text).origin === text);
    if (!isOrigin) this.refuse(name, "must be empty, * or an origin such as https://example.com");
    return text;
  }

  #parseAddress(name: string, text: string): Address {
    const address = parseAddress(text);
    if (typeof address !== "string") return address;
    this.refuse(name, address);
    // Such that it collides with no other.
    return { kind: "unix", path: `${name}-${this.errors.length}` };
  }
}
