import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { errorLine } from "../../server/text/argument-error.ts";
import { addTo, describeTally, emptyTally, type Tally } from "./campaign.ts";
import type { FailureOptions } from "./failure.ts";
import type { Mode } from "./incident.ts";
import { modeOf, mutated } from "./mutants.ts";
import { MUTATIONS } from "./mutations.ts";

const USAGE = `usage: npm run simulate -- [options]

Runs the product's engine, journal, custody, dispatcher and pollers in a simulated world, one run per seed.

  --seeds N         seeds to run (1000)
  --from S          the first one (1)
  --workers W       threads (one a core)
  --only 1,4,…      only these incidents of the seed, as a failure prints them
  --mode MODE       partitions kept by "lease" or as a "journal" in every seed (a third, and the others)
  --mutation NAME   with a deliberate bug; "list" lists them
  --json            for programs: what the seeds came to, and the trace of the first that failed

Progress goes to the standard error while somebody watches it at a terminal.

Exit code 0: every seed kept every promise; 1: one did not, and its trace is printed; 2: usage.`;

const CHUNK_SEEDS = 200;
const PROGRESS_MS = 2000;
const EXIT_USAGE = 2;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "1000" },
      from: { type: "string", default: "1" },
      workers: { type: "string", default: String(availableParallelism()) },
      only: { type: "string" },
      mode: { type: "string" },
      mutation: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean" },
    },
  });
  const { mutation } = values;
  const [seedCount, fromSeed, workerCount] = [values.seeds, values.from, values.workers].map(Number) as [
    number,
    number,
    number,
  ];
  if (values.help || mutation === "list") {
    console.log(values.help ? USAGE : Object.keys(MUTATIONS).join("\n"));
    return 0;
  }
  const mode = values.mode ?? (mutation !== undefined && mutation in MUTATIONS ? modeOf(mutation) : undefined);
  const isSound = [seedCount, fromSeed, workerCount].every((value) => Number.isSafeInteger(value) && value >= 0);
  if (!isSound || workerCount < 1 || !isMode(mode) || (mutation !== undefined && !(mutation in MUTATIONS))) {
    console.error(`seeds, from and workers must be whole numbers, mode and mutation known: see below\n\n${USAGE}`);
    return EXIT_USAGE;
  }
  const places = values.only?.split(",").filter(Boolean).map(Number);
  if (places) {
    const told = await describe(fromSeed, { mutation, mode, places });
    if (values.json) print({ seed: fromSeed, only: places, failure: told ?? null });
    else console.log(told ?? `seed ${fromSeed} keeps every promise`);
    return told === undefined ? 0 : 1;
  }
  const isWatched = process.stderr.isTTY === true && !values.json;
  const options = { mutation, mode };
  const { tally, elapsedMs } = await campaign(fromSeed, seedCount, workerCount, options, isWatched);
  const failedSeeds = tally.failedSeeds.sort((a, b) => a - b);
  const [first] = failedSeeds;
  const failure = first === undefined ? undefined : await describe(first, options);
  if (values.json) print({ ...tally, elapsedMs, failure: failure ?? null });
  else {
    console.log(describeTally(tally, elapsedMs));
    if (failedSeeds.length > 0)
      console.log(`failed seeds: ${failedSeeds.slice(0, 20).join(" ")}${failedSeeds.length > 20 ? " …" : ""}`);
    if (failure !== undefined) console.log(failure);
  }
  return first === undefined ? 0 : 1;
}

function print(result: object): void {
  console.log(JSON.stringify(result, undefined, 2));
}

function isMode(mode: string | undefined): mode is Mode | undefined {
  return mode === undefined || mode === "lease" || mode === "journal";
}

async function describe(seed: number, options: FailureOptions): Promise<string | undefined> {
  const { describeFailure } = await mutated<typeof import("./failure.ts")>("./failure.js", options.mutation);
  return describeFailure(seed, options);
}

/** Hands out the seeds to the threads, chunk by chunk; stops handing out at the first failure. */
async function campaign(
  fromSeed: number,
  seedCount: number,
  workerCount: number,
  options: { mutation: string | undefined; mode: Mode | undefined },
  isWatched: boolean,
): Promise<{ tally: Tally; elapsedMs: number }> {
  const beganAtMs = performance.now();
  const total = emptyTally();
  const endSeed = fromSeed + seedCount;
  let nextSeed = fromSeed;
  let toldAtMs = beganAtMs;
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL("./campaign-worker.js", import.meta.url), { workerData: options });
      const handOut = (): void => {
        const count = Math.min(CHUNK_SEEDS, endSeed - nextSeed);
        if (count <= 0 || total.failedSeeds.length > 0) {
          void worker.terminate().then(() => resolve());
          return;
        }
        worker.postMessage({ fromSeed: nextSeed, seedCount: count });
        nextSeed += count;
      };
      worker.on("error", reject);
      worker.on("message", (tally: Tally) => {
        addTo(total, tally);
        const nowMs = performance.now();
        if (isWatched && nowMs - toldAtMs > PROGRESS_MS) {
          toldAtMs = nowMs;
          console.error(describeTally(total, nowMs - beganAtMs));
        }
        handOut();
      });
      handOut();
    });
  await Promise.all(Array.from({ length: workerCount }, work));
  return { tally: total, elapsedMs: performance.now() - beganAtMs };
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS")) throw error;
  console.error(errorLine(error));
  process.exitCode = EXIT_USAGE;
}
