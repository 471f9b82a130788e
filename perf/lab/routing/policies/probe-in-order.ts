import { OPEN } from "../../../../core/routing/processor-gate.ts";
import { NOWHERE } from "../../../../core/routing/router.ts";
import type { Ways } from "../../../../core/routing/ways.ts";

/** Processors by fee. */
export function byFee({ gates }: Ways): number[] {
  return gates.map((_, p) => p).sort((a, b) => gates[a]!.feePpm - gates[b]!.feePpm || a - b);
}

/** The first that is down and due to be tried, before the first that works. */
export function probeInOrder(ways: Ways, order: readonly number[], nowMs: number): number {
  for (const processor of order) {
    const admitted = ways.admitNew(processor, nowMs);
    if (!ways.gates[processor]!.isDown) return NOWHERE;
    if (admitted === OPEN) return processor;
  }
  return NOWHERE;
}
