import { partitionOfPaymentId } from "../../core/values/payment-id.ts";
import type { Books } from "../books.ts";
import type { PartitionMap } from "../partition/partition-map.ts";
import type { DoubtDesk, HandAnswer, HandWish } from "./doubt-desk.ts";
import { doubtListing, type Page } from "./doubt-listing.ts";

/** What is carried here now. */
export type DeskedPartitions = {
  readonly partitionCount: number;
  at(partition: number): { readonly desk: DoubtDesk } | undefined;
  carried(): readonly { readonly books: Pick<Books, "engine" | "clock" | "commit"> }[];
};

/** The desks of all partitions that are carried here, as one. */
export class DoubtDesks {
  readonly #custody: DeskedPartitions;
  readonly #partitions: PartitionMap;

  constructor(custody: DeskedPartitions, partitions: PartitionMap) {
    this.#custody = custody;
    this.#partitions = partitions;
  }

  /**
   * See doubtListing; answered once what it says is as durable as was asked for. "unsafe" while something has happened
   * that a log cannot take.
   */
  async list(page: Page): Promise<string | "unsafe"> {
    const carried = this.#custody.carried();
    for (const { books } of carried) books.commit.commit();
    const json = doubtListing(
      carried.map(({ books: { engine, clock } }) => ({ engine, nowMs: clock.nowMs() })),
      page,
    );
    const areDurable = await Promise.all(carried.map(({ books }) => books.commit.durable()));
    return areDurable.every((isDurable) => isDurable) ? json : "unsafe";
  }

  /** See DoubtDesk.settle; unknown as well where the payment's partition is not carried here. */
  async settle(id: Int32Array, wish: HandWish): Promise<HandAnswer> {
    const candidates = new Set([this.#partitions.of(id), partitionOfPaymentId(id)]);
    for (const partition of candidates) {
      const desk = partition < this.#custody.partitionCount ? this.#custody.at(partition)?.desk : undefined;
      const answer = await desk?.settle(id, wish);
      if (answer !== undefined && answer.kind !== "unknown") return answer;
    }
    return { kind: "unknown" };
  }
}
