import { readStoreUrl } from "../../server/postgres/store-url.ts";
import { type CommandLine, flags, lists, type OptionValues, texts } from "../command/command-line.ts";
import { readWholeNumber } from "../command/number-options.ts";
import { readNamedUrls, readUrl } from "../command/url-option.ts";
import type { AuditWish } from "./audit.ts";
import type { Target } from "./parties.ts";
import type { StoreOptions } from "./store-books.ts";
import type { Named } from "./totals.ts";
import { readMomentMs } from "./window.ts";

const USAGE = `Compares the service's ledger with what the payment processors have charged.

  node build/perf/audit/main.js [options]

  --url URL            the service                          (http://localhost:9999)
  --store URL          instead of the service, the payment table in the PostgreSQL database of its STORE_URL
  --settle SECONDS     with --store: payments requested longer ago, by the database's clock, are in the table  (70)
  --processor NAME=URL a processor, once for each that the service has
  --default URL        without --processor: the default one      (http://localhost:8001)
  --fallback URL       and the fallback processor           (http://localhost:8002)
  --token TOKEN        the processors' admin token                            (123)
  --from MOMENT        2025-07-15T12:34:56.789Z                     (the beginning)
  --to MOMENT          inclusive, before Settled-Until     (all before Settled-Until)
  --full               compare every payment even if the totals agree
  --max-findings N     stop the search after so many                          (100)
  --json               for programs; amounts are cents
  --help

The totals are compared first. If they differ, so do those of some single milliseconds: their charges, as listed by the
processors, are looked up at the service one by one.

Exit code: 0 agrees, 1 differs, 2 could not audit.
`;

const OPTIONS = {
  ...texts("url", "store", "settle", "default", "fallback", "token", "from", "to", "max-findings"),
  ...lists("processor"),
  ...flags("full", "json"),
};

const FINDING_COUNT_MAX = 9_999_999;
/** Instances' clocks may differ from the database's by a minute, and what is sent is in the log before that. */
const SETTLE_S = 70;
const SETTLE_S_MAX = 86_400;

/** The table to compare in place of the service. */
export type StoreWish = Pick<StoreOptions, "url" | "settleMs">;

export const AUDIT_COMMAND: CommandLine<
  typeof OPTIONS,
  AuditWish & { readonly target: Target; readonly store: StoreWish | undefined; readonly isJson: boolean }
> = {
  usage: USAGE,
  options: OPTIONS,
  read(values) {
    const wished = <Value>(name: "from" | "to" | "max-findings", read: (text: string) => Value): Value | undefined => {
      const text = values[name];
      return text === undefined ? undefined : read(text);
    };
    return {
      target: {
        service: readUrl("url", values.url ?? "http://localhost:9999"),
        processors: readProcessors(values),
        token: values.token ?? "123",
      },
      store: readStore(values),
      fromMs: wished("from", (text) => readMomentMs("from", text)),
      toMs: wished("to", (text) => readMomentMs("to", text)),
      isFull: values.full === true,
      isJson: values.json === true,
      findingCountMax: wished("max-findings", (text) => readWholeNumber("max-findings", text, 1, FINDING_COUNT_MAX)),
    };
  },
};

function readStore({ store, settle, url }: OptionValues<typeof OPTIONS>): StoreWish | undefined {
  if (store === undefined) {
    if (settle !== undefined) throw new Error(`settle goes with --store: settle=${settle}`);
    return undefined;
  }
  if (url !== undefined) throw new Error(`url must come without --store: url=${url}`);
  readStoreUrl(store);
  const settleMs = 1000 * (settle === undefined ? SETTLE_S : readWholeNumber("settle", settle, 0, SETTLE_S_MAX));
  return { url: store, settleMs };
}

function readProcessors({ processor, ...two }: OptionValues<typeof OPTIONS>): Named<URL> {
  if (processor === undefined) {
    return {
      default: readUrl("default", two.default ?? "http://localhost:8001"),
      fallback: readUrl("fallback", two.fallback ?? "http://localhost:8002"),
    };
  }
  for (const name of ["default", "fallback"] as const) {
    if (two[name] !== undefined) throw new Error(`${name} must come without --processor: ${name}=${two[name]}`);
  }
  return readNamedUrls("processor", processor);
}
