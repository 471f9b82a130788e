import { expect } from "chai";
import { Random } from "../support/random.ts";
import { chargesOf, newPayment, type Payment, pay } from "./payments.ts";
import { ROLES, type Role, Service } from "./service.ts";
import { auditOf, countOf, type Span, summaryOf, type Totals, untilProcessed } from "./summaries.ts";
import { until } from "./until.ts";

const SEED = Number(process.env["TEST_SEED"] ?? 20250715);
/** AMOUNTS_PAYMENTS=100000 for the long run. */
const PAYMENT_COUNT = Number(process.env["AMOUNTS_PAYMENTS"] ?? 4000);
const CLIENT_COUNT = 32;
const WINDOW_COUNT = 150;
const MAX_CENTS = 100_000_000;

/** From one cent to the largest amount; the ends and every order of magnitude come up. */
function randomCents(random: Random): number {
  const kind = random.below(20);
  if (kind === 0) return 1;
  if (kind === 1) return MAX_CENTS;
  if (kind < 8) return random.between(1, MAX_CENTS);
  return random.between(1, 10 ** random.between(1, 8));
}

describe(`random amounts (TEST_SEED=${SEED}, AMOUNTS_PAYMENTS=${PAYMENT_COUNT})`, function () {
  this.timeout(60_000 + PAYMENT_COUNT * 5);
  const random = new Random(SEED);
  const payments: Payment[] = Array.from({ length: PAYMENT_COUNT }, () => newPayment(randomCents(random)));
  let service: Service;
  let beganAtMs: number;
  let endedAtMs: number;
  /** Answers given while the load was on: totals until a watermark, said to be final. */
  const finals: { until: string; totals: Record<Role, Totals> }[] = [];

  before(async () => {
    const env = { REQUEST_TIMEOUT_MS: "400", CAPACITY: String(PAYMENT_COUNT) };
    service = await Service.start({ env });
  });

  after(() => service?.stop());

  it("are all accepted, while the processors fail, dawdle and lose answers", async () => {
    beganAtMs = Date.now();
    const rest = payments.values();
    let isPosted = false;
    const posting = Promise.all(
      Array.from({ length: CLIENT_COUNT }, async () => {
        for (const payment of rest) expect((await pay(service.front, payment)).status).to.equal(202);
      }),
    ).finally(() => {
      isPosted = true;
    });
    const troubles: (() => unknown)[] = [
      () => Object.assign(service.processors.default.settings, { failing: true }),
      () => Object.assign(service.processors.default.settings, { failing: false, delayMs: 20 }),
      () => service.wires.default.set("losing answers"),
      () => service.wires.default.set("open"),
      () => service.wires.fallback.set("hung"),
      () => Object.assign(service.processors.default.settings, { delayMs: 600 }),
      () => settle(),
    ];
    const audits = (async () => {
      for (let turn = 0; turn < 3 * troubles.length || !isPosted; turn++) {
        await troubles[turn % troubles.length]!();
        for (let i = 0; i < 4; i++) await auditSettled();
      }
    })();
    await Promise.all([posting, audits]);
    await settle();
    await untilProcessed(service, PAYMENT_COUNT);
    endedAtMs = Date.now();
  });

  /** Makes everything well, and waits until all that was open is settled. */
  async function settle(): Promise<void> {
    await service.heal();
    const healedAtMs = Date.now();
    await until("the watermark moves on", async () => {
      return Date.parse((await summaryOf(service.front)).settledUntil) > healedAtMs;
    });
  }

  /** A window that ends before the watermark is final, and the processors have the same. */
  async function auditSettled(): Promise<void> {
    const { settledUntil } = await summaryOf(random.pick(service.instances));
    const window = { from: timeOf(beganAtMs - 60_000), to: timeOf(Date.parse(settledUntil) - 1) };
    const [summary, audit] = await Promise.all([
      summaryOf(random.pick(service.instances), window),
      auditOf(service, window),
    ]);
    expect(totalsOf(summary), `settled until ${settledUntil}`).to.deep.equal(audit);
    finals.push({ until: window.to, totals: audit });
  }

  function timeOf(ms: number): string {
    return new Date(ms).toISOString();
  }

  function totalsOf({ default: first, fallback }: Record<Role, Totals>): Record<Role, Totals> {
    return { default: first, fallback };
  }

  it("are charged at one processor each, to the cent", () => {
    const [first, second] = ROLES.map((role) => chargesOf(service.processors[role]));
    const charged = new Map([...first!, ...second!].map(([id, { cents }]) => [id, cents]));
    expect(first!.size + second!.size).to.equal(PAYMENT_COUNT);
    expect(charged).to.deep.equal(new Map(payments.map(({ correlationId, cents }) => [correlationId, cents])));
    // Otherwise the windows below would compare zeros.
    expect(Math.min(first!.size, second!.size)).to.be.above(PAYMENT_COUNT / 100);
  });

  it("add up as at the processors, for any window and at either instance", async () => {
    const moment = (): string => {
      const text = timeOf(random.between(beganAtMs - 100, endedAtMs + 100));
      return random.chance(0.3) ? text.replace("Z", `${random.below(1000)}Z`) : text;
    };
    for (let i = 0; i < WINDOW_COUNT; i++) {
      const window = { from: moment(), to: moment() };
      const audit = await auditOf(service, window);
      for (const caller of [service.front, ...service.instances]) {
        expect(totalsOf(await summaryOf(caller, window)), JSON.stringify(window)).to.deep.equal(audit);
      }
    }
  });

  it("add up as at the processors, with either end open", async () => {
    const all = { from: "0001-01-01T00:00:00Z", to: "9999-12-31T23:59:59.999Z" };
    const middle = timeOf((beganAtMs + endedAtMs) / 2);
    const spans: Span[] = [{}, { from: middle }, { to: middle }, { from: timeOf(endedAtMs + 5000) }];
    for (const span of spans) {
      const audit = await auditOf(service, { ...all, ...span });
      for (const caller of service.instances) expect(totalsOf(await summaryOf(caller, span))).to.deep.equal(audit);
    }
    expect(countOf(await summaryOf(service.front))).to.equal(PAYMENT_COUNT);
  });

  it("had been settled as the watermark said: nothing was added later", async () => {
    expect(finals.some(({ totals }) => countOf(totals) > PAYMENT_COUNT / 10)).to.equal(true);
    for (const { until: to, totals } of finals) {
      expect(totalsOf(await summaryOf(service.front, { to })), to).to.deep.equal(totals);
    }
  });

  it("are settled until now when nothing is open any more", async () => {
    await until("the watermark moves with the clock", async () => {
      const { settledUntil } = await summaryOf(service.front);
      return Math.abs(Date.now() - Date.parse(settledUntil)) < 1000;
    });
  });
});
