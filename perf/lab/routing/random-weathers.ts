import { Worker } from "node:worker_threads";
import type { WeatherOutcome } from "./compare-policies.ts";
import type { RoutingWorkerData } from "./worker.ts";

/** Every policy in every random weather, on some threads; in the order of the seeds, whichever thread was first. */
export async function compareInRandomWeathers(
  seeds: readonly number[],
  policies: readonly string[],
  workerCount: number,
  signal: AbortSignal,
  onDone: (count: number) => void,
): Promise<WeatherOutcome[]> {
  const bySeed = new Map<string, WeatherOutcome>();
  const shares = Array.from({ length: workerCount }, (_, i) => seeds.filter((_, place) => place % workerCount === i));
  await Promise.all(
    shares.map((share) =>
      runWorker({ seeds: share, policies }, signal, (outcome) => {
        bySeed.set(outcome.weather, outcome);
        onDone(bySeed.size);
      }),
    ),
  );
  return seeds.map((seed) => bySeed.get(`random ${seed}`)!);
}

function runWorker(
  data: RoutingWorkerData,
  signal: AbortSignal,
  onOutcome: (outcome: WeatherOutcome) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: data });
    const end = (): void => void worker.terminate();
    signal.addEventListener("abort", end, { once: true });
    worker.on("message", onOutcome);
    worker.once("error", reject);
    worker.once("exit", () => {
      signal.removeEventListener("abort", end);
      if (signal.aborted) reject(signal.reason);
      else resolve();
    });
  });
}
