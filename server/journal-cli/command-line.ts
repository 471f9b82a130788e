import { parseArgs } from "node:util";
import { MAX_CAPACITY } from "../../core/ledger/ledger.ts";
import { SETTINGS } from "../settings/settings.ts";
import { readProcessorUrls } from "./repair/inquiry.ts";

export const USAGE = `Shows what is in a partition's journal, says whether an instance would start with it, or makes a
new journal from what a damaged one still holds. inspect, verify and repair never change the journal that they read;
inspect and verify work while an instance uses it. set-clock is for a journal whose latest time is ahead of the clock,
because the clock was wrong once: time begins again at the current time. Stop all instances that can reach the journal
first.

  node build/server/journal-cli/main.js inspect DIR [options]
  node build/server/journal-cli/main.js verify DIR [options]
  node build/server/journal-cli/main.js repair DIR --out NEWDIR [options]
  node build/server/journal-cli/main.js set-clock DIR [--capacity COUNT]

  DIR                 a partition's own directory, or a DATA_DIR with one folder for each partition
  --out NEWDIR        repair: where the new journal goes, with the same layout as DIR; must be missing or empty
  --processor NAME=URL  repair: a processor to ask about payments, by its name in the journal; name all of them
  --names NAME,NAME…  repair: the processors by their numbers, for files that have lost the names
  --json              inspect, verify, repair: the report as JSON, without --records

  --capacity COUNT    payments that a partition has room for   (CAPACITY, or what the files say if that is more)
  --partitions COUNT  expect a journal of so many partitions   (what the files say)
  --records           inspect: also the records, one a line, checkpoints first
  --limit COUNT       of them, from the first                  (1000)
  --from LSN          only records from this number on         (0)
  --help

repair copies every sound record. For a payment whose records may be lost it writes only what is proven:
  found at one processor only, with the same amount: processed there, at the requestedAt that the processor has
  found at several: processed where the requestedAt is earlier, and reported as charged twice
  not found, but known to have been sent to a processor: in doubt there
  otherwise: pending
The new journal is marked: an instance that starts with it looks up every payment that is not settled at all
processors before it sends anything, as with RESTORED=true. So a payment that is pending there is sent only once all
have said that they do not have it. Payments whose acceptance is lost are listed as far as they are known; they are not
in the new journal, and those accepted later get new payment ids. Journals that are sound are not copied.

inspect and set-clock exit with 0, or with 2 if that could not be done; verify exits with
  0  the instance would start, perhaps after cutting off an end that was never acknowledged
  1  an instance would refuse the journal: acknowledged payments are in danger
  2  the journal could not be read: a wrong argument, no such directory
repair exits with
  0  nothing is damaged, or the new journal vouches for every payment
  1  the new journal is there, but there are payments that it cannot vouch for; they are listed
  2  there is no new journal: a wrong argument, a journal in use, a full disk
`;

export type CommandLine = {
  command: "inspect" | "verify" | "repair" | "set-clock";
  directory: string;
  capacity: number;
  partitionCount: number | undefined;
  showsRecords: boolean;
  limit: number;
  fromLsn: number;
  /** Where a repaired journal goes; empty for other commands. */
  out: string;
  /** By name, of the processors that are to be asked. */
  processorUrls: ReadonlyMap<string, URL>;
  /** By number, for files that cannot tell them. */
  toldNames: readonly string[];
  isJson: boolean;
};

type Environment = Readonly<Record<string, string | undefined>>;

/** Throws a one-line `rule: name=value` error on a wrong argument. */
export function readCommandLine(args: string[], environment: Environment): CommandLine | "help" {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      capacity: text,
      partitions: text,
      records: flag,
      limit: text,
      from: text,
      out: text,
      processor: { type: "string", multiple: true },
      names: text,
      json: flag,
      help: flag,
    },
  });
  if (values.help) return "help";
  const [command, directory, ...more] = positionals;
  if (command !== "inspect" && command !== "verify" && command !== "repair" && command !== "set-clock")
    throw new Error(`the command must be inspect, verify, repair or set-clock: command=${command ?? ""}`);
  if (directory === undefined) throw new Error("a directory must be named: DIR=");
  if (more.length > 0) throw new Error(`there is one directory at a time: more=${more.join(" ")}`);
  const { out = "" } = values;
  if ((command === "repair") !== (out !== "")) throw new Error(`repair, and nothing else, needs --out: --out=${out}`);
  if (values.json === true && (values.records === true || command === "set-clock"))
    throw new Error(`json goes with ${values.records ? "no records" : "inspect, verify and repair"}: --json=true`);
  const capacityText = values.capacity ?? environment["CAPACITY"] ?? defaultCapacity();
  return {
    command,
    directory,
    capacity: readCount("capacity", capacityText, 1, MAX_CAPACITY),
    partitionCount: values.partitions === undefined ? undefined : readCount("partitions", values.partitions, 1, 65_535),
    showsRecords: values.records === true,
    limit: readCount("limit", values.limit ?? "1000", 0, Number.MAX_SAFE_INTEGER),
    fromLsn: readCount("from", values.from ?? "0", 0, Number.MAX_SAFE_INTEGER),
    out,
    processorUrls: readProcessorUrls(values.processor ?? []),
    toldNames: values.names?.split(",") ?? [],
    isJson: values.json === true,
  };
}

function defaultCapacity(): string {
  return SETTINGS.find(({ name }) => name === "CAPACITY")!.fallback;
}

function readCount(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw new Error(`${name} must be from ${min} to ${max}: ${name}=${text}`);
  return value;
}
