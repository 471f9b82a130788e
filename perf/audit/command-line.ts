import { parseArgs } from "node:util";
import type { PerRole } from "./totals.ts";
import { readMomentMs } from "./window.ts";

export const USAGE = `Compares the service's ledger with what both payment processors have charged.

  node build/perf/audit/main.js [options]

  --url URL            the service                          (http://localhost:9999)
  --default URL        the default processor                (http://localhost:8001)
  --fallback URL       the fallback processor               (http://localhost:8002)
  --token TOKEN        the processors' admin token                            (123)
  --from MOMENT        2025-07-15T12:34:56.789Z                     (the beginning)
  --to MOMENT          inclusive, before Settled-Until     (all before Settled-Until)
  --full               look at every payment even if the totals agree
  --max-findings N     give up the search after so many                       (100)
  --help

The totals are compared first. If they differ, so do those of some single milliseconds: their charges, as listed by the
processors, are looked up at the service one by one.

Exit code: 0 agrees, 1 differs, 2 could not audit.
`;

export type CommandLine = {
  readonly serviceUrl: URL;
  readonly processorUrls: PerRole<URL>;
  readonly token: string;
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
  readonly isFull: boolean;
  readonly findingCountMax: number | undefined;
};

/** Throws a one-line `rule: name=value` error on a wrong argument. */
export function readCommandLine(args: string[]): CommandLine | "help" {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const { values } = parseArgs({
    args,
    options: {
      url: text,
      default: text,
      fallback: text,
      token: text,
      from: text,
      to: text,
      full: flag,
      "max-findings": text,
      help: flag,
    },
  });
  if (values.help === true) return "help";
  const moment = (name: "from" | "to"): number | undefined => {
    const given = values[name];
    return given === undefined ? undefined : readMomentMs(name, given);
  };
  return {
    serviceUrl: readUrl("url", values.url ?? "http://localhost:9999"),
    processorUrls: {
      default: readUrl("default", values.default ?? "http://localhost:8001"),
      fallback: readUrl("fallback", values.fallback ?? "http://localhost:8002"),
    },
    token: values.token ?? "123",
    fromMs: moment("from"),
    toMs: moment("to"),
    isFull: values.full === true,
    findingCountMax: readCount("max-findings", values["max-findings"]),
  };
}

export function readUrl(name: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" || url.hostname === "") throw new Error(`${name} must be an http URL: ${name}=${text}`);
  return url;
}

function readCount(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,6}$/.test(text))
    throw new Error(`${name} must be a whole number from 1 to 9999999: ${name}=${text}`);
  return Number(text);
}
