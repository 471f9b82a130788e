import { parseArgs } from "node:util";
import { settlePorts } from "../../launch/ports.ts";
import { readDecimal, readWholeNumber } from "../command/number-options.ts";
import { OUTPUT_OPTIONS, OUTPUT_USAGE, readOutDir } from "../command/output-options.ts";
import { describeMachine } from "../contest/environment.ts";
import { closedLoop } from "../load/closed-loop.ts";
import { describeCommit } from "../report/commit.ts";
import { finish } from "../report/finish.ts";
import { type AcceptOptions, type Round, resultOf } from "./rounds.ts";
import { TARGET_NAMES, Target, type TargetName } from "./target.ts";

const USAGE = `What accepting a payment costs, per durability level, against a handler that only answers.

  npm run perf:accept -- [options]

An instance, without balancer and with its processors down, against the floor: a uWS handler that only reads the body and answers
202. Rounds are interleaved. CPU is the server's own, user and system, so a slow load generator does not flatter anybody; "per core" is
what one core would accept at that cost.

  --rounds COUNT           after one that warms up                                    (7)
  --seconds SECONDS        of each server in a round                                  (2)
  --connections COUNT      each sends the next payment when the last is answered     (32)
${OUTPUT_USAGE}
  --help
`;

const TEXT = { type: "string" } as const;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { rounds: TEXT, seconds: TEXT, connections: TEXT, ...OUTPUT_OPTIONS, help: { type: "boolean" } },
  });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return;
  }
  const options = {
    rounds: readWholeNumber("rounds", values.rounds ?? "7", 1, 1000),
    seconds: readDecimal("seconds", values.seconds ?? "2", 0.1, 600),
    connections: readWholeNumber("connections", values.connections ?? "32", 1, 1000),
  };
  const outDir = readOutDir(values);
  const startedAt = new Date().toISOString();
  const commit = describeCommit();
  const rounds = await measureRounds(options);
  await finish({ ...resultOf(options, rounds), startedAt, commit, machine: describeMachine() }, { outDir });
}

async function measureRounds({
  rounds: count,
  seconds,
  connections,
}: AcceptOptions): Promise<Map<TargetName, Round[]>> {
  const rounds = new Map<TargetName, Round[]>(TARGET_NAMES.map((name) => [name, []]));
  const targets: Target[] = [];
  try {
    const ports = await settlePorts(TARGET_NAMES.map((name) => ({ name, host: "127.0.0.1", port: 0 })));
    for (const [i, name] of TARGET_NAMES.entries()) targets.push(await Target.start(name, ports[i]!));
    for (let round = 0; round <= count; round++) {
      for (const target of targets) {
        const measured = await measure(target, connections, seconds * 1000);
        // The first round warms up.
        if (round > 0) rounds.get(target.name)!.push(measured);
      }
      process.stderr.write(round === 0 ? "warmed up\n" : `round ${round} of ${count}\n`);
    }
  } finally {
    await Promise.all(targets.map((target) => target.stop()));
  }
  return rounds;
}

async function measure(target: Target, connections: number, durationMs: number): Promise<Round> {
  const before = target.cpuMs();
  const { count, failedCount, latencyUs } = await closedLoop(target.port, connections, durationMs);
  if (failedCount > 0) throw new Error(`every payment must be accepted: target=${target.name} failed=${failedCount}`);
  const cpuMs = target.cpuMs() - before;
  return { perCore: (count / cpuMs) * 1000, p50Us: latencyUs.percentile(50), p99Us: latencyUs.percentile(99) };
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
