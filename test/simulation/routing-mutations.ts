import type { Mutation } from "./mutation.ts";

/** What is sent next, and where; and the records about it that are not written yet. */
export const ROUTING_MUTATIONS: Readonly<Record<string, Mutation>> = {
  "what is set back waits for ever": {
    seed: 6,
    file: "core/routing/backlog",
    find: "this.#setbacks.release(nowMs, this.insert);",
    replace: "",
  },
  "what comes back from an attempt gets lost": {
    seed: 6,
    file: "core/routing/backlog",
    find: "this.#queue.insert(this.#placeOf(slot), slot);",
    replace: "",
  },
  "a pause never ends": {
    seed: 32,
    file: "core/routing/processor-gate",
    find: "this.#pausedUntilMs = nowMs + PAUSE_MS;",
    replace: "this.#pausedUntilMs = Number.POSITIVE_INFINITY;",
  },
  "one probe in vain is the last": {
    seed: 6,
    file: "core/routing/probes",
    find: "this.#dueAtMs = nowMs + this.#intervalMs;",
    replace: "this.#dueAtMs = Number.POSITIVE_INFINITY;",
  },
  "a lookup never gives its place back": {
    seed: 1,
    file: "core/routing/processor-gate",
    find: "this.#inFlightCount--; this.#lookupCount--;",
    replace: "{}",
  },
  "a dropped POST never gives its place back": {
    seed: 6,
    file: "core/routing/processor-gate",
    find: "this.#inFlightCount--; this.#answerTime.dropped(beganAtMs);",
    replace: "this.#answerTime.dropped(beganAtMs);",
  },
  "a processor that is down is not tried again": {
    seed: 87,
    file: "core/routing/ways",
    find: "admitted === OPEN && gate.isDown && isDoubtsTurn",
    replace: "admitted === OPEN && gate.isDown",
  },
  "a POST never gives its place back": {
    seed: 1,
    file: "core/routing/processor-gate",
    find: "this.#inFlightCount--; const wasProbe",
    replace: "const wasProbe",
  },
  "what did not leave keeps its flight": {
    seed: 6,
    file: "core/routing/dispatch",
    find: "flights.close(flight); } this.#backlog",
    replace: "} this.#backlog",
  },
  "the attempt of another payment is taken back": {
    seed: 6,
    file: "core/routing/dispatch",
    find: "!== FlightState.POSTING || flights.slot[flight] !== slot)",
    replace: "!== FlightState.POSTING)",
  },
  "what was taken back is written all the same": {
    seed: 6,
    file: "core/log/record-batches",
    find: "batch.retain((record) => isKept(batch, record));",
    replace: "{}",
  },
  "what had happened is forgotten with what was taken back": {
    seed: 26,
    file: "core/log/record-batches",
    find: "batch.retain((record) => isKept(batch, record));",
    replace: "batch.clear();",
  },
  "what is not written counts as written": {
    seed: 6,
    file: "core/log/record-batches",
    find: "if (this.#current.count > 0) onBatch(this.#current);",
    replace: "",
  },
};
