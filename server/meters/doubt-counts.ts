import type { Engine } from "../../core/engine.ts";

/** By processor. */
export type DoubtCounts = { inDoubt: number[]; stuck: number[] };

/** Payments in doubt that are not held, and those of them that need an operator. Looks at every flight. */
export function countDoubts(engine: Engine, nowMs: number): DoubtCounts {
  const counts = { inDoubt: zeros(engine), stuck: zeros(engine) };
  engine.openDoubts.each((flight) => {
    const processor = engine.flights.processor[flight]!;
    counts.inDoubt[processor]!++;
    if (engine.openDoubts.isStuck(flight, nowMs)) counts.stuck[processor]!++;
  });
  return counts;
}

/** Stuck at any processor, or held for long. */
export function stuckCount(engine: Engine, nowMs: number): number {
  return countDoubts(engine, nowMs).stuck.reduce((sum, count) => sum + count, heldStuckCount(engine, nowMs));
}

/** Of the payments that are held after a start with restored data, those that need an operator. */
export function heldStuckCount({ held }: Engine, nowMs: number): number {
  return held?.stuckCount(nowMs) ?? 0;
}

function zeros({ gates }: Engine): number[] {
  return gates.map(() => 0);
}
