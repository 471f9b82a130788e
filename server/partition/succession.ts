import type { Carriers } from "./carriers.ts";
import type { Holds } from "./holds.ts";
import type { Life } from "./life.ts";
import type { Neighbours } from "./neighbours.ts";
import type { Sharing } from "./sharing.ts";

/** So long after its own start an instance leaves partitions to others that may be about to start as well. */
const START_PATIENCE_MS = 3000;

export type SuccessionParts = {
  life: Life;
  sharing: Sharing;
  neighbours: Neighbours;
  holds: Holds;
  carriers: Carriers;
};

/** Who is to carry what as things are now, and who comes in whose place, as this instance knows the others. */
export class Succession {
  readonly #parts: SuccessionParts;
  readonly #wasUp = new Set<number>();

  constructor(parts: SuccessionParts) {
    this.#parts = parts;
  }

  get isAnyUp(): boolean {
    const { neighbours } = this.#parts;
    return neighbours.others.some((other) => neighbours.standing(other) === "up");
  }

  /** Notes who is up, while this instance serves. */
  look(): void {
    const { neighbours } = this.#parts;
    for (const other of neighbours.others) if (neighbours.standing(other) === "up") this.#wasUp.add(other);
  }

  /** Shares the partitions anew. To be called after every change, and while instances may yet come. */
  share(): void {
    const { life, sharing, holds, carriers } = this.#parts;
    const others = sharers(this.#survey());
    const members = life.isLeaving ? others : [...others, life.self].sort((a, b) => a - b);
    const owners = Array.from({ length: holds.count }, (_, partition) =>
      holds.isOwn(partition) ? life.self : carriers.owner(partition),
    );
    sharing.share({ members, owners });
  }

  preferredOf(partition: number): number {
    return this.#parts.sharing.preferredOf(partition);
  }

  /** Whether this instance is the one that is to carry the partition. */
  prefersSelf(partition: number): boolean {
    return this.preferredOf(partition) === this.#parts.life.self;
  }

  /** Whether the preferred instance is another one, and is about to claim the partition. */
  isPreferredExpected(partition: number): boolean {
    return isExpected(this.#survey(), this.preferredOf(partition));
  }

  /** How many claim the partition before this instance does. */
  rankOf(partition: number): number {
    return rankOf(this.#survey(), this.#parts.sharing.inOrder(partition));
  }

  /** Who takes the partition when this instance leaves it; undefined: nobody is there. */
  heirOf(partition: number): number | undefined {
    return heirOf(this.#survey(), this.#parts.sharing.inOrder(partition));
  }

  #survey(): Survey {
    const { life, neighbours } = this.#parts;
    return { self: life.self, neighbours, wasUp: this.#wasUp, upForMs: life.upForMs };
  }
}

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
