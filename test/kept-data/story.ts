import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type RunningProcessor, startProcessor } from "../../perf/processor/processor.ts";
import type { PaymentView } from "../../server/page/payment-view.ts";
import type { Caller } from "../e2e/caller.ts";
import { duringLife } from "../e2e/lone-instance.ts";
import { newPayment, type Payment, payMany, untilState, viewOf } from "../e2e/payments.ts";
import { until } from "../e2e/until.ts";

/** When the story is told to have happened: before any clock that may ever read it. */
const TOLD_AT_MS = Date.UTC(2025, 6, 15, 12);
/** As many as fill a segment of the least size with records, so that there is a checkpoint. */
const BULK_COUNT = 500;
const RETAINED_COUNT = 20;
/** Nothing is forgotten in the first minute after a start. */
const FORGETTING_BEGINS_MS = 60_000;

/** What is left of a story: every payment that is kept, and the sums. */
export type Telling = {
  readonly payments: readonly Omit<PaymentView, "attempts">[];
  readonly summary: Readonly<Record<string, { readonly totalRequests: number; readonly totalAmount: number }>>;
};

type Environment = Readonly<Record<string, string>>;

/** Where a life keeps its payments. */
const IN_JOURNALS: Environment = { PARTITIONS: "1", SEGMENT_BYTES: "65536" };

function inStore(url: string, directory: string): Environment {
  return { DATA_DIR: "", STORE_URL: url, INSTANCE: "1", LINK: `unix:${join(directory, "link")}` };
}

/**
 * Lets an instance live through all that leaves different records in a log: payments charged by either processor,
 * failed, in doubt and pending; forgotten ones, checkpoints, several starts; and kills it.
 */
export class Story {
  readonly #directory: string;
  readonly #default: RunningProcessor;
  readonly #fallback: RunningProcessor;
  readonly #payments: Payment[] = [];
  readonly clockOffsetMs = TOLD_AT_MS - Date.now();

  private constructor(directory: string, first: RunningProcessor, second: RunningProcessor) {
    this.#directory = directory;
    this.#default = first;
    this.#fallback = second;
  }

  static async begin(directory: string): Promise<Story> {
    const first = await startProcessor({ fee: 0.05, front: true });
    return new Story(directory, first, await startProcessor({ fee: 0.15, front: true }));
  }

  /** The journals are in `data` of the directory. */
  async tellJournals(): Promise<Telling> {
    await this.#life(IN_JOURNALS, async (caller) => {
      await this.#pay(caller, BULK_COUNT, "processed");
      await this.#forgotten(caller, this.#payments[0]!);
    });
    return this.#tellStates(IN_JOURNALS, () => Promise.resolve());
  }

  /** Goes on with what has been told of journals. `isWritten` resolves when the store has what it makes of its log. */
  async tellStore(url: string, isWritten: () => Promise<void>): Promise<Telling> {
    const place = inStore(url, this.#directory);
    for (const { settings } of [this.#default, this.#fallback]) Object.assign(settings, { failing: false, delayMs: 0 });
    await this.#life(place, (caller) => this.#pay(caller, RETAINED_COUNT, "processed"));
    return this.#tellStates(place, isWritten);
  }

  close(): void {
    this.#default.close();
    this.#fallback.close();
  }

  /** Payments in every state, a few each. */
  async #tellStates(place: Environment, isWritten: () => Promise<void>): Promise<Telling> {
    this.#default.settings.failing = true;
    await this.#life(place, (caller) => this.#pay(caller, 12, "processed"));
    this.#fallback.settings.failing = true;
    await this.#life({ ...place, GIVE_UP_AFTER_MS: "500" }, (caller) => this.#pay(caller, 4, "failed"));
    return this.#life({ ...place, REQUEST_TIMEOUT_MS: "300" }, async (caller) => {
      const failing = this.#fallback.settings;
      Object.assign(failing, { failing: false, delayMs: 60_000 });
      await this.#pay(caller, 3, "in doubt");
      failing.failing = true;
      const pending = Array.from({ length: 6 }, () => newPayment(1234));
      await payMany(caller, pending);
      this.#payments.push(...pending);
      await isWritten();
      return this.#telling(caller);
    });
  }

  /** From a start to a kill. */
  #life<T>(env: Environment, body: (caller: Caller) => Promise<T>): Promise<T> {
    const settings = {
      RETAIN_PAYMENTS: `${RETAINED_COUNT}`,
      SETTLE_WITHIN_MS: "200",
      DEFAULT_PROCESSOR_URL: this.#default.url,
      FALLBACK_PROCESSOR_URL: this.#fallback.url,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(clockOf(this.clockOffsetMs))}`,
    };
    return duringLife(this.#directory, { ...settings, ...env }, body);
  }

  async #pay(caller: Caller, count: number, state: string): Promise<void> {
    const payments = Array.from({ length: count }, (_, i) => newPayment(100 + i));
    await payMany(caller, payments);
    await untilState(caller, payments.slice(-RETAINED_COUNT), state);
    this.#payments.push(...payments);
  }

  async #forgotten(caller: Caller, { correlationId }: Payment): Promise<void> {
    await sleep(FORGETTING_BEGINS_MS);
    await until("the oldest are forgotten", async () => {
      return (await caller.get(`/payments/${correlationId}`)).status === 404;
    });
  }

  async #telling(caller: Caller): Promise<Telling> {
    const payments: Telling["payments"][number][] = [];
    for (const payment of this.#payments) {
      const answer = await caller.get(`/payments/${payment.correlationId}`);
      // Forgotten by now.
      if (answer.status === 404) continue;
      const { attempts: _, ...view } = await steadyView(caller, payment);
      payments.push(view);
    }
    return { payments, summary: JSON.parse((await caller.get("/payments-summary")).body) as Telling["summary"] };
  }
}

/** A payment is sending for moments only. */
async function steadyView(caller: Caller, payment: Payment): Promise<PaymentView> {
  let view = await viewOf(caller, payment);
  await until("a payment is at rest", async () => {
    view = await viewOf(caller, payment);
    return view.state !== "sending";
  });
  return view;
}

/** Of all threads of an instance. */
function clockOf(offsetMs: number): string {
  return `const now = Date.now; Date.now = () => now() + ${offsetMs};`;
}
