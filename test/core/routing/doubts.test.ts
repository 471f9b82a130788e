import { expect } from "chai";
import * as FlightState from "../../../core/routing/flight-state.ts";
import { NO_FLIGHT } from "../../../core/routing/flights.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import * as State from "../../../core/values/state.ts";
import { EngineLife, NOON_MS } from "../../support/engine-life.ts";
import { DEFAULT } from "../../support/terms.ts";

const DOUBTFUL = "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3";
const OTHER = "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b4";

/** The next request about anything, and when it begins. */
function next(life: EngineLife, fromMs: number): { atMs: number; flight: number } {
  for (let atMs = fromMs; atMs < fromMs + 60_000; atMs += 10) {
    const flight = life.engine.dispatch(NOON_MS + atMs);
    if (flight !== NO_FLIGHT) return { atMs, flight };
  }
  throw new Error(`something must be asked: fromMs=${fromMs}`);
}

describe("doubts", () => {
  it("are asked about by POST where a processor answers 404 to everything, as no other payment may come", () => {
    const life = new EngineLife();
    const { flights, ledger } = life.engine;
    const slot = life.accept(0, DOUBTFUL, 1990);
    life.accept(0, OTHER, 1990);
    const doubtful = life.send(1);
    const other = life.send(1);
    life.settle(2, doubtful, Outcome.ERRED);
    life.settle(3, other, Outcome.MISCONFIGURED);
    let atMs = 4;
    const asked: number[] = [];
    // The other payment goes on elsewhere; the first one has to wait for its processor.
    for (let step = 0; step < 12; step++) {
      const { atMs: askedAtMs, flight } = next(life, atMs);
      atMs = askedAtMs + 1;
      const isOther = flights.slot[flight] !== slot;
      if (!isOther) asked.push(flights.state[flight]!);
      life.settle(
        atMs,
        flight,
        isOther
          ? Outcome.CHARGED
          : flights.state[flight] === FlightState.POSTING
            ? Outcome.MISCONFIGURED
            : Outcome.NOT_FOUND,
      );
    }
    expect(asked).to.include.members([FlightState.POSTING, FlightState.LOOKING_UP]);
    while (ledger.rows.state[slot] !== State.PROCESSED && atMs < 30_000) {
      const { atMs: askedAtMs, flight } = next(life, atMs);
      atMs = askedAtMs + 1;
      life.settle(atMs, flight, flights.state[flight] === FlightState.POSTING ? Outcome.CHARGED : Outcome.NOT_FOUND);
    }
    expect([ledger.rows.state[slot], ledger.rows.processor[slot]]).to.deep.equal([State.PROCESSED, DEFAULT]);
  });
});
