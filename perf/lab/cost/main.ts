import { runMeasurement } from "../report/measurement-command.ts";
import { COST_COMMAND } from "./command-line.ts";
import { costResult } from "./cost-result.ts";

await runMeasurement({ ...COST_COMMAND, measure: costResult });
