import { HeapWatch } from "../limits/heap-watch.ts";
import { BenchEngine } from "./bench-engine.ts";
import { measureIndex } from "./index-alone.ts";
import { BenchmarkPayments } from "./payments.ts";
import type { CoreRound } from "./round.ts";

/**
 * A process of its own for one size and one round: `node --expose-gc build/perf/lab/core/round-main.js SIZE
 * PAYMENTS`; prints a CoreRound.
 */
const WARM_UP_SIZE = 20_000;
const WARM_UP_LAPS = 5;
const DRAWN_COUNT = 262_144;
const WINDOW_COUNT = 10_000;

/** Everything is compiled before it is measured. */
async function warmUp(): Promise<void> {
  const bench = new BenchEngine(WARM_UP_SIZE);
  const heap = new HeapWatch();
  for (let lap = 0; lap < WARM_UP_LAPS; lap++) {
    const payments = new BenchmarkPayments(lap);
    bench.acceptAll(payments, heap);
    bench.acceptDuplicates(payments, WARM_UP_SIZE);
    bench.processAll();
    bench.sumWindows(1000);
    bench.lookUpByCorrelationId(payments, WARM_UP_SIZE);
    bench.lookUpByPaymentId(WARM_UP_SIZE);
    bench.purge();
    measureIndex(WARM_UP_SIZE, payments);
  }
  await heap.end();
}

/** Everything that is measured while the ledger is filled again and again, each time with other payments. */
async function measureLaps(bench: BenchEngine, lapCount: number) {
  const heap = new HeapWatch();
  let acceptNs = 0;
  let processNs = 0;
  let payments = new BenchmarkPayments(0);
  for (let lap = 1; lap <= lapCount; lap++) {
    bench.purge();
    payments = new BenchmarkPayments(lap);
    acceptNs += bench.acceptAll(payments, heap) / lapCount;
    processNs += bench.processAll() / lapCount;
  }
  const { bytesPerOperation: heapBytesPerAccept, gcCount, gcMs } = await heap.end();
  return { payments, times: { acceptNs, processNs, heapBytesPerAccept, gcCount, gcMs } };
}

/** Small ledgers are filled until at least `paymentsMin` payments are measured. */
async function measure(size: number, paymentsMin: number): Promise<CoreRound> {
  await warmUp();
  // What a collection finds of buffers is given back by a thread of its own; the next collection waits for that.
  globalThis.gc?.();
  globalThis.gc?.();
  const before = process.memoryUsage();
  const bench = new BenchEngine(size);
  const bufferBytes = process.memoryUsage().arrayBuffers - before.arrayBuffers;

  const firstHeap = new HeapWatch();
  const acceptFirstTouchNs = bench.acceptAll(new BenchmarkPayments(0), firstHeap);
  await firstHeap.end();
  bench.processAll();
  const rssBytes = process.memoryUsage().rss - before.rss;

  const { payments, times } = await measureLaps(bench, Math.max(1, Math.ceil(paymentsMin / size)));
  const windows = bench.sumWindows(WINDOW_COUNT);
  return {
    size,
    acceptFirstTouchNs,
    ...times,
    acceptDuplicateNs: bench.acceptDuplicates(payments, DRAWN_COUNT),
    summaryNs: windows.mean,
    summaryP99Ns: windows.p99,
    lookUpByCorrelationIdNs: bench.lookUpByCorrelationId(payments, DRAWN_COUNT),
    lookUpByPaymentIdNs: bench.lookUpByPaymentId(DRAWN_COUNT),
    indexNs: measureIndex(size, payments),
    bufferBytesPerPayment: bufferBytes / size,
    usedBytesPerPayment: bench.engine.ledger.bytesPerPayment,
    rssBytesPerPayment: rssBytes / size,
  };
}

process.stdout.write(`${JSON.stringify(await measure(Number(process.argv[2]), Number(process.argv[3])))}\n`);
