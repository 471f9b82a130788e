import type { Neighbours } from "./neighbours.ts";

/** So long after its own start an instance leaves partitions to others that may be about to start as well. */
const START_PATIENCE_MS = 3000;

/** What an instance knows of those who may claim a partition. */
export type Survey = {
  self: number;
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

/** The other instances that share the partitions, in the order of their numbers: those that stay or are expected. */
export function sharers(survey: Survey): number[] {
  const { neighbours } = survey;
  const others = neighbours.others.filter((other) => isStaying(neighbours, other) || isExpected(survey, other));
  return others.sort((a, b) => a - b);
}

/** How many claim a partition before this instance does: those that are up, in the partition's order. */
export function rankOf({ self, neighbours }: Survey, order: readonly number[]): number {
  const place = order.indexOf(self);
  const before = place < 0 ? order : order.slice(0, place);
  return before.filter((instance) => isStaying(neighbours, instance)).length;
}

/** Who takes what this instance leaves: the first in the partition's order that stays. */
export function heirOf({ self, neighbours }: Survey, order: readonly number[]): number | undefined {
  return order.find((other) => other !== self && isStaying(neighbours, other));
}

/** Whether another instance is up, and not about to end. */
export function isStaying(neighbours: Neighbours, other: number): boolean {
  return neighbours.standing(other) === "up" && neighbours.bulletin(other)?.isLeaving === false;
}
