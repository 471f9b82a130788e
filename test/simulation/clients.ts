import { MAX_AMOUNT_CENTS } from "../../core/values/money.ts";
import { formatUuid } from "../../core/values/uuid.ts";
import type { Answer } from "../../server/http/answer.ts";
import type { Host } from "./host.ts";
import type { Life } from "./life.ts";
import type { Known, Oracle, ToldPayment } from "./oracle.ts";
import { PROCESSORS } from "./virtual-network.ts";
import type { VirtualProcessor } from "./virtual-processor.ts";
import { EPOCH_MS, type World } from "./world.ts";

/** As long as the contest's load script waits. */
const TIMEOUT_MS = 1500;
/** See proxy_read_timeout of the balancer. */
const NEXT_AFTER_MS = 1000;
const REPEAT_AFTER_MS_MAX = 1000;
/** Long enough for an instance that comes back: a client that was told nothing does not give up. */
const REPEAT_UNANSWERED_MAX = 3;

/** A stranger's charge is told from ours by its amount, or by its time. */
const FOREIGN_AGE_MS = 3_600_000;

export type ClientsParts = {
  world: World;
  hosts: readonly Host[];
  oracle: Oracle;
  processors: readonly VirtualProcessor[];
};

/** Those who post payments, repeat what was not answered or refused, and ask for summaries. */
export class Clients {
  readonly #parts: ClientsParts;
  #openCount = 0;

  constructor(parts: ClientsParts) {
    this.#parts = parts;
  }

  /** Requests that a client waits for, or has still to make. */
  get openCount(): number {
    return this.#openCount;
  }

  pay(payment: number, cents: number, repeats: number, isForeign: boolean): void {
    const { oracle, processors, world } = this.#parts;
    const known = oracle.known.get(payment) ?? oracle.meet(payment, cents);
    // Somebody else has used the same correlationId at a processor.
    if (isForeign) {
      const isOld = world.random.chance(0.5);
      const requestedAtMs = isOld ? EPOCH_MS - FOREIGN_AGE_MS : world.wallMs + world.random.below(10);
      const charge = { payment, cents: isOld ? cents : otherAmount(cents), requestedAtMs, isForeign: true };
      processors[world.random.below(processors.length)]!.charges.set(payment, charge);
    }
    this.#post(known, Math.min(repeats, REPEAT_UNANSWERED_MAX));
  }

  again(payment: number, isConflict: boolean): void {
    const known = this.#parts.oracle.known.get(payment);
    if (!known) return;
    if (!isConflict) this.#post(known, 0);
    else if (known.isAcknowledged && known.purged === "no") this.#postConflict(known);
  }

  /** Asked of any instance that serves. */
  purge(): void {
    const { oracle } = this.#parts;
    const life = this.#anyServing();
    if (!life) return;
    const forgotten = oracle.purgeBegins();
    const ended = oracle.purgeGoesOn(life.process);
    life.purge((isPurged) => {
      ended();
      if (isPurged) oracle.purged(forgotten);
    });
  }

  /** Asked of any instance that serves. A negative end is that long before now. */
  askSummary(fromMs: number, toMs: number): void {
    const { oracle, world } = this.#parts;
    const window = { fromMs: EPOCH_MS + fromMs, toMs: toMs > 0 ? EPOCH_MS + toMs : world.wallMs + toMs };
    const life = this.#anyServing();
    if (!life) return;
    const { purgeCount, settledUntilMs: floorMs } = oracle;
    const asked = oracle.askedFor();
    life.summary(window, (answer) => {
      world.note(() => `a summary is answered ${answer.status}`);
      if (answer.status !== 200) return;
      const { totals, settledUntilMs } = toldIn(answer);
      oracle.toldSettledUntil(settledUntilMs, floorMs);
      if (purgeCount === oracle.purgeCount) oracle.told(asked, window, totals, settledUntilMs);
    });
  }

  /** Asked of any instance that serves. */
  look(payment: number): void {
    const { oracle, world } = this.#parts;
    const known = oracle.known.get(payment);
    const life = this.#anyServing();
    if (!known || !life) return;
    const asked = oracle.askedFor(known);
    life.look(known.words, (answer) => {
      const status = answer === "unknown" ? 404 : answer.status;
      world.note(() => `payment ${payment} is looked at: ${status} by instance ${life.process.instance}`);
      if (status === 200 || status === 404)
        oracle.toldPayment(known, asked, answer === "unknown" ? undefined : paymentIn(answer));
    });
  }

