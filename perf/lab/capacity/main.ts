import { type Contender, limitRemarks, startContenders, stopContenders } from "../contenders/contender.ts";
import { targetRemarks } from "../contenders/target-options.ts";
import { warmUpContenders } from "../contenders/warm-up-contenders.ts";
import { runMeasurement } from "../report/measurement-command.ts";
import { type Climb, climb } from "./climb.ts";
import { CAPACITY_COMMAND, type CapacityOptions } from "./command-line.ts";
import { capacityCharts, capacityDetails, capacityFigures, capacityRemarks } from "./report.ts";

/** High enough that everything is compiled when it is over. */
const WARM_UP_RATE_MAX = 4000;

await runMeasurement({
  ...CAPACITY_COMMAND,
  async measure({ options, target }, signal) {
    const { fromRate, toRate, stepRate, p99MsMax, roundCount, limits, hasFloor } = options;
    const logLevel = process.env["LOG_LEVEL"] || undefined;
    const contenders = await startContenders({ limits, logLevel, floors: hasFloor ? ["floor"] : [], target }, signal);
    try {
      const climbs = await climbInTurn(contenders, options, signal);
      const range = `from ${fromRate}/s to ${toRate}/s by ${stepRate}, ${roundCount} rounds`;
      return {
        kind: "capacity",
        title: `highest rate with p99 below ${p99MsMax} ms and everything processed: ${range}`,
        options: { ...options, target: target?.service.href },
        figures: capacityFigures(climbs),
        remarks: [...targetRemarks(target), ...limitRemarks(contenders), ...capacityRemarks(climbs, options)],
        charts: capacityCharts(climbs, options),
        details: capacityDetails(climbs),
      };
    } finally {
      await stopContenders(contenders);
    }
  },
});

async function climbInTurn(
  contenders: readonly Contender[],
  options: CapacityOptions,
  signal: AbortSignal,
): Promise<Climb[]> {
  await warmUpContenders(contenders, {
    ratePerSecond: Math.min(options.toRate, WARM_UP_RATE_MAX),
    durationMs: options.warmUpMs,
    signal,
  });
  const climbs: Climb[] = [];
  for (let round = 1; round <= options.roundCount; round++) {
    for (const contender of contenders) climbs.push(await climb(contender, round, options, signal));
  }
  return climbs;
}
