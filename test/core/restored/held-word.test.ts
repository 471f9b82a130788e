import { expect } from "chai";
import { Ledger } from "../../../core/ledger/ledger.ts";
import type { RecordBatch } from "../../../core/log/record.ts";
import * as Kind from "../../../core/log/record-kind.ts";
import { NO_FLIGHT } from "../../../core/routing/flights.ts";
import { HAND_WORDS, type HandResult, type HandWord } from "../../../core/settling/settlement.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import { NO_PROCESSOR } from "../../../core/values/processor.ts";
import * as State from "../../../core/values/state.ts";
import { sumOf } from "../../support/book.ts";
import { type EngineLife, NOON_MS } from "../../support/engine-life.ts";
import { uuid } from "../../support/payments.ts";
import { earlierLife, idOf, inquiryAbout, restored, WATCH_MS } from "../../support/restored-life.ts";
import { DEFAULT } from "../../support/terms.ts";

const STATES: Readonly<Record<HandWord, number>> = {
  charged: State.PROCESSED,
  "not charged": State.PENDING,
  failed: State.FAILED,
};

const slotOf = ({ engine }: EngineLife, n: number): number => engine.lookup(uuid(n));
const stateOf = (life: EngineLife, n: number): number => life.engine.ledger.rows.state[slotOf(life, n)]!;

function say(life: EngineLife, n: number, word: HandWord, atMs = 2000): HandResult {
  return life.engine.settleByHand(slotOf(life, n), word, NOON_MS + atMs);
}

/** One whose records so far are in the log. */
function written(options: Parameters<typeof restored>[0] = {}): EngineLife {
  const life = restored(options);
  life.engine.batch.clear();
  return life;
}

describe("an operator's word on a held payment", () => {
  for (const word of HAND_WORDS) {
    it(`settles one in doubt by a record, and it is held no longer: ${word}`, () => {
      const life = written();
      const { batch, held, ledger } = life.engine;
      expect(say(life, 3, word)).to.equal("settled");
      expect(stateOf(life, 3)).to.equal(STATES[word]);
      expect([batch.count, batch.outcome(0), batch.processor(0)]).to.deep.equal([1, Outcome.SETTLED_BY_HAND, DEFAULT]);
      expect([held!.count, held!.byHandCount, held!.endedCount, held!.foundCount]).to.deep.equal([2, 1, 1, 0]);
      expect(sumOf(ledger, NOON_MS + 13, NOON_MS + 13)).to.deep.equal(
        word === "charged" ? [1, 300, 0, 0] : [0, 0, 0, 0],
      );
      expect(say(life, 3, "failed")).to.equal("not in doubt");
    });
  }

  it("settles one that is pending by a record: it fails, or is free to be sent", () => {
    const life = written();
    const { batch } = life.engine;
    expect(say(life, 1, "failed")).to.equal("settled");
    expect([stateOf(life, 1), batch.kind(0), batch.processor(0)]).to.deep.equal([
      State.FAILED,
      Kind.FAILED,
      NO_PROCESSOR,
    ]);
    const other = written();
    expect(say(other, 1, "not charged")).to.equal("settled");
    expect([stateOf(other, 1), other.engine.batch.kind(0)]).to.deep.equal([State.PENDING, Kind.REFUSED]);
    expect(other.engine.ledger.trail(slotOf(other, 1))).to.deep.equal([]);
    expect(other.engine.flights.slot[other.send(2001)]).to.equal(slotOf(other, 1));
    expect(other.engine.dispatch(NOON_MS + 2002), "once").to.equal(NO_FLIGHT);
  });

  it("does not say where a pending one was charged", () => {
    const life = written();
    expect(say(life, 1, "charged")).to.equal("at no processor");
    expect([stateOf(life, 1), life.engine.held!.count, life.engine.batch.count]).to.deep.equal([State.PENDING, 3, 0]);
  });

  it("is not taken while the processors are being asked, and is once the answers are there", () => {
    const life = written();
    const inquiry = inquiryAbout(life, 3);
    for (const word of HAND_WORDS) expect(say(life, 3, word)).to.equal("being asked about");
    life.engine.held!.putBack(inquiry);
    expect(say(life, 3, "failed")).to.equal("settled");
    expect(life.engine.held!.isInHand(inquiry), "what is still said of it comes too late").to.equal(false);
  });

  it("is not taken while its acceptance can still be taken back", () => {
    const life = written();
    life.engine.accept(uuid(5), 0, 500, NOON_MS + 200);
    expect(say(life, 5, "failed")).to.equal("being asked about");
    life.engine.revert();
    life.engine.accept(uuid(5), 0, 500, NOON_MS + 300);
    life.engine.batch.clear();
    expect(say(life, 5, "failed")).to.equal("settled");
  });

  it("takes it out of the questions, and the others are asked about as before, each once", () => {
    const life = written();
    const held = life.engine.held!;
    held.putBack(held.take()!);
    held.beginRound();
    expect(say(life, 1, "failed")).to.equal("settled");
    const asked = [];
    for (let inquiry = held.take(); inquiry; inquiry = held.take()) asked.push(inquiry.slot);
    expect(asked.sort()).to.deep.equal([slotOf(life, 2), slotOf(life, 3)].sort());
    expect(held.isRoundOver).to.equal(true);
  });

  it("keeps the watermark until it is written, also where it was the last", () => {
    const life = written({ watchUntilMs: NOON_MS });
    const until = (): number => life.engine.settledUntilMs(NOON_MS + 3000) - NOON_MS;
    for (const n of [2, 3]) say(life, n, "failed");
    life.engine.batch.clear();
    expect(until()).to.equal(30);
    say(life, 1, "not charged");
    expect([until(), life.engine.held!.isOver(NOON_MS + 3000)]).to.deep.equal([30, true]);
    life.engine.batch.clear();
    expect(until()).to.equal(3000);
  });

  it("covers what may have been lost before a later payment's acceptance, until it is written", () => {
    const life = written();
    life.engine.accept(uuid(5), 0, 500, NOON_MS + WATCH_MS - 1);
    for (const n of [1, 2, 3]) say(life, n, "failed", WATCH_MS);
    life.engine.batch.clear();
    say(life, 5, "failed", WATCH_MS);
    expect(life.engine.settledUntilMs(NOON_MS + WATCH_MS)).to.equal(NOON_MS + 30);
  });

  it("says the same when the log is read again", () => {
    const life = restored();
    const { batch, ledger } = life.engine;
    const log: RecordBatch[] = [earlierLife().engine.batch, batch];
    for (const [n, word] of [
      [1, "not charged"],
      [2, "charged"],
      [3, "failed"],
    ] as const)
      say(life, n, word);
    const again = new Ledger(ledger.rows.capacity, 1, 2);
    for (const part of log) for (let record = 0; record < part.count; record++) again.apply(part, record);
    for (const column of ["state", "outcome", "processor", "attemptCount"] as const) {
      expect(Array.from(again.rows[column] as Uint8Array)).to.deep.equal(Array.from(ledger.rows[column] as Uint8Array));
    }
    expect(again.find(uuid(1)), idOf(1)).to.equal(slotOf(life, 1));
  });
});
