import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { INSTANCE_NODE_FLAGS } from "../../launch/plans.ts";

/** One size in one round. Nanoseconds are per operation. */
export type CoreRound = {
  /** Payments in the ledger, which is then full. */
  readonly size: number;
  /** Into memory never written before: the kernel's first look at every page is in it. */
  readonly acceptFirstTouchNs: number;
  /** Into memory written before. */
  readonly acceptNs: number;
  readonly acceptDuplicateNs: number;
  /** Dispatched and settled as charged. */
  readonly processNs: number;
  readonly summaryNs: number;
  readonly summaryP99Ns: number;
  readonly lookUpByCorrelationIdNs: number;
  readonly lookUpByPaymentIdNs: number;
  /** What accept asks of the index alone: not found, then inserted. */
  readonly indexNs: number;
  readonly heapBytesPerAccept: number;
  /** While payments were accepted. */
  readonly gcCount: number;
  readonly gcMs: number;
  /** Preallocated for the engine, all of it, by what was written and what was not. */
  readonly bufferBytesPerPayment: number;
  /** Rows, index and the nodes of the window totals in use. */
  readonly usedBytesPerPayment: number;
  /** Growth of the process while the ledger was filled and processed for the first time. */
  readonly rssBytesPerPayment: number;
};

/** Of the largest payment count: rows, index, totals, queue, and what the check of the sums needs. */
export const MEMORY_BYTES_PER_PAYMENT = 90;

const ROUND_MAIN = fileURLToPath(new URL("./round-main.js", import.meta.url));

/** In a process of its own, with the flags that an instance has: nothing is left over from the round before. */
export async function measureRound(size: number, payments: number, signal: AbortSignal): Promise<CoreRound> {
  const args = [...INSTANCE_NODE_FLAGS, "--expose-gc", ROUND_MAIN, `${size}`, `${payments}`];
  const { stdout } = await promisify(execFile)(process.execPath, args, { signal });
  return JSON.parse(stdout) as CoreRound;
}
