import type { Ledger } from "../ledger/ledger.ts";
import * as FlightState from "../routing/flight-state.ts";
import type { Flights } from "../routing/flights.ts";
import type { Flight } from "../values/number-types.ts";
import * as State from "../values/state.ts";

/** What has been open for longer is shown to operators like a doubt that asking does not settle. */
export const OLD_DOUBT_MS = 300_000;

/** The payments in doubt, as they are shown to those who may settle them. */
export class OpenDoubts {
  readonly #ledger: Ledger;
  readonly #flights: Flights;

  constructor(ledger: Ledger, flights: Flights) {
    this.#ledger = ledger;
    this.#flights = flights;
  }

  /** Calls back with the flight of each payment in doubt, asked about just now or waiting. */
  each(onDoubt: (flight: Flight) => void): void {
    const flights = this.#flights;
    for (let flight = 0; flight < flights.highWater; flight++) {
      if (flights.state[flight] === FlightState.FREE || flights.isOrphan(flight)) continue;
      if (this.#ledger.rows.state[flights.slot[flight]!] === State.IN_DOUBT) onDoubt(flight);
    }
  }

  /**
   * Whether a payment in doubt needs an operator: the processor has answered many times in vain, or has long been gone.
   */
  isStuck(flight: Flight, nowMs: number): boolean {
    const sinceMs = this.#ledger.rows.requestedAtMs(this.#flights.slot[flight]!);
    return this.#flights.isStuck(flight) || nowMs - sinceMs > OLD_DOUBT_MS;
  }
}
