import type { CarriedPartitions } from "../../server/partition/carried-partitions.ts";
import type { Custody } from "../../server/partition/custody.ts";
import type { NoWord } from "../../server/partition/reach.ts";
import type { PaymentBody } from "../../server/payments/payment-body.ts";
import type { Process } from "./process.ts";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

/** What other instances reach of a process. */
export type LinkListener = { process: Process; custody: Custody; carried: CarriedPartitions; body: PaymentBody };

export type Ask<T> = (listener: LinkListener, tell: (answer: T) => void) => Promise<void> | undefined;

/** Questions from one instance to another, each on its way there and back. */
export class LinkCalls {
  /** Chance that a question or its answer gets lost with its connection. */
  lossChance = 0;
  /** How much later than usual a question may come. */
  lateMsMax = 0;
  readonly #world: World;
  /** By instance. */
  readonly #listeners: (LinkListener | undefined)[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  listen(listener: LinkListener): void {
    const { instance } = listener.process;
    this.#listeners[instance] = listener;
    listener.process.onEnd(() => {
      if (this.#listeners[instance] === listener) this.#listeners[instance] = undefined;
    });
  }

  /**
   * `ask` runs there, now or later, or never, and may tell what it answers. It has arrived once it can only be lost
   * with the process there.
   */
  call<T>(
    from: Process,
    to: number,
    timeoutMs: number,
    ask: Ask<T>,
    onArrived: (listener: LinkListener) => void = () => {},
  ): Promise<T | NoWord> {
    const world = this.#world;
    return new Promise((resolve) => {
      const answer = (word: T | NoWord): void => from.settleLater(world.latencyMs(), () => resolve(word));
      from.settleLater(timeoutMs, () => resolve("unanswered"));
      const lateMs = this.lateMsMax === 0 ? 0 : world.random.below(this.lateMsMax);
      world.clock.after(world.latencyMs() + lateMs, () => {
        const listener = this.#listeners[to];
        if (!listener) return answer("unsent");
        if (world.happens(this.lossChance)) return answer("unanswered");
        onArrived(listener);
        const forget = listener.process.onEnd(() => answer("unanswered"));
        listener.process.deliver(() => {
          world.hasSettled = true;
          const asked = ask(listener, (word) => {
            forget();
            if (!listener.process.isOver) answer(world.happens(this.lossChance) ? "unanswered" : word);
          });
          asked?.catch((error: unknown) => this.#died(listener, error));
        });
      });
    });
  }

  #died({ process }: LinkListener, error: unknown): void {
    if (error instanceof Violation) this.#world.violation ??= error;
    if (process.isOver) return;
    this.#world.violation ??= new Violation("an instance does not die by itself", String(error), { cause: error });
  }
}
