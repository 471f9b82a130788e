import { say } from "../../command/run-command.ts";
import { requireEngine } from "../../containers/open-engine.ts";
import { type Contender, FLOOR_NAMES, limitRemarks, startContenders, stopContenders } from "../contenders/contender.ts";
import { targetRemarks } from "../contenders/target-options.ts";
import { runMeasurement } from "../report/measurement-command.ts";
import { LATENCY_COMMAND } from "./command-line.ts";
import { measureLatency } from "./measure.ts";
import { latencyCharts, latencyDetails, latencyFigures, latencyRemarks } from "./report.ts";

await runMeasurement({
  ...LATENCY_COMMAND,
  async measure({ options, target, inContainers }, signal) {
    const { rates, roundCount, durationMs, limits, hasFloor } = options;
    const logLevel = process.env["LOG_LEVEL"] || undefined;
    const floors = hasFloor ? FLOOR_NAMES : [];
    const engine = inContainers ? await requireEngine(say) : undefined;
    let contenders: Contender[] = [];
    try {
      contenders = await startContenders({ limits, logLevel, floors, target, engine }, signal);
      const rounds = await measureLatency(contenders, options, signal);
      // A payment lost or charged twice is no result.
      if (rounds.some(({ settlement }) => settlement?.problem !== undefined)) process.exitCode = 1;
      const names = contenders.map(({ name }) => name).join(" and ");
      const size = `${roundCount} rounds of ${durationMs / 1000} s`;
      return {
        kind: "latency",
        title: `latency of accepting at ${rates.join(" and ")}/s, ${size}: ${names}`,
        options: { ...options, target: target?.service.href, inContainers },
        figures: latencyFigures(rounds),
        remarks: [...targetRemarks(target), ...limitRemarks(contenders), ...latencyRemarks(rounds)],
        charts: latencyCharts(rounds),
        details: latencyDetails(rounds),
      };
    } finally {
      await stopContenders(contenders);
      await engine?.close();
    }
  },
});
