import { expect } from "chai";
import { LOOKING_UP, NO_FLIGHT, POSTING } from "../../../core/routing/flights.ts";
import { CHARGED, DEFAULT, ERRED, MISCONFIGURED, NOT_FOUND, PROCESSED } from "../../../core/values/payment.ts";
import { EngineLife, NOON_MS } from "../../support/engine-life.ts";

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
    life.settle(2, doubtful, ERRED);
    life.settle(3, other, MISCONFIGURED);
    let atMs = 4;
    const asked: number[] = [];
    // The other payment goes on elsewhere; the first one has to wait for its processor.
    for (let step = 0; step < 12; step++) {
      const { atMs: askedAtMs, flight } = next(life, atMs);
      atMs = askedAtMs + 1;
      const isOther = flights.slot[flight] !== slot;
      if (!isOther) asked.push(flights.state[flight]!);
      life.settle(atMs, flight, isOther ? CHARGED : flights.state[flight] === POSTING ? MISCONFIGURED : NOT_FOUND);
    }
    expect(asked).to.include.members([POSTING, LOOKING_UP]);
    while (ledger.rows.state[slot] !== PROCESSED && atMs < 30_000) {
      const { atMs: askedAtMs, flight } = next(life, atMs);
      atMs = askedAtMs + 1;
      life.settle(atMs, flight, flights.state[flight] === POSTING ? CHARGED : NOT_FOUND);
    }
    expect([ledger.rows.state[slot], ledger.rows.processor[slot]]).to.deep.equal([PROCESSED, DEFAULT]);
  });
});
