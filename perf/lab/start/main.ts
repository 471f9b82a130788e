import { runMeasurement } from "../report/measurement-command.ts";
import { START_COMMAND } from "./command-line.ts";
import { resultOf } from "./report.ts";
import { measureStarts } from "./rounds.ts";

await runMeasurement({
  ...START_COMMAND,
  async measure(options, signal) {
    return resultOf(options, await measureStarts(options, signal));
  },
});
