import { expect } from "chai";
import type { DoubtListing } from "../../server/doubts/doubt-listing.ts";
import { chargesOf, newPayment, type Payment, pay, payMany, untilState, viewOf } from "./payments.ts";
import { RestoredService } from "./restored-service.ts";
import { scrape, sumOf } from "./scrape.ts";
import { ROLES, type Role } from "./service.ts";
import { countOf, summaryOf } from "./summaries.ts";
import { until } from "./until.ts";
import { LOST_AFTER_MS } from "./wire.ts";

const RESTORED = { RESTORED: "true", RESTORED_GRACE_MS: "600" };

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

function payments(count: number): Payment[] {
  return Array.from({ length: count }, (_, i) => newPayment(100 + i));
}

describe("start with restored data", () => {
  let service: RestoredService;

  beforeEach(async () => {
    service = await RestoredService.start();
  });

  afterEach(() => service?.stop());

  async function processedCount(): Promise<number> {
    return countOf(await summaryOf(service.caller));
  }

  async function ready(): Promise<Record<string, unknown>> {
    const { body } = await service.caller.get("/ready");
    return (JSON.parse(body) as { restored: Record<string, unknown> }).restored;
  }

  /** Every payment is counted where it is charged, at the requestedAt that its processor has, and nothing else is. */
  async function expectBooksAgree(): Promise<void> {
    const summary = await summaryOf(service.caller);
    expect(service.chargedTwice).to.deep.equal([]);
    for (const role of ROLES) {
      const charges = chargesOf(service.processors[role]);
      const cents = [...charges.values()].reduce((sum, charge) => sum + charge.cents, 0);
      expect(summary[role], role).to.deep.equal({ count: charges.size, cents });
      for (const [correlationId, { requestedAt }] of charges) {
        const view = await viewOf(service.caller, { correlationId });
        expect(view).to.include({ state: "processed", processor: role, requestedAt });
        const { [role]: alone } = await summaryOf(service.caller, { from: requestedAt, to: requestedAt });
        expect(alone.count, "in the window of its moment").to.be.at.least(1);
      }
    }
  }

  /** A life in which payments are processed, in doubt and pending, when the backup is taken. */
  async function lifeUntilBackup(): Promise<{ all: Payment[]; backup: string }> {
    await service.startInstance();
    const processed = payments(5);
    await payMany(service.caller, processed);
    await untilState(service.caller, processed, "processed");
    await service.wires.fallback.set("refusing");
    await service.wires.default.set("losing answers");
    const doubtful = payments(4);
    // All four are out before the first answer is lost: once the processor is down, nothing else is sent to it.
    service.processors.default.settings.delayMs = LOST_AFTER_MS;
    await payMany(service.caller, doubtful);
    await untilState(service.caller, doubtful, "in doubt");
    service.processors.default.settings.delayMs = 0;
    await service.wires.default.set("refusing");
    const pending = payments(15);
    await payMany(service.caller, pending);
    await untilState(service.caller, pending, "pending");
    return { all: [...processed, ...doubtful, ...pending], backup: service.backUp("backup") };
  }

  it("charges nothing twice, whatever happened after the backup, and counts all that clients repeat", async () => {
    const { all, backup } = await lifeUntilBackup();
    // What follows is lost: pending payments go to the fallback, doubts are settled, and new payments come.
    Object.assign(service.processors.default.settings, { failing: true });
    await service.setWires("open");
    await until("the fallback takes payments", () => service.processors.fallback.charges.count >= 15);
    Object.assign(service.processors.default.settings, { failing: false });
    const forgotten = payments(10);
    await payMany(service.caller, forgotten);
    all.push(...forgotten);
    await until("all are processed", async () => (await processedCount()) === all.length);
    await service.killInstance();

    service.useData(backup);
    await service.startInstance(RESTORED);
    const repetitions = await Promise.all(all.map((payment) => pay(service.caller, payment)));
    expect(repetitions.filter(({ status }) => status === 202)).to.have.length(forgotten.length);
    await until("all are counted", async () => (await processedCount()) === all.length);
    await expectBooksAgree();
    expect(await ready()).to.deep.include({ held: 0, found: 29, released: 0, chargedTwice: 0, watching: true });
  });

  it("sends what was charged nowhere, once, after the grace", async () => {
    const { all, backup } = await lifeUntilBackup();
    await service.killInstance();
    await service.setWires("open");
    service.useData(backup);
    const startedAtMs = Date.now();
    await service.startInstance({ ...RESTORED, RESTORED_GRACE_MS: "1500" });
    await until("all are processed", async () => (await processedCount()) === all.length);
    await expectBooksAgree();
    for (const { correlationId } of all.slice(-15)) {
      const { requestedAt } = await viewOf(service.caller, { correlationId });
      expect(Date.parse(requestedAt!)).to.be.at.least(startedAtMs + 1500);
    }
    expect(await ready()).to.deep.include({ held: 0, found: 4, released: 15 });
  });

  it("holds everything, and accepts, while a processor cannot be asked", async () => {
    const { all, backup } = await lifeUntilBackup();
    await service.killInstance();
    await service.wires.default.set("open");
    const chargedBefore = service.processors.default.charges.count;
    service.useData(backup);
    await service.startInstance(RESTORED);
    const fresh = payments(3);
    await payMany(service.caller, fresh);
    all.push(...fresh);
    // What is known to be charged is counted once the grace is over, whatever the other one would say.
    await until("the doubts are counted", async () => (await ready())["found"] === 4);
    expect(await ready()).to.deep.include({ held: 18, released: 0, watching: true });
    expect(service.processors.default.charges.count).to.equal(chargedBefore);
    const { acceptedAt } = await viewOf(service.caller, fresh[0]!);
    expect((await summaryOf(service.caller)).settledUntil < acceptedAt, "what was lost may yet come to light").to.equal(
      true,
    );
    const families = await scrape(service.caller);
    expect(sumOf([families], "rinha_restored_held_payments")).to.equal(18);
    expect(sumOf([families], "rinha_restored_found_total", { processor: "default" })).to.equal(4);
    await service.wires.fallback.set("open");
    await until("all are processed", async () => (await processedCount()) === all.length);
    await expectBooksAgree();
  });

  it("is ended by operators where a processor never answers, and nothing is frozen", async () => {
    await lifeUntilBackup();
    await service.killInstance();
    await service.startInstance({ ...RESTORED, RESTORED_WATCH_MS: "0" });
    const { doubts, ...counts } = await listing();
    expect(counts).to.deep.include({ total: 19, held: 19, stuck: 0 });
    expect(doubts.every(({ held }) => held)).to.equal(true);
    const bound = doubts.filter(({ processor }) => processor !== null);
    const free = doubts.filter(({ processor }) => processor === null);
    expect([bound.length, free.length]).to.deep.equal([4, 15]);
    const refused = await say(free[0]!.id, "charged");
    expect([refused.status, (JSON.parse(refused.body) as { detail: string }).detail]).to.deep.equal([
      409,
      "the payment is held and not known to have been sent: nothing says which processor charged it",
    ]);
    await until("the grace is over", async () => (await say(free[0]!.id, "not charged")).status === 200);
    for (const { id } of free.slice(1)) await settled(id, "failed");
    for (const { id } of bound) await settled(id, "charged");
    expect(await listing()).to.deep.include({ total: 0, held: 0, stuck: 0 });
    expect(await ready()).to.deep.include({ held: 0, found: 0, released: 0, byHand: 19, watching: false });
    await until("the mark is gone", () => !service.isMarked);
    await until(
      "the watermark goes on",
      async () => (await summaryOf(service.caller)).settledUntil > bound[0]!.requestedAt!,
    );
    await service.setWires("open");
    await untilState(service.caller, [{ correlationId: free[0]!.correlationId, cents: 0 }], "processed");
    await expectBooksAgree();
  });

  async function listing(): Promise<DoubtListing> {
    return JSON.parse((await service.caller.get("/doubts")).body) as DoubtListing;
  }

  function say(id: string, word: string): Promise<{ status: number; body: string }> {
    const headers = { "content-type": "application/json" };
    return service.caller.ask("POST", `/doubts/${id}`, { headers, body: JSON.stringify({ word }) });
  }

  /** Said again while the processors are being asked. */
  async function settled(id: string, word: string): Promise<void> {
    await until("the word is taken", async () => (await say(id, word)).status === 200);
  }

  it("goes on after a crash, with or without the setting, until it is finished", async () => {
    const { all, backup } = await lifeUntilBackup();
    await service.killInstance();
    service.useData(backup);
    await service.startInstance({ ...RESTORED, RESTORED_WATCH_MS: "3000" });
    expect((await ready())["held"]).to.equal(19);
    const untilLost = (await summaryOf(service.caller)).settledUntil;
    await service.killInstance();
    expect(service.isMarked).to.equal(true);

    await service.startInstance({ RESTORED_GRACE_MS: "600", RESTORED_WATCH_MS: "3000" });
    expect((await ready())["held"]).to.equal(19);
    expect((await summaryOf(service.caller)).settledUntil).to.equal(untilLost);
    await service.setWires("open");
    await until("all are processed", async () => (await processedCount()) === all.length);
    await until("the watch is over", () => !service.isMarked);
    await until("it is told", () => service.log.includes("nothing more is expected to come to light"));
    expect((await summaryOf(service.caller)).settledUntil > untilLost).to.equal(true);
    await expectBooksAgree();
    await service.killInstance();

    await service.startInstance();
    expect(await ready()).to.equal(null);
    await expectBooksAgree();
  });

  it("says so when a payment is charged at both, and counts the earlier charge", async () => {
    const { backup } = await lifeUntilBackup();
    await service.killInstance();
    const lostAtMs = Date.now();
    const afterMs = { default: [1, 2], fallback: [2, 1] };
    const twice = payments(2);
    for (const role of ROLES) {
      for (const [i, payment] of twice.entries()) await charge(role, payment, timeOf(lostAtMs + afterMs[role][i]!));
    }
    await service.wires.fallback.set("open");
    service.useData(backup);
    await service.startInstance({ ...RESTORED, RESTORED_GRACE_MS: "30000" });
    await payMany(service.caller, twice);
    await service.wires.default.set("open");
    const [first, second] = await untilState(service.caller, twice, "processed");
    expect(first).to.include({ processor: "default", requestedAt: timeOf(lostAtMs + 1) });
    expect(second).to.include({ processor: "fallback", requestedAt: timeOf(lostAtMs + 1) });
    await until("it is told", () => service.log.split("charged at two processors").length === 3);
    expect(sumOf([await scrape(service.caller)], "rinha_restored_charged_twice_total")).to.equal(2);
    expect((await ready())["chargedTwice"]).to.equal(2);
  });

  /** As if by a life whose records are lost. */
  async function charge(role: Role, { correlationId, cents }: Payment, requestedAt: string): Promise<void> {
    const { status } = await fetch(`${service.processors[role].url}/payments`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ correlationId, amount: cents / 100, requestedAt }),
    });
    expect(status).to.equal(200);
  }
});
