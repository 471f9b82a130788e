import { Random } from "../support/random.ts";
import type { Settings } from "./incident.ts";
import type { Violation } from "./violation.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** When every run begins, since the epoch. */
export const EPOCH_MS = Date.UTC(2025, 6, 15, 12);

const LATENCY_MS_MAX = 3;

/** What everybody in a run shares: its time, its chances, its trace. */
export class World {
  readonly settings: Settings;
  readonly random: Random;
  readonly clock = new VirtualClock();
  /** How far somebody has set the wall clock ahead. */
  wallOffsetMs = 0;
  /** The latest time anybody was told of. */
  timeMaxMs = EPOCH_MS;
  /** Until then a question from one instance to another may come so late that it was answered on another try. */
  linkLateUntilMs = Number.NEGATIVE_INFINITY;
  /** The first promise that was seen broken where nobody could be told at once. */
  violation: Violation | undefined;
  /** Requests that will still reach a processor, or are being worked on there. */
  underWayCount = 0;
  /** A promise may have been settled: who awaits it goes on before the next event. */
  hasSettled = false;
  readonly #trace: string[] | undefined;

  /** `trace` collects a line for everything that happens. */
  constructor(seed: number, settings: Settings, trace?: string[]) {
    this.settings = settings;
    this.random = new Random(seed ^ 0x5eed);
    this.#trace = trace;
  }

  get wallMs(): number {
    return EPOCH_MS + this.clock.nowMs + this.wallOffsetMs;
  }

  /** What an instance's host takes for the time. */
  wallMsOf(instance: number): number {
    return this.wallMs + (this.settings.wallSkewsMs[instance] ?? 0);
  }

  /** What the host that is furthest ahead takes for the time. */
  get wallMaxMs(): number {
    return this.wallMs + Math.max(0, ...this.settings.wallSkewsMs);
  }

  /** How long the next message takes. */
  latencyMs(): number {
    return this.random.below(LATENCY_MS_MAX + 1);
  }

  /** Whether something of this probability happens; draws nothing for what cannot. */
  happens(chance: number): boolean {
    return chance > 0 && this.random.chance(chance);
  }

  note(line: () => string): void {
    this.#trace?.push(`${String(this.clock.nowMs).padStart(7)} ms  ${line()}`);
  }
}
