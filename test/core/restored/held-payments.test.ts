import { expect } from "chai";
import * as FlightState from "../../../core/routing/flight-state.ts";
import { NO_FLIGHT } from "../../../core/routing/flights.ts";
import { ACCEPTED_NEW } from "../../../core/values/accept-result.ts";
import * as State from "../../../core/values/state.ts";
import { formatUuid } from "../../../core/values/uuid.ts";
import { sumOf } from "../../support/book.ts";
import { EngineLife, NOON_MS, wordsOf } from "../../support/engine-life.ts";
import { uuid } from "../../support/payments.ts";
import { forSeeds } from "../../support/random.ts";
import { beginRestored, idOf, inquiryAbout, restored, WATCH_MS } from "../../support/restored-life.ts";
import { DEFAULT, FALLBACK } from "../../support/terms.ts";

const id = idOf;

function stateOf({ engine }: EngineLife, n: number): number {
  return engine.ledger.rows.state[engine.lookup(uuid(n))]!;
}

describe("held payments", () => {
  it("are all that are not settled, and nothing of them is sent or asked", () => {
    const life = restored();
    expect(life.engine.held!.count).to.equal(3);
    expect([1, 2, 3, 4].map((n) => stateOf(life, n))).to.deep.equal([
      State.PENDING,
      State.IN_DOUBT,
      State.IN_DOUBT,
      State.PROCESSED,
    ]);
    for (const atMs of [100, 5000, 50_000]) expect(life.engine.dispatch(NOON_MS + atMs)).to.equal(NO_FLIGHT);
    expect(life.engine.hasDoubts).to.equal(false);
  });

  it("are not given up, however old", () => {
    const life = restored();
    const slots: number[] = [];
    life.engine.giveUpOld(NOON_MS + 10_000_000, (slot) => slots.push(slot));
    expect(slots).to.deep.equal([]);
    expect(life.engine.release(inquiryAbout(life, 1), NOON_MS + 10_000_000)).to.equal(true);
    life.engine.giveUpOld(NOON_MS + 10_000_000, (slot) => slots.push(slot));
    expect([slots.length, stateOf(life, 1)]).to.deep.equal([1, State.FAILED]);
  });

  it("are sent once they are released, and asked about where they are in doubt", () => {
    const life = restored();
    const { engine } = life;
    expect(engine.release(inquiryAbout(life, 1), NOON_MS + 2000)).to.equal(true);
    expect(engine.flights.slot[life.send(2000)]).to.equal(engine.lookup(uuid(1)));
    expect(engine.release(inquiryAbout(life, 3), NOON_MS + 2000)).to.equal(true);
    const flight = life.send(2001);
    expect(engine.flights.slot[flight]).to.equal(engine.lookup(uuid(3)));
    expect([engine.flights.state[flight], engine.flights.processor[flight]]).to.deep.equal([
      FlightState.POSTING,
      DEFAULT,
    ]);
    expect(engine.ledger.rows.requestedAtMs(engine.lookup(uuid(3)))).to.equal(NOON_MS + 13);
    expect([engine.held!.count, engine.held!.releasedCount]).to.deep.equal([1, 2]);
  });

  it("are sent in the order of their acceptance, in whichever order they are released", () => {
    const life = restored();
    const { engine } = life;
    engine.accept(uuid(5), 0, 500, NOON_MS + 200);
    for (const n of [5, 1]) engine.release(inquiryAbout(life, n), NOON_MS + 2000);
    const sent = [2001, 2002].map((atMs) => engine.flights.slot[life.send(atMs)]);
    expect(sent).to.deep.equal([1, 5].map((n) => engine.lookup(uuid(n))));
  });

  it("are counted where and when they were found charged", () => {
    const life = restored();
    const { engine } = life;
    const found = { processor: FALLBACK, requestedAtMs: NOON_MS + 77, isTwice: false };
    engine.settleHeld(inquiryAbout(life, 1), found, NOON_MS + 200);
    engine.settleHeld(inquiryAbout(life, 2), { ...found, isTwice: true }, NOON_MS + 200);
    const own = { processor: DEFAULT, requestedAtMs: NOON_MS + 13, isTwice: false };
    engine.settleHeld(inquiryAbout(life, 3), own, NOON_MS + 200);
    expect(sumOf(engine.ledger, NOON_MS + 77, NOON_MS + 77)).to.deep.equal([0, 0, 2, 300]);
    expect(sumOf(engine.ledger, NOON_MS + 13, NOON_MS + 13)).to.deep.equal([1, 300, 0, 0]);
    expect([...engine.held!.foundCounts, engine.held!.chargedTwiceCount]).to.deep.equal([1, 2, 1]);
    expect(engine.held!.count).to.equal(0);
  });

  it("hold back the watermark: to the oldest of them, and to the loss while repetitions are expected", () => {
    const life = restored();
    const { engine } = life;
    const until = (atMs: number): number => engine.settledUntilMs(NOON_MS + atMs) - NOON_MS;
    expect(until(500)).to.equal(3);
    const at = (n: number): { processor: number; requestedAtMs: number; isTwice: boolean } => ({
      processor: DEFAULT,
      requestedAtMs: NOON_MS + 40 + n,
      isTwice: false,
    });
    engine.settleHeld(inquiryAbout(life, 3), at(3), NOON_MS + 500);
    engine.batch.clear();
    expect(until(500)).to.equal(14);
    for (const n of [1, 2]) engine.settleHeld(inquiryAbout(life, n), at(n), NOON_MS + 500);
    engine.batch.clear();
    expect([until(500), until(WATCH_MS - 1), until(WATCH_MS)]).to.deep.equal([30, 30, WATCH_MS]);
  });

  it("are new ones too, until the watch is over", () => {
    const life = restored();
    const { engine } = life;
    expect(engine.accept(uuid(5), 0, 500, NOON_MS + 200)).to.equal(ACCEPTED_NEW);
    expect([engine.held!.count, engine.dispatch(NOON_MS + 200)]).to.deep.equal([4, NO_FLIGHT]);
    engine.settleHeld(
      inquiryAbout(life, 5),
      { processor: DEFAULT, requestedAtMs: NOON_MS + 31, isTwice: false },
      NOON_MS + 201,
    );
    expect(sumOf(engine.ledger, NOON_MS + 31, NOON_MS + 31)).to.deep.equal([1, 500, 0, 0]);
    engine.accept(uuid(6), 0, 600, NOON_MS + WATCH_MS);
    expect([engine.held!.count, stateOf(life, 6)]).to.deep.equal([3, State.PENDING]);
    expect(life.engine.flights.slot[life.send(WATCH_MS)]).to.equal(engine.lookup(uuid(6)));
    expect(stateOf(life, 6)).to.equal(State.SENDING);
  });

  it("are forgotten when they are taken back, and their slots are free for others", () => {
    const life = restored();
    const { engine } = life;
    engine.batch.clear();
    engine.accept(uuid(5), 0, 500, NOON_MS + 200);
    engine.accept(uuid(6), 0, 600, NOON_MS + 200);
    const inquiry = inquiryAbout(life, 6);
    engine.revert();
    expect([engine.held!.count, engine.held!.isInHand(inquiry)]).to.deep.equal([3, false]);
    engine.accept(uuid(7), 0, 700, NOON_MS + 300);
    engine.accept(uuid(8), 0, 800, NOON_MS + 300);
    expect(engine.lookup(uuid(8))).to.equal(inquiry.slot);
    expect([engine.held!.count, engine.held!.isInHand(inquiry)]).to.deep.equal([5, false]);
    expect(engine.held!.isInHand(inquiryAbout(life, 8))).to.equal(true);
    expect(engine.held!.isInHand(inquiry), "another payment is in hand there").to.equal(false);
  });

  it("are not sent for an earlier payment that was given up in their slot, and still stands in the queue", () => {
    const options = { watchUntilMs: Number.POSITIVE_INFINITY };
    const life = beginRestored(new EngineLife({ capacity: 4, retainMs: 1000 }), options);
    const { engine } = life;
    engine.batch.clear();
    const slot = engine.lookup(uuid(1));
    engine.release(inquiryAbout(life, 1), NOON_MS + 2000);
    for (const n of [2, 3]) engine.settleByHand(engine.lookup(uuid(n)), "failed", NOON_MS + 2000);
    engine.giveUpOld(NOON_MS + 70_000, () => {});
    engine.evictOld(NOON_MS + 70_000);
    for (const n of [5, 6, 7, 8]) engine.accept(uuid(n), 0, 100, NOON_MS + 70_001);
    expect(engine.lookup(uuid(8))).to.equal(slot);
    expect(engine.dispatch(NOON_MS + 70_002)).to.equal(NO_FLIGHT);
    engine.release(inquiryAbout(life, 8), NOON_MS + 70_003);
    expect(engine.flights.slot[life.send(70_004)]).to.equal(slot);
  });

  it("stay found when what is in the batch cannot be written", () => {
    const life = restored();
    const { engine } = life;
    engine.batch.clear();
    const charge = { processor: FALLBACK, requestedAtMs: NOON_MS + 77, isTwice: false };
    engine.settleHeld(inquiryAbout(life, 1), charge, NOON_MS + 200);
    engine.accept(uuid(5), 0, 500, NOON_MS + 200);
    engine.revert();
    expect([engine.batch.count, stateOf(life, 1)]).to.deep.equal([2, State.PROCESSED]);
    expect(engine.lookup(wordsOf(id(5)))).to.equal(-1);
  });

  it("are gone with a purge, and what is asked about them then no longer matters", () => {
    const life = restored();
    const inquiry = inquiryAbout(life, 1);
    life.engine.purge(NOON_MS + 200);
    expect([life.engine.held!.count, life.engine.held!.isInHand(inquiry)]).to.deep.equal([0, false]);
    life.engine.accept(uuid(9), 0, 900, NOON_MS + 300);
    expect(life.engine.held!.count).to.equal(1);
  });

  it("that are in doubt stay held while there is no room to ask about them", () => {
    const life = restored();
    const inquiry = inquiryAbout(life, 3);
    const { flights } = life.engine;
    const opened = Array.from({ length: flights.quota }, () => flights.open(63, DEFAULT, NOON_MS));
    expect(life.engine.release(inquiry, NOON_MS + 2000)).to.equal(false);
    expect([life.engine.held!.count, life.engine.held!.isInHand(inquiry)]).to.deep.equal([3, true]);
    flights.close(opened[0]!);
    expect(life.engine.release(inquiry, NOON_MS + 2000)).to.equal(true);
  });

  it("are all asked about in every round, each once, whatever comes in", () => {
    forSeeds(20, (random) => {
      const life = restored({ watchUntilMs: Number.POSITIVE_INFINITY });
      const held = life.engine.held!;
      let n = 10;
      for (let round = 0; round < 5; round++) {
        const countBefore = held.count;
        held.beginRound();
        const asked = new Set<string>();
        for (let inquiry = held.take(); inquiry; inquiry = held.take()) {
          const text = formatUuid(inquiry.id);
          expect(asked.has(text)).to.equal(false);
          asked.add(text);
          if (random.chance(0.3)) life.engine.release(inquiry, NOON_MS + 2000);
          else held.putBack(inquiry);
          if (random.chance(0.2) && n < 40) life.engine.accept(uuid(n++), 0, 100, NOON_MS + 2000);
        }
        expect(asked.size).to.be.at.least(countBefore);
        expect(held.isRoundOver).to.equal(true);
      }
    });
  });
});
