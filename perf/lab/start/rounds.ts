import { fileURLToPath } from "node:url";
import { say } from "../../command/run-command.ts";
import { INSTANCE_MAIN, INSTANCE_NODE_FLAGS } from "../../launch/plans.ts";
import { freePorts } from "../../launch/ports.ts";
import { chooseGroups } from "../limits/choose-groups.ts";
import type { ProcessGroups } from "../limits/process-groups.ts";
import { REPOSITORY_ROOT } from "../repository.ts";
import type { StartOptions } from "./command-line.ts";
import { countLoadedScripts } from "./loaded-scripts.ts";
import { measureBare, measureInstance, measureNpmStart, type StartTimes } from "./measured-start.ts";

/** Compiled layout: build/perf/lab/start/rounds.js. */
const COMPILED_MAIN = fileURLToPath(new URL("../../../server/main.js", import.meta.url));
const FREE = "start";
const LIMITED = "start-limited";

const node = (...args: string[]): string[] => [process.execPath, ...args];
const SHIPPED = node(...INSTANCE_NODE_FLAGS, INSTANCE_MAIN);
const COMPILED = node(...INSTANCE_NODE_FLAGS, COMPILED_MAIN);

export type Round = {
  readonly bare: StartTimes;
  readonly shipped: StartTimes;
  readonly compiled: StartTimes;
  /** Undefined where limits cannot be set. */
  readonly limited: StartTimes | undefined;
  readonly npmStartMs: number | undefined;
};

export type Starts = {
  readonly rounds: readonly Round[];
  readonly scriptCounts: { readonly shipped: number; readonly compiled: number };
  /** Why there are no limits, and CPU time is counted in ticks of 10 ms. */
  readonly lack: string | undefined;
};

export async function measureStarts(options: StartOptions, signal: AbortSignal): Promise<Starts> {
  const groups = await chooseGroups();
  if (typeof groups === "string") return await measureAll(options, undefined, groups, signal);
  try {
    groups.create(FREE, undefined);
    groups.create(LIMITED, options.limit);
    return await measureAll(options, groups, undefined, signal);
  } finally {
    await groups.remove();
  }
}

async function measureAll(
  options: StartOptions,
  groups: ProcessGroups | undefined,
  lack: string | undefined,
  signal: AbortSignal,
): Promise<Starts> {
  const rounds: Round[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    rounds.push(await measureRound(options, groups, signal));
    say(`round ${round} of ${options.rounds}`);
  }
  const scriptCounts = {
    shipped: await countLoadedScripts(SHIPPED),
    compiled: await countLoadedScripts(COMPILED),
  };
  return { rounds, scriptCounts, lack };
}

async function measureRound(
  { limit, withNpmStart }: StartOptions,
  groups: ProcessGroups | undefined,
  signal: AbortSignal,
): Promise<Round> {
  signal.throwIfAborted();
  const inside = (command: readonly string[]) => groups?.commandInside(FREE, undefined, command) ?? command;
  const cpuMs = (): number | undefined => groups?.usage(FREE)?.cpu?.totalMs;
  const limitedCpuMs = (): number | undefined => groups?.usage(LIMITED)?.cpu?.totalMs;
  const bare = await measureBare(inside(node(...INSTANCE_NODE_FLAGS, "-e", "0")), cpuMs);
  const shipped = await measureInstance(inside(SHIPPED), cpuMs);
  const compiled = await measureInstance(inside(COMPILED), cpuMs);
  const limited = groups && (await measureInstance(groups.commandInside(LIMITED, limit, SHIPPED), limitedCpuMs));
  signal.throwIfAborted();
  const npmStartMs = withNpmStart ? await measureNpmStart(REPOSITORY_ROOT, (await freePorts(1))[0]!) : undefined;
  return { bare, shipped, compiled, limited, npmStartMs };
}
