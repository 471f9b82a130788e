import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { readUrl } from "../../audit/command-line.ts";
import type { PerRole } from "../../audit/totals.ts";
import { readWholeNumber } from "../command/number-options.ts";
import { OUTPUT_OPTIONS, OUTPUT_USAGE, readOutDir } from "../command/output-options.ts";
import type { LimitedTopologyOptions } from "../contenders/limited-topology.ts";
import { readLimit } from "../limits/cgroups.ts";
import { CONTEST_LOAD } from "../load/user-schedule.ts";
import type { ContestOptions, Target } from "./measurement.ts";
import { CONTEST_STAGES, readStages, scaleStages } from "./stages.ts";

export const USAGE = `The contest's load, audits and score (Rinha de Backend 2025), without Docker and k6.

  npm run perf:contest -- [options]

  --users COUNT            virtual users at the end of the ramp                     (550)
  --duration SECONDS       of the ramp; the contest's stages stretch with it         (60)
  --stages FILE            processor settings over time, as JSON: [{"atSeconds": 0,
                           "default": {"delayMs": 0, "failing": false},
                           "fallback": {"delayMs": 0, "failing": false}}, …]
  --drain SECONDS          wait for what is still queued at the end; ends early       (0)
  --rounds COUNT           the same again so many times                               (1)
  --json FILE              everything measured, as JSON; a list if there are several rounds
${OUTPUT_USAGE}
  --help

Without --target the service is started here: processors, two instances, nginx.
  --profile NAME           of the instances: contest or default                 (contest)
  --port PORT              where nginx listens                             (any free one)
  --default-fee SHARE      of the default processor, 0 to 1                        (0.05)
  --fallback-fee SHARE     of the fallback processor                               (0.15)
  --nginx-limit CPUS:MB    by cgroups (version 1), where they can be written     (0.3:50)
  --instance-limit CPUS:MB                                                      (0.6:150)
  --no-limits              no limits, as on a machine without such cgroups
  --floor                  after each round the same against the floor: the same nginx, in front of handlers that only read
                           the body and answer 202, under the same limits
Its settings are taken from the environment; with LOG_LEVEL set, its log goes to the standard error.

Against any other entry, with processors that are already running:
  --target URL             the service: http://localhost:9999
  --default URL            the default processor                  (http://localhost:8001)
  --fallback URL           the fallback processor                 (http://localhost:8002)
  --token TOKEN            the processors' admin token                              (123)
The fees are what the processors say, unless given.
`;

export type CommandLine = {
  readonly contest: ContestOptions;
  /** Where it runs already, or how to start it. */
  readonly target: Target | LimitedTopologyOptions;
  readonly jsonPath: string | undefined;
  readonly outDir: string | undefined;
  readonly roundCount: number;
  /** Only where the service is started here. */
  readonly withFloor: boolean;
};

/** k6's, in the contest's script. */
const TIMEOUT_MS = 1500;
const AUDIT_INTERVAL_MS = 10_000;
/** Longer than an audit's calls may take. */
const AUDIT_INTERVAL_MS_MIN = TIMEOUT_MS + 100;

/** Throws a one-line `rule: name=value` error on a wrong argument. */
export function readCommandLine(args: string[], logLevel: string | undefined): CommandLine | "help" {
  const values = parse(args);
  if (values.help === true) return "help";
  const userCount = wholeNumber("users", values.users, CONTEST_LOAD.userCount, 1, 100_000);
  const durationMs = wholeNumber("duration", values.duration, CONTEST_LOAD.durationMs / 1000, 1, 86_400) * 1000;
  const factor = durationMs / CONTEST_LOAD.durationMs;
  const givenFees = readFees(values);
  const contest: ContestOptions = {
    load: { ...CONTEST_LOAD, userCount, durationMs },
    stages:
      values.stages === undefined
        ? scaleStages(CONTEST_STAGES, factor)
        : readStages(readFileSync(values.stages, "utf8")),
    timeoutMs: TIMEOUT_MS,
    // A short run has as many audits as a long one, one after the other.
    auditIntervalMs: Math.max(AUDIT_INTERVAL_MS_MIN, Math.ceil(AUDIT_INTERVAL_MS * Math.min(1, factor))),
    drainMs: wholeNumber("drain", values.drain, 0, 0, 86_400) * 1000,
    fees: givenFees,
  };
  const target = values.target === undefined ? readOwn(values, givenFees, logLevel) : readTarget(values, values.target);
  return {
    contest,
    target,
    jsonPath: values.json,
    outDir: readOutDir(values),
    roundCount: wholeNumber("rounds", values.rounds, 1, 1, 1000),
    withFloor: values.floor === true,
  };
}

type Values = ReturnType<typeof parse>;

function parse(args: string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  return parseArgs({
    args,
    options: {
      users: text,
      duration: text,
      stages: text,
      drain: text,
      rounds: text,
      json: text,
      ...OUTPUT_OPTIONS,
      help: flag,
      profile: text,
      port: text,
      "default-fee": text,
      "fallback-fee": text,
      "nginx-limit": text,
      "instance-limit": text,
      "no-limits": flag,
      floor: flag,
      target: text,
      default: text,
      fallback: text,
      token: text,
    },
  }).values;
}

const CONTEST_FEES: PerRole<number> = { default: 0.05, fallback: 0.15 };

function readFees(values: Values): PerRole<number> | undefined {
  if (values["default-fee"] === undefined && values["fallback-fee"] === undefined) return undefined;
  return {
    default: share("default-fee", values["default-fee"], CONTEST_FEES.default),
    fallback: share("fallback-fee", values["fallback-fee"], CONTEST_FEES.fallback),
  };
}

function readOwn(values: Values, fees = CONTEST_FEES, logLevel: string | undefined): LimitedTopologyOptions {
  for (const name of ["default", "fallback", "token"] as const) {
    if (values[name] !== undefined) throw new Error(`${name} must come with --target: ${name}=${values[name]}`);
  }
  const profile = values.profile ?? "contest";
  if (profile !== "contest" && profile !== "default") {
    throw new Error(`profile must be contest or default: profile=${profile}`);
  }
  const limits = {
    nginx: readLimit("nginx-limit", values["nginx-limit"] ?? "0.3:50"),
    instance: readLimit("instance-limit", values["instance-limit"] ?? "0.6:150"),
  };
  return {
    profile,
    port: wholeNumber("port", values.port, 0, 0, 65_535),
    fees,
    limits: values["no-limits"] === true ? undefined : limits,
    logLevel,
  };
}

function readTarget(values: Values, target: string): Target {
  for (const name of ["profile", "port", "nginx-limit", "instance-limit", "no-limits", "floor"] as const) {
    if (values[name] !== undefined) throw new Error(`${name} must come without --target: ${name}=${values[name]}`);
  }
  return {
    service: readUrl("target", target),
    processors: {
      default: readUrl("default", values.default ?? "http://localhost:8001"),
      fallback: readUrl("fallback", values.fallback ?? "http://localhost:8002"),
    },
    token: values.token ?? "123",
  };
}

function wholeNumber(name: string, text: string | undefined, otherwise: number, min: number, max: number): number {
  return text === undefined ? otherwise : readWholeNumber(name, text, min, max);
}

function share(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^(0(\.\d{1,12})?|1(\.0{1,12})?)$/.test(text)) {
    throw new Error(`${name} must be a decimal from 0 to 1: ${name}=${text}`);
  }
  return Number(text);
}
