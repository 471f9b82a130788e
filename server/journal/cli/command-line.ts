import { parseArgs } from "node:util";
import { MAX_CAPACITY } from "../../../core/ledger/ledger.ts";
import { SETTINGS } from "../../settings/settings.ts";

export const USAGE = `Shows what is in an instance's journal, or tells whether the instance would start with it. These
change nothing, and work while an instance is using the journal. set-clock is for a journal whose latest time is ahead of the
clock, because that was wrong once: time begins again at what the clock says now. The instance must not be running.

  node build/server/journal/cli/main.js inspect DIR [options]
  node build/server/journal/cli/main.js verify DIR [options]
  node build/server/journal/cli/main.js set-clock DIR [--capacity COUNT]

  DIR                 an instance's own directory, or a DATA_DIR with one folder for each instance

  --capacity COUNT    payments an instance has room for        (CAPACITY, or the instances' default)
  --instances COUNT   expect a journal of so many instances    (what the files say)
  --records           inspect: the records too, one a line, checkpoints first
  --limit COUNT       of them, from the first                  (1000)
  --from LSN          only records from this number on         (0)
  --help

inspect and set-clock exit with 0, or 2 when that could not be done, verify with
  0  the instance would start, if need be after cutting off an end that was never acknowledged
  1  the journal is refused: acknowledged payments are in danger
  2  could not look: a wrong argument, no such directory
`;

export type CommandLine = {
  command: "inspect" | "verify" | "set-clock";
  directory: string;
  capacity: number;
  instanceCount: number | undefined;
  showsRecords: boolean;
  limit: number;
  fromLsn: number;
};

type Environment = Readonly<Record<string, string | undefined>>;

/** Throws a one-line `rule: name=value` error on a wrong argument. */
export function readCommandLine(args: string[], environment: Environment): CommandLine | "help" {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { capacity: text, instances: text, records: flag, limit: text, from: text, help: flag },
  });
  if (values.help) return "help";
  const [command, directory, ...more] = positionals;
  if (command !== "inspect" && command !== "verify" && command !== "set-clock")
    throw new Error(`the command must be inspect, verify or set-clock: command=${command ?? ""}`);
  if (directory === undefined) throw new Error("a directory must be named: DIR=");
  if (more.length > 0) throw new Error(`there is one directory at a time: more=${more.join(" ")}`);
  const capacityText = values.capacity ?? environment["CAPACITY"] ?? defaultCapacity();
  return {
    command,
    directory,
    capacity: readCount("capacity", capacityText, 1, MAX_CAPACITY),
    instanceCount: values.instances === undefined ? undefined : readCount("instances", values.instances, 1, 65_535),
    showsRecords: values.records === true,
    limit: readCount("limit", values.limit ?? "1000", 0, Number.MAX_SAFE_INTEGER),
    fromLsn: readCount("from", values.from ?? "0", 0, Number.MAX_SAFE_INTEGER),
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
