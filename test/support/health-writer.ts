import { parentPort, workerData } from "node:worker_threads";
import { HealthSnapshot, isFeltDown } from "../../core/routing/health-snapshot.ts";

/**
 * The thread that sends payments, in a worker: felt down, felt up and again, while another thread writes polls into the
 * same word. Nobody else writes the bit `down`, so it reads what it wrote; posts how often that was not so.
 */
const { buffer, turns } = workerData as { buffer: SharedArrayBuffer; turns: number };
const health = new HealthSnapshot(buffer.byteLength / Int32Array.BYTES_PER_ELEMENT, buffer);
let lostCount = 0;
for (let turn = 0; turn < turns; turn++) {
  health.feltDown(1);
  if (!isFeltDown(health.read(1))) lostCount++;
  health.feltUp(1);
  if (isFeltDown(health.read(1))) lostCount++;
}
parentPort?.postMessage(lostCount);
