import type { Claim, PartitionSize, Storage, Store } from "./store.ts";

/** Nothing is written, nothing is found: whoever asks gets the partition, and nobody can carry on what is left. */
export class VolatileStore implements Store {
  readonly partitionCount: number;
  readonly canMove = false;
  readonly lapseMs = 0;
  readonly holdsRights = true;
  readonly #size: PartitionSize;

  /** `capacity` in payments of a partition. */
  constructor(partitionCount: number, capacity: number) {
    this.partitionCount = partitionCount;
    this.#size = { capacity, paymentsExpected: 0 };
  }

  async claim(partition: number): Promise<Claim> {
    return {
      partition,
      ...this.#size,
      open: async () => VOLATILE_STORAGE,
      release: async () => {},
    };
  }

  async sizeOf(): Promise<PartitionSize> {
    return this.#size;
  }

  follow(): undefined {
    return undefined;
  }
}

const VOLATILE_STORAGE: Storage = {
  log: undefined,
  epoch: 1,
  latestMs: 0,
  beginUpkeep: () => {},
  maintain: () => {},
  endUpkeep: async () => {},
  close: async () => {},
};
