import { climb } from "../capacity/climb.ts";
import { CAPACITY_COMMAND } from "../capacity/command-line.ts";
import { type Contender, limitRemarks, startContenders, stopContenders } from "../contenders/contender.ts";
import { warmUpContenders } from "../contenders/warm-up-contenders.ts";
import { runMeasurement } from "../report/measurement-command.ts";
import { OVERLOAD_COMMAND, type OverloadOptions } from "./command-line.ts";
import { measureOverload, type OverloadRound } from "./measure.ts";
import { overloadCharts, overloadDetails, overloadFigures, overloadRemarks } from "./report.ts";

/** High enough that everything is compiled when it is over. */
const WARM_UP_RATE = 4000;

await runMeasurement({
  ...OVERLOAD_COMMAND,
  async measure({ options, target }, signal) {
    const { multiple, durationMs, limits, slowClientCount } = options;
    const logLevel = process.env["LOG_LEVEL"] || undefined;
    const contenders = await startContenders({ limits, logLevel, floors: [], target }, signal);
    try {
      const [contender] = contenders;
      await warmUpContenders(contenders, { ratePerSecond: WARM_UP_RATE, durationMs: options.warmUpMs, signal });
      const capacity = options.capacity ?? (await findCapacity(contender!, options, signal));
      const rounds: OverloadRound[] = [];
      for (let round = 1; round <= options.roundCount; round++) {
        rounds.push(await measureOverload(contender!, round, capacity, options, signal));
      }
      if (rounds.some(({ settlement }) => settlement?.problem !== undefined)) process.exitCode = 1;
      const beside = slowClientCount === 0 ? "" : `, ${slowClientCount} slow clients beside it`;
      return {
        kind: "overload",
        title: `${multiple} × the capacity of ${capacity}/s for ${durationMs / 1000} s${beside}`,
        options: { ...options, capacity, target: target?.service.href },
        figures: overloadFigures(rounds, capacity),
        remarks: [...limitRemarks(contenders), ...overloadRemarks(rounds, options)],
        charts: overloadCharts(rounds),
        details: overloadDetails(rounds),
      };
    } finally {
      await stopContenders(contenders);
    }
  },
});

/** The highest rate of one climb, as perf:capacity finds it. */
async function findCapacity(contender: Contender, { limits }: OverloadOptions, signal: AbortSignal): Promise<number> {
  const { options } = CAPACITY_COMMAND.read({ seconds: "2" }, []);
  const { ratePassed } = await climb(contender, 1, { ...options, limits }, signal);
  if (ratePassed === 0) throw new Error(`the service must bear the first step: ratePerSecond=${options.fromRate}`);
  return ratePassed;
}
