import { expect } from "chai";
import { PendingQueue } from "../../../core/routing/pending-queue.ts";
import { forSeeds } from "../../support/random.ts";

function drain(queue: PendingQueue): number[] {
  const slots: number[] = [];
  while (queue.length > 0) slots.push(queue.shift());
  return slots;
}

describe("pending queue", () => {
  it("gives the oldest first", () => {
    const queue = new PendingQueue(4);
    for (const slot of [7, 3, 9]) queue.push(slot);
    expect(queue.peek()).to.equal(7);
    expect(queue.length).to.equal(3);
    expect(drain(queue)).to.deep.equal([7, 3, 9]);
  });

  it("puts what came back where it is told to", () => {
    const queue = new PendingQueue(4);
    queue.push(1);
    queue.insert(0, 2);
    queue.push(3);
    queue.insert(2, 4);
    expect(drain(queue)).to.deep.equal([2, 1, 4, 3]);
  });

  it("throws when full, from either side, and stays as it was", () => {
    for (const capacity of [1, 2, 5]) {
      const queue = new PendingQueue(capacity);
      for (let slot = 0; slot < capacity; slot++) {
        expect(queue.isFull).to.equal(false);
        queue.push(slot);
      }
      expect(queue.isFull).to.equal(true);
      expect(() => queue.push(99)).to.throw(`the pending queue has room for every payment: length=${capacity}`);
      expect(() => queue.insert(0, 99)).to.throw("the pending queue has room for every payment");
      expect(drain(queue)).to.deep.equal(Array.from({ length: capacity }, (_, i) => i));
    }
  });

  it("goes round its ring in both directions", () => {
    const queue = new PendingQueue(3);
    queue.push(-1);
    for (let i = 0; i < 10; i++) {
      queue.push(i);
      expect(queue.shift()).to.equal(i - 1);
    }
    for (let i = 0; i < 10; i++) {
      queue.insert(0, 100 + i);
      expect(queue.shift()).to.equal(100 + i);
    }
    expect(drain(queue)).to.deep.equal([9]);
  });

  it("drops what is no longer live and keeps the order, over the end of the ring too", () => {
    const queue = new PendingQueue(6);
    for (const slot of [0, 0, 0, 0, 1, 2]) queue.push(slot);
    for (let i = 0; i < 4; i++) queue.shift();
    for (const slot of [3, 4, 5, 6]) queue.push(slot);
    queue.compact((slot) => slot % 2 === 0);
    expect(queue.length).to.equal(3);
    queue.push(7);
    expect(drain(queue)).to.deep.equal([2, 4, 6, 7]);
  });

  it("is empty when cleared", () => {
    const queue = new PendingQueue(2);
    queue.push(1);
    queue.push(2);
    queue.clear();
    expect(queue.length).to.equal(0);
    queue.push(3);
    expect(drain(queue)).to.deep.equal([3]);
  });

  it("agrees with an array for random use", () => {
    forSeeds(30, (random) => {
      const capacity = random.between(1, 20);
      const queue = new PendingQueue(capacity);
      const model: number[] = [];
      // Sometimes mostly filling, sometimes mostly draining, so that full and empty both happen.
      for (let step = 0, filling = 0.5; step < 1000; step++) {
        if (step % 50 === 0) filling = random.pick([0.2, 0.5, 0.8]);
        const slot = random.below(1000);
        if (random.chance(filling)) {
          if (model.length === capacity) continue;
          if (random.chance(0.3)) {
            const place = random.between(0, model.length);
            queue.insert(place, slot);
            model.splice(place, 0, slot);
          } else {
            queue.push(slot);
            model.push(slot);
          }
        } else if (random.chance(0.03)) {
          const live = (candidate: number) => candidate % 3 !== 0;
          queue.compact(live);
          model.splice(0, model.length, ...model.filter(live));
        } else if (model.length > 0 && random.chance(0.2)) {
          const place = random.below(model.length);
          expect(queue.at(place)).to.equal(model[place]);
          queue.remove(place);
          model.splice(place, 1);
        } else if (random.chance(0.005)) {
          queue.clear();
          model.length = 0;
        } else if (model.length > 0) {
          expect(queue.peek()).to.equal(model[0]);
          expect(queue.shift()).to.equal(model.shift());
        }
        expect([queue.length, queue.isFull]).to.deep.equal([model.length, model.length === capacity]);
      }
      expect(drain(queue)).to.deep.equal(model);
    });
  });
});
