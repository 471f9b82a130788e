import { MAX_CAPACITY } from "../../core/ledger/ledger.ts";
import { MAX_PARTITIONS } from "../../core/values/payment-id.ts";
import { LOG_LEVELS } from "../log/log.ts";

type Setting = { name: string; fallback: string; contest?: string; meaning: string; rule: string };

const DAY_MS = 86_400_000;

/** One table is the source of the validation, of `--help` and of docs/settings.md. */
export const SETTINGS: readonly Setting[] = [
  {
    name: "PROFILE",
    fallback: "default",
    rule: "default or contest",
    meaning: "a set of defaults; settings that you set yourself take precedence",
  },
  {
    name: "INSTANCE",
    fallback: "1",
    rule: `1 to the number of LINKS; with STORE_URL 1 to ${MAX_PARTITIONS}`,
    meaning: "this instance's own number. It says which of the LINKS is its own, and which partitions prefer it",
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
      "the link address of every instance, in order, the same for all. The health monitor takes the next port, or " +
      "the path with `.health`. Empty: a single instance",
  },
  {
    name: "STORE_URL",
    fallback: "",
    rule: "postgres:// or postgresql:// URL",
    meaning:
      "PostgreSQL 14 or newer that keeps the payments instead of journals on a disk, so that instances on many hosts " +
      "share them: see docs/cluster.md. `LINKS`, `DATA_DIR`, `DURABILITY`, `PARTITIONS`, `SEGMENT_BYTES` and " +
      "`RESTORED` must then not be set. Empty: journals",
  },
  {
    name: "LINK",
    fallback: "",
    rule: "address, with STORE_URL only",
    meaning:
      "the link address of this instance, where the others reach it: `tcp:<host>:<port>`, or `unix:<path>` if all " +
      "instances run on one machine",
  },
  {
    name: "PAYMENT_TABLE",
    fallback: "true",
    rule: "true or false",
    meaning:
      "with STORE_URL: keep the table `rinha.payment` up to date for queries in SQL. The same for all instances: see " +
      "docs/cluster.md",
  },
  {
    name: "PROCESSORS",
    fallback: "",
    rule: "JSON array, or the path of a file with one",
    meaning: "1 to 16 payment processors, see docs/processors.md. Empty: the two that the next four settings describe",
  },
  {
    name: "DEFAULT_PROCESSOR_URL",
    fallback: "http://localhost:8001",
    rule: "http or https URL",
    meaning: "the payment processor named default. A user and password in the URL are sent as Basic authorization",
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
    meaning: "the share of an amount that the processor default keeps. Payments go where the fee is lowest",
  },
  {
    name: "FALLBACK_FEE",
    fallback: "0.15",
    rule: "decimal from 0 to 1",
    meaning: "the share of an amount that the processor fallback keeps",
  },
  {
    name: "DURABILITY",
    fallback: "write",
    rule: "write, fsync or none",
    meaning:
      "what an accepted payment survives: `write` a crash of the process, `fsync` a power failure, `none` nothing. " +
      "With `none`, no instance can take over the partitions of another",
  },
  {
    name: "DATA_DIR",
    fallback: "data",
    rule: "directory",
    meaning:
      "the directory of the journals, the same for all instances. Each partition has a folder `partition-<number>` " +
      "in it. It is created if it is missing. Its file system must be local and support unix sockets",
  },
  {
    name: "SEGMENT_BYTES",
    fallback: "67108864",
    rule: "65536 to 4294967296",
    meaning: "the size at which a new journal segment begins",
  },
  {
    name: "PARTITIONS",
    fallback: "",
    rule: `1 to ${MAX_PARTITIONS}, and at least the number of LINKS`,
    meaning:
      "the number of shares into which the payments are divided. Any instance can carry any of them, so a multiple " +
      "of the number of LINKS is best. It is fixed when the journals are created. Empty: as many as the journals " +
      "have; for new journals 2, or the number of LINKS if that is higher",
  },
  {
    name: "CAPACITY",
    fallback: "1048576",
    rule: `1 to ${MAX_CAPACITY}`,
    meaning:
      "the number of payments that a partition keeps. When it is full, new payments get 503. The capacity of an " +
      "existing journal never shrinks",
  },
  {
    name: "RESTORED",
    fallback: "false",
    rule: "true or false",
    meaning:
      "the data are a copy that lacks the latest records, such as a backup: payments are looked up before they are " +
      "sent. Set it for all instances",
  },
  {
    name: "RESTORED_GRACE_MS",
    fallback: "30000",
    rule: `0 to ${DAY_MS}`,
    meaning:
      "how long after such a start a processor may still charge payments that were sent before it; at least " +
      "REQUEST_TIMEOUT_MS",
  },
  {
    name: "RESTORED_WATCH_MS",
    fallback: "3600000",
    rule: `0 to ${30 * DAY_MS}`,
    meaning:
      "how long after such a start clients may repeat payments whose records are lost. For this time, new payments " +
      "are looked up",
  },
  {
    name: "MAX_IN_FLIGHT",
    fallback: "1024",
    rule: "1 to 4096",
    meaning:
      "the most payments in flight to one processor at once, over all instances. The service finds out by itself how " +
      "many the processor can handle",
  },
  {
    name: "SETTLE_WITHIN_MS",
    fallback: "2000",
    contest: "60000",
    rule: `0 to ${30 * DAY_MS}`,
    meaning:
      "a payment should be charged within this time after its acceptance. Until then it may wait for a cheaper " +
      "processor; after that, any processor that works takes it. At most GIVE_UP_AFTER_MS",
  },
  {
    name: "ANSWER_WITHIN_MS",
    fallback: "2000",
    contest: "1200",
    rule: "1 to 300000",
    meaning: "a processor that is expected to take longer than this to answer is not used while a faster one works",
  },
  {
    name: "WAIT_FOR_SLOW",
    fallback: "true",
    contest: "false",
    rule: "true or false",
    meaning: "whether payments may wait for a cheaper processor that is too slow, as they do for one that is down",
  },
  {
    name: "GIVE_UP_AFTER_MS",
    fallback: "3600000",
    rule: `1 to ${30 * DAY_MS}`,
    meaning: "a payment that has been pending for longer fails. A payment in doubt never does",
  },
  {
    name: "RETAIN_PAYMENTS",
    fallback: "0",
    rule: `0 to ${MAX_CAPACITY}`,
    meaning:
      "the most ended payments that a partition keeps. Older ones are dropped: no summary contains them any more, " +
      "and their correlationIds count as new. 0: all are kept",
  },
  {
    name: "RETAIN_MS",
    fallback: "0",
    rule: `0 to ${3650 * DAY_MS}`,
    meaning: "ended payments that were accepted longer ago than this are dropped in the same way. 0: never",
  },
  {
    name: "REQUEST_TIMEOUT_MS",
    fallback: "10000",
    rule: "100 to 300000",
    meaning: "the longest wait for a processor's answer. After that the payment is in doubt",
  },
  {
    name: "LINK_TIMEOUT_MS",
    fallback: "1000",
    rule: "10 to 30000",
    meaning: "the longest wait for another instance's answer",
  },
  {
    name: "HEALTH_URL",
    fallback: "",
    rule: "redis or rediss URL",
    meaning:
      "Redis or Valkey through which instances, also those of several deployments, share health polls: " +
      "`redis://user:password@host:6379/0`, or `rediss` for TLS. The same for all. Empty: the instances of this " +
      "deployment agree among themselves",
  },
  {
    name: "MAX_BODY_BYTES",
    fallback: "8192",
    rule: "128 to 1048576",
    meaning: "the largest request body. A larger one gets 413",
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
    meaning:
      "whose pages may read answers, pay and purge: the value of Access-Control-Allow-Origin. Empty: only our own",
  },
  {
    name: "LOG_LEVEL",
    fallback: "info",
    contest: "warn",
    rule: LOG_LEVELS.join(", "),
    meaning: "the lowest level that is logged",
  },
  {
    name: "ADMIN_LISTEN",
    fallback: "",
    rule: "address",
    meaning:
      "a separate address for the operators' calls `/metrics`, `/log-level` and `/doubts`. Empty: they are on " +
      "`LISTEN`, and nginx does not pass them on",
  },
  { name: "METRICS", fallback: "true", rule: "true or false", meaning: "whether GET /metrics is served" },
  {
    name: "SHUTDOWN_GRACE_MS",
    fallback: "5000",
    rule: "0 to 60000",
    meaning: "how long requests in flight may take to finish after SIGTERM if no other instance takes over",
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
      "the admin token of simulated processors. With it, the live page has buttons that make them slow or failing. " +
      "Empty: no processor is ever changed",
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
