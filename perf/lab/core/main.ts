import { say } from "../../command/run-command.ts";
import { runMeasurement } from "../report/measurement-command.ts";
import { numberText } from "../report/number-text.ts";
import { CORE_COMMAND, type CoreOptions } from "./command-line.ts";
import { fitInMemory } from "./fit-in-memory.ts";
import { coreResult } from "./result.ts";
import { type CoreRound, measureRound } from "./round.ts";

await runMeasurement({
  ...CORE_COMMAND,
  async measure(options, signal) {
    const { fitting, skipped } = fitInMemory(options.sizes);
    if (fitting.length === 0) throw new Error(`a size must fit into memory: ${skipped.join("; ")}`);
    return coreResult(options, await measureRounds(fitting, options, signal), skipped);
  },
});

async function measureRounds(
  sizes: readonly number[],
  { rounds: roundCount, payments }: CoreOptions,
  signal: AbortSignal,
): Promise<Map<number, CoreRound[]>> {
  const rounds = new Map<number, CoreRound[]>(sizes.map((size) => [size, []]));
  for (let round = 1; round <= roundCount; round++) {
    for (const size of sizes) {
      const measured = await measureRound(size, payments, signal);
      rounds.get(size)!.push(measured);
      const times = `accept ${measured.acceptNs.toFixed(0)} ns, summary ${measured.summaryNs.toFixed(0)} ns`;
      say(`round ${round} of ${roundCount}, ${numberText(size)} payments: ${times}`);
    }
  }
  return rounds;
}
