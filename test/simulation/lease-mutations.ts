import type { Mutation } from "./mutation.ts";

/**
 * Who has a partition by its lease, and what its log in the database is. That a reader looks again for what it has read
 * is not among them: hardly any run needs that, and test/server/lease/lease-following.test.ts is one that does.
 */
const MUTATIONS: Readonly<Record<string, Omit<Mutation, "mode">>> = {
  "an epoch is not checked when records are appended": {
    seed: 393,
    file: "test/simulation/database-statements",
    find: "if (row.epoch !== epoch || row.head !== lsn)",
    replace: "if (row.head !== lsn)",
  },
  "unknown is taken for failed": {
    seed: 5,
    file: "server/lease/appender",
    find: "log.unknown(); await this.#findOut(asked);",
    replace: "log.refused(moved);",
  },
  "unknown is taken for done": {
    seed: 2,
    file: "server/lease/appender",
    find: "log.unknown(); await this.#findOut(asked);",
    replace: "log.written();",
  },
  "what is not known is sent again as it was": {
    seed: 10,
    file: "server/lease/appender",
    find: "if (!(error instanceof NotDoneError)) return unknownOf(error);",
    replace: "",
  },
  "a lease is not looked at when something is told": {
    seed: 127,
    file: "server/lease/lease-log",
    find: "return this.#failure === undefined && this.#options.isLeaseValid();",
    replace: "return this.#failure === undefined;",
  },
  "a lease counts from the answer": {
    seed: 90,
    file: "server/lease/membership",
    find: "sentAtMs + LEASE_MS - DRIFT_MS",
    replace: "this.#parts.time.monotonicMs() + LEASE_MS - DRIFT_MS",
  },
  "a member is expelled although it renews": {
    seed: 5,
    file: "server/lease/lapses",
    find: "before?.renewal === renewal ? before : { renewal, sinceMs: nowMs }",
    replace: "{ renewal, sinceMs: before?.sinceMs ?? nowMs }",
  },
  "a claimant does not wait until a lease has lapsed": {
    seed: 22,
    file: "server/lease/membership",
    find: "if (inMs <= 0) break;",
    replace: "break;",
  },
  "a checkpoint is finished although a record that it knows of was refused": {
    seed: 1784,
    file: "server/lease/slice-writer",
    find: "if (!(await writing.durable())) return undefined;",
    replace: "await writing.durable();",
  },
  "a slice is put before its records are acknowledged": {
    seed: 53,
    file: "server/lease/slice-writer",
    find: "if (!(await writing.durable())) return undefined;",
    replace: "",
  },
  "whatever a raise tells, all is written": {
    seed: 2,
    file: "server/lease/lease-log",
    find: "else if (head === this.#writtenLsn + recordCount)",
    replace: "else if (head >= this.#writtenLsn)",
  },
  "whatever a raise tells, nothing is written": {
    seed: 5,
    file: "server/lease/lease-log",
    find: "else if (head === this.#writtenLsn + recordCount) this.written(); else if (head === this.#writtenLsn)",
    replace: "else if (head >= 0)",
  },
  "a chunk that does not fit beside the last one is the end": {
    seed: 2,
    file: "server/lease/chunk-reader",
    find: "place ? place.recordCount * RECORD_BYTES + CHUNK_BYTES_MAX : this.#fetchBytes",
    replace: "this.#fetchBytes",
  },
  "a partition that was lost goes on answering": {
    seed: 48,
    file: "server/partition/departures",
    find: `if (hold.state !== "carried" && hold.state !== "leaving") return undefined;`,
    replace: "return undefined;",
  },
  "a refusal is certain although an earlier try has no answer": {
    seed: 5996,
    file: "server/api/whole-service",
    find: "if (word.result.status === 503 && wasUnanswered)",
    replace: "if (false)",
  },
  "what waits for an answer keeps its place when its partition leaves": {
    seed: 7,
    file: "server/turn/group-commit",
    find: "for (const { effects } of this.#groups) for (const effect of effects.splice(0)) effect.abort(true);",
    replace: "",
  },
};

export const LEASE_MUTATIONS: Readonly<Record<string, Mutation>> = Object.fromEntries(
  Object.entries(MUTATIONS).map(([name, mutation]) => [name, { ...mutation, mode: "lease" }]),
);
