import { setTimeout as sleep } from "node:timers/promises";
import { type Parties, partiesOf, type Target } from "../../audit/parties.ts";
import { type PerRole, perRole, ROLES, type Role, totalsCount } from "../../audit/totals.ts";
import type { CpuPeriods } from "../limits/cpu-periods.ts";
import type { Outcome } from "../load/connection.ts";
import { LoadGenerator } from "../load/load-generator.ts";
import { LATENESS_MS_MAX } from "../load/load-summary.ts";
import { paymentBody } from "../load/payment-request.ts";
import { TimedCaller } from "../load/timed-caller.ts";
import { rampOfUsers, type UserSchedule } from "../load/user-schedule.ts";
import { warmUpGenerator } from "../load/warm-up-generator.ts";
import { auditAfterwards } from "./afterwards.ts";
import { compareNow, compareWindow, type Round } from "./consistency.ts";
import type { ContestOptions, Measurement } from "./measurement.ts";
import { progressLine } from "./progress.ts";
import { Recorder } from "./recorder.ts";
import { Sampler } from "./sampler.ts";
import { scoreOf } from "./score.ts";
import type { Stage } from "./stages.ts";
import { Timetable } from "./timetable.ts";

export type ContestHooks = {
  onProgress(line: string): void;
  /** Everything is set up; the first payment follows. */
  onLoadStart(): void;
  /** After the drain, if there is one. */
  onLoadEnd(): void;
  /** CPU time of each process of the service so far, by name; called every second, so it must be quick. */
  cpuSeconds?(): Readonly<Record<string, number | undefined>>;
  /** Likewise, of those that have a limit: the periods of that so far. */
  cpuPeriods?(): Readonly<Record<string, CpuPeriods>>;
};

const PROGRESS_INTERVAL_MS = 5000;
const SAMPLE_INTERVAL_MS = 1000;
/** Between the audits and the changes of stage, which are on whole seconds. */
const FIRST_SAMPLE_MS = 500;
const DRAIN_POLL_MS = 100;
/** The last summary reaches back this much further than the load took. */
const FINAL_SLACK_MS = 10_000;

