import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { PROCESSOR_MAIN } from "../../launch/plans.ts";
import { freePorts } from "../../launch/ports.ts";
import { Child } from "../contenders/child.ts";
import { startLoneInstance } from "../contenders/lone-instance.ts";
import { closedLoopRound } from "../load/load-round.ts";
import type { BenchOptions } from "./command-line.ts";
import { type Mode, modesWith } from "./modes.ts";

const COLLECTOR = fileURLToPath(new URL("./collector.js", import.meta.url));
const SETTLE_TIMEOUT_MS = 60_000;
const LOOK_INTERVAL_MS = 20;

export type Round = {
  /** Payments per second of the server's own CPU time, from their requests to their settling. */
  readonly perCore: number;
  /** While the load ran. */
  readonly acceptedPerSecond: number;
  readonly p99Ms: number;
  readonly residentMb: number;
};

type Target = {
  readonly mode: Mode;
  readonly port: number;
  readonly instance: Child;
  readonly rounds: Round[];
};

/**
 * Runs an instance in each mode, with one processor that answers at once, and loads them in turn, in an order that
 * shifts from round to round. A round ends when every payment is processed, so CPU time covers the whole life of
 * each. Rejects when it is called off.
 */
export async function bench(
  options: BenchOptions,
  onRound: (round: number) => void,
  signal: AbortSignal,
): Promise<Map<string, Round[]>> {
  const directory = mkdtempSync(join(tmpdir(), "rinha-telemetry-"));
  const children: Child[] = [];
  try {
    const wanted = await chosenModes(options.modes, children);
    const [processorPort, ...ports] = await freePorts(wanted.length + 1);
    children.push(await Child.listening([PROCESSOR_MAIN, "--port", `${processorPort}`], processorPort!));
    const processorUrl = `http://127.0.0.1:${processorPort}`;
    const processors = { DEFAULT_PROCESSOR_URL: processorUrl, FALLBACK_PROCESSOR_URL: processorUrl };
    const targets: Target[] = [];
    for (const [i, mode] of wanted.entries()) {
      const settings = { CAPACITY: String(2 ** 23), ...processors, ...mode.env };
      const instance = await startLoneInstance(ports[i]!, join(directory, `${i}`), settings);
      children.push(instance);
      targets.push({ mode, port: ports[i]!, instance, rounds: [] });
    }
    for (let round = 0; round <= options.rounds; round++) {
      for (let i = 0; i < targets.length; i++) {
        signal.throwIfAborted();
        const target = targets[(i + round) % targets.length]!;
        const measured = await measure(target, options);
        // The first round warms up.
        if (round > 0) target.rounds.push(measured);
      }
      onRound(round);
    }
    return new Map(targets.map(({ mode, rounds }) => [mode.name, rounds]));
  } finally {
    await Promise.all(children.map((child) => child.stop()));
    rmSync(directory, { recursive: true, force: true });
  }
}

async function chosenModes(names: readonly string[], children: Child[]): Promise<readonly Mode[]> {
  const [collectorPort] = await freePorts(1);
  const all = modesWith(`http://127.0.0.1:${collectorPort}`);
  const unknown = names.filter((name) => !all.some((mode) => mode.name === name));
  if (unknown.length > 0) {
    throw new Error(`modes must be of ${all.map(({ name }) => `"${name}"`).join(", ")}: modes=${unknown.join(",")}`);
  }
  children.push(await Child.listening([COLLECTOR, `${collectorPort}`], collectorPort!));
  return all.filter(({ name }, i) => i === 0 || names.length === 0 || names.includes(name));
}

async function measure({ mode, port, instance }: Target, options: BenchOptions): Promise<Round> {
  const { connections, durationMs } = options;
  const before = instance.cpuMs();
  const end = mode.beside?.(port);
  const url = new URL(`http://127.0.0.1:${port}`);
  const { acceptedCount, failedCount, serviceMs } = await closedLoopRound(url, connections, durationMs);
  if (failedCount > 0) throw new Error(`every payment must be accepted: mode=${mode.name} failed=${failedCount}`);
  await settled(mode.name, port);
  await end?.();
  return {
    perCore: (acceptedCount / (instance.cpuMs() - before)) * 1000,
    acceptedPerSecond: (acceptedCount / durationMs) * 1000,
    p99Ms: serviceMs.at(99),
    residentMb: instance.residentMb(),
  };
}

/** Resolves when no payment is open any more. */
async function settled(mode: string, port: number): Promise<void> {
  const endMs = performance.now() + SETTLE_TIMEOUT_MS;
  while (performance.now() < endMs) {
    const report = (await (await fetch(`http://127.0.0.1:${port}/ready`)).json()) as {
      payments: { pending: number; sending: number; inDoubt: number; failed: number };
    };
    const { pending, sending, inDoubt, failed } = report.payments;
    if (failed > 0) throw new Error(`no payment may fail: mode=${mode} failed=${failed}`);
    if (pending + sending + inDoubt === 0) return;
    await sleep(LOOK_INTERVAL_MS);
  }
  throw new Error(`payments must be settled in time: mode=${mode} timeoutMs=${SETTLE_TIMEOUT_MS}`);
}
