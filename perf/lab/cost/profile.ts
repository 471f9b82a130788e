import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { say } from "../../command/run-command.ts";
import { type OurService, startOurs, stopContenders } from "../contenders/contender.ts";
import { warmUpContenders } from "../contenders/warm-up-contenders.ts";
import { loadRound } from "../load/load-round.ts";
import type { CostOptions } from "./command-line.ts";
import { type CpuProfile, type ProfileSummary, summariseProfiles } from "./profile-summary.ts";
import { unbundled } from "./unbundled.ts";

const SAMPLING_US = 250;
const SETTLE_WAIT_MS = 30_000;

/**
 * Pays a topology of its own whose instances run under V8's profiler, so that the measured ones are not disturbed by
 * it. Without limits: a profile is collected in memory.
 */
export async function profileCost(
  { ratePerSecond, profileMs, warmUpMs }: Pick<CostOptions, "ratePerSecond" | "profileMs" | "warmUpMs">,
  signal: AbortSignal,
  service: OurService = { name: "ours" },
): Promise<ProfileSummary> {
  const folder = mkdtempSync(join(tmpdir(), "rinha-profile-"));
  try {
    const nodeFlags = ["--cpu-prof", `--cpu-prof-dir=${folder}`, `--cpu-prof-interval=${SAMPLING_US}`];
    const contender = await startOurs(service, { limits: undefined, logLevel: undefined, nodeFlags }, signal);
    let window: { fromUs: number; toUs: number };
    try {
      await warmUpContenders([contender], { ratePerSecond, durationMs: warmUpMs, signal });
      const { url, books } = contender;
      await books?.open();
      say(`profiling: seconds=${profileMs / 1000}`);
      const fromUs = nowUs();
      const load = {
        target: url,
        ratePerSecond,
        leadInMs: 0,
        durationMs: profileMs,
        pacing: "thread",
        signal,
      } as const;
      const { acceptedCount, failedCount } = await loadRound(load);
      await books?.settle(acceptedCount, failedCount, SETTLE_WAIT_MS);
      window = { fromUs, toUs: nowUs() };
    } finally {
      // The profiles are written as the instances end.
      await stopContenders([contender]);
    }
    return summariseProfiles(readProfiles(folder), window);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The clock of V8's profiles. */
function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** One for each thread. */
function readProfiles(folder: string): CpuProfile[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(".cpuprofile"));
  if (files.length === 0) throw new Error(`the instances must leave profiles: folder=${folder}`);
  return files.map((name) => unbundled(JSON.parse(readFileSync(join(folder, name), "utf8")) as CpuProfile));
}