/** Runs the contest once. Rejects when it cannot be begun, or is called off. */
export async function runContest(
  target: Target,
  options: ContestOptions,
  hooks: ContestHooks,
  signal?: AbortSignal,
): Promise<Measurement> {
  signal?.throwIfAborted();
  const calledOff = new Promise<never>((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  const run = new ContestRun(target, options, hooks);
  try {
    return await Promise.race([run.measure(), calledOff]);
  } finally {
    run.close();
  }
}

class ContestRun {
  readonly #target: Target;
  readonly #options: ContestOptions;
  readonly #hooks: ContestHooks;
  readonly #users: UserSchedule;
  readonly #load: LoadGenerator;
  readonly #recorder: Recorder;
  readonly #callers: TimedCaller[] = [];
  /** The stages and the audits have connections of their own: a call that takes long holds up no other. */
  readonly #stageParties: Parties;
  readonly #auditParties: Parties;
  readonly #timetable: Timetable;
  readonly #sampler: Sampler;
  readonly #audits: Round[] = [];
  readonly #problems: string[] = [];
  #beganAtMs = 0;

  constructor(target: Target, options: ContestOptions, hooks: ContestHooks) {
    this.#target = target;
    this.#options = options;
    this.#hooks = hooks;
    this.#users = rampOfUsers(options.load);
    const amountText = String(options.amountCents / 100);
    this.#load = new LoadGenerator({
      target: target.service,
      schedule: this.#users,
      nextBody: () => paymentBody(amountText),
      timeoutMs: options.timeoutMs,
    });
    this.#recorder = new Recorder(this.#load.record);
    this.#stageParties = this.#parties(this.#recorder.call);
    this.#auditParties = this.#parties(this.#recorder.call);
    this.#timetable = new Timetable((error) => this.#note(error));
    this.#sampler = new Sampler({
      processors: this.#parties().processors,
      nowMs: () => this.#load.nowMs,
      acceptedCount: () => this.#recorder.load.acceptedCount,
      cpuSeconds: () => hooks.cpuSeconds?.() ?? {},
      cpuPeriods: () => hooks.cpuPeriods?.() ?? {},
    });
  }

  async measure(): Promise<Measurement> {
    await warmUpGenerator();
    await this.#setUp();
    this.#hooks.onLoadStart();
    this.#beganAtMs = Date.now();
    this.#fillTimetable();
    await this.#load.run();
    // In k6 the last user sleeps once more.
    await sleep(this.#options.load.sleepMs);
    await this.#timetable.stop();
    const drainedMs = await this.#drain();
    this.#hooks.onLoadEnd();
    const final = await this.#finalRound(drainedMs);
    const fees = this.#options.fees ?? (await this.#reportedFees());
    return {
      ...this.#results(final, fees),
      drainedMs,
      afterwards: await auditAfterwards(this.#target, this.#beganAtMs),
    };
  }

  close(): void {
    void this.#timetable.stop();
    this.#load.close();
    for (const caller of this.#callers) caller.close();
  }

  async #setUp(): Promise<void> {
    const { service, processors } = this.#stageParties;
    const { default: ofDefault, fallback } = perRole(processors);
    await Promise.all([ofDefault.purge(), fallback.purge()]);
    const status = await service.purge();
    // Not every service allows it. One that has just been started is empty anyway.
    if (status >= 300) this.#problems.push(`the service was not purged: status=${status}`);
    const first = this.#options.stages[0];
    if (first !== undefined) await this.#enter(first);
  }

  #fillTimetable(): void {
    const { stages, load, auditIntervalMs } = this.#options;
    for (const stage of stages.slice(1)) this.#timetable.at(stage.atMs, () => this.#enter(stage));
    this.#timetable.every(auditIntervalMs, 0, load.durationMs, () => this.#audit());
    this.#timetable.every(SAMPLE_INTERVAL_MS, FIRST_SAMPLE_MS, load.durationMs, this.#sampler.take);
    this.#timetable.every(PROGRESS_INTERVAL_MS, PROGRESS_INTERVAL_MS, load.durationMs + 1, () => this.#tellProgress());
  }

  async #enter(stage: Stage): Promise<void> {
    const processors = perRole(this.#stageParties.processors);
    // One call after the other, as the script makes them.
    for (const role of ROLES) await processors[role].setDelay(stage[role].delayMs);
    for (const role of ROLES) await processors[role].setFailure(stage[role].failing);
  }

  async #audit(): Promise<void> {
    const { auditToMs } = this.#options;
    const round = await compareNow(this.#auditParties, Date.now(), Math.round(this.#load.nowMs), auditToMs);
    this.#audits.push(round);
    for (const problem of round.problems) this.#note(new Error(problem));
  }

  #tellProgress(): void {
    const now = { nowMs: this.#load.nowMs, activeUserCount: this.#users.startedCount };
    this.#hooks.onProgress(progressLine(this.#options.stages, now, this.#recorder, this.#audits));
  }

  /** How long it took. */
  async #drain(): Promise<number> {
    const beganAtMs = performance.now();
    const elapsedMs = (): number => performance.now() - beganAtMs;
    const { service } = this.#parties();
    while (elapsedMs() < this.#options.drainMs) {
      const query = `from=${new Date(this.#beganAtMs).toISOString()}`;
      if (totalsCount((await service.totals(query)).processors) >= this.#recorder.load.acceptedCount) break;
      await sleep(DRAIN_POLL_MS);
    }
    return Math.round(elapsedMs());
  }

  #finalRound(drainedMs: number): Promise<Round> {
    const toMs = Date.now();
    const fromMs = toMs - this.#options.load.durationMs - FINAL_SLACK_MS - drainedMs;
    return compareWindow(this.#auditParties, { fromMs, toMs }, Math.round(this.#load.nowMs));
  }

  async #reportedFees(): Promise<PerRole<number>> {
    const feeOf = async (role: Role): Promise<number> =>
      (await perRole(this.#auditParties.processors)[role].totals("")).feePerTransaction;
    return { default: await feeOf("default"), fallback: await feeOf("fallback") };
  }

  #results(final: Round, fees: PerRole<number>): Omit<Measurement, "drainedMs" | "afterwards"> {
    const times = this.#recorder.times();
    const { acceptedCount, failures } = this.#recorder.load;
    const auditDifferenceCount = this.#audits.reduce((sum, round) => sum + round.differenceCount, 0);
    const processed = final[this.#options.countedBy];
    const tally = { acceptedCount, processed, fees, p99Ms: times.all.p99Ms, auditDifferenceCount };
    return {
      startedAt: new Date(this.#beganAtMs).toISOString(),
      options: this.#options,
      ...times,
      isGeneratorLate: times.lateness.p99Ms > LATENESS_MS_MAX,
      acceptedCount,
      failures,
      audits: this.#audits,
      auditDifferenceCount,
      final,
      fees,
      score: scoreOf(tally),
      problems: [...this.#problems, ...final.problems],
      samples: this.#sampler.samples,
    };
  }

  #parties(onCall: (outcome: Outcome) => void = () => {}): Parties {
    return partiesOf(this.#target, (url) => {
      const caller = new TimedCaller(url, this.#options.timeoutMs, onCall);
      this.#callers.push(caller);
      return caller.ask;
    });
  }

  /** Told at once and kept: a stage that was not entered, an audit that was not answered. */
  #note(error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error);
    this.#problems.push(problem);
    this.#hooks.onProgress(problem);
  }
}
