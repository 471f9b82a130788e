import { MAX_CAPACITY } from "../../core/ledger/ledger.ts";
import { MAX_PARTITIONS } from "../../core/values/payment-id.ts";
import { LOG_LEVELS } from "../log/log.ts";

type Setting = { name: string; fallback: string; contest?: string; meaning: string; rule: string };

const DAY_MS = 86_400_000;

/** One table is the source of the validation, of `--help` and of the README's table. */
export const SETTINGS: readonly Setting[] = [
  {
    name: "PROFILE",
    fallback: "default",
    rule: "default or contest",
    meaning: "set of defaults; single settings still win",
  },
  {
    name: "INSTANCE",
    fallback: "1",
    rule: `1 to the number of LINKS; with STORE_URL 1 to ${MAX_PARTITIONS}`,
    meaning:
      "number of this instance, which no other one has: which of the LINKS is its own, and which partitions prefer it",
  },
  {
    name: "LISTEN",
    fallback: "tcp:127.0.0.1:8080",
    rule: "address",
    meaning: "where the public API listens: `unix:<path>`, `tcp:<host>:<port>` or `tcp:[<IPv6 address>]:<port>`",
  },
  {
    name: "LINKS",
    fallback: "",
    rule: "addresses, comma-separated",
    meaning:
      "link address of every instance, in order, the same for all; the health monitor takes the next port, or the " +
      "path with `.health`; empty: a single instance",
  },
  {
    name: "STORE_URL",
    fallback: "",
    rule: "postgres:// or postgresql:// URL",
    meaning:
      "PostgreSQL 14 or newer that keeps the payments in place of journals on a disk: instances on any hosts share " +
      "it, see docs/cluster.md. `LINKS`, `DATA_DIR`, `DURABILITY`, `PARTITIONS`, `SEGMENT_BYTES` and `RESTORED` are " +
      "then not to be set; empty: journals",
  },
  {
    name: "LINK",
    fallback: "",
    rule: "address, with STORE_URL only",
    meaning:
      "link address of this instance, by which the others reach it: `tcp:<host>:<port>`, or `unix:<path>` where all " +
      "run on one machine",
  },
  {
    name: "PAYMENT_TABLE",
    fallback: "true",
    rule: "true or false",
    meaning:
      "with STORE_URL: keep the table `rinha.payment` up, for whoever asks in SQL; the same for all instances, see " +
      "docs/cluster.md",
  },
  {
    name: "PROCESSORS",
    fallback: "",
    rule: "JSON array, or the path of a file with one",
    meaning: "1 to 16 payment processors, see docs/processors.md; empty: the two of the next lines",
  },
  {
    name: "DEFAULT_PROCESSOR_URL",
    fallback: "http://localhost:8001",
    rule: "http or https URL",
    meaning: "the payment processor named default; user and password in it are sent as Basic authorization",
  },
  {
    name: "FALLBACK_PROCESSOR_URL",
    fallback: "http://localhost:8002",
    rule: "http or https URL",
    meaning: "the payment processor named fallback, likewise",
  },
  {
    name: "DEFAULT_FEE",
    fallback: "0.05",
    rule: "decimal from 0 to 1",
    meaning: "what the processor default keeps of an amount: payments go where that is least",
  },
  {
    name: "FALLBACK_FEE",
    fallback: "0.15",
    rule: "decimal from 0 to 1",
    meaning: "the same of the processor fallback",
  },
  {
    name: "DURABILITY",
    fallback: "write",
    rule: "write, fsync or none",
    meaning:
      "what an accepted payment survives: `write` the end of the process, `fsync` a loss of power, `none` nothing. " +
      "With `none` no instance can take over what another carries",
  },
  {
    name: "DATA_DIR",
    fallback: "data",
    rule: "directory",
    meaning:
      "where the journals are, the same for all instances; each partition's in a folder `partition-<number>`. Made " +
      "if missing. Its file system must be a local one that supports unix sockets",
  },
  {
    name: "SEGMENT_BYTES",
    fallback: "67108864",
    rule: "65536 to 4294967296",
    meaning: "size at which a journal segment is followed by another",
  },
  {
    name: "PARTITIONS",
    fallback: "",
    rule: `1 to ${MAX_PARTITIONS}, and at least the number of LINKS`,
    meaning:
      "into how many shares the payments are divided; any instance can carry any of them. Best a multiple of the " +
      "number of LINKS. Fixed when the journals are made; empty: as they were made, 2 at first, or the number of " +
      "LINKS if that is more",
  },
  {
    name: "CAPACITY",
    fallback: "1048576",
    rule: `1 to ${MAX_CAPACITY}`,
    meaning: "payments that a partition keeps; full answers 503. What was once possible stays so: it never shrinks",
  },
  {
    name: "RESTORED",
    fallback: "false",
    rule: "true or false",
    meaning:
      "the data are a copy without the latest records, such as a backup: payments are looked up before they are " +
      "sent. To be set for all instances",
  },
  {
    name: "RESTORED_GRACE_MS",
    fallback: "30000",
    rule: `0 to ${DAY_MS}`,
    meaning:
      "how long after such a start a processor may still charge what was sent before; at least REQUEST_TIMEOUT_MS",
  },
  {
    name: "RESTORED_WATCH_MS",
    fallback: "3600000",
    rule: `0 to ${30 * DAY_MS}`,
    meaning:
      "how long after such a start clients may repeat payments whose records are lost: new ones are looked up too",
  },
  {
    name: "MAX_IN_FLIGHT",
    fallback: "1024",
    rule: "1 to 4096",
    meaning: "most payments out to one processor at once, over all instances; how many it bears is found out",
  },
  {
    name: "SETTLE_WITHIN_MS",
    fallback: "2000",
    contest: "60000",
    rule: `0 to ${30 * DAY_MS}`,
    meaning:
      "a payment is to be charged within this time of its acceptance: while there is time it may wait for a cheaper " +
      "processor, afterwards whichever can takes it; at most GIVE_UP_AFTER_MS",
  },
  {
    name: "ANSWER_WITHIN_MS",
    fallback: "2000",
    contest: "1200",
    rule: "1 to 300000",
    meaning: "a processor expected to answer later than this is not used while a faster one works",
  },
  {
    name: "WAIT_FOR_SLOW",
    fallback: "true",
    contest: "false",
    rule: "true or false",
    meaning:
      "whether payments may wait for a cheaper processor that answers too late to be used, as for one that is down",
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
      "ended payments of a partition beyond this many are forgotten, oldest first: they are in no summary any more, " +
      "and their correlationIds count as new; 0: never",
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
    name: "HEALTH_URL",
    fallback: "",
    rule: "redis or rediss URL",
    meaning:
      "Redis or Valkey by which instances, of several deployments too, share polls of the processors' health: " +
      "`redis://user:password@host:6379/0`, `rediss` for TLS; the same for all; empty: the instances of this " +
      "deployment agree among themselves",
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
      "where `/metrics`, `/log-level` and `/doubts` are, an address of their own; empty: on `LISTEN`, where nginx " +
      "hides them",
  },
  { name: "METRICS", fallback: "true", rule: "true or false", meaning: "whether there is GET /metrics" },
  {
    name: "SHUTDOWN_GRACE_MS",
    fallback: "5000",
    rule: "0 to 60000",
    meaning: "how long requests in flight may take to finish on SIGTERM, where no other instance takes over",
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
      "admin token of simulated processors: gives the live page buttons that make them slow or failing; empty: no " +
      "processor is ever configured",
  },
];

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
