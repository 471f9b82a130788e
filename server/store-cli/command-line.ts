import { parseArgs } from "node:util";
import { readStoreUrl, type StoreTarget } from "../postgres/store-url.ts";
import { withoutCredentials } from "../text/url-credentials.ts";

export const USAGE = `Makes the store of a deployment that shares a PostgreSQL database, and looks whether it is sound.

  node build/server/store-cli/main.js init [--partitions COUNT] [--store URL] [--json]
  node build/server/store-cli/main.js check [--store URL] [--json]

  init                makes the schema rinha in the database, or brings it up to this release; said again, it changes
                      nothing. No older release may be running while it is brought up
  check               shows server, members and partitions, and reads every log from its beginning. It changes nothing,
                      and works while instances are running

  --store URL         postgres://user:password@host:port,host:port/database, with sslmode and the like as parameters;
                      a password is better kept in STORE_URL or PGPASSWORD than in a command line    (STORE_URL)
  --partitions COUNT  init: how many there will ever be, 1 to 256    (12, or as many as there are)
  --json              for programs
  --help

init exits with                                     check exits with
  0  the store is there                               0  nothing is wrong; there may be warnings
  1  refused: another number of partitions, a later   1  the server would lose what it acknowledged, or a log is
     release, a server that would lose data              damaged
  2  could not be asked                               2  could not look, or there is no store
`;

export type CommandLine = { target: StoreTarget; isJson: boolean } & (
  | { command: "init"; partitionCount: number | undefined }
  | { command: "check" }
);

/** Throws a one-line `rule: name=value` error on a wrong argument. */
export function readCommandLine(
  args: string[],
  env: Readonly<Record<string, string | undefined>>,
): CommandLine | "help" {
  const flag = { type: "boolean" } as const;
  const text = { type: "string" } as const;
  const options = { store: text, partitions: text, json: flag, help: flag };
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
  if (values.help) return "help";
  const [command, ...more] = positionals;
  if (command !== "init" && command !== "check")
    throw new Error(`the command must be init or check: command=${command ?? ""}`);
  if (more.length > 0) throw new Error(`${command} takes options only: more=${more.map(withoutCredentials).join(" ")}`);
  if (command === "check" && values.partitions !== undefined)
    throw new Error(`partitions belong to init: partitions=${values.partitions}`);
  const partitionCount = readCount(values.partitions);
  const shared = { target: readTarget(values.store ?? env["STORE_URL"]), isJson: values.json === true };
  return command === "init" ? { command, ...shared, partitionCount } : { command, ...shared };
}

function readTarget(url: string | undefined): StoreTarget {
  if (url === undefined || url === "") throw new Error("a store must be named, by --store or STORE_URL: store=");
  return readStoreUrl(url);
}

function readCount(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,3}$/.test(text) || Number(text) < 1 || Number(text) > 256)
    throw new Error(`a store has 1 to 256 partitions: partitions=${text}`);
  return Number(text);
}
