import { expect } from "chai";
import { Ledger } from "../../../core/ledger/ledger.ts";
import { RecordBatch } from "../../../core/log/record.ts";
import * as Kind from "../../../core/log/record-kind.ts";
import { Salvage, type Suspect } from "../../../core/salvage/salvage.ts";
import { SalvagedLog } from "../../../core/salvage/salvaged-log.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import { NO_PROCESSOR } from "../../../core/values/processor.ts";
import * as State from "../../../core/values/state.ts";
import { NOON_MS, uuid } from "../../support/payments.ts";
import { DEFAULT, FALLBACK, TWO_NAMES } from "../../support/terms.ts";

type Step =
  | { accept: number }
  | "gap"
  | { kind: number; of: number; atMs: number; processor?: number; outcome?: number; elapsedMs?: number };

/** What is made of records, and of the log that comes out. */
class Story {
  readonly #salvaged = new Ledger(64, 1, 2);
  readonly #again = new Ledger(64, 2, 2);
  readonly #salvage: Salvage;
  #lsn = 0;

  constructor(...steps: Step[]) {
    const log = new SalvagedLog(this.#salvaged, (batch) => {
      for (let record = 0; record < batch.count; record++) this.#again.apply(batch, record);
    });
    this.#salvage = new Salvage(log, () => {});
    this.#salvage.closeCheckpoint();
    for (const step of steps) this.#take(step);
    this.#salvage.end();
  }

  get lost(): unknown {
    return this.#salvage.lost;
  }

  get suspects(): Suspect[] {
    return this.#salvage.suspects();
  }

  /** State, place and time of the payment that is now `sequence`, by the log that came out. */
  stateOf(sequence: number): string {
    const { rows } = this.#again;
    const slot = this.#again.slotOf(sequence);
    expect(rows.state[slot]).to.equal(this.#salvaged.rows.state[slot]);
    const state = rows.state[slot]!;
    const isBound = state === State.SENDING || state === State.IN_DOUBT || state === State.PROCESSED;
    const place = ` at ${TWO_NAMES[rows.processor[slot]!]} ${rows.requestedAtMs(slot) - NOON_MS}`;
    return `${State.NAMES[state]}${isBound ? place : ""}`;
  }

  get size(): number {
    return this.#again.size;
  }

  #take(step: Step): void {
    if (step === "gap") {
      this.#salvage.gap();
      return;
    }
    const batch = new RecordBatch(1);
    if ("accept" in step) {
      batch.appendAccepted(step.accept, NOON_MS + step.accept, uuid(step.accept), 0, 100);
    } else {
      const { kind, of, atMs, processor = DEFAULT, outcome = Outcome.NONE, elapsedMs = 0 } = step;
      batch.append(kind, of, NOON_MS + atMs, processor, outcome, elapsedMs);
    }
    this.#salvage.take(batch, 0, this.#lsn++);
  }
}

const SENT_AT_10: Step = { kind: Kind.SENDING, of: 0, atMs: 10 };
/** An operator's word on a payment that was held while it was pending. */
const RELEASED_AT_50: Step = {
  kind: Kind.REFUSED,
  of: 0,
  atMs: 50,
  processor: NO_PROCESSOR,
  outcome: Outcome.SETTLED_BY_HAND,
};
const DOUBTED_AT_20: Step = { kind: Kind.DOUBTED, of: 0, atMs: 20, outcome: Outcome.TIMED_OUT, elapsedMs: 10 };
/** What leads to each state before the gap. */
const BEFORE: Readonly<Record<number, Step[]>> = {
  [State.PENDING]: [],
  [State.SENDING]: [SENT_AT_10],
  [State.IN_DOUBT]: [SENT_AT_10, DOUBTED_AT_20],
};

