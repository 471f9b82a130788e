import { Engine, type EngineOptions } from "../../core/engine.ts";
import { NO_FLIGHT } from "../../core/routing/flights.ts";
import { HealthSnapshot } from "../../core/routing/health-snapshot.ts";
import { Ways } from "../../core/routing/ways.ts";
import { parseUuidText, UUID_WORDS } from "../../core/values/uuid.ts";
import { TWO_NAMES, twoTerms } from "./terms.ts";

/** When the stories begin. */
export const NOON_MS = Date.UTC(2025, 6, 15, 12);

/** An engine and what happens to it, one event a line, with the time in milliseconds since noon. */
export class EngineLife {
  readonly engine: Engine;

  constructor(options: Partial<EngineOptions> = {}) {
    this.engine = new Engine(Ways.open(new HealthSnapshot(TWO_NAMES.length), twoTerms(16)), {
      partition: 0,
      capacity: 64,
      seed: 1,
      giveUpAfterMs: 60_000,
      settleWithinMs: 0,
      answerWithinMs: 2000,
      waitsForSlow: true,
      ...options,
    });
  }

  /** Returns the slot. */
  accept(atMs: number, correlationId: string, cents: number): number {
    const words = wordsOf(correlationId);
    this.engine.accept(words, 0, cents, NOON_MS + atMs);
    return this.engine.lookup(words);
  }

  /** Begins the next request; returns its flight. */
  send(atMs: number): number {
    const flight = this.engine.dispatch(NOON_MS + atMs);
    if (flight === NO_FLIGHT) throw new Error(`there must be something to send: atMs=${atMs}`);
    return flight;
  }

  settle(atMs: number, flight: number, outcome: number): void {
    this.engine.settle(flight, outcome, NOON_MS + atMs);
  }
}

export function wordsOf(uuid: string): Int32Array {
  const words = new Int32Array(UUID_WORDS);
  if (!parseUuidText(uuid, words)) throw new Error(`must be a UUID: uuid=${uuid}`);
  return words;
}
