import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PROCESSOR_MAIN } from "../../launch/plans.ts";
import { freePorts } from "../../launch/ports.ts";
import { Child } from "../contenders/child.ts";
import { startLoneInstance } from "../contenders/lone-instance.ts";
import type { BenchOptions } from "./command-line.ts";
import { type Comparison, comparisonsWith } from "./comparisons.ts";
import { load, type Slice } from "./slice.ts";

const COLLECTOR = fileURLToPath(new URL("./collector.js", import.meta.url));
/** Before the end of a load: what is sampled earlier is sent before the end too, with the batch of its time. */
const SEND_WITHIN_MS = 1000;

/** One load of two instances, or two loads between which they changed places. */
export type Round = { readonly watched: readonly Slice[]; readonly unwatched: readonly Slice[] };

export type Compared = { readonly comparison: Comparison; readonly rounds: readonly Round[] };

type Surroundings = { readonly directory: string; readonly processorUrl: string; readonly signal: AbortSignal };

/**
 * One comparison after the other, each with two instances of its own that are loaded at the same time, with one
 * processor that answers at once. Rejects when it is called off.
 */
export async function bench(
  options: BenchOptions,
  onRound: (name: string, round: number) => void,
  signal: AbortSignal,
): Promise<Compared[]> {
  const directory = mkdtempSync(join(tmpdir(), "rinha-telemetry-"));
  const children: Child[] = [];
  try {
    const [collectorPort, processorPort] = (await freePorts(2)) as [number, number];
    const all = comparisonsWith(`http://127.0.0.1:${collectorPort}`, options.durationMs - SEND_WITHIN_MS);
    const wanted = choose(all, options.modes);
    children.push(await Child.listening([COLLECTOR, `${collectorPort}`], collectorPort));
    children.push(await Child.listening([PROCESSOR_MAIN, "--port", `${processorPort}`], processorPort));
    const surroundings = { directory, processorUrl: `http://127.0.0.1:${processorPort}`, signal };
    const compared: Compared[] = [];
    for (const [i, comparison] of wanted.entries()) {
      const here = { ...surroundings, directory: join(directory, `${i}`) };
      const rounds = await compare(comparison, options, here, (round) => onRound(comparison.name, round));
      compared.push({ comparison, rounds });
    }
    return compared;
  } finally {
    await Promise.all(children.map((child) => child.stop()));
    rmSync(directory, { recursive: true, force: true });
  }
}

function choose(all: readonly Comparison[], names: readonly string[]): readonly Comparison[] {
  const unknown = names.filter((name) => !all.some((comparison) => comparison.name === name));
  if (unknown.length > 0) {
    throw new Error(`modes must be of ${all.map(({ name }) => `"${name}"`).join(", ")}: modes=${unknown.join(",")}`);
  }
  return all.filter(({ name }) => names.length === 0 || names.includes(name));
}

async function compare(
  comparison: Comparison,
  options: BenchOptions,
  { directory, processorUrl, signal }: Surroundings,
  onRound: (round: number) => void,
): Promise<Round[]> {
  const { watched, unwatched, sampledShare, watcher } = comparison;
  const ports = await freePorts(2);
  const processors = { DEFAULT_PROCESSOR_URL: processorUrl, FALLBACK_PROCESSOR_URL: processorUrl };
  const instances: Child[] = [];
  try {
    for (const [i, env] of [watched, unwatched].entries()) {
      const settings = { CAPACITY: String(2 ** 22), ...processors, ...env };
      instances.push(await startLoneInstance(ports[i]!, join(directory, `${i}`), settings));
    }
    const rounds: Round[] = [];
    const slice = async (first: number, share: number): Promise<Round> => {
      const watch = { sampledShare: share, sampledForMs: options.durationMs - 1.1 * SEND_WITHIN_MS, watcher };
      const targets = instances.map((instance, i) => ({ instance, port: ports[i]!, watch: i === first && watch }));
      const slices = await load(targets, options, signal);
      return { watched: [slices[first]!], unwatched: [slices[1 - first]!] };
    };
    for (let round = 0; round <= options.rounds; round++) {
      // The first round warms up: what a process of some age has compiled is compiled then, so everything is sampled.
      const share = round === 0 && options.isWarm ? Math.ceil(sampledShare) : sampledShare;
      const parts = [await slice(0, share)];
      if (watched === unwatched) parts.push(await slice(1, share));
      if (round > 0) {
        rounds.push({
          watched: parts.flatMap((part) => part.watched),
          unwatched: parts.flatMap((part) => part.unwatched),
        });
      }
      onRound(round);
    }
    return rounds;
  } finally {
    await Promise.all(instances.map((instance) => instance.stop()));
    rmSync(directory, { recursive: true, force: true });
  }
}
