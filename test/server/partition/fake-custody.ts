import { Carriers } from "../../../server/partition/carriers.ts";
import type { Custody, Place } from "../../../server/partition/custody.ts";
import type { Time } from "../../../server/system/time.ts";
import type { VirtualTime } from "../../support/virtual-time.ts";
import { FakeNeighbours } from "./fake-neighbours.ts";

/** What those who look for a partition see of a custody. */
type Seen = Pick<Custody, "place" | "changed" | "isEnding" | "partitionCount" | "carriers" | "areCurrent">;

/** Partitions that are where a test says they are. */
export class FakeCustody implements Seen {
  isEnding = false;
  readonly carriers: Carriers;
  readonly #places: Place[];
  readonly #time: Time;
  readonly #waiting = new Set<() => void>();

  constructor(time: Time, places: readonly Place[]) {
    this.#time = time;
    this.#places = [...places];
    this.carriers = new Carriers(places.length, new FakeNeighbours([]));
  }

  /** For those who are given one. */
  get asCustody(): Custody {
    return this as unknown as Custody;
  }

  get partitionCount(): number {
    return this.#places.length;
  }

  place(partition: number): Place {
    return this.#places[partition]!;
  }

  areCurrent(): Promise<boolean> {
    return Promise.resolve(true);
  }

  set(partition: number, place: Place): void {
    this.#places[partition] = place;
    this.change();
  }

  change(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  changed(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.#waiting.delete(end);
        resolve();
      };
      this.#time.after(timeoutMs, end);
      this.#waiting.add(end);
    });
  }
}

/** What was begun goes as far as it can now, and then until then. */
export async function passUntil(time: VirtualTime, untilMs: number): Promise<void> {
  time.after(0, () => {});
  await time.passUntil(untilMs);
}
