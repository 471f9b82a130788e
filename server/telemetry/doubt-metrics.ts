import { HAND_WORDS } from "../../core/settling/settlement.ts";
import { countDoubts, type DoubtCounts } from "../meters/doubt-counts.ts";
import type { MetricsSource } from "./metrics-source.ts";
import type { Readings } from "./readings.ts";

/** Payments in doubt, and what became of them by an operator's word. */
export function registerDoubts(readings: Readings, { custody, ways, meters }: MetricsSource): void {
  const gauges = (name: string, help: string, pick: (counts: DoubtCounts) => readonly number[]): void =>
    readings.gauges(name, help, ["processor"], () => {
      const counts = custody.carried().map(({ books: { engine, clock } }) => pick(countDoubts(engine, clock.nowMs())));
      return ways.gates.map(({ name: processor }, p) => {
        return { labels: { processor }, value: counts.reduce((sum, count) => sum + count[p]!, 0) };
      });
    });
  gauges("doubts", "Payments in doubt, by the processor that may have charged them.", ({ inDoubt }) => inDoubt);
  gauges(
    "doubts_stuck",
    "Payments in doubt that an operator has to settle: answered many times in vain, or old.",
    ({ stuck }) => stuck,
  );
  readings.counters(
    "doubts_settled_total",
    "Payments in doubt settled by an operator since the process started, by the operator's word.",
    ["word"],
    () =>
      HAND_WORDS.map((word, i) => ({ labels: { word: word.replaceAll(" ", "_") }, value: meters.settledByHand[i]! })),
  );
}
