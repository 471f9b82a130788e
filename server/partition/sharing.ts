/** Who is to carry which partition, as far as one instance knows. Those who know the same come to the same. */
export interface Sharing {
  /** To be called whenever something of it may have changed. */
  share(situation: Situation): void;
  /** The instance that is to carry the partition. */
  preferredOf(partition: number): number;
  /** Who claims the partition when nobody has it, first to last: the preferred one, then those who stand in for it. */
  inOrder(partition: number): readonly number[];
}

export type Situation = {
  /** Instances that share, in the order of their numbers: those that stay, and those that are about to come. */
  members: readonly number[];
  /** By partition: the instance that carries it, or is about to; undefined: nobody. */
  owners: readonly (number | undefined)[];
};

/** Among instances whose number is fixed. Every one of them has its own partitions, whether it is there or not. */
export class FixedSharing implements Sharing {
  readonly #instances: readonly number[];

  constructor(instanceCount: number) {
    this.#instances = Array.from({ length: instanceCount }, (_, instance) => instance);
  }

  share(): void {}

  preferredOf(partition: number): number {
    return partition % this.#instances.length;
  }

  inOrder(partition: number): readonly number[] {
    return standingIn(this.#instances, this.preferredOf(partition), 0);
  }
}

/**
 * Among instances that come and go: two of them never differ by more than one partition, and only as many partitions
 * move as have to. A partition's natural member is the one that a balancer asks first which knows the members, in their
 * order.
 *
 * What is planned stays planned while it is being done: with some of the moves made, and some under way (nobody has the
 * partition then), the plan for the rest is the same.
 */
export class EvenSharing implements Sharing {
  #members: readonly number[];
  #preferred: readonly number[];

  /** Everything is `self`'s until more is known. */
  constructor(partitionCount: number, self: number) {
    this.#members = [self];
    this.#preferred = Array.from({ length: partitionCount }, () => self);
  }

  /** Without any member all stays as it was. */
  share({ members, owners }: Situation): void {
    if (members.length === 0) return;
    this.#members = members;
    this.#preferred = evenly(members, owners);
  }

  preferredOf(partition: number): number {
    return this.#preferred[partition]!;
  }

  inOrder(partition: number): readonly number[] {
    // What one leaves is spread, wherever those who claim it first cannot have it.
    return standingIn(this.#members, this.preferredOf(partition), Math.floor(partition / this.#members.length));
  }
}

/** The first, and then the others in a circle, which begins `turn` places further on. */
function standingIn(instances: readonly number[], first: number, turn: number): number[] {
  const count = instances.length;
  const rank = instances.indexOf(first);
  const others = Array.from({ length: count - 1 }, (_, i) => instances[(rank + 1 + i) % count]!);
  const begin = others.length === 0 ? 0 : turn % others.length;
  return [first, ...others.slice(begin), ...others.slice(0, begin)];
}

/** By partition, the member that is to carry it. */
function evenly(members: readonly number[], owners: readonly (number | undefined)[]): number[] {
  const plan = new Plan(members, owners);
  plan.giveToNatural();
  plan.giveTheRest();
  return plan.ranks.map((rank) => members[rank]!);
}

/** Members go by their ranks here: their places in the order of their numbers. */
class Plan {
  /** By partition; -1: nobody yet. */
  readonly ranks: number[];
  readonly #memberCount: number;
  /** How many partitions each member has beyond what is to be its own; negative: it lacks some. */
  readonly #excess: number[];

  constructor(members: readonly number[], owners: readonly (number | undefined)[]) {
    const rankOf = new Map(members.map((member, rank) => [member, rank]));
    this.#memberCount = members.length;
    this.ranks = owners.map((owner) => (owner === undefined ? -1 : (rankOf.get(owner) ?? -1)));
    const counts = members.map((_, rank) => this.ranks.filter((owner) => owner === rank).length);
    const quotas = quotasOf(counts, owners.length);
    this.#excess = counts.map((count, rank) => count - quotas[rank]!);
  }

  /** What nobody has, or an owner has too many of, to its natural member as long as that lacks some. */
  giveToNatural(): void {
    for (let partition = 0; partition < this.ranks.length; partition++) {
      const natural = partition % this.#memberCount;
      if (this.#isFree(partition) && this.#excess[natural]! < 0) this.#give(partition, natural);
    }
  }

  /** The rest of what members have too many of, and what nobody has, to those who lack some, in order. */
  giveTheRest(): void {
    this.#excess.forEach((excess, rank) => {
      if (excess > 0) this.#release(rank, excess);
    });
    const lacking = this.#excess.flatMap((excess, rank) => Array.from({ length: Math.max(0, -excess) }, () => rank));
    for (let partition = 0; partition < this.ranks.length; partition++)
      if (this.ranks[partition] === -1) this.ranks[partition] = lacking.shift()!;
  }

  #isFree(partition: number): boolean {
    const owner = this.ranks[partition]!;
    return owner === -1 || this.#excess[owner]! > 0;
  }

  #give(partition: number, rank: number): void {
    const owner = this.ranks[partition]!;
    if (owner !== -1) this.#excess[owner]!--;
    this.#excess[rank]!++;
    this.ranks[partition] = rank;
  }

  /** Rather those that are not the member's natural ones. */
  #release(rank: number, count: number): void {
    const own = this.ranks.flatMap((owner, partition) => (owner === rank ? [partition] : []));
    const strange = own.filter((partition) => partition % this.#memberCount !== rank);
    const natural = own.filter((partition) => partition % this.#memberCount === rank).reverse();
    for (const partition of [...strange, ...natural].slice(0, count)) this.ranks[partition] = -1;
    this.#excess[rank]! -= count;
  }
}

/**
 * How many each member is to have. Where they cannot all have the same, those have one more that have it already, and
 * then the first ones.
 */
function quotasOf(counts: readonly number[], partitionCount: number): number[] {
  const least = Math.floor(partitionCount / counts.length);
  let moreCount = partitionCount - least * counts.length;
  const quotas = counts.map(() => least);
  for (const hasIt of [true, false])
    counts.forEach((count, rank) => {
      if (moreCount === 0 || count > least !== hasIt) return;
      quotas[rank]!++;
      moreCount--;
    });
  return quotas;
}
