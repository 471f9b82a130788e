import type { RecordBatch } from "../../core/log/record.ts";
import { type LateAnswer, type RecordLog, UNDER_WAY } from "../../server/turn/record-log.ts";

type Taken = { kinds: number[]; sequences: number[] };

/** A log that takes batches and answers when it is told to. */
export class LateLog implements RecordLog {
  readonly underWay: Taken[] = [];
  /** Sequences of the records that are in the log, by kind. */
  readonly written: Taken[] = [];
  lsn = 0;
  isCurrent = true;
  #onAnswer: (answer: LateAnswer) => void = () => {};

  append(batch: RecordBatch): typeof UNDER_WAY {
    const records = Array.from({ length: batch.count }, (_, record) => record);
    this.underWay.push({
      kinds: records.map((record) => batch.kind(record)),
      sequences: records.map((record) => batch.sequence(record)),
    });
    return UNDER_WAY;
  }

  listen(onAnswer: (answer: LateAnswer) => void): void {
    this.#onAnswer = onAnswer;
  }

  answer(answer: LateAnswer): void {
    if (answer === "written") this.written.push(this.underWay.shift()!);
    else if (answer instanceof Error) this.underWay.length = 0;
    this.#onAnswer(answer);
  }

  probe(): boolean {
    return true;
  }

  sync(onDurable: (error: Error | null) => void): void {
    onDurable(null);
  }

  close(): void {}
}
