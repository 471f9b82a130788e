import { runCommand } from "../../command/run-command.ts";
import { CONTEST_LIMITS } from "../contenders/limited-topology.ts";
import { costResult } from "../cost/cost-result.ts";
import { describeCommit } from "../report/commit.ts";
import { compareResults, comparisonJson, comparisonText } from "../report/comparison.ts";
import { isRatio } from "../report/figure.ts";
import { describeMachine } from "../report/machine.ts";
import { rateOf, readBaseline } from "./baseline.ts";
import { GUARD_COMMAND, type GuardOptions } from "./command-line.ts";

const RATE = 2000;
/** At most, and no more than a part of what counts. */
const [LEAD_IN_MS_MAX, WARM_UP_MS_MAX, IDLE_MS_MAX] = [1000, 2000, 1000];

const EXPLANATION = `
CPU per payment in multiples of the floors' in the same round, now (B) against the kept result (A). Other load on this
machine slows both sides of a ratio, though not quite alike: a third more or less has been seen without any change. So
believe what several runs say, and measure again at rest before you do. Nothing passes or fails by it.

`;

await runCommand(
  GUARD_COMMAND,
  async (options, signal) => {
    const baseline = readBaseline(options.baseline);
    const startedAt = new Date().toISOString();
    const commit = describeCommit();
    const { postscript: _, ...measured } = await costResult(
      costWish(options, rateOf(baseline)),
      bounded(options, signal),
    );
    const now = { ...measured, startedAt, commit, machine: describeMachine() };
    const comparison = compareResults(baseline, now, isRatio);
    process.stdout.write(options.isJson ? comparisonJson(comparison) : EXPLANATION + comparisonText(comparison));
  },
  { prefix: "could not measure: ", exitCode: 1 },
);

function costWish({ roundCount, durationMs, ratePerSecond }: GuardOptions, baselineRate: number | undefined) {
  const options = {
    roundCount,
    durationMs,
    ratePerSecond: ratePerSecond ?? baselineRate ?? RATE,
    leadInMs: Math.min(LEAD_IN_MS_MAX, durationMs / 4),
    warmUpMs: Math.min(WARM_UP_MS_MAX, durationMs / 2),
    idleMs: Math.min(IDLE_MS_MAX, durationMs / 2),
    profileMs: 0,
    limits: CONTEST_LIMITS,
  };
  return { options, target: undefined };
}

function bounded({ withinMs }: GuardOptions, signal: AbortSignal): AbortSignal {
  const late = new AbortController();
  const reason = new Error(`a short run must end in time: withinSeconds=${withinMs / 1000}`);
  setTimeout(() => late.abort(reason), withinMs).unref();
  return AbortSignal.any([signal, late.signal]);
}
