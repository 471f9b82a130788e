import type { Engine } from "../../core/engine.ts";
import type { Ledger } from "../../core/ledger/ledger.ts";
import type { JournalMeters } from "../meters/meters.ts";
import type { RecordLog } from "../turn/record-log.ts";

export interface Store {
  readonly partitionCount: number;
  readonly canMove: boolean;
  claim(partition: number): Promise<Claim | undefined>;
  follow(partition: number): Promise<Following | undefined>;
}
export interface Claim {
  readonly partition: number;
  readonly capacity: number;
  readonly paymentsMax: number;
  open(ledger: Ledger, options: ClaimOptions): Promise<Storage>;
  release(): Promise<void>;
}
export type ClaimOptions = { following?: Following | undefined; signal?: AbortSignal | undefined; onBroken: (error: Error) => void };
export interface Storage {
  readonly log: RecordLog | undefined;
  readonly epoch: number;
  readonly latestMs: number;
  beginUpkeep(engine: Engine, flush: () => boolean, meters: JournalMeters): void;
  maintain(): void;
  close(): Promise<void>;
}
export interface Following {
  readonly capacity: number;
  readonly paymentsMax: number;
  /** Fills this ledger from here on. */
  into(ledger: Ledger): void;
  catchUp(signal?: AbortSignal): Promise<number>;
  close(): void;
}
