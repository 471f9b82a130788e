import { MAX_AMOUNT_CENTS } from "../../core/values/money.ts";
import type { SummaryPart, Window } from "../../server/payments/summary.ts";
import type { Host } from "./host.ts";
import type { Known, Oracle } from "./oracle.ts";
import type { VirtualProcessor } from "./virtual-processor.ts";
import { EPOCH_MS, type World } from "./world.ts";

/** As long as the contest's load script waits. */
const TIMEOUT_MS = 1500;
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

  purge(): void {
    const { hosts, oracle } = this.#parts;
    for (const { instance, serving } of hosts) {
      if (!serving) continue;
      oracle.purgeBegins(instance);
      serving.purge((isPurged) => {
        if (isPurged) oracle.purged(instance);
      });
    }
  }

  /** The parts one after another, as an instance asks the others. A negative end is that long before now. */
  askSummary(fromMs: number, toMs: number, pauseMs: number): void {
    const { hosts, oracle, world } = this.#parts;
    const window = { fromMs: EPOCH_MS + fromMs, toMs: toMs > 0 ? EPOCH_MS + toMs : world.wallMs + toMs };
    const first = world.random.below(hosts.length);
    const order = hosts.map((_, i) => hosts[(first + i) % hosts.length]!);
    const { purgeCount } = oracle;
    this.#collect(order, window, pauseMs, [], (parts) => {
      if (purgeCount !== oracle.purgeCount || hosts.some(({ serving }) => !serving)) return;
      const totals = parts[0]!.totals.map((_, i) => parts.reduce((sum, part) => sum + part.totals[i]!, 0));
      const settledUntilMs = Math.min(...parts.map((part) => part.settledUntilMs));
      oracle.told(window.fromMs, window.toMs, totals, settledUntilMs, world.clock.nowMs);
    });
  }

  /** Calls back only with all parts. */
  #collect(
    hosts: readonly Host[],
    window: Window,
    pauseMs: number,
    parts: readonly SummaryPart[],
    onAll: (parts: readonly SummaryPart[]) => void,
  ): void {
    const [host, ...rest] = hosts;
    host!.serving?.summaryPart(window, (part) => {
      if (!part) return;
      const more = [...parts, part];
      if (rest.length === 0) onAll(more);
      else this.#parts.world.clock.after(pauseMs, () => this.#collect(rest, window, pauseMs, more, onAll));
    });
  }

  #post(known: Known, repeats: number): void {
    const { oracle, hosts, world } = this.#parts;
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
      const { serving } = hosts[known.owner]!;
      // The balancer answers for an instance that is down.
      if (!serving) return end(false);
      oracle.asked(known);
      serving.accept(known.words, known.cents, (status) => {
        world.note(() => `payment ${known.payment} is answered ${status}`);
        oracle.answered(known, status);
        // Now and then an answer does not reach its client.
        if (!random.chance(0.05)) end(status !== 503);
      });
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
    const { serving } = hosts[known.owner]!;
    serving?.accept(known.words, otherAmount(known.cents), (status) => oracle.answeredConflict(known, status));
  }
}

/** An amount that is not the payment's. */
function otherAmount(cents: number): number {
  return cents === MAX_AMOUNT_CENTS ? cents - 1 : cents + 1;
}
