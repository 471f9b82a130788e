import type { Neighbours } from "./neighbours.ts";

/** So long after its own start an instance leaves partitions to others that may be about to start as well. */
const START_PATIENCE_MS = 3000;

/** What an instance knows of those who may claim a partition. */
export type Survey = {
  self: number;
  instanceCount: number;
  neighbours: Neighbours;
  /** Other instances that were up in the life of this one. */
  wasUp: ReadonlySet<number>;
  /** How long this one has been up. */
  upForMs: number;
};

/** Whether the instance is about to claim what it prefers: it has just started, or may be about to. */
export function isExpected({ self, neighbours, wasUp, upForMs }: Survey, instance: number): boolean {
  if (instance === self) return false;
  const standing = neighbours.standing(instance);
  if (standing === "up") {
    const bulletin = neighbours.bulletin(instance);
    return bulletin !== undefined && !bulletin.isLeaving && bulletin.upMs < START_PATIENCE_MS;
  }
  return standing !== "silent" && !wasUp.has(instance) && upForMs < START_PATIENCE_MS;
}

/** How many claim a partition before this instance does: those that are up, from the preferred one on, in a circle. */
export function rankOf({ self, instanceCount, neighbours }: Survey, preferred: number): number {
  let rank = 0;
  for (let i = 0; i < instanceCount; i++) {
    const instance = (preferred + i) % instanceCount;
    if (instance === self) break;
    if (neighbours.standing(instance) === "up" && neighbours.bulletin(instance)?.isLeaving !== true) rank++;
  }
  return rank;
}
