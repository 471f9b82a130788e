import type { HealthSnapshot } from "../../core/routing/health-snapshot.ts";
import type { PollReport, PollResult } from "../meters/poll-report.ts";
import type { Clocks, Time } from "../system/time.ts";
import type { HealthEndpoint } from "./health-endpoint.ts";
import type { OnHeard, PollConsent } from "./poll-consent.ts";
import { Poller } from "./poller.ts";

export type PollingParts = {
  /** By processor. */
  endpoints: readonly HealthEndpoint[];
  consent: PollConsent;
  /** Where the results go. */
  health: HealthSnapshot;
  time: Time;
  onReport?: ((report: PollReport) => void) | undefined;
};

/** An instance's own polls of all processors. */
export class Polling {
  readonly #consent: PollConsent;
  readonly #pollers: readonly Poller[];

  constructor({ endpoints, consent, health, time, onReport }: PollingParts) {
    this.#consent = consent;
    const keep = keepIn(health, time);
    this.#pollers = endpoints.map((endpoint, processor) => {
      const onPolled = (result: PollResult) => keep(processor, result, 0);
      return new Poller({ processor, endpoint, consent, time, onPolled, onReport });
    });
  }

  close(): void {
    for (const poller of this.#pollers) poller.close();
    this.#consent.close();
  }
}

/** Keeps what polls were answered, by whomever they were made. */
export function keepIn(health: HealthSnapshot, time: Clocks): OnHeard {
  return (processor, { failing, minResponseMs }, ageMs) =>
    health.polled(processor, failing, minResponseMs, time.wallMs() - ageMs);
}
