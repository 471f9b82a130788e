import { parseArgs } from "node:util";
import { readStoreUrl, type StoreTarget } from "../postgres/store-url.ts";
import { withoutCredentials } from "../text/url-credentials.ts";

export const USAGE = `Creates and checks the store of a deployment that shares a PostgreSQL database.

  node build/server/store-cli/main.js init [--partitions COUNT] [--store URL] [--json]
  node build/server/store-cli/main.js check [--store URL] [--json]
  node build/server/store-cli/main.js import DIR [--store URL] [--json]
  node build/server/store-cli/main.js restore [--store URL] [--json]

  init                creates the schema rinha in the database, or upgrades it to this release; run again, it changes
                      nothing. Stop all instances of older releases before you upgrade it
  check               shows server, members and partitions, and reads every log from its beginning. It changes nothing,
                      and works while instances are running
  import DIR          moves the journals of an embedded deployment, its DATA_DIR, into an empty store, which is created
                      if it is missing. Stop all instances first. If it is interrupted, run it again; until then
                      neither can be started. Afterwards the journals are not used any more
  restore             declares that the data came from a backup, or from a standby that lacked commits: whatever is not
                      settled is looked up at all processors before it is sent. Stop all instances first

  --store URL         postgres://user:password@host:port,host:port/database, with sslmode and the like as parameters;
                      put a password into STORE_URL or PGPASSWORD rather than here                 (STORE_URL)
  --partitions COUNT  init: how many there will ever be, 1 to 256    (12, or as many as there are)
  --json              for programs
  --help

init exits with                                     check exits with
  0  the store is there                               0  nothing is wrong; there may be warnings
  1  refused: another number of partitions, a later   1  the server would lose what it acknowledged, or a log is
     release, a server that would lose data              damaged
  2  the database could not be asked                  2  could not look, or there is no store

import and restore exit with
  0  it is done, or import was done before
  1  refused, and nothing has changed: an instance is there, a store that is not empty, another number of partitions
  2  not done, or not known to be: run it again
`;

export type CommandLine = { target: StoreTarget; isJson: boolean } & (
  | { command: "init"; partitionCount: number | undefined }
  | { command: "check" | "restore" }
  | { command: "import"; dataDir: string }
);

const COMMANDS = ["init", "check", "import", "restore"] as const;

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
  const command = COMMANDS.find((name) => name === positionals[0]);
  if (command === undefined)
    throw new Error(`the command must be one of ${COMMANDS.join(", ")}: command=${positionals[0] ?? ""}`);
  const dataDir = command === "import" ? readDirectory(positionals[1]) : undefined;
  const more = positionals.slice(dataDir === undefined ? 1 : 2);
  if (more.length > 0) throw new Error(`${command} takes no more: more=${more.map(withoutCredentials).join(" ")}`);
  if (command !== "init" && values.partitions !== undefined)
    throw new Error(`partitions belong to init: partitions=${values.partitions}`);
  const partitionCount = readCount(values.partitions);
  const shared = { target: readTarget(values.store ?? env["STORE_URL"]), isJson: values.json === true };
  if (command === "init") return { command, ...shared, partitionCount };
  return command === "import" ? { command, ...shared, dataDir: dataDir! } : { command, ...shared };
}

function readDirectory(path: string | undefined): string {
  if (path === undefined || path === "") throw new Error("import takes the DATA_DIR of the journals: DIR=");
  return path;
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