describe("salvage", () => {
  const rows: [number, Step | undefined, string, boolean][] = [
    // state before the gap, record after it, state in the end, certain
    [State.PENDING, undefined, "pending", false],
    [State.SENDING, undefined, "sending at default 10", false],
    [State.IN_DOUBT, undefined, "in doubt at default 10", false],
    ...[State.PENDING, State.SENDING, State.IN_DOUBT].flatMap((state): [number, Step, string, boolean][] => [
      [state, { kind: Kind.SENDING, of: 0, atMs: 50, processor: FALLBACK }, "sending at fallback 50", true],
      [state, { kind: Kind.REFUSED, of: 0, atMs: 50, outcome: Outcome.FAILING, elapsedMs: 5 }, "pending", true],
      [
        state,
        { kind: Kind.REFUSED, of: 0, atMs: 50, processor: FALLBACK, outcome: Outcome.FAILING, elapsedMs: 5 },
        "pending",
        true,
      ],
      [state, { kind: Kind.FAILED, of: 0, atMs: 50, outcome: Outcome.GAVE_UP }, "failed", true],
      [state, { ...RELEASED_AT_50, elapsedMs: 5 }, "pending", true],
      [
        state,
        { kind: Kind.DOUBTED, of: 0, atMs: 50, processor: FALLBACK, outcome: Outcome.TIMED_OUT, elapsedMs: 5 },
        "in doubt at fallback 45",
        false,
      ],
      [
        state,
        { kind: Kind.PROCESSED, of: 0, atMs: 50, processor: FALLBACK, outcome: Outcome.CHARGED, elapsedMs: 5 },
        "sending at fallback 45",
        false,
      ],
    ]),
    // Only an answer to the very attempt that is known proves something of it.
    [
      State.SENDING,
      { kind: Kind.PROCESSED, of: 0, atMs: 50, outcome: Outcome.CHARGED, elapsedMs: 40 },
      "processed at default 10",
      true,
    ],
    [
      State.SENDING,
      { kind: Kind.PROCESSED, of: 0, atMs: 50, outcome: Outcome.CHARGED, elapsedMs: 39 },
      "sending at default 10",
      false,
    ],
    [
      State.IN_DOUBT,
      { kind: Kind.PROCESSED, of: 0, atMs: 50, outcome: Outcome.CHARGED, elapsedMs: 40 },
      "in doubt at default 10",
      false,
    ],
    [
      State.SENDING,
      { kind: Kind.DOUBTED, of: 0, atMs: 50, outcome: Outcome.TIMED_OUT, elapsedMs: 40 },
      "in doubt at default 10",
      true,
    ],
    [
      State.SENDING,
      { kind: Kind.DOUBTED, of: 0, atMs: 50, outcome: Outcome.TIMED_OUT, elapsedMs: 39 },
      "in doubt at default 10",
      false,
    ],
    [
      State.IN_DOUBT,
      { kind: Kind.DOUBTED, of: 0, atMs: 50, outcome: Outcome.TIMED_OUT, elapsedMs: 9 },
      "in doubt at default 10",
      false,
    ],
  ];
  for (const [state, record, end, isCertain] of rows) {
    const what = record === undefined ? "nothing" : JSON.stringify(record);
    it(`of a payment ${State.NAMES[state]} before a gap and ${what} after it makes: ${end}`, () => {
      const story = new Story({ accept: 0 }, ...BEFORE[state]!, "gap", ...(record ? [record] : []));
      expect(story.stateOf(0)).to.equal(end);
      expect(story.suspects.map(({ sequence }) => sequence)).to.deep.equal(isCertain ? [] : [0]);
    });
  }

  it("knows where a suspect was charged when the record says so, and is certain of what came after the gap", () => {
    const processed: Step = { kind: Kind.PROCESSED, of: 0, atMs: 50, processor: FALLBACK, outcome: Outcome.CHARGED };
    const story = new Story({ accept: 0 }, "gap", { accept: 1 }, processed);
    expect(story.suspects).to.deep.equal([{ sequence: 0, original: 0, chargedAt: FALLBACK }]);
    expect(story.stateOf(1)).to.equal("pending");
  });

  it("has no place for payments whose acceptance is lost, and moves up those behind them", () => {
    const sent: Step = { kind: Kind.SENDING, of: 2, atMs: 50 };
    const late: Step = { kind: Kind.SENDING, of: 4, atMs: 60, processor: FALLBACK };
    const story = new Story({ accept: 0 }, "gap", sent, { accept: 4 }, late, { accept: 5 });
    expect(story.lost).to.deep.equal([{ fromSequence: 1, toSequence: 4 }]);
    expect([story.size, story.stateOf(1), story.stateOf(2)]).to.deep.equal([3, "sending at fallback 60", "pending"]);
  });

  it("names all that are lost at the beginning, where the log is known to begin with the first", () => {
    const sent: Step = { kind: Kind.SENDING, of: 2, atMs: 50 };
    const story = new Story("gap", sent, { accept: 4 });
    expect([story.size, story.lost]).to.deep.equal([1, [{ fromSequence: 0, toSequence: 4 }]]);
  });

  it("cannot say how many payments are lost at the end", () => {
    expect(new Story({ accept: 0 }, "gap").lost).to.deep.equal([
      { fromSequence: 1, toSequence: Number.POSITIVE_INFINITY },
    ]);
  });

  it("drops what retention and purges dropped, though how it ended is lost", () => {
    const end: Step = { kind: Kind.FAILED, of: 2, atMs: 40, outcome: Outcome.GAVE_UP };
    for (const kind of [Kind.EVICTED, Kind.PURGED]) {
      const drop: Step = { kind, of: 3, atMs: 50 };
      const story = new Story({ accept: 0 }, "gap", { accept: 2 }, end, drop, { accept: 3 });
      expect([story.size, story.lost, story.suspects]).to.deep.equal([1, [], []]);
    }
  });
});
