import type { Mutation } from "./mutation.ts";

/** Who carries a partition, and what becomes of it when it changes hands. */
export const PARTITION_MUTATIONS: Readonly<Record<string, Mutation>> = {
  "a later carrier has the number of the one before": {
    seed: 1,
    file: "server/journal/journal",
    find: "this.#epoch = start.epoch + 1;",
    replace: "this.#epoch = Math.max(1, start.epoch);",
  },
  "a partition is handed over before its last records are written": {
    seed: 222,
    file: "server/partition/partition",
    find: "this.#sending?.dispatcher.abandon(); await this.#settled();",
    replace: `this.#sending?.dispatcher.abandon();
      this.books.engine.batch.clear();
      await this.#settled();`,
  },
  "a doubt gets lost when its partition changes hands": {
    seed: 1,
    file: "core/routing/dispatch",
    find: "if (state > State.IN_DOUBT) continue;",
    replace: "if (state > State.SENDING) continue;",
  },
  "a partition still answers when its lock is another's": {
    seed: 3,
    file: "server/partition/departures",
    find: 'holds.set(partition.number, { state: "leaving", partition, sinceMs: time.wallMs() });',
    replace: "",
  },
  "what is out keeps its place when its partition leaves": {
    seed: 9,
    file: "server/sending/dispatcher",
    find: "this.#parts.engine.letGo();",
    replace: "",
  },
  "a lock outlives the partition": {
    seed: 3,
    file: "server/journal/journal-storage",
    find: "this.log.close(); await this.#lock.release();",
    replace: "this.log.close();",
  },
};
