import { MAX_CAPACITY } from "../core/ledger.ts";
import { MAX_INSTANCES } from "../core/payment-id.ts";
import { type Address, formatAddress, healthAddress, parseAddress } from "./address.ts";
import type { Durability } from "./group-commit.ts";
import { LOG_LEVELS } from "./log.ts";
import { type Fee, readFee } from "./telemetry/fee.ts";
import { readTracing, type TracingSettings } from "./telemetry/tracing-settings.ts";

/**
 * Every setting of an instance, read from the environment. One table is the source of the validation, of `--help` and of the
 * README's table.
 */
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

type Setting = { name: string; fallback: string; contest?: string; meaning: string; rule: string };

const DAY_MS = 86_400_000;

export const SETTINGS: readonly Setting[] = [
  {
    name: "PROFILE",
    fallback: "default",
    rule: "default or contest",
    meaning: "set of defaults; single settings still win",
  },
  { name: "INSTANCE", fallback: "1", rule: "1 to the number of LINKS", meaning: "number of this instance" },
  {
    name: "LISTEN",
    fallback: "tcp:127.0.0.1:8080",
    rule: "address",
    meaning: "where the public API listens: `unix:<path>` or `tcp:<host>:<port>`",
  },
  {
    name: "LINKS",
    fallback: "",
    rule: "addresses, comma-separated",
    meaning: "link address of every instance, in order; empty: a single instance",
  },
  {
    name: "DEFAULT_PROCESSOR_URL",
    fallback: "http://localhost:8001",
    rule: "http URL",
    meaning: "the cheaper payment processor",
  },
  {
    name: "FALLBACK_PROCESSOR_URL",
    fallback: "http://localhost:8002",
    rule: "http URL",
    meaning: "the dearer payment processor",
  },
  {
    name: "DURABILITY",
    fallback: "write",
    rule: "write, fsync or none",
    meaning:
      "what an accepted payment survives: `write` the end of the process, `fsync` a loss of power, `none` nothing",
  },
  {
    name: "DATA_DIR",
    fallback: "data",
    rule: "directory",
    meaning: "where the journal is, in a folder `instance-<INSTANCE>` of its own; made if missing",
  },
  {
    name: "SEGMENT_BYTES",
    fallback: "67108864",
    rule: "65536 to 4294967296",
    meaning: "size at which a journal segment is followed by another",
  },
  {
    name: "CAPACITY",
    fallback: "1048576",
    rule: `1 to ${MAX_CAPACITY}`,
    meaning: "payments this instance keeps; full answers 503",
  },
  { name: "MAX_IN_FLIGHT", fallback: "128", rule: "1 to 1000", meaning: "most requests in flight to one processor" },
  {
    name: "FAILOVER_PATIENCE_MS",
    fallback: "0",
    contest: "30000",
    rule: `0 to ${30 * DAY_MS}`,
    meaning: "how long a payment waits for the cheaper processor while that is down before the dearer may take it",
  },
  {
    name: "SATURATION_PATIENCE_MS",
    fallback: "2000",
    rule: `0 to ${30 * DAY_MS}`,
    meaning: "how long a payment waits, at least, for the cheaper processor while that works at its in-flight limit",
  },
  {
    name: "GIVE_UP_AFTER_MS",
    fallback: "3600000",
    rule: `1 to ${30 * DAY_MS}`,
    meaning: "a payment pending for longer is failed; a payment in doubt never is",
  },
  {
    name: "RETAIN_PAYMENTS",
    fallback: "0",
    rule: `0 to ${MAX_CAPACITY}`,
    meaning:
      "ended payments beyond this many are forgotten, oldest first: they are in no summary any more, and their correlationIds count as new; 0: never",
  },
  {
    name: "RETAIN_MS",
    fallback: "0",
    rule: `0 to ${3650 * DAY_MS}`,
    meaning: "ended payments accepted longer ago than this are forgotten likewise; 0: never",
  },
  {
    name: "REQUEST_TIMEOUT_MS",
    fallback: "10000",
    rule: "100 to 300000",
    meaning: "longest wait for a processor's answer; then the payment is in doubt",
  },
  {
    name: "LINK_TIMEOUT_MS",
    fallback: "1000",
    rule: "10 to 30000",
    meaning: "longest wait for another instance's answer",
  },
  {
    name: "MAX_BODY_BYTES",
    fallback: "8192",
    rule: "128 to 1048576",
    meaning: "largest request body; more answers 413",
  },
  {
    name: "PURGE_ENABLED",
    fallback: "false",
    contest: "true",
    rule: "true or false",
    meaning: "whether POST /purge-payments may delete everything",
  },
  {
    name: "CORS_ORIGIN",
    fallback: "",
    rule: "empty, * or an origin",
    meaning: "Access-Control-Allow-Origin to send; empty: no CORS headers",
  },
  {
    name: "LOG_LEVEL",
    fallback: "info",
    contest: "warn",
    rule: LOG_LEVELS.join(", "),
    meaning: "least level that is logged",
  },
  {
    name: "ADMIN_LISTEN",
    fallback: "",
    rule: "address",
    meaning:
      "where `/metrics` and `/log-level` are, an address of their own; empty: on `LISTEN`, where nginx hides them",
  },
  { name: "METRICS", fallback: "true", rule: "true or false", meaning: "whether there is GET /metrics" },
  {
    name: "DEFAULT_FEE",
    fallback: "0.05",
    rule: "decimal from 0 to 1",
    meaning: "the cheaper processor's share of an amount; for reports of fees and profit only",
  },
  {
    name: "FALLBACK_FEE",
    fallback: "0.15",
    rule: "decimal from 0 to 1",
    meaning: "the dearer processor's share likewise",
  },
  {
    name: "SHUTDOWN_GRACE_MS",
    fallback: "5000",
    rule: "0 to 60000",
    meaning: "how long requests in flight may take to finish on SIGTERM",
  },
  {
    name: "PAGE",
    fallback: "true",
    rule: "true or false",
    meaning: "whether the live page is served at /",
  },
  {
    name: "PROCESSOR_ADMIN_TOKEN",
    fallback: "",
    rule: "up to 256 visible characters",
    meaning:
      "admin token of simulated processors: gives the live page buttons that make them slow or failing; empty: no processor is ever configured",
  },
];

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads and checks everything; returns the configuration, or all that is wrong with it. Never throws. */
export function readConfig(environment: Environment): Config | string[] {
  const reader = new SettingReader(environment);
  const links = reader.addresses("LINKS");
  const instance = reader.integer("INSTANCE", 1, MAX_INSTANCES) - 1;
  if (instance >= Math.max(links.length, 1))
    reader.refuse("INSTANCE", `must be one of ${Math.max(links.length, 1)} LINKS`);
  if (links.length > MAX_INSTANCES) reader.refuse("LINKS", `has at most ${MAX_INSTANCES} addresses`);
  if (new Set(links.map(formatAddress)).size < links.length) reader.refuse("LINKS", "names each address once");
  if (links.some((link) => typeof parseAddress(formatAddress(healthAddress(link))) === "string")) {
    reader.refuse("LINKS", "leaves room for the health monitor: seven bytes of path, or the next port");
  }
  const { listen, adminListen } = reader.listening(links);
  const config: Config = {
    profile: reader.oneOf("PROFILE", ["default", "contest"]) as Config["profile"],
    instance,
    listen,
    links,
    processorUrls: [reader.url("DEFAULT_PROCESSOR_URL"), reader.url("FALLBACK_PROCESSOR_URL")],
    durability: reader.oneOf("DURABILITY", ["write", "fsync", "none"]) as Durability,
    dataDir: reader.text("DATA_DIR"),
    segmentBytes: reader.integer("SEGMENT_BYTES", 65_536, 2 ** 32),
    capacity: reader.integer("CAPACITY", 1, MAX_CAPACITY),
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
  return reader.errors.length > 0 ? reader.errors : config;
}

/** The table of settings, as plain text for a terminal. */
export function settingsHelp(): string {
  return SETTINGS.map(({ name, fallback, contest, rule, meaning }) => {
    const inContest = contest === undefined ? "" : `; contest profile: ${contest}`;
    return `  ${name}\n      ${meaning}\n      ${rule}; default: ${fallback || "empty"}${inContest}`;
  }).join("\n");
}

/** The same table as Markdown. */
export function settingsMarkdown(): string {
  const rows = SETTINGS.map(({ name, fallback, contest, rule, meaning }) => {
    return `| \`${name}\` | ${code(fallback)} | ${code(contest ?? fallback)} | ${rule} | ${meaning} |`;
  });
  return ["| setting | default | contest | values | meaning |", "|---|---|---|---|---|", ...rows].join("\n");
}

function code(value: string): string {
  return value === "" ? "empty" : `\`${value}\``;
}

/** Reads single settings and remembers what is wrong; what it returns after an error only keeps the reading going. */
class SettingReader {
  readonly errors: string[] = [];
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  refuse(name: string, rule: string): void {
    this.errors.push(`${name} ${rule}: ${name}=${withoutPassword(this.text(name))}`);
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
    const taken = [listen, ...links, ...links.map(healthAddress)].map(formatAddress);
    if (adminListen && taken.includes(formatAddress(adminListen)))
      this.refuse("ADMIN_LISTEN", "is an address that nothing else has");
    return { listen, adminListen };
  }

  addresses(name: string): Address[] {
    const text = this.text(name);
    return text === "" ? [] : text.split(",").map((part) => this.#parseAddress(name, part.trim()));
  }

  url(name: string): URL {
    const text = this.text(name);
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url?.protocol === "http:" && url.hostname !== "") return url;
    this.refuse(name, "must be an http URL");
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
    return { kind: "tcp", host: "127.0.0.1", port: 0 };
  }
}

function withoutPassword(text: string): string {
  return text.replace(/\/\/[^/@]*@/, "//***@");
}
