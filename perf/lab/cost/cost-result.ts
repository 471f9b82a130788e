import { FLOOR_NAMES, limitRemarks, startContenders, stopContenders } from "../contenders/contender.ts";
import { targetRemarks } from "../contenders/target-options.ts";
import { warmUpContenders } from "../contenders/warm-up-contenders.ts";
import type { Measured } from "../report/result.ts";
import type { CostWish } from "./command-line.ts";
import { type CostMeasurement, measureCost } from "./measure.ts";
import { profileCost } from "./profile.ts";
import { costCharts, costFigures, costRemarks, profileText } from "./report.ts";

const NO_PROFILE = "no profile: only instances that are started here can run under the profiler";

/** Starts everything, pays it, and ends it again. Rejects when it is called off. */
export async function costResult(
  wish: CostWish,
  signal: AbortSignal,
): Promise<Measured & { readonly postscript: string | undefined }> {
  const { options, target } = wish;
  const { ratePerSecond, roundCount, durationMs } = options;
  const { measured, remarks } = await measure(wish, signal);
  const isProfiled = target === undefined && options.profileMs > 0;
  const profile = isProfiled ? await profileCost(options, signal) : undefined;
  return {
    kind: "cost",
    title: `CPU per payment at ${ratePerSecond}/s, ${roundCount} rounds of ${durationMs / 1000} s`,
    options: { ...options, target: target?.service.href },
    figures: costFigures(measured.rounds),
    remarks: [...remarks, ...costRemarks(measured), ...(target === undefined ? [] : [NO_PROFILE])],
    charts: costCharts(measured.rounds, profile),
    details: { ...measured, profile },
    postscript: profile === undefined ? undefined : profileText(profile),
  };
}

async function measure(
  { options, target }: CostWish,
  signal: AbortSignal,
): Promise<{ measured: CostMeasurement; remarks: string[] }> {
  const { limits, ratePerSecond, warmUpMs } = options;
  const logLevel = process.env["LOG_LEVEL"] || undefined;
  const contenders = await startContenders({ limits, logLevel, floors: FLOOR_NAMES, target }, signal);
  try {
    await warmUpContenders(contenders, { ratePerSecond, durationMs: warmUpMs, signal });
    return {
      measured: await measureCost(contenders, options, signal),
      remarks: [...targetRemarks(target), ...limitRemarks(contenders)],
    };
  } finally {
    await stopContenders(contenders);
  }
}
