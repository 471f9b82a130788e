import { expect } from "chai";
import * as Outcome from "../../../core/values/outcome.ts";
import { paymentView } from "../../../server/payments/payment-view.ts";
import { EngineLife, wordsOf } from "../../support/engine-life.ts";

const ID = "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3";
const at = (ms: number): string => `2025-07-15T12:00:00.${String(ms).padStart(3, "0")}Z`;

type View = Record<string, unknown>;

function viewOf({ engine }: EngineLife, slot: number): View {
  return JSON.parse(paymentView(engine, slot)) as View;
}

describe("payment view", () => {
  it("shows a payment that waits", () => {
    const life = new EngineLife();
    const { id, ...view } = viewOf(life, life.accept(5, ID, 1990));
    expect(view).to.deep.equal({
      correlationId: ID,
      amount: 19.9,
      state: "pending",
      processor: null,
      acceptedAt: at(5),
      requestedAt: null,
      processedAt: null,
      attemptCount: 0,
      attempts: [],
    });
    expect(id).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it("shows an id by which the payment is found", () => {
    const life = new EngineLife({ partition: 1 });
    const slot = life.accept(5, ID, 1990);
    expect(life.engine.lookup(wordsOf(String(viewOf(life, slot)["id"])))).to.equal(slot);
  });

  it("writes the amount with its two decimals", () => {
    const life = new EngineLife();
    for (const [i, [cents, text]] of (
      [
        [1, "0.01"],
        [1990, "19.90"],
        [100_000_000, "1000000.00"],
      ] as const
    ).entries()) {
      const slot = life.accept(0, ID.replace(/^./, `${i}`), cents);
      expect(paymentView(life.engine, slot)).to.contain(`"amount":${text},`);
    }
  });

  it("shows a payment on its way", () => {
    const life = new EngineLife();
    const slot = life.accept(5, ID, 1990);
    life.send(7);
    expect(viewOf(life, slot)).to.deep.include({
      state: "sending",
      processor: "default",
      requestedAt: at(7),
      processedAt: null,
      attemptCount: 1,
      attempts: [{ time: at(7), processor: "default", reason: "cheapest", outcome: "in flight", ms: null }],
    });
  });

  it("shows a processed payment, with the requestedAt that was sent", () => {
    const life = new EngineLife();
    const slot = life.accept(5, ID, 1990);
    life.settle(19, life.send(7), Outcome.CHARGED);
    expect(viewOf(life, slot)).to.deep.include({
      state: "processed",
      processor: "default",
      requestedAt: at(7),
      processedAt: at(19),
      attempts: [{ time: at(7), processor: "default", reason: "cheapest", outcome: "charged", ms: 12 }],
    });
  });

  it("shows every attempt of a payment that was refused, oldest first", () => {
    const life = new EngineLife();
    const slot = life.accept(0, ID, 1990);
    life.settle(10, life.send(1), Outcome.FAILING);
    expect(viewOf(life, slot)).to.deep.include({ state: "pending", processor: null, requestedAt: null });
    life.settle(30, life.send(20), Outcome.UNREACHABLE);
    life.settle(250, life.send(240), Outcome.CHARGED);
    const { attempts, ...view } = viewOf(life, slot);
    expect(view).to.deep.include({ state: "processed", requestedAt: at(240), processedAt: at(250), attemptCount: 3 });
    expect(attempts).to.deep.equal([
      { time: at(1), processor: "default", reason: "cheapest", outcome: "failing", ms: 9 },
      { time: at(20), processor: "fallback", reason: "overdue", outcome: "unreachable", ms: 10 },
      { time: at(240), processor: view["processor"], reason: "probe", outcome: "charged", ms: 10 },
    ]);
  });

  it("shows a doubt, and how it was resolved at the same requestedAt", () => {
    const life = new EngineLife();
    const slot = life.accept(0, ID, 1990);
    life.settle(200, life.send(1), Outcome.TIMED_OUT);
    const doubt = { processor: "default", requestedAt: at(1) };
    const timeout = { time: at(1), processor: "default", reason: "cheapest", outcome: "timed out", ms: 199 };
    expect(viewOf(life, slot)).to.deep.include({ state: "in doubt", ...doubt, processedAt: null, attempts: [timeout] });
    life.settle(620, life.send(600), Outcome.FOUND);
    expect(viewOf(life, slot)).to.deep.include({ state: "processed", ...doubt, processedAt: at(620) });
    expect(viewOf(life, slot)["attempts"]).to.deep.equal([
      timeout,
      { time: at(600), processor: "default", reason: "cheapest", outcome: "found charged", ms: 20 },
    ]);
  });

  it("shows a payment that was given up, with what had been tried", () => {
    const life = new EngineLife({ giveUpAfterMs: 500 });
    const slot = life.accept(0, ID, 1990);
    life.settle(10, life.send(1), Outcome.FAILING);
    const failed: number[] = [];
    life.engine.batch.clear();
    life.engine.giveUpOld(life.engine.nowMs + 600, (given) => failed.push(given));
    expect(failed).to.deep.equal([slot]);
    expect(viewOf(life, slot)).to.deep.include({
      state: "failed",
      processor: null,
      requestedAt: null,
      processedAt: null,
      attempts: [{ time: at(1), processor: "default", reason: "cheapest", outcome: "failing", ms: 9 }],
    });
  });

  it("shows a payment that somebody else has charged", () => {
    const life = new EngineLife();
    const slot = life.accept(0, ID, 1990);
    life.settle(10, life.send(1), Outcome.ALREADY_CHARGED);
    life.settle(15, life.send(11), Outcome.FOREIGN);
    expect(viewOf(life, slot)).to.deep.include({
      state: "failed",
      processedAt: null,
      attempts: [
        { time: at(1), processor: "default", reason: "cheapest", outcome: "already charged", ms: 9 },
        { time: at(11), processor: "default", reason: "cheapest", outcome: "charged by another", ms: 4 },
      ],
    });
  });

  it("shows a charge that an operator vouched for once", () => {
    const life = new EngineLife();
    const slot = life.accept(0, ID, 1990);
    life.settle(200, life.send(1), Outcome.TIMED_OUT);
    expect(life.engine.settleByHand(slot, "charged", life.engine.nowMs + 50)).to.equal("settled");
    const { state, attempts } = viewOf(life, slot) as { state: string; attempts: { outcome: string }[] };
    expect([state, attempts.map(({ outcome }) => outcome)]).to.deep.equal([
      "processed",
      ["timed out", "settled by hand"],
    ]);
  });
});
