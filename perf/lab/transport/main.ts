import { say } from "../../command/run-command.ts";
import { runMeasurement } from "../report/measurement-command.ts";
import { TransportBench } from "./bench.ts";
import { TRANSPORT_COMMAND } from "./command-line.ts";
import { type TransportRound, transportResult } from "./result.ts";
import { WAYS } from "./ways.ts";

await runMeasurement({
  ...TRANSPORT_COMMAND,
  async measure(options, signal) {
    const rounds: TransportRound[] = [];
    const bench = await TransportBench.start();
    try {
      for (let round = 0; round <= options.rounds; round++) {
        const measured: [string, number][] = [];
        // Every other round the other way round: whoever is first has no advantage.
        for (const way of round % 2 === 0 ? WAYS : WAYS.toReversed())
          measured.push([way, await bench.cpuUs(way, options, signal)]);
        // The first round warms up.
        if (round > 0) rounds.push(Object.fromEntries(measured) as TransportRound);
        say(round === 0 ? "warmed up" : `round ${round} of ${options.rounds}`);
      }
    } finally {
      await bench.stop();
    }
    return transportResult(options, rounds);
  },
});
