import { expect } from "chai";
import { Ledger, MAX_CAPACITY } from "../../../core/ledger/ledger.ts";
import { MAX_DELTA_MS } from "../../../core/ledger/payment-rows.ts";
import { MAX_TRAIL } from "../../../core/ledger/payment-states.ts";
import { NOT_FOUND_SLOT } from "../../../core/ledger/uuid-index.ts";
import { RecordBatch } from "../../../core/log/record.ts";
import * as Kind from "../../../core/log/record-kind.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import { NO_PROCESSOR } from "../../../core/values/processor.ts";
import * as Reason from "../../../core/values/reason.ts";
import * as State from "../../../core/values/state.ts";
import { Book, FOLLOWING, RandomLife, sumOf } from "../../support/book.ts";
import { NOON_MS, uuid } from "../../support/payments.ts";
import { forSeeds } from "../../support/random.ts";
import { DEFAULT, FALLBACK } from "../../support/terms.ts";

/** A book of one payment in the given state. */
function bookIn(state: number): Book {
  const book = new Book(2);
  book.accept(0, uuid(1), 1990, 0);
  if (state !== State.PENDING && state !== State.FAILED) book.write(Kind.SENDING, 0, 10, { processor: DEFAULT });
  if (state === State.IN_DOUBT) book.write(Kind.DOUBTED, 0, 20, { outcome: Outcome.TIMED_OUT });
  if (state === State.PROCESSED) book.write(Kind.PROCESSED, 0, 20, { outcome: Outcome.CHARGED });
  if (state === State.FAILED) book.write(Kind.FAILED, 0, 20, { outcome: Outcome.GAVE_UP });
  expect(book.ledger.rows.state[0]).to.equal(state);
  return book;
}

