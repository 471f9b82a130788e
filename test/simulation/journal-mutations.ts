import { Engine } from "../../core/engine.ts";
import { CheckpointCut } from "../../core/ledger/checkpoint.ts";
import { Replay } from "../../core/ledger/replay.ts";
import { NOT_FOUND_SLOT } from "../../core/ledger/uuid-index.ts";
import { RECORD_BYTES, RecordBatch } from "../../core/log/record.ts";
import * as Kind from "../../core/log/record-kind.ts";
import * as Outcome from "../../core/values/outcome.ts";
import * as State from "../../core/values/state.ts";
import { GroupCommit } from "../../server/turn/group-commit.ts";
import { getter, type Mutate, method } from "./mutate.ts";
import { VirtualCheckpointer } from "./virtual-checkpointer.ts";
import { VirtualDisk } from "./virtual-disk.ts";
import { Life, Send } from "./virtual-host.ts";
import { VirtualJournal } from "./virtual-journal.ts";
import { VirtualRecovery } from "./virtual-recovery.ts";

const NOTHING_LEFT_TO_DO = { commit: () => {}, abort: () => {} };

/** Deliberate bugs in what is written, when, and what is made of it after a restart. */
export const JOURNAL_MUTATIONS: Readonly<Record<string, Mutate>> = {
  "acknowledged before the write": () =>
    method(
      Life.prototype,
      "accept",
      (accept) =>
        function (known, cents, answer) {
          let isTold = this.engine.lookup(known.words) !== NOT_FOUND_SLOT;
          const wasKnown = isTold;
          accept.call(this, known, cents, (status) => {
            if (wasKnown || !isTold) answer(status);
            isTold = true;
          });
          if (isTold || this.engine.lookup(known.words) === NOT_FOUND_SLOT) return;
          isTold = true;
          answer(202);
        },
    ),
  "sent before the write": () =>
    method(
      GroupCommit.prototype,
      "add",
      (add) =>
        function (effect) {
          if (effect instanceof Send) effect.commit();
          add.call(this, effect instanceof Send ? NOTHING_LEFT_TO_DO : effect);
        },
    ),
  "half a batch stays": () => method(VirtualJournal.prototype, "cutBack", () => () => {}),
  "nothing taken back after a failed write": () =>
    method(
      Engine.prototype,
      "revert",
      () =>
        function () {
          this.batch.clear();
        },
    ),
  "a disk that lies about syncing": () => method(VirtualDisk.prototype, "sync", () => () => {}),
  "every record taken for sound": () => method(RecordBatch.prototype, "isSound", () => () => true),
  "the last sound record dropped with the torn one": () =>
    method(
      VirtualRecovery.prototype,
      "recordCount",
      (recordCount) =>
        function (file) {
          const count = recordCount.call(this, file);
          return count > 0 && file.bytes % RECORD_BYTES !== 0 ? count - 1 : count;
        },
    ),
  "the torn end stays": () =>
    method(
      VirtualRecovery.prototype,
      "tidy",
      (tidy) =>
        function (recovered) {
          tidy.call(this, { ...recovered, torn: undefined });
        },
    ),
  "a record torn between two sectors taken for damage": () =>
    method(VirtualRecovery.prototype, "isTorn", () => () => false),
  "replayed records left unsynced": () => method(VirtualRecovery.prototype, "syncReplayed", () => () => {}),
  "what was being sent is pending after a restart": () =>
    method(
      Engine.prototype,
      "resume",
      (resume) =>
        function (nowMs) {
          forgetSending(this, nowMs);
          resume.call(this, nowMs);
        },
    ),
  "the clock goes back at a restart": () => getter(Replay.prototype, "latestMs", () => 0),
  "a slice that claims a later record": () => slicesAsOf(1),
  "a slice that claims an earlier record": () => slicesAsOf(-1),
  "a slice that knows more than the log": () => method(VirtualCheckpointer.prototype, "flush", () => () => true),
  "a checkpoint used though it is stale": () => getter(CheckpointCut.prototype, "isStale", () => false),
  "segments removed before their checkpoint has its name": () =>
    method(
      VirtualCheckpointer.prototype,
      "publish",
      (publish) =>
        function* (partial, number) {
          yield* this.removeBefore(number);
          yield* publish.call(this, partial, number);
        },
    ),
};

function slicesAsOf(difference: number): () => void {
  return method(
    CheckpointCut.prototype,
    "cut",
    (cut) =>
      function (batch, lsn, rowCountMax) {
        cut.call(this, batch, lsn + difference, rowCountMax);
      },
  );
}

function forgetSending({ batch, ledger }: Engine, nowMs: number): void {
  for (let sequence = ledger.tail; sequence < ledger.head; sequence++) {
    const slot = ledger.slotOf(sequence);
    if (ledger.rows.state[slot] !== State.SENDING) continue;
    ledger.apply(batch, batch.append(Kind.REFUSED, sequence, nowMs, ledger.rows.processor[slot]!, Outcome.LOST, 0));
  }
}
