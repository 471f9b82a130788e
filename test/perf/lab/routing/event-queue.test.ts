import { expect } from "chai";
import { EventQueue } from "../../../../perf/lab/routing/event-queue.ts";
import { forSeeds } from "../../../support/random.ts";

describe("event queue", () => {
  it("gives events in the order of their time, and of being added where that is the same", () => {
    const queue = new EventQueue();
    for (const [atMs, first] of [
      [5, 1],
      [3, 2],
      [5, 3],
      [3, 4],
    ] as const)
      queue.add(atMs, 7, first, first * 10);
    const seen: unknown[] = [];
    while (queue.take()) seen.push([queue.atMs, queue.kind, queue.first, queue.second]);
    expect(seen).to.deep.equal([
      [3, 7, 2, 20],
      [3, 7, 4, 40],
      [5, 7, 1, 10],
      [5, 7, 3, 30],
    ]);
    expect([queue.take(), queue.nextAtMs]).to.deep.equal([false, Number.POSITIVE_INFINITY]);
  });

  it("agrees with a sorted list for random use, beyond its first size too", () => {
    forSeeds(10, (random) => {
      const queue = new EventQueue();
      const model: { atMs: number; order: number }[] = [];
      for (let order = 0; order < 5000; order++) {
        if (random.chance(0.6)) {
          const atMs = random.below(50);
          queue.add(atMs, 1, order);
          model.push({ atMs, order });
        } else if (model.length > 0) {
          model.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
          const { atMs, order: expected } = model.shift()!;
          expect(queue.nextAtMs).to.equal(atMs);
          queue.take();
          expect([queue.atMs, queue.first]).to.deep.equal([atMs, expected]);
        }
      }
    });
  });
});