describe("ledger", () => {
  it("keeps a payment from acceptance to charge", () => {
    const book = new Book(4);
    const { ledger } = book;
    book.accept(0, uuid(7), 1990, 0);
    const slot = ledger.find(uuid(7));
    expect([slot, ledger.rows.state[slot], ledger.rows.cents[slot], ledger.size]).to.deep.equal([
      0,
      State.PENDING,
      1990,
      1,
    ]);
    book.write(Kind.SENDING, 0, 15, { processor: FALLBACK });
    expect([ledger.rows.state[slot], ledger.rows.processor[slot]]).to.deep.equal([State.SENDING, FALLBACK]);
    expect(ledger.rows.requestedAtMs(slot)).to.equal(NOON_MS + 15);
    expect(book.sum()).to.deep.equal([0, 0, 0, 0]);
    book.write(Kind.PROCESSED, 0, 40, { outcome: Outcome.CHARGED, elapsedMs: 25 });
    expect([ledger.rows.state[slot], ledger.rows.outcome[slot]]).to.deep.equal([State.PROCESSED, Outcome.CHARGED]);
    expect(ledger.rows.processedAtMs(slot)).to.equal(NOON_MS + 40);
    expect(book.sum()).to.deep.equal([0, 0, 1, 1990]);
    expect(book.sum(NOON_MS + 15, NOON_MS + 15)).to.deep.equal([0, 0, 1, 1990]);
    expect(book.sum(NOON_MS + 16)).to.deep.equal([0, 0, 0, 0]);
    expect(ledger.trail(slot)).to.deep.equal([]);
  });

  it("keeps the attempts that did not simply succeed, and counts all of them", () => {
    const book = new Book(4);
    book.accept(0, uuid(7), 1990, 0);
    book.write(Kind.SENDING, 0, 10, { processor: DEFAULT, outcome: Reason.CHEAPEST });
    book.write(Kind.REFUSED, 0, 30, { outcome: Outcome.FAILING, elapsedMs: 20 });
    expect([book.ledger.rows.state[0], book.ledger.rows.processor[0]]).to.deep.equal([State.PENDING, NO_PROCESSOR]);
    book.write(Kind.SENDING, 0, 40, { processor: FALLBACK, outcome: Reason.CHEAPER_DOWN });
    book.write(Kind.DOUBTED, 0, 90, { outcome: Outcome.TIMED_OUT, elapsedMs: 50 });
    book.write(Kind.DOUBTED, 0, 200, { outcome: Outcome.NOT_FOUND, elapsedMs: 5 });
    book.write(Kind.PROCESSED, 0, 300, { outcome: Outcome.ALREADY_CHARGED, elapsedMs: 7 });
    expect(book.ledger.trail(0)).to.deep.equal([
      { beganAfterMs: 10, elapsedMs: 20, processor: DEFAULT, outcome: Outcome.FAILING, reason: Reason.CHEAPEST },
      { beganAfterMs: 40, elapsedMs: 50, processor: FALLBACK, outcome: Outcome.TIMED_OUT, reason: Reason.CHEAPER_DOWN },
      { beganAfterMs: 195, elapsedMs: 5, processor: FALLBACK, outcome: Outcome.NOT_FOUND, reason: Reason.CHEAPER_DOWN },
      {
        beganAfterMs: 293,
        elapsedMs: 7,
        processor: FALLBACK,
        outcome: Outcome.ALREADY_CHARGED,
        reason: Reason.CHEAPER_DOWN,
      },
    ]);
    expect([book.ledger.rows.attemptCount[0], book.ledger.rows.requestedAtMs(0)]).to.deep.equal([2, NOON_MS + 40]);
    expect(book.sum()).to.deep.equal([0, 0, 1, 1990]);
  });

  it("shows the newest attempts of a payment with many, and counts to 255", () => {
    const book = new Book(1);
    book.accept(0, uuid(1), 1, 0);
    for (let i = 0; i < 300; i++) {
      book.write(Kind.SENDING, 0, i, { processor: DEFAULT });
      book.write(Kind.REFUSED, 0, i, { outcome: Outcome.FAILING });
    }
    const trail = book.ledger.trail(0);
    expect([trail.length, trail[0]!.beganAfterMs, trail.at(-1)!.beganAfterMs]).to.deep.equal([MAX_TRAIL, 268, 299]);
    expect(book.ledger.rows.attemptCount[0]).to.equal(255);
  });

  it("takes a record in the states it can follow, and throws in all others without a change", () => {
    for (const state of [State.PENDING, State.SENDING, State.IN_DOUBT, State.PROCESSED, State.FAILED]) {
      for (const kind of [Kind.SENDING, Kind.REFUSED, Kind.DOUBTED, Kind.PROCESSED, Kind.FAILED, Kind.SENT]) {
        const book = bookIn(state);
        const write = () => book.write(kind, 0, 50, { processor: DEFAULT, outcome: Outcome.FOUND });
        const after = FOLLOWING[state]![kind];
        const name = `kind ${kind} in state ${State.NAMES[state]}`;
        if (after === undefined) expect(write, name).to.throw("records follow the life of a payment: slot=0");
        else write();
        expect(book.ledger.rows.state[0], name).to.equal(after ?? state);
        expect(book.ledger.countIn(after ?? state), name).to.equal(1);
        expect(book.sum()[0], name).to.equal((after ?? state) === State.PROCESSED ? 1 : 0);
      }
    }
  });

  it("takes an attempt that came to light for the only one, at its processor and time", () => {
    const book = bookIn(State.IN_DOUBT);
    const { ledger } = book;
    book.write(Kind.SENT, 0, 15, { processor: FALLBACK, outcome: Outcome.FOUND });
    book.write(Kind.PROCESSED, 0, 40, { outcome: Outcome.FOUND });
    expect([ledger.rows.processor[0], ledger.rows.requestedAtMs(0)]).to.deep.equal([FALLBACK, NOON_MS + 15]);
    expect(book.sum(NOON_MS + 15, NOON_MS + 15)).to.deep.equal([0, 0, 1, 1990]);
    expect(sumOf(book.replayed(), NOON_MS + 15, NOON_MS + 15)).to.deep.equal([0, 0, 1, 1990]);
    expect(Ledger.isRevertible(Kind.SENT)).to.equal(false);
  });

  it("moves the acceptance back to an attempt that was before it, to the millisecond, however long before", () => {
    for (const beforeMs of [1, 1999, 60 * 86_400_000]) {
      const book = bookIn(State.PENDING);
      book.write(Kind.SENT, 0, -beforeMs, { processor: DEFAULT, outcome: Outcome.FOUND });
      book.write(Kind.PROCESSED, 0, 40, { outcome: Outcome.FOUND });
      const { rows } = book.ledger;
      expect([rows.acceptedAtMs[0], rows.requestedAtMs(0)]).to.deep.equal([NOON_MS - beforeMs, NOON_MS - beforeMs]);
      expect(book.sum(NOON_MS - beforeMs, NOON_MS - beforeMs)).to.deep.equal([1, 1990, 0, 0]);
    }
  });

  it("throws for records that do not fit: out of sequence, of nobody, of no kind", () => {
    const book = new Book(2);
    expect(() => book.accept(1, uuid(1), 1, 0)).to.throw("payments are accepted in sequence: sequence=1 head=0");
    book.accept(0, uuid(1), 1, 0);
    expect(() => book.accept(0, uuid(2), 1, 0)).to.throw("payments are accepted in sequence");
    expect(() => book.write(Kind.SENDING, 1, 0, { processor: DEFAULT })).to.throw(
      "records speak of kept payments: sequence=1",
    );
    expect(() => book.write(99, 0, 0)).to.throw("a record is of a known kind: kind=99");
    expect([book.ledger.size, book.ledger.countIn(State.PENDING)]).to.deep.equal([1, 1]);
  });

  it("is full at its capacity, and one more is a broken invariant", () => {
    for (const capacity of [1, 2, 3, 64]) {
      const book = new Book(capacity);
      for (let n = 0; n < capacity; n++) {
        expect(book.ledger.isFull).to.equal(false);
        book.accept(n, uuid(n), 1, n);
      }
      expect(book.ledger.isFull).to.equal(true);
      expect(() => book.accept(capacity, uuid(999), 1, 0)).to.throw("payments are accepted in sequence");
      for (let n = 0; n < capacity; n++) expect(book.ledger.find(uuid(n))).to.equal(n);
    }
  });

  it("has a capacity of 1 to 2^26 payments", () => {
    for (const capacity of [0, -1, 1.5, Number.NaN, MAX_CAPACITY + 1]) {
      expect(() => new Ledger(capacity, 0, 2)).to.throw(
        `capacity is 1 to ${MAX_CAPACITY} payments: capacity=${capacity}`,
      );
    }
  });

  it("goes on in the ring of rows after a purge, and forgets all that was", () => {
    const book = new Book(3);
    const { ledger } = book;
    for (let n = 0; n < 2; n++) book.accept(n, uuid(n), 100, n);
    book.write(Kind.SENDING, 0, 5, { processor: DEFAULT });
    book.write(Kind.PROCESSED, 0, 6, { outcome: Outcome.CHARGED });
    book.write(Kind.PURGED, 2, 10);
    expect([ledger.size, ledger.tail, ledger.head, ledger.find(uuid(0)), ledger.find(uuid(1))]).to.deep.equal([
      0,
      2,
      2,
      NOT_FOUND_SLOT,
      NOT_FOUND_SLOT,
    ]);
    expect([book.sum(), ledger.countIn(State.PENDING), ledger.countIn(State.PROCESSED)]).to.deep.equal([
      [0, 0, 0, 0],
      0,
      0,
    ]);
    expect(() => book.write(Kind.SENDING, 1, 11, { processor: DEFAULT })).to.throw("records speak of kept payments");
    for (let n = 2; n < 5; n++) book.accept(n, uuid(n), 100, n);
    expect([2, 3, 4].map((n) => ledger.find(uuid(n)))).to.deep.equal([2, 0, 1]);
    expect([2, 0, 1].map((slot) => ledger.sequenceOf(slot))).to.deep.equal([2, 3, 4]);
    expect([1, 2, 4, 5].map((sequence) => ledger.isKept(sequence))).to.deep.equal([false, true, true, false]);
    expect(ledger.isFull).to.equal(true);
  });

  it("leaves nothing of a purged payment in the row of the next one", () => {
    const book = new Book(1);
    book.accept(0, uuid(0), 100, 0);
    book.write(Kind.SENDING, 0, 5, { processor: FALLBACK });
    book.write(Kind.DOUBTED, 0, 6, { outcome: Outcome.TIMED_OUT });
    book.write(Kind.PROCESSED, 0, 700, { outcome: Outcome.FOUND });
    book.write(Kind.PURGED, 1, 800);
    book.accept(1, uuid(0), 200, 900);
    const { rows } = book.ledger;
    expect([rows.state[0], rows.processor[0], rows.outcome[0], rows.attemptCount[0], rows.cents[0]]).to.deep.equal([
      State.PENDING,
      NO_PROCESSOR,
      Outcome.NONE,
      0,
      200,
    ]);
    expect(book.ledger.trail(0)).to.deep.equal([]);
  });

  it("keeps a requestedAt up to 49 days after acceptance, and throws beyond", () => {
    const book = new Book(1);
    book.accept(0, uuid(0), 1, 0);
    expect(() => book.write(Kind.SENDING, 0, MAX_DELTA_MS + 1, { processor: DEFAULT })).to.throw(
      "requestedAt within 49 days",
    );
    book.write(Kind.SENDING, 0, MAX_DELTA_MS, { processor: DEFAULT });
    expect(book.ledger.rows.requestedAtMs(0)).to.equal(NOON_MS + MAX_DELTA_MS);
    book.write(Kind.DOUBTED, 0, MAX_DELTA_MS, { outcome: Outcome.TIMED_OUT });
    book.write(Kind.PROCESSED, 0, MAX_DELTA_MS * 3, { outcome: Outcome.FOUND });
    expect(book.ledger.rows.processedAtMs(0)).to.equal(NOON_MS + MAX_DELTA_MS * 2);
    expect(book.sum(NOON_MS + MAX_DELTA_MS, NOON_MS + MAX_DELTA_MS)[0]).to.equal(1);
  });

  it("needs no more than 64 bytes a payment when full, everything included", () => {
    const book = new Book(3072);
    for (let n = 0; n < 3072; n++) {
      book.accept(n, uuid(n), 1, n);
      book.write(Kind.SENDING, n, n, { processor: DEFAULT });
      book.write(Kind.PROCESSED, n, n, { outcome: Outcome.CHARGED });
    }
    expect(book.ledger.bytesPerPayment).to.be.within(44 + 4 / 0.75 + 4, 64);
  });
});

