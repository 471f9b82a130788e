import { type OptionValues, texts } from "../../command/command-line.ts";
import { readSecondsMs, readWholeNumber } from "../../command/number-options.ts";

/** How often and for how long contenders are paid. */
export const ROUND_OPTIONS = texts("rounds", "seconds", "lead-in", "warm-up");

export type RoundOptions = {
  readonly roundCount: number;
  readonly durationMs: number;
  /** Before what counts, in each load, at its rate. */
  readonly leadInMs: number;
  /** Before the first round. */
  readonly warmUpMs: number;
};

/** `otherwise` holds what is not given, as a user would write it. */
export function readRoundOptions(
  values: OptionValues<typeof ROUND_OPTIONS>,
  otherwise: { readonly rounds: string; readonly seconds: string; readonly leadIn: string },
): RoundOptions {
  return {
    roundCount: readWholeNumber("rounds", values.rounds ?? otherwise.rounds, 1, 100),
    durationMs: readSecondsMs("seconds", values.seconds ?? otherwise.seconds, 0.5, 600),
    leadInMs: readSecondsMs("lead-in", values["lead-in"] ?? otherwise.leadIn, 0, 60),
    warmUpMs: readSecondsMs("warm-up", values["warm-up"] ?? "3", 0, 60),
  };
}
