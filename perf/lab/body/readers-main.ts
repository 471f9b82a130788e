import { PaymentBody } from "../../../server/payments/payment-body.ts";
import type { Problem } from "../../../server/text/problem.ts";
import { HeapWatch } from "../limits/heap-watch.ts";
import { AMOUNT_TEXT, paymentBody } from "../load/payment-request.ts";
import type { Readers } from "./readers.ts";

/** A process of its own for one round: `node build/perf/lab/body/readers-main.js BODIES`; prints Readers. */
const CHUNK_SIZE = 1000;
const WARM_UP_CHUNKS = 50;
const CENTS = Math.round(Number(AMOUNT_TEXT) * 100);

const encoder = new TextEncoder();
const reader = new PaymentBody();

type Read = (body: Uint8Array) => Problem | undefined;

const readPlain: Read = (body) => reader.parse(body);
const readJson: Read = (body) => reader.parseJson(body);

/** Everything that one reader has read. */
class Readings {
  readonly #read: Read;
  readonly #heap = new HeapWatch();
  #elapsedMs = 0;
  #bodyCount = 0;

  constructor(read: Read) {
    this.#read = read;
  }

  add(bodies: readonly Uint8Array[]): void {
    let wrongCount = 0;
    this.#elapsedMs += this.#heap.stretch(bodies.length, () => {
      for (const body of bodies) if (this.#read(body) !== undefined || reader.cents !== CENTS) wrongCount++;
    });
    this.#bodyCount += bodies.length;
    if (wrongCount > 0) throw new Error(`bodies must mean what was written: wrong=${wrongCount}`);
  }

  async end(): Promise<{ ns: number; bytes: number }> {
    const { bytesPerOperation } = await this.#heap.end();
    return { ns: (this.#elapsedMs * 1e6) / this.#bodyCount, bytes: bytesPerOperation };
  }
}

/** The readers take turns, chunk by chunk: whatever else the machine does meets both. */
async function measure(chunkCount: number): Promise<Readers> {
  const readings = [new Readings(readPlain), new Readings(readJson)] as const;
  for (let chunk = 0; chunk < chunkCount; chunk++) {
    const bodies = Array.from({ length: CHUNK_SIZE }, () => encoder.encode(paymentBody()));
    for (const one of readings) one.add(bodies);
  }
  const [plain, json] = [await readings[0].end(), await readings[1].end()];
  return { plainNs: plain.ns, jsonNs: json.ns, plainBytes: plain.bytes, jsonBytes: json.bytes };
}

await measure(WARM_UP_CHUNKS);
process.stdout.write(`${JSON.stringify(await measure(Math.ceil(Number(process.argv[2]) / CHUNK_SIZE)))}\n`);
