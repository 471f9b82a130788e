import type { Clocks } from "../system/time.ts";
import type { Bulletin, Carriage } from "./neighbours.ts";

/**
 * The life of this process as an instance, as far as the others are told of it.
 *
 *   starting ──► serving ──► leaving      a start that is given up leaves as well
 */
export class Life {
  /** From 0. */
  readonly self: number;
  readonly #time: Clocks;
  /** Random: see Bulletin. */
  readonly #name: string;
  readonly #startedAtMs: number;
  #phase: "starting" | "serving" | "leaving" = "starting";

  /** `random`: from 0 to below 1. */
  constructor(self: number, time: Clocks, random: () => number) {
    this.self = self;
    this.#time = time;
    this.#name = Math.floor(random() * 2 ** 48).toString(16);
    this.#startedAtMs = time.monotonicMs();
  }

  /** How long this instance has been up. */
  get upForMs(): number {
    return this.#time.monotonicMs() - this.#startedAtMs;
  }

  get isStarting(): boolean {
    return this.#phase === "starting";
  }

  get isLeaving(): boolean {
    return this.#phase === "leaving";
  }

  /** The start is over; nothing where it was given up meanwhile. */
  serve(): void {
    if (this.#phase === "starting") this.#phase = "serving";
  }

  leave(): void {
    this.#phase = "leaving";
  }

  bulletin(carries: readonly Carriage[]): Bulletin {
    const { self: instance, isLeaving } = this;
    return { instance, life: this.#name, upMs: Math.round(this.upForMs), isLeaving, carries };
  }
}
