import { BenchEngine } from "./bench-engine.ts";
import { HeapWatch } from "./heap-watch.ts";
import { measureIndex } from "./index-alone.ts";
import { BenchmarkPayments } from "./payments.ts";
import type { CoreRound } from "./round.ts";

/** A process of its own for one size and one round: `node --expose-gc build/perf/lab/core/round-main.js SIZE PAYMENTS`; prints a CoreRound. */
const warmUpSize = 20_000;
const warmUpLaps = 5;
const drawnCount = 262_144;
const windowCount = 10_000;

/** Everything is compiled before it is measured. */
async function warmUp(): Promise<void> {
  const bench = new BenchEngine(warmUpSize);
  const heap = new HeapWatch();
  for (let lap = 0; lap < warmUpLaps; lap++) {
    const payments = new BenchmarkPayments(lap);
    bench.acceptAll(payments, heap);
    bench.acceptDuplicates(payments, warmUpSize);
    bench.processAll();
    bench.sumWindows(1000);
    bench.lookUpByCorrelationId(payments, warmUpSize);
    bench.lookUpByPaymentId(warmUpSize);
    bench.purge();
    measureIndex(warmUpSize, payments);
  }
  await heap.end();
}

/** Small ledgers are filled again and again, until at least `paymentsMin` payments are measured. */
async function measure(size: number, paymentsMin: number): Promise<CoreRound> {
  await warmUp();
  globalThis.gc?.();
  const before = process.memoryUsage();
  const bench = new BenchEngine(size);
  const bufferBytes = process.memoryUsage().arrayBuffers - before.arrayBuffers;

  const firstHeap = new HeapWatch();
  const firstNs = bench.acceptAll(new BenchmarkPayments(0), firstHeap);
  await firstHeap.end();
  bench.processAll();
  const rssBytes = process.memoryUsage().rss - before.rss;

  const heap = new HeapWatch();
  const lapCount = Math.max(1, Math.ceil(paymentsMin / size));
  let acceptNs = 0;
  let processNs = 0;
  let payments = new BenchmarkPayments(0);
  for (let lap = 1; lap <= lapCount; lap++) {
    bench.purge();
    payments = new BenchmarkPayments(lap);
    acceptNs += bench.acceptAll(payments, heap) / lapCount;
    processNs += bench.processAll() / lapCount;
  }
  const { bytesPerOperation, gcCount, gcMs } = await heap.end();
  const windows = bench.sumWindows(windowCount);
  return {
    size,
    acceptFirstTouchNs: firstNs,
    acceptNs,
    acceptDuplicateNs: bench.acceptDuplicates(payments, drawnCount),
    processNs,
    summaryNs: windows.mean,
    summaryP99Ns: windows.p99,
    lookUpByCorrelationIdNs: bench.lookUpByCorrelationId(payments, drawnCount),
    lookUpByPaymentIdNs: bench.lookUpByPaymentId(drawnCount),
    indexNs: measureIndex(size, payments),
    heapBytesPerAccept: bytesPerOperation,
    gcCount,
    gcMs,
    bufferBytesPerPayment: bufferBytes / size,
    usedBytesPerPayment: bench.engine.ledger.bytesPerPayment,
    rssBytesPerPayment: rssBytes / size,
  };
}

process.stdout.write(`${JSON.stringify(await measure(Number(process.argv[2]), Number(process.argv[3])))}\n`);
