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
  const before = inOrder(preferred, instanceCount);
  return before.slice(0, before.indexOf(self)).filter((instance) => isStaying(neighbours, instance)).length;
}

/** Who takes what this instance leaves: the first that stays. */
export function heirOf({ self, instanceCount, neighbours }: Survey, preferred: number): number | undefined {
  return inOrder(preferred, instanceCount).find((other) => other !== self && isStaying(neighbours, other));
}

/** Whether another instance is up, and not about to end. */
export function isStaying(neighbours: Neighbours, other: number): boolean {
  return neighbours.standing(other) === "up" && neighbours.bulletin(other)?.isLeaving === false;
}

function inOrder(preferred: number, instanceCount: number): number[] {
  return Array.from({ length: instanceCount }, (_, i) => (preferred + i) % instanceCount);
}
