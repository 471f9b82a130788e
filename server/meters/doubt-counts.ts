import type { Engine } from "../../core/engine.ts";
import { PROCESSOR_COUNT } from "../../core/values/processor.ts";

/** By processor. */
export type DoubtCounts = { inDoubt: number[]; stuck: number[] };

/** Payments in doubt, and those of them that need an operator. Looks at every flight. */
export function countDoubts(engine: Engine, nowMs: number): DoubtCounts {
  const counts = { inDoubt: zeros(), stuck: zeros() };
  engine.eachDoubt((flight) => {
    const processor = engine.flights.processor[flight]!;
    counts.inDoubt[processor]!++;
    if (engine.isStuck(flight, nowMs)) counts.stuck[processor]!++;
  });
  return counts;
}

/** Stuck at any processor. */
export function stuckCount(engine: Engine, nowMs: number): number {
  return countDoubts(engine, nowMs).stuck.reduce((sum, count) => sum + count, 0);
}

function zeros(): number[] {
  return new Array<number>(PROCESSOR_COUNT).fill(0);
}
