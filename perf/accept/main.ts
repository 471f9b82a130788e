import { parseArgs } from "node:util";
import { settlePorts } from "../topology/ports.ts";
import { closedLoop } from "./closed-loop.ts";
import { Target, type TargetName } from "./target.ts";

const HELP = `usage: npm run perf:accept -- [--rounds 7] [--seconds 2] [--connections 32]

What accepting a payment costs: an instance, without balancer and with its processors down, at each durability level, against the
floor: a uWS handler that only reads the body and answers 202. Rounds are interleaved. CPU is the server's own, user and system, so
a slow load generator does not flatter anybody; "per core" is what one core would accept at that cost.`;

const NAMES: readonly TargetName[] = ["floor", "none", "write", "fsync"];

type Round = { perCore: number; p50Us: number; p99Us: number };

async function main(): Promise<void> {
  const { values: flags } = parseArgs({
    options: {
      rounds: { type: "string", default: "7" },
      seconds: { type: "string", default: "2" },
      connections: { type: "string", default: "32" },
      help: { type: "boolean" },
    },
  });
  if (flags.help) return console.log(HELP);
  const rounds = new Map<TargetName, Round[]>(NAMES.map((name) => [name, []]));
  const targets: Target[] = [];
  try {
    const ports = await settlePorts(NAMES.map((name) => ({ name, host: "127.0.0.1", port: 0 })));
    for (const [i, name] of NAMES.entries()) targets.push(await Target.start(name, ports[i]!));
    for (let round = 0; round <= Number(flags.rounds); round++) {
      for (const target of targets) {
        const measured = await measure(target, Number(flags.connections), Number(flags.seconds) * 1000);
        // The first round warms up.
        if (round > 0) rounds.get(target.name)!.push(measured);
      }
      console.error(`round ${round} of ${flags.rounds}`);
    }
  } finally {
    await Promise.all(targets.map((target) => target.stop()));
  }
  print(rounds);
}

async function measure(target: Target, connections: number, durationMs: number): Promise<Round> {
  const before = target.cpuMs();
  const { count, failedCount, latencyUs } = await closedLoop(target.port, connections, durationMs);
  if (failedCount > 0) throw new Error(`every payment must be accepted: target=${target.name} failed=${failedCount}`);
  const cpuMs = target.cpuMs() - before;
  return { perCore: (count / cpuMs) * 1000, p50Us: latencyUs.percentile(50), p99Us: latencyUs.percentile(99) };
}

function print(rounds: ReadonlyMap<TargetName, Round[]>): void {
  const floor = median(rounds.get("floor")!.map((round) => round.perCore));
  const rows = [...rounds].map(([name, measured]) => {
    const perCore = measured.map((round) => round.perCore);
    return {
      server: name,
      "CPU µs each": (1e6 / median(perCore)).toFixed(1),
      "per core, 1/s": Math.round(median(perCore)),
      spread: `${Math.round(Math.min(...perCore))}–${Math.round(Math.max(...perCore))}`,
      "of floor": (median(perCore) / floor).toFixed(2),
      "p50 µs": Math.round(median(measured.map((round) => round.p50Us))),
      "p99 µs": Math.round(median(measured.map((round) => round.p99Us))),
    };
  });
  console.table(rows);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

await main();
