import { setTimeout as sleep } from "node:timers/promises";
import { say } from "../../command/run-command.ts";
import type { ClosedLoopOptions } from "../contenders/closed-loop-options.ts";
import { closedLoopRound } from "../load/load-round.ts";
import { runMeasurement } from "../report/measurement-command.ts";
import { ACCEPT_COMMAND } from "./command-line.ts";
import { type Round, resultOf } from "./rounds.ts";
import { TARGET_NAMES, Target, type TargetName } from "./target.ts";

/** For the fair floor's sender to be done with what is left. */
const SENDER_REST_MS = 500;

await runMeasurement({
  ...ACCEPT_COMMAND,
  measure: async (options, signal) => resultOf(options, await measureRounds(options, signal)),
});

async function measureRounds(options: ClosedLoopOptions, signal: AbortSignal): Promise<Map<TargetName, Round[]>> {
  const rounds = new Map<TargetName, Round[]>(TARGET_NAMES.map((name) => [name, []]));
  const targets: Target[] = [];
  try {
    for (const name of TARGET_NAMES) targets.push(await Target.start(name));
    for (let round = 0; round <= options.rounds; round++) {
      for (const target of targets) {
        signal.throwIfAborted();
        const measured = await measure(target, options);
        if (target.name === "fair floor") await sleep(SENDER_REST_MS);
        // The first round warms up.
        if (round > 0) rounds.get(target.name)!.push(measured);
      }
      say(round === 0 ? "warmed up" : `round ${round} of ${options.rounds}`);
    }
  } finally {
    await Promise.all(targets.map((target) => target.stop()));
  }
  return rounds;
}

async function measure(target: Target, { connections, durationMs }: ClosedLoopOptions): Promise<Round> {
  const before = target.cpuMs();
  const { acceptedCount, failedCount, serviceMs } = await closedLoopRound(target.url, connections, durationMs);
  if (failedCount > 0) throw new Error(`every payment must be accepted: target=${target.name} failed=${failedCount}`);
  const cpuMs = target.cpuMs() - before;
  return {
    perCore: (acceptedCount / cpuMs) * 1000,
    p50Us: serviceMs.at(50) * 1000,
    p99Us: serviceMs.at(99) * 1000,
  };
}