  #anyServing(): Life | undefined {
    const serving = this.#parts.hosts.flatMap((host) => host.serving ?? []);
    return serving.length === 0 ? undefined : this.#parts.world.random.pick(serving);
  }

  #post(known: Known, repeats: number): void {
    const { world } = this.#parts;
    const { clock, random } = world;
    let isOver = false;
    const end = (isSettled: boolean): void => {
      if (isOver) return;
      isOver = true;
      this.#openCount--;
      if (!isSettled && repeats > 0) this.#postLater(known, repeats - 1);
    };
    this.#openCount++;
    clock.after(TIMEOUT_MS, () => end(false));
    clock.after(world.latencyMs(), () => {
      if (known.purged !== "no") return end(true);
      // Now and then an answer does not reach its client.
      this.#balance(known, known.preferred, this.#parts.hosts.length, (status) => {
        if (!random.chance(0.05)) end(status !== 503);
      });
    });
  }

  /** As the balancer does: to the next instance where one is not there, ends, or says nothing for a second. */
  #balance(known: Known, instance: number, left: number, onAnswer: (status: number) => void): void {
    const { oracle, hosts, world } = this.#parts;
    if (left === 0) {
      onAnswer(503);
      return;
    }
    let isOver = false;
    const goOn = (): void => {
      if (isOver || known.purged !== "no") return;
      isOver = true;
      this.#balance(known, (instance + 1) % hosts.length, left - 1, onAnswer);
    };
    const { serving } = hosts[instance]!;
    if (!serving) {
      goOn();
      return;
    }
    oracle.asked(known);
    const { isAcknowledged } = known;
    const asked = oracle.askedFor(known);
    const forget = serving.process.onEnd(goOn);
    world.clock.after(NEXT_AFTER_MS, goOn);
    serving.post(bodyOf(known.words, known.cents), (answer) => {
      forget();
      world.note(() => `payment ${known.payment} is answered ${answer.status} by instance ${instance}`);
      const isCertain = answer.body?.includes('"accepted":"no"') === true;
      oracle.answered(known, answer.status, isCertain, isAcknowledged);
      if (answer.status === 200) oracle.toldPayment(known, asked, paymentIn(answer));
      if (isOver) return;
      isOver = true;
      onAnswer(answer.status);
    });
  }

  #postLater(known: Known, repeats: number): void {
    this.#openCount++;
    const { clock, random } = this.#parts.world;
    clock.after(1 + random.below(REPEAT_AFTER_MS_MAX), () => {
      this.#openCount--;
      if (known.purged === "no") this.#post(known, repeats);
    });
  }

  #postConflict(known: Known): void {
    const { oracle, hosts } = this.#parts;
    const { serving } = hosts[known.preferred]!;
    if (!serving) return;
    oracle.asked(known);
    serving.post(bodyOf(known.words, otherAmount(known.cents)), ({ status }) => oracle.answeredConflict(known, status));
  }
}

function bodyOf(words: Int32Array, cents: number): Uint8Array {
  return Buffer.from(`{"correlationId":"${formatUuid(words)}","amount":${cents / 100}}`);
}

/** What a summary says, as clients read it. */
function toldIn({ body, headers }: Answer): { totals: number[]; settledUntilMs: number } {
  const parts = Object.values(JSON.parse(body!) as Record<string, { totalRequests: number; totalAmount: number }>);
  const totals = parts.flatMap(({ totalRequests, totalAmount }) => [totalRequests, Math.round(totalAmount * 100)]);
  const settledUntil = headers!.find(([name]) => name === "Settled-Until")![1];
  return { totals, settledUntilMs: Date.parse(settledUntil) };
}

/** What a payment's JSON says, as clients read it. */
function paymentIn({ body }: Answer): ToldPayment {
  const { state, processor, amount, requestedAt } = JSON.parse(body!) as {
    state: string;
    processor: string;
    amount: number;
    requestedAt: string;
  };
  if (state !== "processed") return { state, charge: undefined };
  const number = PROCESSORS.findIndex(({ name }) => name === processor);
  return {
    state,
    charge: { processor: number, requestedAtMs: Date.parse(requestedAt), cents: Math.round(amount * 100) },
  };
}

/** An amount that is not the payment's. */
function otherAmount(cents: number): number {
  return cents === MAX_AMOUNT_CENTS ? cents - 1 : cents + 1;
}
