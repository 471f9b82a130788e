/** A thread of a campaign: runs the seeds it is told to, one message at a time. */
import { parentPort, workerData } from "node:worker_threads";
import { runSeeds } from "./campaign.ts";
import { withMutation } from "./mutations.ts";

const { mutation } = workerData as { mutation: string | undefined };

parentPort!.on("message", ({ fromSeed, seedCount }: { fromSeed: number; seedCount: number }) => {
  void withMutation(mutation, () => runSeeds(fromSeed, seedCount)).then((tally) => parentPort!.postMessage(tally));
});
