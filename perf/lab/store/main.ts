import { PostgresPair } from "../../postgres/postgres-pair.ts";
import { limitRemarks, stopContenders } from "../contenders/contender.ts";
import { profileCost } from "../cost/profile.ts";
import type { ProfileSummary } from "../cost/profile-summary.ts";
import { profileChart, profileText } from "../cost/report.ts";
import { runMeasurement } from "../report/measurement-command.ts";
import { STORE_COMMAND, type StoreOptions } from "./command-line.ts";
import { startKeepings, storeService } from "./keepings.ts";
import { measureStore, type StoreMeasurement } from "./measure.ts";
import { storeCharts, storeDetails, storeFigures, storeRemarks } from "./report.ts";
import { StoreMeter } from "./store-meter.ts";

await runMeasurement({
  ...STORE_COMMAND,
  async measure(options, signal) {
    const { rates, roundCount, durationMs } = options;
    const pair = await PostgresPair.start();
    try {
      const { measured, hotShare, remarks } = await measure(pair, options, signal);
      // A payment lost or charged twice is no result.
      if (measured.rounds.some(({ settlement }) => settlement?.problem !== undefined)) process.exitCode = 1;
      const profile = await profileOf(pair, options, signal);
      const figures = storeFigures(measured, hotShare);
      const size = `${roundCount} rounds of ${durationMs / 1000} s`;
      return {
        kind: "store",
        title: `payments kept in PostgreSQL and in journals at ${rates.join(" and ")}/s, ${size}`,
        options,
        figures,
        remarks: [...remarks, ...storeRemarks(measured, figures)],
        charts: [...storeCharts(measured), ...(profile === undefined ? [] : [profileChart(profile)])],
        details: { ...storeDetails(measured), profile },
        postscript: profile === undefined ? undefined : profileText(profile),
      };
    } finally {
      await pair.remove();
    }
  },
});

type Measured = { measured: StoreMeasurement; hotShare: number; remarks: string[] };

async function measure(pair: PostgresPair, options: StoreOptions, signal: AbortSignal): Promise<Measured> {
  const logLevel = process.env["LOG_LEVEL"] || undefined;
  const meter = new StoreMeter(pair.primary);
  const contenders = await startKeepings(pair, { limits: options.limits, logLevel }, signal);
  let measured: StoreMeasurement;
  try {
    measured = await measureStore(contenders, meter, options, signal);
  } finally {
    await stopContenders(contenders);
  }
  return { measured, hotShare: await meter.hotShare(), remarks: limitRemarks(contenders) };
}

async function profileOf(
  pair: PostgresPair,
  { rates, profileMs, warmUpMs }: StoreOptions,
  signal: AbortSignal,
): Promise<ProfileSummary | undefined> {
  if (profileMs === 0) return undefined;
  return profileCost({ ratePerSecond: Math.max(...rates), profileMs, warmUpMs }, signal, storeService(pair));
}
