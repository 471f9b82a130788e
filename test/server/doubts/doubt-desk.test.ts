import { expect } from "chai";
import * as Kind from "../../../core/log/record-kind.ts";
import { HAND_WORDS, type HandWord } from "../../../core/settling/settlement.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import * as State from "../../../core/values/state.ts";
import type { HandAnswer } from "../../../server/doubts/doubt-desk.ts";
import { paymentView } from "../../../server/payments/payment-view.ts";
import { DoubtLife } from "../../support/doubt-life.ts";
import { NOON_MS, wordsOf } from "../../support/engine-life.ts";

const ID = "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3";
const at = (ms: number): string => new Date(NOON_MS + ms).toISOString();
const idOf = (n: number): string => ID.replace(/^./, n.toString(16));

function say(life: DoubtLife, word: HandWord, asOfMs?: number): Promise<HandAnswer> {
  return life.desk.settle(wordsOf(ID), { word, asOfMs: asOfMs === undefined ? undefined : NOON_MS + asOfMs });
}

function sums({ engine }: DoubtLife): number[] {
  const totals = new Float64Array(4);
  engine.ledger.sum(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, totals);
  return Array.from(totals);
}

describe("payments in doubt as operators see them", () => {
  it("are listed with what is known of them", async () => {
    const life = new DoubtLife();
    life.doubtful(10, ID);
    life.askInVain(3);
    life.nowMs = 5000;
    const { doubts, ...all } = await life.list();
    expect(all).to.deep.equal({ now: at(5000), settledUntil: at(10), total: 1, held: 0, stuck: 0 });
    const { id, ...doubt } = doubts[0]!;
    expect(life.engine.lookup(wordsOf(id))).to.equal(0);
    expect(doubt).to.deep.equal({
      correlationId: ID,
      amount: 19.9,
      processor: "default",
      requestedAt: at(10),
      held: false,
      ageMs: 4990,
      asked: 3,
      answered: 3,
      beingAsked: false,
      lastSentAt: at(10),
      lastOutcome: "unreadable charge",
      mayLand: false,
      stuck: false,
      boundsSettledUntil: true,
    });
  });

  it("are those alone, also while one is being asked about", async () => {
    const life = new DoubtLife();
    life.doubtful(10, ID);
    life.nextAskMs(11);
    life.accept(20, idOf(1), 100);
    life.send(20);
    life.accept(21, idOf(2), 100);
    const { doubts, total } = await life.list();
    expect([total, doubts.map(({ correlationId }) => correlationId)]).to.deep.equal([1, [ID]]);
    expect(doubts[0]).to.include({ beingAsked: true, asked: 1, answered: 0 });
  });

  it("say whether an attempt may land yet, and when the last was sent", async () => {
    const life = new DoubtLife();
    life.doubtful(10, ID, Outcome.TIMED_OUT);
    expect((await life.list()).doubts[0]).to.include({ mayLand: true, lastSentAt: at(10), lastOutcome: "timed out" });
    life.settle(life.nextAskMs(11), life.lastFlight, Outcome.TIMED_OUT);
    const postAtMs = life.nextAskMs(200);
    expect((await life.list()).doubts[0]).to.include({ lastSentAt: at(postAtMs), beingAsked: true });
  });

  it("come page by page, the earliest requestedAt first, counted in full", async () => {
    const life = new DoubtLife();
    life.manyDoubtful([0, 1, 2, 3, 4, 5, 6].map(idOf), 20);
    const pages = await Promise.all([life.list(3, 0), life.list(3, 3), life.list(3, 6), life.list(3, 9)]);
    expect(pages.map(({ doubts }) => doubts.map(({ correlationId }) => correlationId))).to.deep.equal([
      [0, 1, 2].map(idOf),
      [3, 4, 5].map(idOf),
      [6].map(idOf),
      [],
    ]);
    expect(pages.map(({ total }) => total)).to.deep.equal([7, 7, 7, 7]);
    const bounding = pages.flatMap(({ doubts }) => doubts).filter(({ boundsSettledUntil }) => boundsSettledUntil);
    expect(bounding.map(({ correlationId }) => correlationId)).to.deep.equal([idOf(0)]);
  });

  it("are stuck once the processor has answered 16 times in vain, or when they are old", async () => {
    const life = new DoubtLife();
    const slot = life.doubtful(10, ID);
    life.askInVain(15);
    expect([(await life.list()).stuck, JSON.parse(paymentView(life.engine, slot)).stuck]).to.deep.equal([0, false]);
    life.askInVain(1);
    expect([(await life.list()).stuck, JSON.parse(paymentView(life.engine, slot)).stuck]).to.deep.equal([1, true]);
    const old = new DoubtLife();
    old.doubtful(10, ID, Outcome.TIMED_OUT);
    old.nowMs = 300_010;
    expect((await old.list()).stuck).to.equal(0);
    old.nowMs++;
    expect((await old.list()).doubts[0]).to.include({ stuck: true });
  });
});

