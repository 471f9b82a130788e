import { expect } from "chai";
import { Ledger } from "../../../core/ledger/ledger.ts";
import { NOT_FOUND_SLOT } from "../../../core/ledger/uuid-index.ts";
import { RecordBatch } from "../../../core/log/record.ts";
import * as Kind from "../../../core/log/record-kind.ts";
import { Backlog } from "../../../core/routing/backlog.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import * as Reason from "../../../core/values/reason.ts";
import { NOON_MS, uuid } from "../../support/payments.ts";
import { forSeeds } from "../../support/random.ts";

const never = (): boolean => false;

/** A ledger whose payments are accepted a millisecond apart, and its backlog. */
class Desk {
  readonly ledger: Ledger;
  readonly backlog: Backlog;
  readonly #batch = new RecordBatch(8192);
  #nowMs = NOON_MS;

  constructor(capacity: number) {
    this.ledger = new Ledger(capacity, 1, 2);
    this.backlog = new Backlog(this.ledger);
  }

  accept(): number {
    const sequence = this.ledger.head;
    this.#batch.clear();
    this.ledger.apply(this.#batch, this.#batch.appendAccepted(sequence, this.#nowMs++, uuid(sequence), 0, 1));
    const slot = this.ledger.slotOf(sequence);
    this.backlog.push(slot);
    return slot;
  }

  send(slot: number): void {
    this.#write(Kind.SENDING, slot, Reason.CHEAPEST);
  }

  refuse(slot: number): void {
    this.#write(Kind.REFUSED, slot, Outcome.FAILING);
    this.backlog.insert(slot);
  }

  charge(slot: number): void {
    this.#write(Kind.PROCESSED, slot, Outcome.CHARGED);
  }

  /** The next to be sent, or −1. */
  next(isLate: (slot: number) => boolean = never): number {
    const slot = this.backlog.peek(this.#nowMs, never, isLate);
    return slot === NOT_FOUND_SLOT ? -1 : slot;
  }

  #write(kind: number, slot: number, outcome: number): void {
    this.#batch.clear();
    this.ledger.record(this.#batch, kind, slot, this.#nowMs++, 0, outcome, 0);
  }
}

describe("backlog", () => {
  it("gives the oldest first, and what came back at its place", () => {
    const desk = new Desk(8);
    const slots = [0, 1, 2, 3].map(() => desk.accept());
    desk.send(desk.next());
    desk.backlog.shift();
    desk.send(desk.next());
    desk.backlog.shift();
    desk.refuse(slots[1]!);
    expect(desk.next()).to.equal(slots[1]);
    desk.refuse(slots[0]!);
    expect(desk.next()).to.equal(slots[0]);
    expect(desk.backlog.count).to.equal(4);
  });

  it("puts those that cannot be in time behind those that can, and keeps them for when there is room", () => {
    const desk = new Desk(8);
    const slots = [0, 1, 2, 3].map(() => desk.accept());
    const isLate = (slot: number): boolean => slot <= slots[1]!;
    expect(desk.next(isLate)).to.equal(slots[2]);
    expect([desk.backlog.count, desk.backlog.peekLate(never)]).to.deep.equal([2, slots[0]]);
    desk.backlog.shift();
    desk.backlog.shift();
    expect([desk.next(), desk.backlog.isEmpty]).to.deep.equal([-1, false]);
    expect(desk.backlog.peekYoungest(never)).to.equal(slots[1]);
    desk.backlog.shiftLate();
    desk.backlog.removeYoungest(slots[1]!);
    expect(desk.backlog.isEmpty).to.equal(true);
  });

  it("has the youngest that was never sent for a probe, or of those that were the one with the fewest attempts", () => {
    const desk = new Desk(8);
    const slots = [0, 1, 2].map(() => desk.accept());
    expect(desk.backlog.peekYoungest(never)).to.equal(slots[2]);
    for (const [slot, attempts] of [
      [slots[2]!, 3],
      [slots[1]!, 1],
      [slots[0]!, 2],
    ] as const) {
      desk.backlog.removeYoungest(slot);
      for (let i = 0; i < attempts; i++) {
        desk.send(slot);
        desk.refuse(slot);
        if (i < attempts - 1) desk.backlog.removeYoungest(slot);
      }
    }
    expect(desk.backlog.peekYoungest(never)).to.equal(slots[1]);
    expect(desk.backlog.peekYoungest((slot) => slot === slots[1])).to.equal(slots[0]);
  });

  it("agrees with a sorted list for random use, whatever was charged or became late meanwhile", () => {
    forSeeds(20, (random) => {
      const desk = new Desk(64);
      let waiting: number[] = [];
      let late: number[] = [];
      const out: number[] = [];
      let lateBelow = -1;
      for (let step = 0; step < 400; step++) {
        const isLate = (slot: number): boolean => slot < lateBelow;
        const kind = random.below(5);
        if (kind === 0 && desk.ledger.head < 64) {
          waiting.push(desk.accept());
        } else if (kind === 1 && out.length > 0) {
          const [slot] = out.splice(random.below(out.length), 1);
          if (random.chance(0.5)) {
            desk.charge(slot!);
          } else {
            desk.refuse(slot!);
            waiting = [...waiting, slot!].sort((a, b) => a - b);
          }
        } else if (kind === 2) {
          lateBelow = Math.max(lateBelow, Math.min(desk.ledger.head - random.below(6), desk.ledger.head));
        } else if (kind === 3) {
          const next = desk.next(isLate);
          late = [...late, ...waiting.filter(isLate)];
          waiting = waiting.filter((slot) => !isLate(slot));
          expect(next).to.equal(waiting[0] ?? -1);
          if (next < 0) continue;
          desk.backlog.shift();
          desk.send(next);
          out.push(waiting.shift()!);
        } else if (kind === 4 && late.length > 0) {
          const next = desk.backlog.peekLate(never);
          expect(next).to.equal(late[0]);
          desk.backlog.shiftLate();
          desk.send(next);
          out.push(late.shift()!);
        }
        expect(desk.backlog.isEmpty).to.equal(waiting.length + late.length === 0);
      }
    });
  });
});
