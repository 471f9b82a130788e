import type { Mutation } from "./mutation.ts";

/** What is written, when, and what is made of it after a restart. */
export const JOURNAL_MUTATIONS: Readonly<Record<string, Mutation>> = {
  "effects before the write": {
    file: "server/turn/group-commit",
    find: "if (this.#isFailing || !this.#write(effects)) {",
    replace: `for (const effect of effects.splice(0)) effect.commit();
      if (this.#isFailing || !this.#write(effects)) {`,
  },
  "effects before the sync": {
    file: "server/turn/group-commit",
    find: "else if (this.#sync) this.#sync.add(effects);",
    replace: "else if (false) {}",
  },
  "nothing taken back after a failed write": {
    file: "server/turn/group-commit",
    find: "engine.revert();",
    replace: "engine.batches.refused(() => false);",
  },
  "half a batch stays": {
    file: "server/journal/journal",
    find: "this.#file.truncate(this.#bytes)",
    replace: "{}",
  },
  "an append claims success on a short write": {
    file: "server/journal/journal",
    find: "for (let written = 0; written < bytes;) {",
    replace: "for (let written = 0; written < 1;) {",
  },
  "a sync that is not waited for": {
    file: "server/journal/journal",
    find: "this.#file.syncDataThen((error) => {",
    replace: "[null].forEach((error) => {",
  },
  "a failed sync is tried again": {
    file: "server/journal/journal",
    find: 'this.break("what was written must become durable", error);',
    replace: "return this.sync(onDurable);",
  },
  "a failed sync at rotation is passed over": {
    file: "server/journal/journal",
    find: 'this.#orBreak("a finished segment must be durable", () => this.#file.syncData());',
    replace: "try { this.#file.syncData(); } catch {}",
  },
  "rotation without a sync": {
    file: "server/journal/journal",
    find: 'this.#orBreak("a finished segment must be durable", () => this.#file.syncData());',
    replace: "{}",
  },
  "a new segment's name is not synced": {
    file: "server/journal/journal",
    find: 'this.#orBreak("a segment\'s name must be durable", () => this.#directory.sync());',
    replace: "{}",
  },
  "a slice that claims a later record": {
    file: "server/journal/checkpointer",
    find: "cut.cut(batch, this.#journal.lsn, sliceRows);",
    replace: "cut.cut(batch, this.#journal.lsn + 1, sliceRows);",
  },
  "a slice that claims an earlier record": {
    file: "server/journal/checkpointer",
    find: "cut.cut(batch, this.#journal.lsn, sliceRows);",
    replace: "cut.cut(batch, this.#journal.lsn - 1, sliceRows);",
  },
  "a slice that knows more than the log": {
    file: "server/journal/checkpointer",
    find: "|| !flush()",
    replace: "",
  },
  "a checkpoint used though it is stale": {
    file: "server/journal/checkpointer",
    find: "cut.isStale ||",
    replace: "",
  },
  "a checkpoint counts before it is durable": {
    file: "server/journal/checkpointer",
    find: "await syncData(file); return true;",
    replace: "return true;",
  },
  "a checkpoint is not held back for the log it builds on": {
    file: "server/journal/checkpointer",
    find: "await this.#syncSegmentsFrom(number);",
    replace: "",
  },
  "segments removed before their checkpoint has its name": {
    file: "server/journal/checkpointer",
    find: "await this.#publish(partial, path); await this.#removeBefore(number);",
    replace: "await this.#removeBefore(number); await this.#publish(partial, path);",
  },
  "segments removed before their checkpoint's name is synced": {
    file: "server/journal/checkpointer",
    find: 'await this.#orBreak("a checkpoint\'s name must be durable", disk.syncDirectoryLater(this.#directory.path));',
    replace: "",
  },
  "the last sound record dropped with the torn one": {
    file: "server/journal/recover",
    find: "const total = Math.floor((file.bytes - headerBytes) / RECORD_BYTES);",
    replace: `const isTorn = (file.bytes - headerBytes) % RECORD_BYTES !== 0;
      const total = Math.max(0, Math.floor((file.bytes - headerBytes) / RECORD_BYTES) - (isTorn ? 1 : 0));`,
  },
  "a record torn between two sectors taken for damage": {
    file: "server/journal/recover",
    find: "if (untilSector >= RECORD_BYTES) return false;",
    replace: "return false;",
  },
  "damage taken for a torn end": {
    file: "server/journal/recover",
    find: "if (batch.isZero(record) || (record === unsound && isFirstTorn)) continue;",
    replace: "if (batch.isZero(record) || (record === unsound && isFirstTorn) || true) continue;",
  },
  "the torn end stays": {
    file: "server/journal/recover",
    find: "file.truncate(recovered.torn.soundBytes);",
    replace: "",
  },
  "replayed records left as they are": {
    file: "server/journal/storage",
    find: "if (options.syncs) makeDurable(directory, recovered);",
    replace: "",
  },
  "replayed records synced where they are": {
    file: "server/journal/rewrite",
    find: "for (const { name, soundBytes } of recovered.unsafe) rewrite(directory, name, soundBytes);",
    replace: `for (const { name } of recovered.unsafe) directory.disk.open(directory.filePath(name), "write").syncData();`,
  },
  "the clock goes back at a restart": {
    file: "server/journal/storage",
    find: "this.latestMs = recovered.latestMs;",
    replace: "this.latestMs = 0;",
  },
  "a directory is taken that is in use": {
    file: "server/journal/storage",
    find: "const lock = await disk.lock(directory.path);",
    replace: "const lock = { release: async () => {} };",
  },
  "the clock jumps with the wall clock": {
    file: "server/turn/clock",
    find: "return Math.floor(this.#exactMs(this.#time.monotonicMs()));",
    replace: "return this.#time.wallMs();",
  },
  "a window without its last millisecond": {
    file: "server/payments/summary",
    find: "engine.ledger.sum(window.fromMs, window.toMs, totals);",
    replace: "engine.ledger.sum(window.fromMs, window.toMs - 1, totals);",
  },
  "a summary is told before it is durable": {
    file: "server/payments/payment-service",
    find: "return (await this.#commit.durable()) ? part : undefined;",
    replace: "return part;",
  },
};
