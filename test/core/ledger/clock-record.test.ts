import { expect } from "chai";
import { Engine, type EngineOptions } from "../../../core/engine.ts";
import { CheckpointCut } from "../../../core/ledger/checkpoint.ts";
import { Ledger } from "../../../core/ledger/ledger.ts";
import { Replay } from "../../../core/ledger/replay.ts";
import { RECORD_BYTES, RecordBatch } from "../../../core/log/record.ts";
import * as Kind from "../../../core/log/record-kind.ts";
import * as FlightState from "../../../core/routing/flight-state.ts";
import { NO_FLIGHT } from "../../../core/routing/flights.ts";
import { HealthSnapshot } from "../../../core/routing/health-snapshot.ts";
import { Ways } from "../../../core/routing/ways.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import { NO_PROCESSOR } from "../../../core/values/processor.ts";
import * as State from "../../../core/values/state.ts";
import { NOON_MS, uuid } from "../../support/payments.ts";
import { DEFAULT, twoTerms } from "../../support/terms.ts";

/** What a dead battery made of the date once. */
const WRONG_MS = Date.UTC(2098, 0, 1);
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

const PENDING_PAYMENT = 0;
const SENT_PAYMENT = 1;
const CHARGED_PAYMENT = 2;

/** Records in order, as a journal has them. */
class Log {
  readonly batches: RecordBatch[] = [];

  add(write: (batch: RecordBatch) => void): void {
    const batch = new RecordBatch(64);
    write(batch);
    batch.seal(this.lsn);
    this.batches.push(batch);
  }

  /** Takes what the engine has decided. */
  take(engine: Engine): void {
    this.add((batch) => {
      batch.bytes.set(engine.batch.bytes.subarray(0, engine.batch.count * RECORD_BYTES));
      batch.refill(engine.batch.count);
    });
    engine.batch.clear();
  }

  get lsn(): number {
    return this.batches.reduce((sum, { count }) => sum + count, 0);
  }

  replayInto(ledger: Ledger): Replay {
    const replay = new Replay(ledger);
    for (const batch of this.batches) expect(replay.feedSegment(batch)).to.deep.equal({ soundCount: batch.count });
    return replay;
  }
}

/** Three payments accepted in the wrong time: pending, being sent, charged. */
function wrongTime(): Log {
  const log = new Log();
  log.add((batch) => {
    for (let n = 0; n < 3; n++) batch.appendAccepted(n, WRONG_MS + n, uuid(n), 0, 100);
    batch.append(Kind.SENDING, SENT_PAYMENT, WRONG_MS + 10, DEFAULT, Outcome.NONE, 0);
    batch.append(Kind.SENDING, CHARGED_PAYMENT, WRONG_MS + 10, DEFAULT, Outcome.NONE, 0);
    batch.append(Kind.PROCESSED, CHARGED_PAYMENT, WRONG_MS + 20, DEFAULT, Outcome.CHARGED, 10);
  });
  return log;
}

function setClock(log: Log): void {
  log.add((batch) => batch.append(Kind.CLOCK, 0, NOON_MS, NO_PROCESSOR, Outcome.NONE, 0));
}

function start(log: Log, options: Partial<EngineOptions> = {}): { engine: Engine; latestMs: number } {
  const engine = new Engine(Ways.open(new HealthSnapshot(2), twoTerms(16)), {
    partition: 0,
    capacity: 16,
    seed: 1,
    giveUpAfterMs: 30 * MINUTE_MS,
    settleWithinMs: 1000,
    answerWithinMs: 2000,
    waitsForSlow: true,
    ...options,
  });
  const { latestMs } = log.replayInto(engine.ledger);
  engine.resume(latestMs, latestMs);
  return { engine, latestMs };
}

function requestedAt(engine: Engine, flight: number): number {
  return engine.ledger.rows.requestedAtMs(engine.flights.slot[flight]!);
}

/** Sends what there is and has all of it charged. */
function chargeAll(engine: Engine, nowMs: number): number[] {
  const times: number[] = [];
  for (let flight = engine.dispatch(nowMs); flight !== NO_FLIGHT; flight = engine.dispatch(nowMs)) {
    times.push(requestedAt(engine, flight));
    engine.settle(
      flight,
      engine.flights.state[flight] === FlightState.POSTING ? Outcome.CHARGED : Outcome.FOUND,
      nowMs + 5,
    );
  }
  return times;
}

