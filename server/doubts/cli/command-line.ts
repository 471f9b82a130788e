import { parseArgs } from "node:util";
import type { HandWord } from "../../../core/settling/settlement.ts";
import { parseUuidText, UUID_WORDS } from "../../../core/values/uuid.ts";
import { type Address, parseAddress } from "../../system/address.ts";
import { parseTimestamp } from "../../text/timestamp.ts";

export const USAGE = `Shows the payments that instances have in doubt or hold, and settles one by an operator's word.

  node build/server/doubts/cli/main.js list --at ADDRESS [--at ADDRESS ...] [--json]
  node build/server/doubts/cli/main.js settle ID WORD --at ADDRESS [--at ADDRESS ...] [--as-of TIMESTAMP] [--json]

  ID                 the payment's correlationId or payment id
  WORD               what the payment's processor has told you:
    charged          it has charged the payment, with this amount at this requestedAt: it is processed, and counted
                     there
    not-charged      it has not, and no attempt can still arrive: the payment is sent again, to any processor
    failed           it is not to be charged any more: the payment fails, and is in no summary
                     For a held payment, ask every processor. For one that was sent to none, as far as is known, only
                     not-charged and failed are possible
  --at ADDRESS       an instance's ADMIN_LISTEN, or its LISTEN if it has none: unix:PATH or tcp:HOST:PORT. Name all
                     instances, because each knows its own payments only
  --as-of TIMESTAMP  when you asked the processor, such as 2025-07-15T12:34:56.789Z; refused if the payment was sent
                     after that (now)
  --json             for programs
  --help

WARNING: if you say not-charged of a payment that was charged, it is charged twice.

list exits with                                     settle exits with
  0  no payment needs an operator                     0  settled, and in the journal
  1  some are stuck: they do                          1  refused: unknown, neither in doubt nor held, still being
                                                         asked about, or sent since
  2  could not ask every instance                     2  could not ask, or cannot say whether it was settled
`;

export type CommandLine = { at: Address[]; isJson: boolean } & (
  | { command: "list" }
  | { command: "settle"; id: string; word: HandWord; asOf: string | undefined }
);

/** As one argument of a shell. */
const WORDS: Readonly<Record<string, HandWord>> = {
  charged: "charged",
  "not-charged": "not charged",
  failed: "failed",
};

/** Throws a one-line `rule: name=value` error on a wrong argument. */
export function readCommandLine(args: string[]): CommandLine | "help" {
  const flag = { type: "boolean" } as const;
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { at: { type: "string", multiple: true }, "as-of": { type: "string" }, json: flag, help: flag },
  });
  if (values.help) return "help";
  const [command, ...operands] = positionals;
  if (command !== "list" && command !== "settle")
    throw new Error(`the command must be list or settle: command=${command ?? ""}`);
  const shared = { at: readAddresses(values.at ?? []), isJson: values.json === true };
  if (command === "settle") return { command, ...shared, ...readWord(operands), asOf: readMoment(values["as-of"]) };
  if (operands.length > 0) throw new Error(`list takes options only: more=${operands.join(" ")}`);
  if (values["as-of"] !== undefined) throw new Error(`as-of belongs to settle: as-of=${values["as-of"]}`);
  return { command, ...shared };
}

function readWord([id = "", text = "", ...more]: string[]): { id: string; word: HandWord } {
  if (!parseUuidText(id, new Int32Array(UUID_WORDS))) throw new Error(`ID must be a UUID: ID=${id}`);
  const word = Object.hasOwn(WORDS, text) ? WORDS[text] : undefined;
  if (word === undefined) throw new Error(`WORD must be one of ${Object.keys(WORDS).join(", ")}: WORD=${text}`);
  if (more.length > 0) throw new Error(`there is one payment at a time: more=${more.join(" ")}`);
  return { id, word };
}

function readAddresses(texts: readonly string[]): Address[] {
  if (texts.length === 0) throw new Error("at least one instance must be named, such as --at unix:PATH: at=");
  if (new Set(texts).size < texts.length) throw new Error(`each address must be named once: at=${texts.join(" ")}`);
  return texts.map((text) => {
    const address = parseAddress(text);
    if (typeof address === "string") throw new Error(`${address}: at=${text}`);
    return address;
  });
}

function readMoment(text: string | undefined): string | undefined {
  if (text !== undefined && parseTimestamp(text) === undefined)
    throw new Error(`as-of must be an ISO 8601 timestamp such as 2025-07-15T12:34:56.789Z: as-of=${text}`);
  return text;
}
