import { expect } from "chai";
import { everything } from "../../perf/processor/charges.ts";
import type { MisbehaviourJson } from "../../perf/processor/misbehaviour-reader.ts";
import type { PaymentView } from "../../server/page/payment-view.ts";
import { chargesOf, newPayment, newPaymentOf, type Payment, payMany, untilState, viewOf } from "./payments.ts";
import { ROLES, type Role, Service, type ServiceOptions } from "./service.ts";
import { summaryOf, type Totals } from "./summaries.ts";
import { until } from "./until.ts";

const PAYMENT_COUNT = 30;
/** Long enough not to be met by accident on a busy machine. */
const REQUEST_TIMEOUT_MS = 1000;
/** Within which whatever can be known about a payment is known. */
const SETTLED_WITHIN_MS = 60_000;

/** What became of payments that have all settled. */
export type Ending = {
  /** In the order of the payments. */
  readonly views: readonly PaymentView[];
  /** Processed at either processor, and failed for good. */
  readonly counts: Readonly<Record<Role | "failed", number>>;
  /** From the first request to the last payment that settled. */
  readonly tookMs: number;
};

export type StoryOptions = { readonly count?: number; readonly withinMs?: number };

/**
 * A service whose default processor can be made to do anything wrong, and whose fallback is well.
 *
 *   const story = await MisbehavingService.start();        in before()
 *   await story.heal();                                    in beforeEach()
 *   const { counts } = await story.play([{ charge: "yes", answer: { status: 409 } }]);
 *   await story.stop();                                    in after()
 *
 * What a misbehaviour may say: perf/processor/README.md.
 */
export class MisbehavingService {
  readonly service: Service;

  private constructor(service: Service) {
    this.service = service;
  }

  /** The processors are behind a front, so that raw bytes, resets and trickling are at hand. */
  static async start({ env = {}, processors = {}, ...others }: ServiceOptions = {}): Promise<MisbehavingService> {
    const service = await Service.start({
      ...others,
      env: { REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT_MS), PURGE_ENABLED: "true", ...env },
      processors: {
        default: { front: true, ...processors.default },
        fallback: { front: true, ...processors.fallback },
      },
    });
    return new MisbehavingService(service);
  }

  stop(): Promise<void> {
    return this.service.stop();
  }

  /**
   * Both processors well, the default used by both instances, and all books empty: what went wrong before stays there.
   */
  async heal(): Promise<void> {
    await this.service.heal();
    await until("the default takes payments", async () => {
      const payment = newPayment();
      await payMany(this.service.front, [payment]);
      const [view] = await untilState(this.service.front, [payment], "processed");
      return view!.processor === "default" && (await this.#isDefaultAvailable());
    });
    await this.#untilIdle();
    const { status } = await this.service.front.ask("POST", "/purge-payments");
    expect(status).to.equal(200);
    for (const role of ROLES) this.service.processors[role].charges.purge();
  }

  /** From now on; without arguments the processor behaves. */
  misbehave(role: Role, ...misbehaviours: readonly MisbehaviourJson[]): void {
    this.service.processors[role].misbehave(...misbehaviours);
  }

  /**
   * Sends new payments while the default misbehaves, waits until all have settled, and checks what must hold whatever
   * happens.
   */
  async play(misbehaviours: readonly MisbehaviourJson[], options: StoryOptions = {}): Promise<Ending> {
    const { count = PAYMENT_COUNT, withinMs = SETTLED_WITHIN_MS } = options;
    this.misbehave("default", ...misbehaviours);
    const startedMs = performance.now();
    // Half of them at each instance: how many a processor rejects in a row, each finds out for itself.
    const payments = Array.from({ length: count }, (_, i) => newPaymentOf(1 + (i % 2), 100 + i));
    await payMany(this.service.front, payments);
    const views = await this.untilSettled(payments, withinMs);
    const tookMs = performance.now() - startedMs;
    await this.expectSound(views);
    return { views, counts: countsOf(views), tookMs };
  }

  /** Waits until each payment is processed or failed. */
  async untilSettled(payments: readonly Payment[], withinMs = SETTLED_WITHIN_MS): Promise<PaymentView[]> {
    const views = new Map<string, PaymentView>();
    const isSettled = ({ correlationId }: Payment): boolean => {
      const state = views.get(correlationId)?.state;
      return state === "processed" || state === "failed";
    };
    const look = async (): Promise<boolean> => {
      for (const payment of payments) {
        if (!isSettled(payment)) views.set(payment.correlationId, await viewOf(this.service.front, payment));
      }
      return payments.every(isSettled);
    };
    await until("all payments have settled", look, withinMs).catch((error: Error) => {
      const open = [...views.values()].filter((view) => !isSettled({ ...view, cents: 0 }));
      const told = open.map(({ state, processor, attempts }) => ({ state, processor, attempts: attempts.slice(-3) }));
      throw new Error(`${error.message} openCount=${open.length} first=${JSON.stringify(told[0])}`);
    });
    return payments.map(({ correlationId }) => views.get(correlationId)!);
  }

  /**
   * Nobody is charged twice; every settled payment is in the processors' books as the service shows it; the service's
   * summary is the books' to the cent, whichever instance is asked; and nothing is in doubt.
   */
  async expectSound(views: readonly PaymentView[]): Promise<void> {
    const { processors } = this.service;
    await this.#untilIdle();
    const books = { default: chargesOf(processors.default), fallback: chargesOf(processors.fallback) };
    const twice = [...books.default.keys()].filter((correlationId) => books.fallback.has(correlationId));
    expect(twice, "charged at both").to.deep.equal([]);
    for (const { correlationId, state, processor, amount, requestedAt } of views) {
      const found = ROLES.flatMap((role) => {
        const charge = books[role].get(correlationId);
        return charge === undefined ? [] : [{ role, ...charge }];
      });
      const shown = state === "processed" ? [{ role: processor, cents: Math.round(amount * 100), requestedAt }] : [];
      expect(found, `${correlationId} is ${state}`).to.deep.equal(shown);
    }
    await this.#expectSummaries(views);
  }

  async #expectSummaries(views: readonly PaymentView[]): Promise<void> {
    const { processors, front, instances } = this.service;
    const bookOf = (role: Role): Totals => {
      const { count, cents } = processors[role].charges.totals(everything);
      return { count, cents: Number(cents) };
    };
    const lastRequestedAt =
      views
        .map(({ requestedAt }) => requestedAt ?? "")
        .sort()
        .at(-1) ?? "";
    for (const caller of [front, ...instances]) {
      const summary = await summaryOf(caller);
      expect(summary).to.deep.include({ default: bookOf("default"), fallback: bookOf("fallback") });
      expect(summary.settledUntil > lastRequestedAt, `Settled-Until=${summary.settledUntil}`).to.equal(true);
    }
  }

  /** A charge may land after its answer. */
  #untilIdle(): Promise<void> {
    const { processors } = this.service;
    return until("the processors are idle", () => ROLES.every((role) => processors[role].limiter.inFlightCount === 0));
  }

  async #isDefaultAvailable(): Promise<boolean> {
    const answers = await Promise.all(this.service.instances.map((caller) => caller.get("/ready")));
    return answers.every(({ body }) => {
      const { processors } = JSON.parse(body) as { processors: { name: string; available: boolean }[] };
      return processors.find(({ name }) => name === "default")!.available;
    });
  }
}

function countsOf(views: readonly PaymentView[]): Ending["counts"] {
  const counts = { default: 0, fallback: 0, failed: 0 };
  for (const { state, processor } of views) counts[state === "failed" ? "failed" : (processor as Role)]++;
  return counts;
}
