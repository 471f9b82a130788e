import type { Bulletin, Carriage, Neighbours, Standing } from "../../../server/partition/neighbours.ts";

/** The other instances as a test says they are. */
export class FakeNeighbours implements Neighbours {
  readonly others: readonly number[];
  readonly #standings = new Map<number, Standing>();
  readonly #bulletins = new Map<number, Bulletin>();
  #listener: () => void = () => {};

  constructor(others: readonly number[]) {
    this.others = others;
  }

  /** Whoever is down is known by nothing else. */
  set(instance: number, standing: Standing, bulletin: Partial<Bulletin> = {}): void {
    this.#standings.set(instance, standing);
    const full = { instance, life: "a", upMs: 60_000, isLeaving: false, carries: [], ...bulletin };
    if (standing === "down" || standing === "unknown") this.#bulletins.delete(instance);
    else this.#bulletins.set(instance, full);
    this.#listener();
  }

  standing(instance: number): Standing {
    if (!this.others.includes(instance)) throw new Error(`a neighbour is another instance: instance=${instance}`);
    return this.#standings.get(instance) ?? "unknown";
  }

  bulletin(instance: number): Bulletin | undefined {
    return this.#bulletins.get(instance);
  }

  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  publish(): void {}

  tell(): void {}

  async askToFollow(): Promise<boolean> {
    return false;
  }
}

export function carriage(partition: number, epoch: number, state: Carriage["state"] = "carried"): Carriage {
  return { partition, epoch, state, sinceMs: 0 };
}
