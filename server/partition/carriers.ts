import type { Carriage, Neighbours } from "./neighbours.ts";

/** Where a partition is, but for this instance: at another one; at one that says nothing any more; or nowhere yet. */
export type Elsewhere = { instance: number } | "silent" | "nowhere";

/** Whether another instance has a partition, be it that it is about to, or that it is about to leave it. */
export type Taken = "no" | "by one that is up" | "by one that is silent";

/** Who has which partition, by what the other instances say of themselves. */
export class Carriers {
  readonly #neighbours: Neighbours;
  /** By partition, the latest carrier's number that was ever heard of: what an earlier one says no longer counts. */
  readonly #epochs: Float64Array;
  readonly #places: Elsewhere[];
  readonly #taken: Taken[];
  readonly #owners: (number | undefined)[];

  constructor(partitionCount: number, neighbours: Neighbours) {
    this.#neighbours = neighbours;
    this.#epochs = new Float64Array(partitionCount);
    this.#places = Array.from({ length: partitionCount }, () => "nowhere");
    this.#taken = Array.from({ length: partitionCount }, () => "no");
    this.#owners = Array.from({ length: partitionCount }, () => undefined);
  }

  /** To be called after every change. */
  look(): void {
    this.#places.fill("nowhere");
    this.#taken.fill("no");
    this.#owners.fill(undefined);
    const bestEpochs = new Float64Array(this.#places.length).fill(-1);
    for (const instance of this.#neighbours.others) {
      const isSilent = this.#neighbours.standing(instance) === "silent";
      for (const carriage of this.#neighbours.bulletin(instance)?.carries ?? []) {
        const { partition, epoch } = carriage;
        if (partition >= this.#places.length) continue;
        this.noteEpoch(partition, epoch);
        if (this.#taken[partition] !== "by one that is up")
          this.#taken[partition] = isSilent ? "by one that is silent" : "by one that is up";
        const place = placeOf(carriage, instance, isSilent);
        if (!isSilent && carriage.state !== "leaving") this.#owners[partition] ??= instance;
        if (place === "nowhere" || epoch < bestEpochs[partition]!) continue;
        bestEpochs[partition] = epoch;
        this.#places[partition] = place;
        if (!isSilent) this.#owners[partition] = instance;
      }
    }
  }

  place(partition: number): Elsewhere {
    return this.#places[partition]!;
  }

  /** Those that carry something. */
  instances(): number[] {
    return [...new Set(this.#places.flatMap((place) => (typeof place === "object" ? [place.instance] : [])))];
  }

  /** Whether others carry every partition. */
  get haveAll(): boolean {
    return this.#places.every((place) => typeof place === "object");
  }

  taken(partition: number): Taken {
    return this.#taken[partition]!;
  }

  /** Who has the partition, or is about to, and is not about to leave it; undefined: nobody that is up. */
  owner(partition: number): number | undefined {
    return this.#owners[partition];
  }

  noteEpoch(partition: number, epoch: number): void {
    this.#epochs[partition] = Math.max(this.#epochs[partition]!, epoch);
  }

  /** What a carrier of this number says of the partition counts: no later one was ever heard of. */
  isCurrent(partition: number, epoch: number): boolean {
    return epoch >= this.#epochs[partition]!;
  }
}

/** Nobody is asked who is only about to have a partition, or to leave it. */
function placeOf({ state }: Carriage, instance: number, isSilent: boolean): Elsewhere {
  if (isSilent) return "silent";
  return state === "carried" ? { instance } : "nowhere";
}
