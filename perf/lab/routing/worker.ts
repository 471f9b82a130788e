import { parentPort, workerData } from "node:worker_threads";
import { comparePolicies } from "./compare-policies.ts";
import { randomWeather } from "./weather.ts";

export type RoutingWorkerData = { readonly seeds: readonly number[]; readonly policies: readonly string[] };

const { seeds, policies } = workerData as RoutingWorkerData;
for (const seed of seeds) parentPort!.postMessage(comparePolicies(randomWeather(seed), policies));
