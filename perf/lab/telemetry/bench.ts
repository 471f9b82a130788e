import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { INSTANCE_MAIN, INSTANCE_NODE_FLAGS } from "../../launch/plans.ts";
import { settlePorts } from "../../launch/ports.ts";
import { closedLoop } from "../load/closed-loop.ts";
import { Child } from "./child.ts";
import { type Mode, modesWith } from "./modes.ts";

const COLLECTOR = fileURLToPath(new URL("./collector.js", import.meta.url));
const PROCESSOR = fileURLToPath(new URL("../../processor/main.js", import.meta.url));
const SETTLE_TIMEOUT_MS = 60_000;
const LOOK_INTERVAL_MS = 20;

export type BenchOptions = {
  readonly rounds: number;
  readonly connections: number;
  readonly durationMs: number;
  /** Names of the modes to compare with the first one; all if empty. */
  readonly modes: readonly string[];
};

export type Round = {
  /** Payments per second of the server's own CPU time, from their requests to their settling. */
  readonly perCore: number;
  /** While the load ran. */
  readonly acceptedPerSecond: number;
  readonly p99Us: number;
  readonly residentMb: number;
};

type Target = {
  readonly mode: Mode;
  readonly instance: Child;
  readonly rounds: Round[];
};

/**
 * Runs an instance in each mode, with one processor that answers at once, and loads them in turn, in an order that shifts from round to
 * round. A round ends when every payment is processed, so CPU time covers the whole life of each. Rejects when it is called off.
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
    children.push(await Child.start([PROCESSOR, "--port", `${processorPort}`], processorPort!));
    const targets: Target[] = [];
    for (const [i, mode] of wanted.entries()) {
      const instance = await startInstance(mode, ports[i]!, processorPort!, join(directory, `${i}`));
      children.push(instance);
      targets.push({ mode, instance, rounds: [] });
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
  children.push(await Child.start([COLLECTOR, `${collectorPort}`], collectorPort!));
  return all.filter(({ name }, i) => i === 0 || names.length === 0 || names.includes(name));
}

async function startInstance(mode: Mode, port: number, processorPort: number, dataDir: string): Promise<Child> {
  const url = `http://127.0.0.1:${processorPort}`;
  const env = {
    ...process.env,
    LISTEN: `tcp:127.0.0.1:${port}`,
    DATA_DIR: dataDir,
    DEFAULT_PROCESSOR_URL: url,
    FALLBACK_PROCESSOR_URL: url,
    LOG_LEVEL: "silent",
    CAPACITY: String(2 ** 23),
    ...mode.env,
  };
  return Child.start([...INSTANCE_NODE_FLAGS, INSTANCE_MAIN], port, env);
}

async function measure({ mode, instance }: Target, { connections, durationMs }: BenchOptions): Promise<Round> {
  const before = instance.cpuMs();
  const end = mode.beside?.(instance.port);
  const { count, failedCount, latencyUs } = await closedLoop(instance.port, connections, durationMs);
  if (failedCount > 0) throw new Error(`every payment must be accepted: mode=${mode.name} failed=${failedCount}`);
  await settled(mode.name, instance.port);
  await end?.();
  return {
    perCore: (count / (instance.cpuMs() - before)) * 1000,
    acceptedPerSecond: (count / durationMs) * 1000,
    p99Us: latencyUs.percentile(99),
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
    await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
  }
  throw new Error(`payments must be settled in time: mode=${mode} timeoutMs=${SETTLE_TIMEOUT_MS}`);
}

function freePorts(count: number): Promise<number[]> {
  return settlePorts(Array.from({ length: count }, (_, i) => ({ name: `${i}`, host: "127.0.0.1", port: 0 })));
}