describe("after an operator has set time back", () => {
  it("time begins again where the CLOCK record says, and not later than any record after it", () => {
    const log = wrongTime();
    expect(log.replayInto(new Ledger(16, 1, 2)).latestMs).to.equal(WRONG_MS + 20);
    setClock(log);
    expect(log.replayInto(new Ledger(16, 1, 2)).latestMs).to.equal(NOON_MS);
    log.add((batch) => batch.append(Kind.WATERMARK, 0, NOON_MS + 700, NO_PROCESSOR, Outcome.NONE, 0));
    log.add((batch) => batch.appendAccepted(3, NOON_MS + 500, uuid(3), 0, 1));
    expect(log.replayInto(new Ledger(16, 1, 2)).latestMs).to.equal(NOON_MS + 700);
  });

  it("what was accepted in the wrong time keeps its times, and is sent and charged at them", () => {
    const log = wrongTime();
    setClock(log);
    const { engine } = start(log);
    const times = chargeAll(engine, NOON_MS + 50);
    expect(times.sort()).to.deep.equal([WRONG_MS, WRONG_MS + 10]);
    const { ledger } = engine;
    expect(ledger.countIn(State.PROCESSED)).to.equal(3);
    for (let slot = 0; slot < 3; slot++) {
      expect(ledger.rows.acceptedAtMs[slot]).to.equal(WRONG_MS + slot);
      expect(ledger.rows.processedAtMs(slot)).to.be.at.least(ledger.rows.requestedAtMs(slot));
    }
    const totals = new Float64Array(4);
    ledger.sum(WRONG_MS, WRONG_MS + 10, totals);
    expect([...totals]).to.deep.equal([3, 300, 0, 0]);
  });

  it("a refused one of them is sent again, and a new one is stamped with the right time", () => {
    const log = wrongTime();
    setClock(log);
    const { engine } = start(log);
    const [doubt, first] = [engine.dispatch(NOON_MS + 1), engine.dispatch(NOON_MS + 1)];
    engine.settle(doubt, Outcome.CHARGED, NOON_MS + 2);
    engine.settle(first, Outcome.FAILING, NOON_MS + 3);
    expect(engine.ledger.rows.state[PENDING_PAYMENT]).to.equal(State.PENDING);
    engine.accept(uuid(9), 0, 100, NOON_MS + 4);
    expect(chargeAll(engine, NOON_MS + 2000).sort()).to.deep.equal([NOON_MS + 2005, WRONG_MS]);
    expect(engine.settledUntilMs(NOON_MS + 3000)).to.be.within(NOON_MS, NOON_MS + 3000);
  });

  it("the next start does not fall back into the wrong time, from segments or from a checkpoint", () => {
    const log = wrongTime();
    setClock(log);
    const { engine } = start(log);
    chargeAll(engine, NOON_MS + 50);
    log.take(engine);
    const again = start(log);
    expect(again.latestMs).to.be.within(NOON_MS + 50, NOON_MS + 55);

    const rows = new RecordBatch(16);
    const cut = new CheckpointCut(again.engine.ledger);
    while (!cut.isDone) cut.cut(rows, log.lsn, 16);
    rows.seal(0);
    const replay = new Replay(new Ledger(16, 1, 2));
    expect(replay.feedCheckpoint(rows, 0)).to.equal(undefined);
    replay.startSegment({ firstLsn: log.lsn, version: 2, boundMs: again.latestMs });
    expect(replay.latestMs).to.equal(again.latestMs);
    // Without a bound only the rows can tell.
    const old = new Replay(new Ledger(16, 1, 2));
    old.feedCheckpoint(rows, 0);
    old.startSegment({ firstLsn: log.lsn, version: 1, boundMs: 0 });
    expect(old.latestMs).to.be.above(WRONG_MS);
  });

  it("what is pending is given up after its time since the start, and holds up nobody behind it", () => {
    const log = wrongTime();
    setClock(log);
    const { engine } = start(log);
    engine.accept(uuid(9), 0, 100, NOON_MS + MINUTE_MS);
    const failed: number[] = [];
    const giveUp = (nowMs: number): number[] => {
      engine.batch.clear();
      engine.giveUpOld(nowMs, (slot) => failed.push(slot));
      return failed;
    };
    expect(giveUp(NOON_MS + 30 * MINUTE_MS - 1)).to.deep.equal([]);
    expect(giveUp(NOON_MS + 30 * MINUTE_MS)).to.deep.equal([PENDING_PAYMENT]);
    expect(giveUp(NOON_MS + 31 * MINUTE_MS)).to.deep.equal([PENDING_PAYMENT, 3]);
  });

  it("retention drops what had ended after its time since the start, and what comes after it", () => {
    const log = wrongTime();
    setClock(log);
    const { engine } = start(log, { retainMs: DAY_MS });
    chargeAll(engine, NOON_MS + 50);
    engine.accept(uuid(9), 0, 100, NOON_MS + MINUTE_MS);
    chargeAll(engine, NOON_MS + MINUTE_MS);
    engine.evictOld(NOON_MS + DAY_MS);
    expect(engine.ledger.size).to.equal(4);
    engine.evictOld(NOON_MS + DAY_MS + 1);
    expect(engine.ledger.size).to.equal(1);
    engine.evictOld(NOON_MS + DAY_MS + MINUTE_MS + 1);
    expect(engine.ledger.size).to.equal(0);
  });

  it("goes to the dearer processor when it has waited for the cheaper one as long as any other", () => {
    const log = new Log();
    log.add((batch) => batch.appendAccepted(0, WRONG_MS, uuid(0), 0, 100));
    setClock(log);
    const { engine } = start(log);
    const first = engine.dispatch(NOON_MS + 1);
    engine.settle(first, Outcome.FAILING, NOON_MS + 2);
    const processors: number[] = [];
    for (let ms = 3; ms < 1500 && engine.ledger.countIn(State.PROCESSED) === 0; ms++) {
      const flight = engine.dispatch(NOON_MS + ms);
      if (flight === NO_FLIGHT) continue;
      const processor = engine.flights.processor[flight]!;
      processors.push(processor);
      engine.settle(flight, processor === DEFAULT ? Outcome.FAILING : Outcome.CHARGED, NOON_MS + ms);
    }
    expect(processors.at(-1)).to.equal(1);
  });
});

describe("a payment that has waited for longer than a row can say", () => {
  it("is not sent, but given up", () => {
    const log = new Log();
    log.add((batch) => batch.appendAccepted(0, NOON_MS, uuid(0), 0, 100));
    const { engine } = start(log);
    const laterMs = NOON_MS + 50 * DAY_MS;
    expect(engine.dispatch(laterMs)).to.equal(NO_FLIGHT);
    engine.giveUpOld(laterMs, () => {});
    expect(engine.ledger.countIn(State.FAILED)).to.equal(1);
    expect(engine.batch.kind(0)).not.to.equal(Kind.ACCEPTED);
  });
});
