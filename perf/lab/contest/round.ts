import type { Target } from "../../audit/parties.ts";
import { say } from "../../command/run-command.ts";
import type { Engine } from "../../containers/engine.ts";
import { ContainedDeployment } from "../contenders/contained-deployment.ts";
import { limitRemark } from "../contenders/contender.ts";
import type { Deployment, ProcessReport } from "../contenders/deployment.ts";
import {
  CONTEST_LIMITS,
  LimitedTopology,
  type LimitedTopologyOptions,
  type Program,
} from "../contenders/limited-topology.ts";
import { CpuMeter } from "../limits/cpu-meter.ts";
import { describeMachine } from "../report/machine.ts";
import { type ContestHooks, runContest } from "./contest.ts";
import type { Environment } from "./environment.ts";
import type { ContestOptions, Measurement } from "./measurement.ts";

/** One run of the contest, and what it was run on. */
export type ContestRound = {
  readonly measured: Measurement;
  readonly environment: Environment;
};

export async function measureTarget(
  contest: ContestOptions,
  target: Target,
  signal: AbortSignal,
): Promise<ContestRound> {
  const meter = new LoadMeter(contest);
  const measured = await runContest(target, contest, meter.hooks, signal);
  const description = `against ${target.service.href}`;
  const unlimitedReason = "this command did not start the service, so it cannot set its limits";
  const limits = { limitedBy: undefined, unlimitedReason, remarks: [] };
  return { measured, environment: { description, processes: [], ...limits, ...meter.taken() } };
}

/** The engine is the one whose containers the service is to run in, if it is. */
export type OwnOptions = LimitedTopologyOptions & { readonly engine?: Engine | undefined };

/** Starts everything, and ends it again. */
export async function measureOwn(
  contest: ContestOptions,
  own: OwnOptions,
  program: Program,
  signal: AbortSignal,
): Promise<ContestRound> {
  const { engine, fees, limits = CONTEST_LIMITS } = own;
  const topology: Deployment =
    engine === undefined
      ? await LimitedTopology.start(own, program, signal)
      : await ContainedDeployment.start(engine, { fees, limits }, signal);
  try {
    const { limitedBy, unlimitedReason, remarks, target } = topology;
    say(limitRemark(topology));
    const meter = new LoadMeter(contest, topology);
    // A floor processes nothing, so there is nothing to wait for.
    const options = program === "service" ? contest : { ...contest, drainMs: 0 };
    const measured = await runContest(target, { ...options, fees: contest.fees ?? own.fees }, meter.hooks, signal);
    const where = engine === undefined ? "" : ", in containers";
    const description = program === "service" ? `profile ${own.profile}${where}` : `the ${program}`;
    const limits = { limitedBy, unlimitedReason, remarks };
    const environment = { description, processes: meter.processes, ...limits, ...meter.taken() };
    return { measured, environment };
  } finally {
    await topology.stop();
  }
}

/** What a load takes, from its beginning to its end: of the machine, and of the processes where they are ours. */
class LoadMeter {
  processes: ProcessReport[] = [];
  readonly hooks: ContestHooks;
  readonly #meter = new CpuMeter();
  #metered = this.#meter.end();

  constructor({ load }: ContestOptions, topology?: Deployment) {
    this.hooks = {
      onProgress: say,
      onLoadStart: () => {
        say(`load begins: users=${load.userCount} durationSeconds=${load.durationMs / 1000}`);
        topology?.markBegin();
        this.#meter.begin();
      },
      onLoadEnd: () => {
        this.#metered = this.#meter.end();
        this.processes = topology?.processReports() ?? [];
      },
      cpuSeconds: () => topology?.cpuSeconds() ?? {},
      cpuPeriods: () => topology?.cpuPeriods() ?? {},
    };
  }

  taken(): Pick<Environment, "generatorCpuSeconds" | "machineCpu" | "machine"> {
    return { ...this.#metered, machine: describeMachine() };
  }
}
