import { CONTEST } from "../../core/answers/dialect.ts";
import { MAX_CAPACITY } from "../../core/ledger/ledger.ts";
import { MAX_PARTITIONS } from "../../core/values/payment-id.ts";
import { LOG_LEVELS } from "../log/log.ts";
import { type Address, formatAddress, healthAddress, parseAddress } from "../system/address.ts";
import { type Fee, readFee } from "../text/fee.ts";
import { hasUsableCredentials, withoutCredentials } from "../text/url-credentials.ts";
import { dataDirectoryRule } from "./data-directory.ts";
import type { Durability } from "./durability.ts";
import { MAX_IN_FLIGHT_MAX, type ProcessorConfig, readProcessors } from "./processors.ts";
import { parseRedisUrl } from "./redis-url.ts";
import { SETTINGS } from "./settings.ts";
import { journalSettingsIn, ownLinkRule, type StoreSettings, storeUrlRule } from "./store-settings.ts";
import { readTracing, type TracingSettings } from "./tracing-settings.ts";

/** Every setting of an instance (settings.ts), read from the environment and checked. */
export type Config = {
  profile: "default" | "contest";
  /** From 0; INSTANCE counts from 1. */
  instance: number;
  listen: Address;
  /** Of all instances in order; empty for a single one, and with `store`. */
  links: Address[];
  /** Undefined: journals on a disk, or nothing. */
  store: StoreSettings | undefined;
  /** In configured order. */
  processors: readonly ProcessorConfig[];
  durability: Durability;
  dataDir: string;
  segmentBytes: number;
  /** Undefined: as many as there are, or are usual. */
  partitions: number | undefined;
  capacity: number;
  /** Records after the end of the journal may be lost. */
  restored: boolean;
  restoredGraceMs: number;
  restoredWatchMs: number;
  settleWithinMs: number;
  answerWithinMs: number;
  waitsForSlow: boolean;
  giveUpAfterMs: number;
  retainCount: number;
  retainMs: number;
  requestTimeoutMs: number;
  linkTimeoutMs: number;
  /** Redis or Valkey, for the right to poll; undefined: without one. */
  healthUrl: URL | undefined;
  maxBodyBytes: number;
  purgeEnabled: boolean;
  corsOrigin: string;
  logLevel: string;
  /** Where /metrics and /log-level are; undefined: on `listen`. */
  adminListen: Address | undefined;
  metricsEnabled: boolean;
  shutdownGraceMs: number;
  /** From the standard OTEL_* variables; undefined: nothing is traced. */
  tracing: TracingSettings | undefined;
  page: boolean;
  processorAdminToken: string;
};

