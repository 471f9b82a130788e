import type { Known } from "./oracle.ts";
import type { World } from "./world.ts";
import { EPOCH_MS, otherAmount } from "./world.ts";

/** As long as the contest's load script waits. */
const TIMEOUT_MS = 1500;
const REPEAT_AFTER_MS_MAX = 1000;
/** Long enough for an instance that comes back: a client that was told nothing does not give up. */
const REPEAT_UNANSWERED_MAX = 3;

/** Those who post payments, repeat what was not answered or refused, and ask for summaries. */
export class Clients {
  readonly #world: World;
  #openCount = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Requests that a client waits for, or has still to make. */
  get openCount(): number {
    return this.#openCount;
  }

  pay(payment: number, cents: number, repeats: number, isForeign: boolean): void {
    const { oracle, processors, random, wallMs } = this.#world;
    const known = oracle.known.get(payment) ?? oracle.meet(payment, cents);
    // Somebody else has used the same correlationId at a processor.
    if (isForeign) {
      const charge = { payment, cents, requestedAtMs: wallMs - 1000, isForeign: true };
      processors[random.below(processors.length)]!.charges.set(payment, charge);
    }
    this.#post(known, Math.min(repeats, REPEAT_UNANSWERED_MAX));
  }

  again(payment: number, isConflict: boolean): void {
    const known = this.#world.oracle.known.get(payment);
    if (!known) return;
    if (!isConflict) this.#post(known, 0);
    else if (known.isAcknowledged && known.purged === "no") this.#postConflict(known);
  }

  purge(): void {
    for (const { instance, life } of this.#world.hosts) {
      if (!life) continue;
      this.#world.oracle.purgeBegins(instance);
      // With fsync the answer to a purge is no promise yet; see Life.purge.
      if (life.purge() && !this.#world.settings.syncs) this.#world.oracle.purged(instance);
    }
  }

  /** Two parts, one after the other, as an instance asks the other one. A negative end is that long before now. */
  askSummary(fromMs: number, toMs: number, pauseMs: number): void {
    const { hosts, clock, oracle, random, wallMs } = this.#world;
    const window = { fromMs: EPOCH_MS + fromMs, toMs: toMs > 0 ? EPOCH_MS + toMs : wallMs + toMs };
    const first = random.below(hosts.length);
    const { purgeCount } = oracle;
    const part = hosts[first]!.life?.summaryPart(window);
    clock.after(pauseMs, () => {
      const other = hosts[1 - first]!.life?.summaryPart(window);
      if (part === undefined || other === undefined || purgeCount !== oracle.purgeCount) return;
      if (hosts.some(({ life }) => life === undefined)) return;
      const totals = part.totals.map((total, i) => total + other.totals[i]!);
      const settledUntilMs = Math.min(part.settledUntilMs, other.settledUntilMs);
      oracle.told(window.fromMs, window.toMs, totals, settledUntilMs, clock.nowMs);
    });
  }

  #post(known: Known, repeats: number): void {
    const { clock, network, oracle, hosts, random } = this.#world;
    let isOver = false;
    const end = (isSettled: boolean): void => {
      if (isOver) return;
      isOver = true;
      this.#openCount--;
      if (!isSettled && repeats > 0) this.#postLater(known, repeats - 1);
    };
    this.#openCount++;
    clock.after(TIMEOUT_MS, () => end(false));
    clock.after(network.latencyMs(), () => {
      if (known.purged !== "no") return end(true);
      const { life } = hosts[known.owner]!;
      // The balancer answers for an instance that is down.
      if (!life) return end(false);
      oracle.asked(known);
      life.accept(known, known.cents, (status) => {
        this.#world.note(() => `payment ${known.payment} is answered ${status}`);
        oracle.answered(known, status);
        // Now and then an answer does not reach its client.
        if (!random.chance(0.05)) end(status !== 503);
      });
    });
  }

  #postLater(known: Known, repeats: number): void {
    this.#openCount++;
    this.#world.clock.after(1 + this.#world.random.below(REPEAT_AFTER_MS_MAX), () => {
      this.#openCount--;
      if (known.purged === "no") this.#post(known, repeats);
    });
  }

  #postConflict(known: Known): void {
    const { oracle, hosts } = this.#world;
    const { life } = hosts[known.owner]!;
    life?.accept(known, otherAmount(known.cents), (status) => oracle.answeredConflict(known, status));
  }
}
