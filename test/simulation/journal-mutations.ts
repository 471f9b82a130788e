import type { Mutation } from "./mutation.ts";

/** What is written, when, and what is made of it after a restart. */
export const JOURNAL_MUTATIONS: Readonly<Record<string, Mutation>> = {
  "effects before the write": {
    seed: 6,
    file: "server/turn/group-commit",
    find: "if (this.#isEnded || this.#isFailing || !this.#write(effects)) {",
    replace: `if (!this.#isFailing) for (const effect of effects.splice(0)) effect.commit();
      if (this.#isEnded || this.#isFailing || !this.#write(effects)) {`,
  },
  "effects before the sync": {
    seed: 8,
    file: "server/turn/group-commit",
    find: "newest.effects.push(...effects); else if (this.#sync) this.#sync.add(effects);",
    replace: "newest.effects.push(...effects); else if (false) {}",
  },
  "nothing taken back after a failed write": {
    seed: 6,
    file: "server/turn/group-commit",
    find: "engine.revert();",
    replace: "engine.batches.refused(() => false);",
  },
  "half a batch stays": {
    seed: 18,
    file: "server/journal/journal",
    find: "this.#file.truncate(this.#bytes)",
    replace: "{}",
  },
  "an append claims success on a short write": {
    seed: 6,
    file: "server/journal/journal",
    find: "for (let written = 0; written < bytes;) {",
    replace: "for (let written = 0; written < 1;) {",
  },
  "a sync that is not waited for": {
    seed: 1,
    file: "server/journal/journal",
    find: "this.#file.syncDataThen((error) => {",
    replace: "[null].forEach((error) => {",
  },
  "a failed sync is tried again": {
    seed: 40,
    file: "server/journal/journal",
    find: 'this.break("what was written must become durable", error);',
    replace: "return this.sync(onDurable);",
  },
  "a failed sync at rotation is passed over": {
    seed: 1528,
    file: "server/journal/journal",
    find: 'this.#orBreak("a finished segment must be durable", () => this.#file.syncData());',
    replace: "try { this.#file.syncData(); } catch {}",
  },
  "rotation without a sync": {
    seed: 1,
    file: "server/journal/journal",
    find: 'this.#orBreak("a finished segment must be durable", () => this.#file.syncData());',
    replace: "{}",
  },
  "a new segment's name is not synced": {
    seed: 1,
    file: "server/journal/journal",
    find: 'this.#orBreak("a segment\'s name must be durable", () => this.#directory.sync());',
    replace: "{}",
  },
  "a slice that claims a later record": {
    seed: 1,
    file: "server/journal/checkpointer",
    find: "cut.cut(batch, this.#journal.lsn, sliceRows);",
    replace: "cut.cut(batch, this.#journal.lsn + 1, sliceRows);",
  },
  "a slice that claims an earlier record": {
    seed: 3,
    file: "server/journal/checkpointer",
    find: "cut.cut(batch, this.#journal.lsn, sliceRows);",
    replace: "cut.cut(batch, this.#journal.lsn - 1, sliceRows);",
  },
  "a slice that knows more than the log": {
    seed: 10,
    file: "server/journal/checkpointer",
    find: "|| !flush()",
    replace: "",
  },
  "a checkpoint counts before it is durable": {
    seed: 1,
    file: "server/journal/checkpointer",
    find: "await syncDataLater(file); return true;",
    replace: "return true;",
  },
  "a checkpoint is not held back for the log it builds on": {
    seed: 1,
    file: "server/journal/checkpointer",
    find: "await this.#syncSegmentsFrom(number);",
    replace: "",
  },
  "segments removed before their checkpoint has its name": {
    seed: 30,
    file: "server/journal/checkpointer",
    find: "await this.#publish(partial, path); await this.#removeBefore(number);",
    replace: "await this.#removeBefore(number); await this.#publish(partial, path);",
  },
  "segments removed before their checkpoint's name is synced": {
    seed: 1,
    file: "server/journal/checkpointer",
    find: 'await this.#orBreak("a checkpoint\'s name must be durable", disk.syncDirectoryLater(this.#directory.path));',
    replace: "",
  },
  "the last sound record dropped with the torn one": {
    seed: 9,
    file: "server/journal/log-reader",
    find: "const there = Math.floor((endBytes - this.#soundBytes) / RECORD_BYTES);",
    replace: `const isTorn = (endBytes - this.#soundBytes) % RECORD_BYTES !== 0;
      const there = Math.floor((endBytes - this.#soundBytes) / RECORD_BYTES) - (isTorn ? 1 : 0);`,
  },
  "a record torn between two sectors taken for damage": {
    seed: 241,
    file: "server/journal/torn-end",
    find: "if (untilSector >= RECORD_BYTES) return false;",
    replace: "return false;",
  },
  "damage taken for a torn end": {
    seed: 13,
    file: "server/journal/torn-end",
    find: "if (batch.isZero(record) || (record === 0 && isFirstTorn)) continue;",
    replace: "if (batch.isZero(record) || (record === 0 && isFirstTorn) || true) continue;",
  },
  "the torn end stays": {
    seed: 60,
    file: "server/journal/tidy",
    find: "file.truncate(recovered.torn.soundBytes);",
    replace: "",
  },
  "replayed records left as they are": {
    seed: 14,
    file: "server/journal/journal-claim",
    find: "if (this.#options.syncs) await makeDurable(directory, recovered, signal);",
    replace: "",
  },
  "replayed records synced where they are": {
    seed: 37,
    file: "server/journal/rewrite",
    find: "for (const { name, soundBytes } of recovered.unsafe) await rewrite(directory, name, soundBytes, signal);",
    replace: `for (const { name } of recovered.unsafe) {
      directory.disk.open(directory.filePath(name), "write").syncData();
    }`,
  },
  "the clock goes back at a restart": {
    seed: 2,
    file: "server/journal/journal-storage",
    find: "this.latestMs = recovered.latestMs;",
    replace: "this.latestMs = 0;",
  },
  "a directory is taken that is in use": {
    seed: 10,
    file: "server/journal/partition-directory",
    find: "return await disk.lock(path);",
    replace: "return { release: async () => {} };",
  },
  "the clock jumps with the wall clock": {
    seed: 2,
    file: "server/turn/clock",
    find: "return Math.floor(this.#exactMs(this.#time.monotonicMs()));",
    replace: "return this.#time.wallMs();",
  },
  "a summary is told before it is durable": {
    seed: 85,
    file: "server/payments/payment-service",
    find: "return (await this.#commit.durable()) ? part : undefined;",
    replace: "return part;",
  },
  "effects join a sync that has begun": {
    seed: 89,
    file: "server/turn/effect-sync",
    find: "(isCovered ? this.#syncing : this.#unsynced).push(effect);",
    replace: "(this.#isSyncing ? this.#syncing : this.#unsynced).push(effect);",
  },
  "an effect of a sync gets lost": {
    seed: 1,
    file: "server/turn/effect-sync",
    find: "this.#syncing = this.#unsynced;",
    replace: "this.#syncing = this.#unsynced.slice(1);",
  },
  "no name of the directory is synced": {
    seed: 6,
    file: "server/journal/journal-directory",
    find: "this.disk.syncDirectory(this.path);",
    replace: "",
  },
  "the directory's own name is not synced": {
    seed: 1,
    file: "server/journal/journal-directory",
    find: "if (isDurable) syncParents(this.disk, this.path);",
    replace: "",
  },
  "what is left of files that were never whole stays": {
    seed: 14,
    file: "server/journal/journal-directory",
    find: "if (PARTIAL.test(name)) this.remove(name);",
    replace: "{}",
  },
  "a file that is not whole yet is taken for one": {
    seed: 1,
    file: "server/journal/journal-directory",
    find: `return join(this.path, \`\${basename(path, ".journal")}.partial\`);`,
    replace: "return path;",
  },
};
