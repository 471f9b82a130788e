import { expect } from "chai";
import * as Kind from "../../../core/log/record-kind.ts";
import type { HandWord } from "../../../core/settling/settlement.ts";
import * as State from "../../../core/values/state.ts";
import type { HandAnswer } from "../../../server/doubts/doubt-desk.ts";
import { stuckCount } from "../../../server/meters/doubt-counts.ts";
import { paymentView } from "../../../server/payments/payment-view.ts";
import { DoubtLife } from "../../support/doubt-life.ts";
import { NOON_MS, wordsOf } from "../../support/engine-life.ts";
import { beginRestored, GRACE_MS, idOf, inquiryAbout } from "../../support/restored-life.ts";

const at = (ms: number): string => new Date(NOON_MS + ms).toISOString();

/** With payments 1 (pending), 2 and 3 (in doubt) held, when the grace is over. */
function holding(): DoubtLife {
  const life = beginRestored(new DoubtLife(), { watchUntilMs: Number.POSITIVE_INFINITY });
  life.nowMs = GRACE_MS;
  life.commit.commit();
  return life;
}

function say(life: DoubtLife, n: number, word: HandWord, asOfMs?: number): Promise<HandAnswer> {
  return life.desk.settle(wordsOf(idOf(n)), { word, asOfMs: asOfMs === undefined ? undefined : NOON_MS + asOfMs });
}

describe("held payments as operators see them", () => {
  it("are listed behind those in doubt, with what is known of them, and counted", async () => {
    const life = holding();
    const { doubts, ...all } = await life.list();
    expect(all).to.deep.equal({ now: at(GRACE_MS), settledUntil: at(3), total: 3, held: 3, stuck: 0 });
    expect(doubts.map(({ correlationId }) => correlationId)).to.deep.equal([3, 2, 1].map(idOf));
    const { id, ...pending } = doubts[2]!;
    expect(life.engine.lookup(wordsOf(id))).to.equal(life.engine.lookup(wordsOf(idOf(1))));
    expect(pending).to.deep.equal({
      correlationId: idOf(1),
      amount: 1,
      processor: null,
      requestedAt: null,
      held: true,
      ageMs: GRACE_MS - 100,
      asked: null,
      answered: null,
      beingAsked: false,
      lastSentAt: null,
      lastOutcome: "none",
      mayLand: false,
      stuck: false,
      boundsSettledUntil: false,
    });
    expect(doubts[0]).to.include({ processor: "default", requestedAt: at(13), held: true, boundsSettledUntil: true });
  });

  it("come on the same pages", async () => {
    const life = holding();
    life.engine.release(inquiryAbout(life, 2), NOON_MS + GRACE_MS);
    const pages = await Promise.all([life.list(2, 0), life.list(2, 2), life.list(2, 3), life.list(0, 0)]);
    const listed = pages.map(({ doubts }) => doubts.map(({ correlationId }) => correlationId));
    expect(listed).to.deep.equal([[2, 3].map(idOf), [idOf(1)], [], []]);
    expect(pages.map(({ total, held }) => [total, held])).to.deep.equal(pages.map(() => [3, 2]));
    expect(pages[0]!.doubts.map(({ held }) => held)).to.deep.equal([false, true]);
  });

  it("are stuck after five minutes, and say so wherever a payment does", async () => {
    const life = holding();
    const slot = life.engine.lookup(wordsOf(idOf(1)));
    expect(JSON.parse(paymentView(life.engine, slot))).to.include({ state: "pending", held: true, stuck: false });
    life.nowMs = 300_101;
    const { stuck, doubts } = await life.list();
    expect([stuck, doubts.every((doubt) => doubt.stuck), stuckCount(life.engine, NOON_MS + 300_101)]).to.deep.equal([
      3,
      true,
      3,
    ]);
    expect(JSON.parse(paymentView(life.engine, slot))).to.include({ held: true, stuck: true });
    life.engine.release(inquiryAbout(life, 1), NOON_MS + 300_101);
    expect(JSON.parse(paymentView(life.engine, slot))).to.not.have.any.keys("held", "stuck");
  });
});

describe("an operator's word on a held payment, at the desk", () => {
  it("is in the journal, counted and logged", async () => {
    const life = holding();
    const answer = await say(life, 3, "charged");
    if (answer.kind !== "settled") throw new Error(answer.kind);
    expect(JSON.parse(answer.json)).to.include({ state: "processed", processor: "default", requestedAt: at(13) });
    expect(life.disk.kinds.at(-1)).to.equal(Kind.PROCESSED);
    expect([life.meters.processed[0], Array.from(life.meters.settledByHand)]).to.deep.equal([1, [1, 0, 0]]);
    const line = JSON.parse(life.logged.at(-1)!);
    expect(line).to.include({ msg: "held payment settled by hand", processor: "default", requestedAt: at(13) });
  });

  it("fails one that is bound nowhere, and says nothing of a processor", async () => {
    const life = holding();
    expect((await say(life, 1, "failed")).kind).to.equal("settled");
    expect([life.disk.kinds.at(-1), life.meters.gaveUpCount]).to.deep.equal([Kind.FAILED, 1]);
    expect(JSON.parse(life.logged.at(-1)!)).to.not.have.any.keys("processor", "requestedAt");
  });

  it("said again is answered the same, and done once", async () => {
    const life = holding();
    for (const [n, word] of [
      [1, "not charged"],
      [2, "charged"],
      [3, "failed"],
    ] as const) {
      const first = await say(life, n, word);
      expect(first.kind).to.equal("settled");
      const count = life.disk.kinds.length;
      expect(await say(life, n, word)).to.deep.equal(first);
      expect(life.disk.kinds).to.have.length(count);
    }
  });

  it("is refused where it cannot be true, or not yet", async () => {
    const life = holding();
    expect(await say(life, 1, "charged")).to.deep.equal({ kind: "at no processor" });
    const early = { kind: "may land", untilMs: NOON_MS + GRACE_MS };
    expect(await say(life, 1, "not charged", GRACE_MS - 1)).to.deep.equal(early);
    expect(await say(life, 3, "charged", 13)).to.deep.equal({ kind: "sent since", sentAtMs: NOON_MS + 13 });
    life.nowMs = GRACE_MS - 1;
    expect(await say(life, 1, "not charged")).to.deep.equal(early);
    inquiryAbout(life, 1);
    expect(await say(life, 1, "failed")).to.deep.equal({ kind: "being asked about" });
    expect([life.engine.held!.count, life.engine.ledger.countIn(State.PENDING)]).to.deep.equal([3, 1]);
  });

  it("at which the journal fails counts once it can be written", async () => {
    const life = holding();
    life.disk.isFull = true;
    expect(await say(life, 1, "failed")).to.deep.equal({ kind: "not written" });
    expect(life.disk.kinds).to.not.include(Kind.FAILED);
    life.disk.isFull = false;
    life.commit.retry();
    expect((await say(life, 1, "failed")).kind).to.equal("settled");
    expect(life.disk.kinds.filter((kind) => kind === Kind.FAILED)).to.have.length(1);
  });
});
