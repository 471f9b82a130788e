/** A thread of a campaign: runs the seeds it is told to, one message at a time. */
import { parentPort, workerData } from "node:worker_threads";
import type { Mode } from "./incident.ts";
import { mutated } from "./mutants.ts";

const { mutation, mode } = workerData as { mutation: string | undefined; mode: Mode | undefined };
const { runSeeds } = await mutated<typeof import("./campaign.ts")>("./campaign.js", mutation);

parentPort!.on("message", ({ fromSeed, seedCount }: { fromSeed: number; seedCount: number }) => {
  void runSeeds(fromSeed, seedCount, mode).then((tally) => parentPort!.postMessage(tally));
});