describe("ledger: taking back", () => {
  /** Applies records to the ledger without the log. */
  function turn(book: Book) {
    const batch = new RecordBatch(8);
    const { ledger } = book;
    return {
      accept: (sequence: number, n: number) => {
        const record = batch.appendAccepted(sequence, NOON_MS, uuid(n), 0, 100);
        ledger.apply(batch, record);
        return record;
      },
      send: (sequence: number, atMs: number) => {
        const record = batch.append(Kind.SENDING, sequence, NOON_MS + atMs, DEFAULT, Reason.CHEAPEST, 0);
        ledger.apply(batch, record);
        return record;
      },
      revert: (record: number) => ledger.revert(batch, record),
    };
  }

  it("makes an accepted payment unknown and its sequence free", () => {
    const book = new Book(2);
    const { accept, revert } = turn(book);
    accept(0, 7);
    const second = accept(1, 8);
    expect(revert(second)).to.equal(1);
    expect([book.ledger.find(uuid(8)), book.ledger.head, book.ledger.countIn(State.PENDING)]).to.deep.equal([
      NOT_FOUND_SLOT,
      1,
      1,
    ]);
    accept(1, 9);
    expect([book.ledger.find(uuid(9)), book.ledger.find(uuid(7)), book.ledger.isFull]).to.deep.equal([1, 0, true]);
  });

  it("makes a payment pending again that was to be sent", () => {
    const book = new Book(2);
    const { accept, send, revert } = turn(book);
    accept(0, 7);
    expect(revert(send(0, 10))).to.equal(0);
    const { rows } = book.ledger;
    expect([rows.state[0], rows.processor[0], rows.attemptCount[0]]).to.deep.equal([State.PENDING, NO_PROCESSOR, 0]);
    send(0, 20);
    expect([rows.requestedAtMs(0), rows.attemptCount[0]]).to.deep.equal([NOON_MS + 20, 1]);
  });

  it("leaves a payment as its log has it, also one that was refused before", () => {
    const book = new Book(1);
    book.accept(0, uuid(7), 100, 0);
    book.write(Kind.SENDING, 0, 1, { processor: FALLBACK, outcome: Reason.CHEAPER_DOWN });
    book.write(Kind.REFUSED, 0, 2, { outcome: Outcome.FAILING, elapsedMs: 1 });
    const { send, revert } = turn(book);
    const sent = send(0, 10);
    expect(book.ledger.rows.reason[0]).to.equal(Reason.CHEAPEST);
    revert(sent);
    const { rows } = book.replayed();
    for (const column of ["state", "processor", "reason", "attemptCount", "outcome"] as const)
      expect(book.ledger.rows[column][0], column).to.equal(rows[column][0]);
  });

  it("goes newest first, and only while nothing has come of it", () => {
    const book = new Book(3);
    const { accept, send, revert } = turn(book);
    const [first, second] = [accept(0, 7), accept(1, 8)];
    expect(() => revert(first)).to.throw("records are reverted newest first: head=2");
    const sent = send(1, 5);
    expect(() => revert(second)).to.throw("records follow the life of a payment: slot=1 state=sending");
    book.write(Kind.PROCESSED, 1, 6, { outcome: Outcome.CHARGED });
    expect(() => revert(sent)).to.throw("records follow the life of a payment: slot=1 state=processed");
  });
});

describe("ledger under random records", () => {
  it("agrees with a list of payments, and so does a second ledger made of its log", () => {
    forSeeds(25, (random) => {
      const life = new RandomLife(random);
      for (let step = 0; step < 1200; step++) {
        life.step();
        if (step % 100 === 0) life.expectSame(life.book.ledger);
      }
      life.expectSame(life.book.ledger);
      life.expectSame(life.book.replayed());
    });
  });
});

describe("record kinds", () => {
  it("are all different", () => {
    const kinds = [
      Kind.ACCEPTED,
      Kind.SENDING,
      Kind.REFUSED,
      Kind.DOUBTED,
      Kind.PROCESSED,
      Kind.FAILED,
      Kind.PURGED,
      Kind.SLICE,
      Kind.EVICTED,
      Kind.SENT,
    ];
    expect(new Set(kinds).size).to.equal(kinds.length);
  });
});
