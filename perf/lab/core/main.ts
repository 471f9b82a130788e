import { readFileSync } from "node:fs";
import { freemem } from "node:os";
import { parseArgs } from "node:util";
import { readWholeNumber } from "../command/number-options.ts";
import { OUTPUT_OPTIONS, OUTPUT_USAGE, readOutDir } from "../command/output-options.ts";
import { describeMachine } from "../contest/environment.ts";
import { describeCommit } from "../report/commit.ts";
import { finish } from "../report/finish.ts";
import { numberText } from "../report/number-text.ts";
import { type CoreOptions, coreResult } from "./result.ts";
import { type CoreRound, MEMORY_BYTES_PER_PAYMENT, measureRound } from "./round.ts";

const USAGE = `The payment engine in process, without I/O: time per operation, memory per payment, garbage.

  npm run perf:core -- [options]

Each size and round is a process of its own with an instance's flags. The ledger is full at its size. "accept" goes into memory that was
written before; "memory never touched" is the same with the kernel's first look at every page in it. Rounds are interleaved.

  --sizes LIST             payments in the ledger     (10000,100000,1000000,10000000)
  --rounds COUNT                                                                  (5)
  --payments COUNT         accepted at least in each round: small ledgers are
                           filled again and again                           (1000000)
${OUTPUT_USAGE}
  --help
`;

const TEXT = { type: "string" } as const;
const SIZE_MIN = 1024;
const SIZE_MAX = 67_108_864;
/** A process without any payments. */
const PROCESS_BYTES = 100 * 1024 * 1024;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { sizes: TEXT, rounds: TEXT, payments: TEXT, ...OUTPUT_OPTIONS, help: { type: "boolean" } },
  });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return;
  }
  const wished = (values.sizes ?? "10000,100000,1000000,10000000").split(",");
  const sizes = [...new Set(wished.map((size) => readWholeNumber("sizes", size, SIZE_MIN, SIZE_MAX)))].sort(
    (a, b) => a - b,
  );
  const options = {
    sizes,
    rounds: readWholeNumber("rounds", values.rounds ?? "5", 1, 1000),
    payments: readWholeNumber("payments", values.payments ?? "1000000", 1, SIZE_MAX),
  };
  const outDir = readOutDir(values);
  const startedAt = new Date().toISOString();
  const commit = describeCommit();
  const { fitting, skipped } = fitInMemory(sizes);
  if (fitting.length === 0) throw new Error(`a size must fit into memory: ${skipped.join("; ")}`);
  const rounds = await measureRounds(fitting, options);
  await finish({ ...coreResult(options, rounds, skipped), startedAt, commit, machine: describeMachine() }, { outDir });
}

async function measureRounds(
  sizes: readonly number[],
  { rounds: roundCount, payments }: CoreOptions,
): Promise<Map<number, CoreRound[]>> {
  const calledOff = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => calledOff.abort());
  const rounds = new Map<number, CoreRound[]>(sizes.map((size) => [size, []]));
  for (let round = 1; round <= roundCount; round++) {
    for (const size of sizes) {
      const measured = await measureRound(size, payments, calledOff.signal);
      rounds.get(size)!.push(measured);
      const { acceptNs, summaryNs } = measured;
      process.stderr.write(
        `round ${round} of ${roundCount}, ${numberText(size)} payments: accept ${acceptNs.toFixed(0)} ns, summary ${summaryNs.toFixed(0)} ns\n`,
      );
    }
  }
  return rounds;
}

function fitInMemory(sizes: readonly number[]): { fitting: number[]; skipped: string[] } {
  const availableBytes = availableMemoryBytes();
  const needed = (size: number): number => size * MEMORY_BYTES_PER_PAYMENT + PROCESS_BYTES;
  const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;
  const fits = (size: number): boolean => needed(size) <= availableBytes;
  const skipped = sizes
    .filter((size) => !fits(size))
    .map(
      (size) =>
        `SKIPPED ${numberText(size)} payments: ${mebibytes(needed(size))} needed, ${mebibytes(availableBytes)} available`,
    );
  for (const line of skipped) process.stderr.write(`${line}\n`);
  return { fitting: sizes.filter(fits), skipped };
}

/** Of the machine, and of the container it may be in. */
function availableMemoryBytes(): number {
  let availableBytes = freemem();
  try {
    const kibibytes = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
    if (kibibytes !== undefined) availableBytes = Number(kibibytes) * 1024;
  } catch {
    // Not Linux: what is free is less than what is available.
  }
  const limitBytes = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return Math.min(availableBytes, limitBytes);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
