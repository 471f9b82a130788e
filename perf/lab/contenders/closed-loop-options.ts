import { type OptionValues, texts } from "../../command/command-line.ts";
import { readSecondsMs, readWholeNumber } from "../../command/number-options.ts";

/** How often and for how long lone instances are paid, each connection paying again as soon as it is answered. */
export const CLOSED_LOOP_OPTIONS = texts("rounds", "seconds", "connections");

export type ClosedLoopOptions = {
  /** After one that warms up. */
  readonly rounds: number;
  readonly durationMs: number;
  readonly connections: number;
};

/** `otherwise` holds what is not given, as a user would write it. */
export function readClosedLoopOptions(
  values: OptionValues<typeof CLOSED_LOOP_OPTIONS>,
  otherwise: { readonly rounds: string; readonly seconds: string },
): ClosedLoopOptions {
  return {
    rounds: readWholeNumber("rounds", values.rounds ?? otherwise.rounds, 1, 1000),
    durationMs: readSecondsMs("seconds", values.seconds ?? otherwise.seconds, 0.1, 600),
    connections: readWholeNumber("connections", values.connections ?? "32", 1, 1000),
  };
}
