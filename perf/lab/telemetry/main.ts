import { say } from "../../command/run-command.ts";
import { runMeasurement } from "../report/measurement-command.ts";
import { bench } from "./bench.ts";
import { TELEMETRY_COMMAND } from "./command-line.ts";
import { resultOf } from "./result.ts";

await runMeasurement({
  ...TELEMETRY_COMMAND,
  async measure(options, signal) {
    const onRound = (name: string, round: number): void =>
      say(`${name}: ${round === 0 ? "warmed up" : `round ${round} of ${options.rounds}`}`);
    return resultOf(options, await bench(options, onRound, signal));
  },
});
