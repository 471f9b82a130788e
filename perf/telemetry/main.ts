import { parseArgs } from "node:util";
import { bench, type Round } from "./bench.ts";

const HELP = `usage: npm run perf:telemetry -- [--rounds 9] [--seconds 1] [--connections 32] [--modes "traces 1 %,traces 100 %"]

What telemetry costs a payment: an instance that traces nothing against instances that do, each with a processor that answers at once and
a collector that takes every span. Rounds are interleaved, and each ends when all its payments are processed. CPU is the
instance's own, user and system; "of off" compares what one core would do, round by round.`;

async function main(): Promise<void> {
  const { values: flags } = parseArgs({
    options: {
      rounds: { type: "string", default: "9" },
      seconds: { type: "string", default: "1" },
      connections: { type: "string", default: "32" },
      modes: { type: "string", default: "" },
      help: { type: "boolean" },
    },
  });
  if (flags.help) return console.log(HELP);
  const options = {
    rounds: positive("rounds", flags.rounds),
    connections: positive("connections", flags.connections),
    durationMs: positive("seconds", flags.seconds) * 1000,
    modes: flags.modes.split(",").filter((name) => name !== ""),
  };
  print(await bench(options, (round) => console.error(`round ${round} of ${options.rounds}`)));
}

function print(results: ReadonlyMap<string, readonly Round[]>): void {
  const [off] = [...results.values()];
  const rows = [...results].map(([name, rounds]) => {
    const ratios = rounds.map(({ perCore }, i) => perCore / off![i]!.perCore);
    return {
      mode: name,
      "CPU µs each": (1e6 / median(rounds.map(({ perCore }) => perCore))).toFixed(1),
      "of off": median(ratios).toFixed(3),
      spread: `${Math.min(...ratios).toFixed(3)}–${Math.max(...ratios).toFixed(3)}`,
      "accepted 1/s": Math.round(median(rounds.map(({ acceptedPerSecond }) => acceptedPerSecond))),
      "p99 µs": Math.round(median(rounds.map(({ p99Us }) => p99Us))),
      "RSS MB": Math.round(rounds.at(-1)!.residentMb),
    };
  });
  console.table(rows);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${name} must be a positive number: ${name}=${text}`);
  return value;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

await main();
