import { readFileSync } from "node:fs";
import type { Target } from "../../audit/parties.ts";
import type { PerRole } from "../../audit/totals.ts";
import { type CommandLine, flags, type OptionValues, texts } from "../../command/command-line.ts";
import { readDecimal, readWholeNumber } from "../../command/number-options.ts";
import { readUrl } from "../../command/url-option.ts";
import {
  CONTAINERS_OPTION,
  CONTAINERS_USAGE,
  LIMIT_OPTIONS,
  LIMIT_USAGE,
  readInContainers,
  readLimits,
} from "../contenders/limit-options.ts";
import type { LimitedTopologyOptions } from "../contenders/limited-topology.ts";
import { requireNoTarget } from "../contenders/target-options.ts";
import { OUTPUT_USAGE } from "../report/output-options.ts";
import type { ContestOptions } from "./measurement.ts";
import { CONTEST_SCRIPTS, type ContestScript } from "./scripts.ts";
import { readStages, scaleStages } from "./stages.ts";

const USAGE = `The contest's load, audits and score (Rinha de Backend 2025), without Docker and k6.

  npm run perf:contest -- [options]

  --script NAME            preview, or final: users, duration, stages, amount, fees, audits and how it is
                           counted                                              (preview)
  --users COUNT            virtual users at the end of the ramp              (550; 603)
  --duration SECONDS       of the ramp; the script's stages stretch with it   (60; 300)
  --stages FILE            processor settings over time, as JSON: [{"atSeconds": 0,
                           "default": {"delayMs": 0, "failing": false},
                           "fallback": {"delayMs": 0, "failing": false}}, …]
  --drain SECONDS          wait for what is still queued at the end; ends early       (0)
  --rounds COUNT           the same again so many times                               (1)
  --measured FILE          everything measured, as JSON; a list if there are several rounds
${OUTPUT_USAGE}
  --help

Without --target the service is started here: processors, two instances, nginx.
  --profile NAME           of the instances: contest or default                 (contest)
  --port PORT              where nginx listens                             (any free one)
  --default-fee SHARE      of the default processor, 0 to 1                  (0.05; 0.07)
  --fallback-fee SHARE     of the fallback processor                         (0.15; 0.10)
${CONTAINERS_USAGE}
${LIMIT_USAGE}
  --floor                  after each round the same against two floors: the same nginx, in front of handlers
                           that only read the body and answer 202, under the same limits; and the same while a
                           process beside them sends as many payments to the default processor
Its settings are taken from the environment; with LOG_LEVEL set, its log goes to the standard error.

Against any other entry, with processors that are already running:
  --target URL             the service: http://localhost:9999
  --default URL            the default processor                  (http://localhost:8001)
  --fallback URL           the fallback processor                 (http://localhost:8002)
  --token TOKEN            the processors' admin token                              (123)
The fees are what the processors say, unless given.
`;

export type ContestWish = {
  readonly contest: ContestOptions;
  /** Where it runs already, or how to start it. */
  readonly target: Target | LimitedTopologyOptions;
  readonly measuredPath: string | undefined;
  readonly roundCount: number;
  /** Only where the service is started here. */
  readonly withFloor: boolean;
  /** Likewise. */
  readonly inContainers: boolean;
};

/** k6's, in the contest's script. */
const TIMEOUT_MS = 1500;
const AUDIT_INTERVAL_MS = 10_000;
/** Longer than an audit's calls may take. */
const AUDIT_INTERVAL_MS_MIN = TIMEOUT_MS + 100;

const OPTIONS = {
  ...texts("script", "users", "duration", "stages", "drain", "rounds", "measured"),
  ...texts("profile", "port", "default-fee", "fallback-fee"),
  ...flags("floor"),
  ...CONTAINERS_OPTION,
  ...texts("target", "default", "fallback", "token"),
  ...LIMIT_OPTIONS,
};

type Values = OptionValues<typeof OPTIONS>;

export const CONTEST_COMMAND: CommandLine<typeof OPTIONS, ContestWish> = {
  usage: USAGE,
  options: OPTIONS,
  read(values) {
    const script = readScript(values.script ?? "preview");
    const fees = readFees(values, script);
    return {
      contest: readContest(values, script, fees),
      target: values.target === undefined ? readOwn(values, fees ?? script.fees) : readTarget(values, values.target),
      measuredPath: values.measured,
      roundCount: readWholeNumber("rounds", values.rounds ?? "1", 1, 1000),
      withFloor: values.floor === true,
      inContainers: readInContainers(values),
    };
  },
};

function readScript(name: string): ContestScript {
  const script = Object.values(CONTEST_SCRIPTS).find((candidate) => candidate.name === name);
  if (script === undefined)
    throw new Error(`script must be ${Object.keys(CONTEST_SCRIPTS).join(" or ")}: script=${name}`);
  return script;
}

function readContest(values: Values, script: ContestScript, fees: PerRole<number> | undefined): ContestOptions {
  const { load, stages, name, amountCents, auditToMs, countedBy } = script;
  const wishedMs = readWholeNumber("duration", values.duration ?? `${load.durationMs / 1000}`, 1, 86_400) * 1000;
  const factor = wishedMs / load.durationMs;
  return {
    script: name,
    amountCents,
    auditToMs,
    countedBy,
    load: {
      ...load,
      userCount: readWholeNumber("users", values.users ?? `${load.userCount}`, 1, 100_000),
      durationMs: wishedMs,
    },
    stages: values.stages === undefined ? scaleStages(stages, factor) : readStages(readFileSync(values.stages, "utf8")),
    timeoutMs: TIMEOUT_MS,
    // A short run has as many audits as a long one, one after the other.
    auditIntervalMs: Math.max(AUDIT_INTERVAL_MS_MIN, Math.ceil(AUDIT_INTERVAL_MS * Math.min(1, factor))),
    drainMs: readWholeNumber("drain", values.drain ?? "0", 0, 86_400) * 1000,
    fees,
  };
}

function readFees(values: Values, script: ContestScript): PerRole<number> | undefined {
  if (values["default-fee"] === undefined && values["fallback-fee"] === undefined) return undefined;
  const feeOf = (role: "default" | "fallback"): number =>
    readDecimal(`${role}-fee`, values[`${role}-fee`] ?? `${script.fees[role]}`, 0, 1);
  return { default: feeOf("default"), fallback: feeOf("fallback") };
}

function readOwn(values: Values, fees: PerRole<number>): LimitedTopologyOptions {
  requireNoTarget(values);
  const profile = values.profile ?? "contest";
  if (profile !== "contest" && profile !== "default") {
    throw new Error(`profile must be contest or default: profile=${profile}`);
  }
  return {
    profile,
    port: readWholeNumber("port", values.port ?? "0", 0, 65_535),
    fees,
    limits: readLimits(values),
    logLevel: process.env["LOG_LEVEL"] || undefined,
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
