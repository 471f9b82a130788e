import type { ClaimAnswer, HealthLink, HealthLinkHandlers } from "../../server/health/health-link.ts";
import { CLAIM_ANSWER_MS } from "../../server/health/poll-rights.ts";
import type { Process } from "./process.ts";

/** Whoever listens at the other instance now. */
export type Listener = { process: Process; handlers: HealthLinkHandlers } | undefined;

/** The way from one process to another instance's health monitor, as HealthLinkClient is over HTTP. */
export class VirtualLink implements HealthLink {
  readonly #process: Process;
  readonly #listener: () => Listener;

  constructor(process: Process, listener: () => Listener) {
    this.#process = process;
    this.#listener = listener;
  }

  claim(processor: number, self: number, isFresh: boolean): Promise<ClaimAnswer> {
    return this.#ask((handlers) => handlers.claim(processor, self, isFresh));
  }

  async release(processor: number, self: number): Promise<void> {
    await this.#ask((handlers) => {
      handlers.released(processor, self);
      return true;
    });
  }

  async polled(processor: number, failing: boolean, minResponseMs: number): Promise<void> {
    await this.#ask((handlers) => {
      handlers.polled(processor, failing, minResponseMs);
      return true;
    });
  }

  #ask(what: (handlers: HealthLinkHandlers) => boolean): Promise<ClaimAnswer> {
    const { world } = this.#process;
    return new Promise((resolve) => {
      this.#process.settleLater(CLAIM_ANSWER_MS, () => resolve("silence"));
      world.clock.after(world.latencyMs(), () => {
        const listener = this.#listener();
        if (!listener) return this.#process.settleLater(world.latencyMs(), () => resolve("gone"));
        listener.process.deliver(() => {
          const answer = what(listener.handlers) ? "consent" : "refusal";
          this.#process.settleLater(world.latencyMs(), () => resolve(answer));
        });
      });
    });
  }
}