const DAY_MS = 86_400_000;
const SHORT_FORM = ["DEFAULT_PROCESSOR_URL", "FALLBACK_PROCESSOR_URL", "DEFAULT_FEE", "FALLBACK_FEE"];
const FORMER_SETTINGS = {
  FAILOVER_PATIENCE_MS: "SETTLE_WITHIN_MS says within which time a payment should be charged",
  SATURATION_PATIENCE_MS: "SETTLE_WITHIN_MS says within which time a payment should be charged",
};

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads and checks everything; returns the configuration, or all that is wrong with it. Never throws. */
export function readConfig(environment: Environment): Config | string[] {
  const reader = new SettingReader(environment);
  const store = reader.store();
  const links = store ? [] : reader.links();
  const instance = reader.integer("INSTANCE", 1, MAX_PARTITIONS) - 1;
  if (!store && instance >= Math.max(links.length, 1))
    reader.refuse("INSTANCE", `must be one of ${Math.max(links.length, 1)} LINKS`);
  const { listen, adminListen } = reader.listening(store ? [store.link] : links);
  reader.refuseFormer();
  const giveUpAfterMs = reader.integer("GIVE_UP_AFTER_MS", 1, 30 * DAY_MS);
  const config: Config = {
    profile: reader.oneOf("PROFILE", ["default", "contest"]) as Config["profile"],
    instance,
    listen,
    links,
    store,
    processors: reader.processors(reader.integer("MAX_IN_FLIGHT", 1, MAX_IN_FLIGHT_MAX)),
    durability: store ? "store" : (reader.oneOf("DURABILITY", ["write", "fsync", "none"]) as Durability),
    dataDir: store ? "" : reader.dataDirectory("DATA_DIR"),
    segmentBytes: reader.integer("SEGMENT_BYTES", 65_536, 2 ** 32),
    partitions: store ? undefined : reader.partitions(links.length),
    capacity: reader.integer("CAPACITY", 1, MAX_CAPACITY),
    restored: reader.oneOf("RESTORED", ["true", "false"]) === "true",
    restoredGraceMs: reader.integer("RESTORED_GRACE_MS", 0, DAY_MS),
    restoredWatchMs: reader.integer("RESTORED_WATCH_MS", 0, 30 * DAY_MS),
    // What is given up before has to be settled before.
    settleWithinMs: Math.min(reader.integer("SETTLE_WITHIN_MS", 0, 30 * DAY_MS), giveUpAfterMs),
    answerWithinMs: reader.integer("ANSWER_WITHIN_MS", 1, 300_000),
    waitsForSlow: reader.oneOf("WAIT_FOR_SLOW", ["true", "false"]) === "true",
    giveUpAfterMs,
    retainCount: reader.integer("RETAIN_PAYMENTS", 0, MAX_CAPACITY),
    retainMs: reader.integer("RETAIN_MS", 0, 3650 * DAY_MS),
    requestTimeoutMs: reader.integer("REQUEST_TIMEOUT_MS", 100, 300_000),
    linkTimeoutMs: reader.integer("LINK_TIMEOUT_MS", 10, 30_000),
    healthUrl: reader.redisUrl("HEALTH_URL"),
    maxBodyBytes: reader.integer("MAX_BODY_BYTES", 128, 1_048_576),
    purgeEnabled: reader.oneOf("PURGE_ENABLED", ["true", "false"]) === "true",
    corsOrigin: reader.origin("CORS_ORIGIN"),
    logLevel: reader.oneOf("LOG_LEVEL", LOG_LEVELS),
    adminListen,
    metricsEnabled: reader.oneOf("METRICS", ["true", "false"]) === "true",
    shutdownGraceMs: reader.integer("SHUTDOWN_GRACE_MS", 0, 60_000),
    tracing: readTracing(environment, reader.errors),
    page: reader.oneOf("PAGE", ["true", "false"]) === "true",
    processorAdminToken: reader.token("PROCESSOR_ADMIN_TOKEN"),
  };
  if (config.restored && config.durability === "none")
    reader.refuse("RESTORED", "needs a journal: DURABILITY must not be none");
  if (config.restored && store)
    reader.refuse("RESTORED", "must not be set with STORE_URL: npm run store -- restore says so to all instances");
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

  /** What is wrong with STORE_URL never shows the URL, which has a password. */
  store(): StoreSettings | undefined {
    const url = this.text("STORE_URL");
    if (url === "") {
      if (this.text("LINK") !== "") this.refuse("LINK", "needs STORE_URL: without it LINKS has all addresses");
      return undefined;
    }
    const rule = storeUrlRule(url);
    if (rule !== undefined) this.errors.push(`STORE_URL ${rule}`);
    for (const { name, rule: why } of journalSettingsIn((name) => this.#isSet(name))) this.refuse(name, why);
    const hasPaymentTable = this.oneOf("PAYMENT_TABLE", ["true", "false"]) === "true";
    return { url, link: this.#ownLink(), hasPaymentTable };
  }

  #ownLink(): Address {
    const link = this.address("LINK");
    const rule = ownLinkRule(link);
    if (rule !== undefined) this.refuse("LINK", rule);
    else if (typeof parseAddress(formatAddress(healthAddress(link))) === "string")
      this.refuse("LINK", "leaves room for the health monitor: seven bytes of path, or the next port");
    return link;
  }

  #isSet(name: string): boolean {
    return (this.#environment[name]?.trim() ?? "") !== "";
  }

  /** Every instance has to have at least one that prefers it. */
  partitions(linkCount: number): number | undefined {
    if (this.text("PARTITIONS") === "") return undefined;
    const count = this.integer("PARTITIONS", 1, MAX_PARTITIONS);
    if (count < linkCount) this.refuse("PARTITIONS", `must be at least the number of LINKS, ${linkCount}`);
    return count;
  }

  /** Not looked at where nothing is written to it. */
  dataDirectory(name: string): string {
    const path = this.text(name);
    const rule = this.text("DURABILITY") === "none" ? undefined : dataDirectoryRule(path);
    if (rule !== undefined) this.refuse(name, rule);
    return path;
  }

  /** Settings of earlier versions are refused rather than ignored. */
  refuseFormer(): void {
    for (const [name, successor] of Object.entries(FORMER_SETTINGS))
      if (this.#isSet(name)) this.errors.push(`${name} is no longer a setting: ${successor}`);
  }

  /** `maxInFlight`: of those that say nothing of it. */
  processors(maxInFlight: number): readonly ProcessorConfig[] {
    const text = this.text("PROCESSORS");
    if (text === "") return this.#twoProcessors(maxInFlight);
    const both = SHORT_FORM.filter((name) => this.#isSet(name));
    if (both.length > 0) this.errors.push(`PROCESSORS says it all: ${both.join(", ")} must not be set as well`);
    const processors = readProcessors(text, maxInFlight, this.#environment);
    if (typeof processors[0] !== "string") return processors as readonly ProcessorConfig[];
    this.errors.push(...(processors as string[]));
    return this.#twoProcessors(maxInFlight);
  }

  #twoProcessors(maxInFlight: number): ProcessorConfig[] {
    const rest = { maxInFlight, headers: [], dialect: CONTEST, tls: undefined };
    return ["default", "fallback"].map((name) => {
      const url = this.url(`${name.toUpperCase()}_PROCESSOR_URL`);
      return { name, url, fee: this.fee(`${name.toUpperCase()}_FEE`), ...rest };
    });
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
    if (links.length > MAX_PARTITIONS) this.refuse("LINKS", `has at most ${MAX_PARTITIONS} addresses`);
    if (new Set(names).size < links.length) this.refuse("LINKS", "names each address once");
    else if (healthNames.some((name) => typeof parseAddress(name) === "string" || names.includes(name)))
      this.refuse("LINKS", "leaves room for the health monitor: seven bytes of path, or the next port");
    return links;
  }

  url(name: string): URL {
    const text = this.text(name);
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const isHttp = url?.protocol === "http:" || url?.protocol === "https:";
    if (url === undefined || !isHttp || url.hostname === "") this.refuse(name, "must be an http or https URL");
    else if (url.search !== "" || url.hash !== "") this.refuse(name, "must be a URL without query and fragment");
    else if (!hasUsableCredentials(url))
      this.refuse(name, "must have a user without a colon, and user and password percent-encoded");
    else return url;
    return new URL("http://localhost");
  }

  redisUrl(name: string): URL | undefined {
    const text = this.text(name);
    if (text === "") return undefined;
    const url = parseRedisUrl(text);
    if (typeof url !== "string") return url;
    this.refuse(name, url);
    return undefined;
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
