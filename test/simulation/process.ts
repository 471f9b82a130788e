import type { Time, Timer } from "../../server/system/time.ts";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

/** Thrown through everything that runs in a process at the moment it ends. */
export class Killed extends Error {
  override readonly name = "Killed";
}

/**
 * A process of the deployment, with its clocks and timers. Whatever happens to it goes through `deliver`, so that
 * nothing happens to one that is over, and what happens to one that is stopped (SIGSTOP, a frozen container) waits
 * until it goes on. What it throws is a finding, unless it is over by then.
 */
export class Process implements Time {
  readonly world: World;
  readonly instance: number;
  /** When it was last let go on. */
  wentOnAtMs = Number.NEGATIVE_INFINITY;
  #isOver = false;
  /** Of a stopped process, in the order in which it will meet it. */
  #waiting: (() => void)[] | undefined;

  constructor(world: World, instance: number) {
    this.world = world;
    this.instance = instance;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    this.#isOver = true;
    this.#waiting = undefined;
  }

  stop(): void {
    this.#waiting ??= [];
  }

  goOn(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    this.wentOnAtMs = this.monotonicMs();
    for (const body of waiting) this.deliver(body);
    this.world.hasSettled = true;
  }

  deliver(body: () => void): void {
    if (this.#isOver) return;
    if (this.#waiting) this.#waiting.push(body);
    else this.#run(body);
  }

  later(delayMs: number, body: () => void): void {
    this.world.clock.after(delayMs, () => this.deliver(body));
  }

  /** The same for what somebody awaits, unless nobody does anyway. */
  settleLater(delayMs: number, body: () => void, isAwaited = true): void {
    if (!isAwaited) {
      this.later(delayMs, body);
      return;
    }
    this.later(delayMs, () => {
      this.world.hasSettled = true;
      body();
    });
  }

  wallMs(): number {
    return this.world.wallMs;
  }

  monotonicMs(): number {
    return this.world.clock.nowMs;
  }

  after(delayMs: number, run: () => void): Timer {
    let isCancelled = false;
    this.later(Math.max(1, delayMs), () => {
      if (!isCancelled) run();
    });
    return {
      cancel: () => {
        isCancelled = true;
      },
    };
  }

  atEndOfTurn(run: () => void): void {
    const { random, settings } = this.world;
    this.later(settings.turnMsMax === 0 ? 0 : random.below(settings.turnMsMax + 1), run);
  }

  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.settleLater(Math.max(1, delayMs), resolve));
  }

  /** The same time for who goes on by promises after a timer. */
  get awaited(): Time {
    const after = (delayMs: number, run: () => void) =>
      this.after(delayMs, () => {
        this.world.hasSettled = true;
        run();
      });
    return {
      wallMs: () => this.wallMs(),
      monotonicMs: () => this.monotonicMs(),
      after,
      atEndOfTurn: (run) => this.atEndOfTurn(run),
      pause: (delayMs) => this.pause(delayMs),
    };
  }

  #run(body: () => void): void {
    try {
      body();
    } catch (error) {
      if (error instanceof Violation) throw error;
      if (this.#isOver) return;
      throw new Violation("an instance does not die by itself", String(error), { cause: error });
    }
  }
}
