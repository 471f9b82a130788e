import { Engine } from "../../core/engine.ts";
import { Ledger } from "../../core/ledger/ledger.ts";
import { NOT_FOUND_SLOT } from "../../core/ledger/uuid-index.ts";
import * as Kind from "../../core/log/record-kind.ts";
import * as FlightState from "../../core/routing/flight-state.ts";
import { Flights } from "../../core/routing/flights.ts";
import { PendingQueue } from "../../core/routing/pending-queue.ts";
import * as Outcome from "../../core/values/outcome.ts";
import * as State from "../../core/values/state.ts";
import { PollRights } from "../../server/health/poll-rights.ts";
import { getter, type Mutate, method, outcomes } from "./mutate.ts";
import type { Life } from "./virtual-host.ts";
import type { Question } from "./virtual-network.ts";
import { World } from "./world.ts";

/** Age at which a payment in doubt is given up by the bug that does so. */
const DOUBT_GIVEN_UP_MS = 2000;

/** Deliberate bugs in what is done with payments. */
export const PAYMENT_MUTATIONS: Readonly<Record<string, Mutate>> = {
  "timeout taken for a refusal": () =>
    outcomes((outcome) => (outcome === Outcome.TIMED_OUT ? Outcome.UNREACHABLE : outcome)),
  "reset taken for a refusal": () => outcomes((outcome) => (outcome === Outcome.RESET ? Outcome.UNREACHABLE : outcome)),
  // Only a payment that is being sent for the first time can be refused; one in doubt is made to look like it.
  "refusal after a doubt settles it": () =>
    outcomes((outcome, engine, slot) => {
      const state = engine.ledger.rows.state as Uint8Array;
      if (outcome >= Outcome.FAILING && outcome <= Outcome.UNREACHABLE && state[slot] === State.IN_DOUBT)
        state[slot] = State.SENDING;
      return outcome;
    }),
  "422 to a first attempt taken for a charge": () =>
    outcomes((outcome, engine, slot) => {
      const isFirst = engine.ledger.rows.state[slot] === State.SENDING;
      return outcome === Outcome.ALREADY_CHARGED && isFirst ? Outcome.CHARGED : outcome;
    }),
  "422 to a doubt taken for a refusal": () =>
    outcomes((outcome, engine, slot) => {
      const isDoubt = engine.ledger.rows.state[slot] === State.IN_DOUBT;
      return outcome === Outcome.ALREADY_CHARGED && isDoubt ? Outcome.FAILING : outcome;
    }),
  "a doubt asked about at the other processor": () =>
    doubts((question) => ({ ...question, processor: 1 - question.processor })),
  "a new requestedAt for a doubt": () =>
    doubts((question, nowMs) => ({ ...question, charge: { ...question.charge, requestedAtMs: nowMs } })),
  "doubts are given up": () =>
    method(
      Engine.prototype,
      "giveUpOld",
      (giveUpOld) =>
        function (nowMs, onFailed) {
          giveUpOld.call(this, nowMs, onFailed);
          giveUpDoubts(this, nowMs);
        },
    ),
  "a refused payment is forgotten": () => method(PendingQueue.prototype, "pushFront", () => () => {}),
  "a purge lets answers in": () => method(Flights.prototype, "orphanAll", () => () => {}),
  "a window without its last millisecond": () =>
    method(
      Ledger.prototype,
      "sum",
      (sum) =>
        function (fromMs, toMs, out) {
          sum.call(this, fromMs, toMs - 1, out);
        },
    ),
  "the watermark forgets what is open": () => method(Engine.prototype, "settledUntilMs", () => (nowMs) => nowMs),
  "polls without pause or consent": () => {
    const undos = [
      getter(PollRights.prototype, "tryFromMs", () => 0),
      method(
        PollRights.prototype,
        "mayPoll",
        (mayPoll) =>
          function (claimedAtMs, nowMs) {
            return mayPoll.call(this, claimedAtMs, nowMs, true);
          },
      ),
    ];
    return () => {
      for (const undo of undos) undo();
    };
  },
};

/** Changes the requests that ask about doubts. */
function doubts(change: (question: Question, nowMs: number) => Question): () => void {
  return method(
    World.prototype,
    "send",
    (send) =>
      function (life: Life, question, request) {
        const { ledger } = life.engine;
        const slot = ledger.find(this.oracle.known.get(question.charge.payment)!.words);
        const isDoubt = slot !== NOT_FOUND_SLOT && ledger.rows.state[slot] === State.IN_DOUBT;
        send.call(this, life, isDoubt ? change(question, life.nowMs) : question, request);
      },
  );
}

function giveUpDoubts({ batch, flights, ledger }: Engine, nowMs: number): void {
  for (let flight = 0; flight < flights.highWater; flight++) {
    const slot = flights.slot[flight]!;
    if (flights.state[flight] !== FlightState.DOUBT || nowMs - ledger.rows.acceptedAtMs[slot]! < DOUBT_GIVEN_UP_MS)
      continue;
    const record = batch.append(
      Kind.FAILED,
      ledger.sequenceOf(slot),
      nowMs,
      flights.processor[flight]!,
      Outcome.LOST,
      0,
    );
    flights.close(flight);
    ledger.apply(batch, record);
  }
}
