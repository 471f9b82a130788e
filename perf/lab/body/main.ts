import { say } from "../../command/run-command.ts";
import { runMeasurement } from "../report/measurement-command.ts";
import { BODY_COMMAND } from "./command-line.ts";
import { LoadedInstance } from "./loaded-instance.ts";
import { measureReaders } from "./readers.ts";
import { type BodyRound, bodyResult } from "./result.ts";

await runMeasurement({
  ...BODY_COMMAND,
  async measure(options, signal) {
    const rounds: BodyRound[] = [];
    const instance = await LoadedInstance.start(options);
    try {
      for (let round = 0; round <= options.rounds; round++) {
        signal.throwIfAborted();
        const readers = await measureReaders(options.bodies, signal);
        const cpuUs = await instance.measure(round % 2 === 1);
        // The first round warms up.
        if (round > 0) rounds.push({ ...readers, ...cpuUs });
        say(round === 0 ? "warmed up" : `round ${round} of ${options.rounds}`);
      }
    } finally {
      await instance.stop();
    }
    return bodyResult(options, rounds);
  },
});
