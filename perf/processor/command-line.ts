import { parseArgs } from "node:util";
import { defaultOptions, type ProcessorOptions } from "./processor.ts";

export const usage = `The simulated payment processor of the contest (Rinha de Backend 2025).

  node build/perf/processor/main.js [options]

  --name NAME              any; fallback has another port and fee, see below      (default)
  --port PORT              0 takes any free one                  (8001; fallback: 8002)
  --host ADDRESS           where to listen                                    (127.0.0.1)
  --fee SHARE              of every amount, from 0 to 1          (0.05; fallback: 0.15)
  --token TOKEN            X-Rinha-Token of the admin calls, until changed          (123)
  --health-window-ms MS    one health call per window                              (5000)
  --in-flight-max COUNT    requests in flight                                       (800)
  --queued-max COUNT       requests queued behind them; beyond that 429             (500)
  --queued-hang-up WHAT    charge or drop a payment whose caller hangs up while it
                           is still queued                                       (charge)
  --timer-slack-ms MS      a delay lasts longer by up to so much                      (3)
  --connections COUNT      to the database: inserts at the same time                 (20)
  --connection-wait-ms MS  an insert waits so long for one of them                (15000)
  --front                  take connections in front of the HTTP server, for the
                           misbehaviour that needs it: README; slower
  --help
`;

export type CommandLine = {
  readonly name: string;
  readonly options: ProcessorOptions;
};

const TEXT = { type: "string" } as const;
const FLAG = { type: "boolean" } as const;
const OPTIONS = {
  name: TEXT,
  port: TEXT,
  host: TEXT,
  fee: TEXT,
  token: TEXT,
  "health-window-ms": TEXT,
  "in-flight-max": TEXT,
  "queued-max": TEXT,
  "queued-hang-up": TEXT,
  "timer-slack-ms": TEXT,
  connections: TEXT,
  "connection-wait-ms": TEXT,
  front: FLAG,
  help: FLAG,
} as const;

/** Throws a one-line `rule: name=value` error on a wrong argument. */
export function readCommandLine(args: string[]): CommandLine | "help" {
  const { values } = parseArgs({ args, options: OPTIONS });
  if (values.help === true) return "help";
  const name = values.name ?? "default";
  const isFallback = name === "fallback";
  const count = (flag: keyof typeof values, otherwise: number, min: number, max?: number): number =>
    readCount(flag, values[flag] as string | undefined, otherwise, min, max);
  return {
    name,
    options: {
      host: values.host ?? defaultOptions.host,
      port: count("port", isFallback ? 8002 : 8001, 0, 65_535),
      fee: readShare("fee", values.fee, isFallback ? 0.15 : defaultOptions.fee),
      token: values.token ?? defaultOptions.token,
      healthWindowMs: count("health-window-ms", defaultOptions.healthWindowMs, 1),
      inFlightCountMax: count("in-flight-max", defaultOptions.inFlightCountMax, 1),
      queuedCountMax: count("queued-max", defaultOptions.queuedCountMax, 0),
      queuedHangUp: readQueuedHangUp(values["queued-hang-up"]),
      timerSlackMsMax: count("timer-slack-ms", defaultOptions.timerSlackMsMax, 0),
      connectionCountMax: count("connections", defaultOptions.connectionCountMax, 1),
      connectionWaitMsMax: count("connection-wait-ms", defaultOptions.connectionWaitMsMax, 1),
      front: values.front ?? false,
    },
  };
}

function readCount(name: string, text: string | undefined, otherwise: number, min: number, max = 1_000_000): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!/^\d{1,9}$/.test(text) || value < min || value > max) {
    throw new Error(`${name} must be a whole number from ${min} to ${max}: ${name}=${text}`);
  }
  return value;
}

function readShare(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^[01](\.\d{1,12})?$/.test(text) || Number(text) > 1) {
    throw new Error(`${name} must be a decimal from 0 to 1: ${name}=${text}`);
  }
  return Number(text);
}

function readQueuedHangUp(text: string | undefined): ProcessorOptions["queuedHangUp"] {
  if (text === undefined) return defaultOptions.queuedHangUp;
  if (text !== "charge" && text !== "drop")
    throw new Error(`queued-hang-up must be charge or drop: queued-hang-up=${text}`);
  return text;
}
