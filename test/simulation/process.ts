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
  /** The same time for who goes on by promises after a timer. */
  readonly awaited: Time;
  /** When it was last let go on. */
  wentOnAtMs = Number.NEGATIVE_INFINITY;
  #isOver = false;
  /** Of a stopped process, in the order in which it will meet it. */
  #waiting: (() => void)[] | undefined;
  readonly #onEnd = new Set<() => void>();

  constructor(world: World, instance: number) {
    this.world = world;
    this.instance = instance;
    this.awaited = new AwaitedTime(this);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get isStopped(): boolean {
    return this.#waiting !== undefined;
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#waiting = undefined;
    for (const told of [...this.#onEnd]) told();
    this.#onEnd.clear();
  }

  /** Calls back when the process ends; what is returned takes that back. */
  onEnd(told: () => void): () => void {
    this.#onEnd.add(told);
    return () => this.#onEnd.delete(told);
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
    return this.world.wallMsOf(this.instance);
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

class AwaitedTime implements Time {
  readonly #process: Process;

  constructor(process: Process) {
    this.#process = process;
  }

  wallMs(): number {
    return this.#process.wallMs();
  }

  monotonicMs(): number {
    return this.#process.monotonicMs();
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#process.after(delayMs, () => this.#settle(run));
  }

  atEndOfTurn(run: () => void): void {
    this.#process.atEndOfTurn(() => this.#settle(run));
  }

  pause(delayMs: number): Promise<void> {
    return this.#process.pause(delayMs);
  }

  #settle(run: () => void): void {
    this.#process.world.hasSettled = true;
    run();
  }
}
