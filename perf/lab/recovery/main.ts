import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readWholeNumber } from "../command/number-options.ts";
import { OUTPUT_OPTIONS, OUTPUT_USAGE, readOutDir } from "../command/output-options.ts";
import { describeMachine } from "../contest/environment.ts";
import { describeCommit } from "../report/commit.ts";
import { finish } from "../report/finish.ts";
import { type StartUp, startUp } from "./start-up.ts";
import { makeVariants, type RecoveryOptions, resultOf, type StartUps, type Variant } from "./variants.ts";

const USAGE = `How long an instance takes to start with a journal.

  npm run perf:recovery -- [options]

N payments of three records each (accepted, sent, charged), the same after compaction, and nothing at all for comparison. Every round
is a process of its own, with the files in the page cache. "replay" is what the instance says of itself, "spawn to /health" is from the
spawn of the process to its first answer. Rounds are interleaved.

  --payments COUNT         in the journal                                       (1000000)
  --rounds COUNT                                                                      (7)
${OUTPUT_USAGE}
  --help
`;

/** As an instance has it by default. */
const CAPACITY_MIN = 1_048_576;
/** The largest capacity an instance takes. */
const PAYMENTS_MAX = 67_108_864;

const TEXT = { type: "string" } as const;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { payments: TEXT, rounds: TEXT, ...OUTPUT_OPTIONS, help: { type: "boolean" } },
  });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return;
  }
  const options = {
    payments: readWholeNumber("payments", values.payments ?? "1000000", 1, PAYMENTS_MAX),
    rounds: readWholeNumber("rounds", values.rounds ?? "7", 1, 1000),
  };
  const outDir = readOutDir(values);
  const startedAt = new Date().toISOString();
  const commit = describeCommit();
  const folder = mkdtempSync(join(tmpdir(), "rinha-recovery-"));
  try {
    const startUps = await measureRounds(folder, options);
    await finish({ ...resultOf(options, startUps), startedAt, commit, machine: describeMachine() }, { outDir });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureRounds(folder: string, options: RecoveryOptions): Promise<StartUps> {
  process.stderr.write(`writing journals: payments=${options.payments}\n`);
  const startUps = new Map<Variant, StartUp[]>(makeVariants(folder, options.payments).map((variant) => [variant, []]));
  for (let round = 1; round <= options.rounds; round++) {
    for (const [variant, measured] of startUps) measured.push(await measure(variant));
    process.stderr.write(`round ${round} of ${options.rounds}\n`);
  }
  return startUps;
}

async function measure({ name, dataDir, payments }: Variant): Promise<StartUp> {
  const measured = await startUp(dataDir, Math.max(CAPACITY_MIN, payments));
  if (measured.payments !== payments)
    throw new Error(`every payment must be there again: journal=${name} payments=${measured.payments}`);
  return measured;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
