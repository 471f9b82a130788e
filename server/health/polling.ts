import type { HealthSnapshot } from "../../core/routing/health-snapshot.ts";
import type { PollReport } from "../meters/poll-report.ts";
import type { Time } from "../system/time.ts";
import type { HealthEndpoint } from "./health-endpoint.ts";
import type { HealthLink, HealthLinkHandlers } from "./health-link.ts";
import { PollRights } from "./poll-rights.ts";
import { Poller } from "./poller.ts";

export type PollingParts = {
  /** This instance's number. */
  self: number;
  /** By processor. */
  endpoints: readonly HealthEndpoint[];
  /** The ways to the other instances, in their order. */
  peers: readonly HealthLink[];
  /** Where the results go. */
  health: HealthSnapshot;
  time: Time;
  onReport?: ((report: PollReport) => void) | undefined;
};

/** An instance's share in polling the processors: its own polls, and what it hears of the others'. */
export class Polling implements HealthLinkHandlers {
  readonly #health: HealthSnapshot;
  readonly #time: Time;
  readonly #rights: readonly PollRights[];
  readonly #pollers: readonly Poller[];

  constructor({ self, endpoints, peers, health, time, onReport }: PollingParts) {
    this.#health = health;
    this.#time = time;
    this.#rights = endpoints.map(() => new PollRights(self, time.monotonicMs()));
    this.#pollers = endpoints.map((endpoint, processor) => {
      const rights = this.#rights[processor]!;
      const onPolled = (result: { failing: boolean; minResponseMs: number }) =>
        health.polled(processor, result.failing, result.minResponseMs, time.wallMs());
      return new Poller({ processor, self, endpoint, rights, peers, time, onPolled, onReport });
    });
  }

  claim(processor: number, from: number, fromIsFresh: boolean): boolean {
    for (const poller of this.#pollers) poller.heardFrom(from);
    return this.#rights[processor]!.consent(from, fromIsFresh, this.#time.monotonicMs());
  }

  released(processor: number, from: number): void {
    this.#rights[processor]!.released(from);
  }

  polled(processor: number, failing: boolean, minResponseMs: number): void {
    this.#rights[processor]!.otherPolled(this.#time.monotonicMs());
    this.#health.polled(processor, failing, minResponseMs, this.#time.wallMs());
  }

  close(): void {
    for (const poller of this.#pollers) poller.close();
  }
}