describe("an operator's word", () => {
  const effects = {
    charged: { state: State.PROCESSED, kind: Kind.PROCESSED, sums: [1, 1990, 0, 0], view: "processed" },
    "not charged": { state: State.PENDING, kind: Kind.REFUSED, sums: [0, 0, 0, 0], view: "pending" },
    failed: { state: State.FAILED, kind: Kind.FAILED, sums: [0, 0, 0, 0], view: "failed" },
  } as const;
  for (const word of HAND_WORDS) {
    it(`settles the payment in the journal, and is counted and logged: ${word}`, async () => {
      const life = new DoubtLife();
      const slot = life.doubtful(10, ID);
      life.nowMs = 700;
      const answer = await say(life, word);
      const effect = effects[word];
      expect(life.disk.kinds.at(-1)).to.equal(effect.kind);
      expect([life.engine.ledger.rows.state[slot], sums(life)]).to.deep.equal([effect.state, effect.sums]);
      if (answer.kind !== "settled") throw new Error(answer.kind);
      expect(JSON.parse(answer.json)).to.include({ correlationId: ID, state: effect.view });
      expect(life.engine.settledUntilMs(NOON_MS + 800)).to.equal(NOON_MS + 800);
      expect(Array.from(life.meters.settledByHand)).to.deep.equal(HAND_WORDS.map((one) => (one === word ? 1 : 0)));
      expect([life.meters.processed[0], life.meters.failed[0]]).to.deep.equal([
        word === "charged" ? 1 : 0,
        word === "failed" ? 1 : 0,
      ]);
      const line = JSON.parse(life.logged.at(-1)!);
      expect(line).to.include({ level: 40, correlationId: ID, processor: "default", requestedAt: at(10), word });
    });

    it(`is answered the same when it is said again, and done once: ${word}`, async () => {
      const life = new DoubtLife();
      life.doubtful(10, ID);
      const first = await say(life, word);
      const written = life.disk.kinds.length;
      expect(await say(life, word)).to.deep.equal(first);
      expect([life.disk.kinds.length, Array.from(life.meters.settledByHand)]).to.deep.equal([
        written,
        HAND_WORDS.map((one) => (one === word ? 1 : 0)),
      ]);
    });
  }

  it("is taken for a payment id as well", async () => {
    const life = new DoubtLife();
    life.doubtful(10, ID);
    const { id } = (await life.list()).doubts[0]!;
    expect((await life.desk.settle(wordsOf(id), { word: "failed", asOfMs: undefined })).kind).to.equal("settled");
  });

  it("is refused for what is not known, or not in doubt", async () => {
    const life = new DoubtLife();
    expect(await say(life, "charged")).to.deep.equal({ kind: "unknown" });
    life.doubtful(10, ID);
    life.settle(life.nextAskMs(11), life.lastFlight, Outcome.FOUND);
    expect(await say(life, "charged")).to.deep.equal({ kind: "not in doubt", state: "processed" });
    expect(await say(life, "not charged")).to.deep.equal({ kind: "not in doubt", state: "processed" });
  });

  it("is refused while the processor is being asked", async () => {
    const life = new DoubtLife();
    const slot = life.doubtful(10, ID);
    life.nextAskMs(11);
    for (const word of HAND_WORDS) expect(await say(life, word)).to.deep.equal({ kind: "being asked about" });
    expect(life.engine.ledger.rows.state[slot]).to.equal(State.IN_DOUBT);
  });

  it("is refused when the payment went out after the processor was asked: nothing is charged twice", async () => {
    const life = new DoubtLife();
    life.doubtful(10, ID, Outcome.TIMED_OUT);
    life.settle(life.nextAskMs(11), life.lastFlight, Outcome.TIMED_OUT);
    const postAtMs = life.nextAskMs(200);
    life.settle(postAtMs + 50, life.lastFlight, Outcome.TIMED_OUT);
    life.commit.commit();
    for (const asOfMs of [10, postAtMs - 1, postAtMs]) {
      expect(await say(life, "not charged", asOfMs)).to.deep.equal({
        kind: "sent since",
        sentAtMs: NOON_MS + postAtMs,
      });
    }
    // A charge seen there stands, whatever was sent later; but not one seen before the payment went there at all.
    expect(await say(life, "charged", 10)).to.deep.equal({ kind: "sent since", sentAtMs: NOON_MS + 10 });
    expect((await say(life, "charged", 11)).kind).to.equal("settled");
  });

  it("that nothing was charged counts once it was seen after the last attempt", async () => {
    const life = new DoubtLife();
    life.doubtful(10, ID, Outcome.TIMED_OUT);
    expect((await say(life, "not charged", 11)).kind).to.equal("settled");
  });

  it("that nothing was charged counts only as of now after a restart: what left before it is not known", async () => {
    const life = new DoubtLife();
    life.doubtful(10, ID, Outcome.TIMED_OUT);
    life.engine.flights.orphanAll();
    life.engine.resume(NOON_MS + 500);
    expect(await say(life, "not charged", 499)).to.deep.equal({ kind: "sent since", sentAtMs: NOON_MS + 500 });
    expect((await life.list()).doubts[0]).to.include({ lastSentAt: null });
    expect((await say(life, "not charged", 501)).kind).to.equal("settled");
  });

  it("is refused while nothing can be written, or the instance is closing, and changes nothing", async () => {
    const life = new DoubtLife();
    const slot = life.doubtful(10, ID);
    life.disk.isFull = true;
    life.accept(20, idOf(1), 100);
    expect(await say(life, "charged")).to.deep.equal({ kind: "refused", reason: "journal_failing" });
    expect(await say(life, "charged")).to.deep.equal({ kind: "refused", reason: "journal_failing" });
    life.disk.isFull = false;
    life.commit.retry();
    life.service.beginClosing();
    expect(await say(life, "charged")).to.deep.equal({ kind: "refused", reason: "shutting_down" });
    expect(life.engine.ledger.rows.state[slot]).to.equal(State.IN_DOUBT);
  });

  it("at which the journal fails is said not to be written, shows nowhere, and counts once it can be", async () => {
    const life = new DoubtLife();
    life.doubtful(10, ID);
    life.disk.isFull = true;
    expect(await say(life, "charged")).to.deep.equal({ kind: "not written" });
    expect(await life.desks.list({ limit: 1, offset: 0 })).to.equal("unsafe");
    expect(life.disk.kinds).to.not.include(Kind.PROCESSED);
    life.disk.isFull = false;
    life.commit.retry();
    expect((await say(life, "charged")).kind).to.equal("settled");
    expect(life.disk.kinds.filter((kind) => kind === Kind.PROCESSED)).to.have.length(1);
  });
});
