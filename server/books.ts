import type { Engine } from "../core/engine.ts";
import { StuckWatch } from "./doubts/stuck-watch.ts";
import type { Log } from "./log/log.ts";
import type { Meters } from "./meters/meters.ts";
import type { PaymentBody } from "./payments/payment-body.ts";
import { PaymentService } from "./payments/payment-service.ts";
import { AttemptLog } from "./sending/attempt-log.ts";
import { Dispatcher } from "./sending/dispatcher.ts";
import { SendPacer } from "./sending/send-pacer.ts";
import type { ProcessorConfig } from "./settings/processors.ts";
import type { Storage, Writing } from "./store/store.ts";
import type { Network } from "./system/network.ts";
import type { Time } from "./system/time.ts";
import type { PartitionTracing, Tracing } from "./telemetry/tracing.ts";
import type { SlewedClock } from "./turn/clock.ts";
import { GroupCommit } from "./turn/group-commit.ts";
import { Ticking } from "./turn/ticking.ts";

export type BooksParts = {
  engine: Engine;
  storage: Storage;
  /** Another has taken over what is kept: whatever is in memory is worth nothing any more. */
  onFenced: (error: Error) => void;
  /** Whether what is told has to survive a loss of power. */
  syncs: boolean;
  time: Time;
  /** One for all partitions of an instance, whose gates know one time. */
  clock: SlewedClock;
  log: Log;
  meters: Meters;
  /** The last body read. */
  body: PaymentBody;
  tracing?: Tracing | undefined;
};

/** What knows of the payments of a partition, and nothing of who asks. */
export type Books = {
  engine: Engine;
  clock: SlewedClock;
  commit: GroupCommit;
  service: PaymentService;
  time: Time;
  log: Log;
  meters: Meters;
  tracing: PartitionTracing | undefined;
};

/** What sends them. */
export type Sending = { dispatcher: Dispatcher; ticking: Ticking };

/**
 * Puts together what keeps the payments of an engine that was rebuilt from its storage and has yet to resume its work.
 */
export function keepBooks(parts: BooksParts): Books {
  const { engine, storage, onFenced, syncs, time, clock, log, meters, body } = parts;
  const { logger } = log;
  const tracing = parts.tracing?.ofPartition(engine);
  clock.advanceTo(storage.latestMs);
  const commit = new GroupCommit({
    engine,
    log: storage.log,
    syncs,
    time,
    logger,
    meters: meters.journal,
    onWritten: () => storage.maintain(),
    onFenced,
  });
  storage.beginUpkeep(engine, writingTo(engine, commit), meters.journal);
  const service = new PaymentService({ engine, clock, commit, meters, log, body, tracing });
  return { engine, clock, commit, service, time, log, meters, tracing };
}

function writingTo(engine: Engine, commit: GroupCommit): Writing {
  return {
    get isWritable() {
      return !commit.isFailing;
    },
    flush: () => commit.commit() && engine.batches.next.count === 0,
    durable: () => commit.durable(),
  };
}

export type SendingOptions = { network: Network; processors: readonly ProcessorConfig[]; requestTimeoutMs: number };

/** Begins to send. What is sent cannot be taken back. */
export function beginSending(books: Books, options: SendingOptions): Sending {
  const { engine, clock, commit, time, log, meters, tracing } = books;
  const { network, processors, requestTimeoutMs } = options;
  const attemptLog = new AttemptLog(engine, log, meters, tracing);
  const pacer = new SendPacer(engine.ledger.head);
  const dispatcher = new Dispatcher({ network, processors, requestTimeoutMs, ...books, pacer, attemptLog });
  const stuckWatch = new StuckWatch(engine, log);
  const ticking = new Ticking({ engine, clock, commit, time, sending: dispatcher, notes: attemptLog, stuckWatch });
  commit.wake();
  return { dispatcher, ticking };
}
