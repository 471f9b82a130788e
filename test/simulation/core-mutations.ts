import type { Mutation } from "./mutation.ts";

/** What answers mean, and what is decided about payments. */
export const CORE_MUTATIONS: Readonly<Record<string, Mutation>> = {
  "a refusal after a doubt settles it": {
    seed: 25,
    file: "core/answers/verdict",
    find: "REFUSAL = [REFUSED, ENDED, MAY_LAND]",
    replace: "REFUSAL = [REFUSED, REFUSED, REFUSED]",
  },
  "422 to a first attempt taken for a charge": {
    seed: 7,
    file: "core/answers/verdict",
    find: "[Outcome.ALREADY_CHARGED]: NOT_SAID",
    replace: "[Outcome.ALREADY_CHARGED]: OURS",
  },
  "422 to a doubt taken for a refusal": {
    seed: 6,
    file: "core/answers/verdict",
    find: "[Outcome.ALREADY_CHARGED]: NOT_SAID",
    replace: "[Outcome.ALREADY_CHARGED]: [ENDED, REFUSED, REFUSED]",
  },
  "a 404 believed while an attempt may land": {
    seed: 1,
    file: "core/answers/verdict",
    find: "LOOKED_UP_IN_VAIN = [undefined, REFUSED, MAY_LAND]",
    replace: "LOOKED_UP_IN_VAIN = [undefined, REFUSED, REFUSED]",
  },
  "an answer that does not say ends one that may land": {
    seed: 9,
    file: "core/ledger/payment-states",
    find: "if (mayStillLand(batch.outcome(record))) this.#rows.mayLand[slot] = 1;",
    replace: "this.#rows.mayLand[slot] = mayStillLand(batch.outcome(record)) ? 1 : 0;",
  },
  "409 taken for a refusal": {
    seed: 17,
    file: "core/answers/dialect",
    find: "413: Outcome.REJECTED,",
    replace: "409: Outcome.REJECTED, 413: Outcome.REJECTED,",
  },
  "500 with a body taken for a refusal": {
    seed: 13,
    file: "core/answers/dialect",
    find: "isProvenEmpty ? Outcome.FAILING : Outcome.ERRED",
    replace: "Outcome.FAILING",
  },
  "202 taken for a charge": {
    seed: 31,
    file: "core/answers/dialect",
    find: "202 ? Outcome.ADMITTED",
    replace: "202 ? Outcome.CHARGED",
  },
  "a gateway's error ends the attempt": {
    seed: 5,
    file: "core/answers/dialect",
    find: "return Outcome.GATEWAY_FAILED",
    replace: "return Outcome.ERRED",
  },
  "a page taken for a charge": {
    seed: 60,
    file: "core/answers/dialect",
    find: "isMessage ? Outcome.CHARGED : Outcome.GARBLED",
    replace: "Outcome.CHARGED",
  },
  "doubts are given up": {
    seed: 8,
    file: "core/settling/settlement",
    find: "this.#record(Kind.DOUBTED, slot, processor, outcome, elapsedMs);",
    replace: `if (this.#nowMs - rows.acceptedAtMs[slot] > 2000) {
      this.#record(Kind.FAILED, slot, processor, outcome, elapsedMs);
      flights.close(flight);
      return;
    }
    this.#record(Kind.DOUBTED, slot, processor, outcome, elapsedMs);`,
  },
  "a refused payment is forgotten": {
    seed: 87,
    file: "core/settling/settlement",
    find: "releaseSetbacks(); this.#backlog.insert(slot);",
    replace: "releaseSetbacks();",
  },
  "a doubt is left alone while every POST is answered 404": {
    seed: 1214,
    file: "core/routing/doubts",
    find: "return isInVain ? BY_EITHER : LOOKUP_SETTLES;",
    replace: "return LOOKUP_SETTLES;",
  },
  "a purge lets answers in": {
    seed: 50,
    file: "core/engine",
    find: "this.#held?.clear(); this.flights.orphanAll();",
    replace: "this.#held?.clear();",
  },
  "what was being sent is pending after a restart": {
    seed: 1,
    file: "core/routing/dispatch",
    find: "this.#record(Kind.DOUBTED, slot, ledger.rows.processor[slot], Outcome.LOST);",
    replace: "this.#record(Kind.REFUSED, slot, ledger.rows.processor[slot], Outcome.LOST);",
  },
  "the watermark forgets what is open": {
    seed: 1,
    file: "core/settling/watermark",
    find: "untilMs = Math.min(untilMs, ledger.rows.requestedAtMs(flights.slot[flight]));",
    replace: "",
  },
  "the watermark goes beyond its bound": {
    seed: 2,
    file: "core/engine",
    find: "return this.#watermarkBound.cover(this.settledUntilMs(nowMs), this.batches, isWritable);",
    replace: "return this.settledUntilMs(nowMs);",
  },
  "every record taken for sound": {
    seed: 10,
    file: "core/log/record",
    find: "isSound(record, lsn) {",
    replace: "isSound(record, lsn) { return true;",
  },
  "a missing segment is passed over": {
    seed: 30,
    file: "core/log/recovery-plan",
    find: "if (gap >= 0)",
    replace: "if (gap >= 1e9)",
  },
  "a window without its last millisecond": {
    seed: 2,
    file: "core/ledger/ledger",
    find: "sum(fromMs, toMs, out) {",
    replace: "sum(fromMs, toMs, out) { toMs -= 1;",
  },
};
