import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compact, makeJournal, RECORDS_PER_PAYMENT } from "./journal-maker.ts";
import { type StartUp, startUp } from "./start-up.ts";

const HELP = `usage: npm run perf:recovery -- [--payments 1000000] [--rounds 7] [--json]

How long an instance takes to start with a journal: N payments of three records each (accepted, sent, charged), the same after
compaction, and nothing at all for comparison. Every round is a process of its own, with the files in the page cache. "replay" is
what the instance says of itself, "to /health" is from the spawn of the process to its first answer. Rounds are interleaved; figures
are medians with the least and the largest.`;

/** As an instance has it by default. */
const CAPACITY_MIN = 1_048_576;

type Variant = { name: string; dataDir: string; payments: number; records: number; bytes: number; rounds: StartUp[] };

async function main(): Promise<void> {
  const { values: flags } = parseArgs({
    options: {
      payments: { type: "string", default: "1000000" },
      rounds: { type: "string", default: "7" },
      json: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
  if (flags.help) return console.log(HELP);
  const payments = positive("payments", flags.payments);
  const rounds = positive("rounds", flags.rounds);
  const folder = mkdtempSync(join(tmpdir(), "rinha-recovery-"));
  try {
    const variants = makeVariants(folder, payments);
    for (let round = 0; round < rounds; round++) {
      for (const variant of variants) variant.rounds.push(await measure(variant));
    }
    if (!flags.json) console.table(variants.map(tableRow));
    console.log(JSON.stringify(variants.map(figures)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function makeVariants(folder: string, payments: number): Variant[] {
  // In the past, so that no clock starts ahead of the wall's.
  const beganAtMs = Date.now() - 86_400_000;
  const variant = (name: string, records: number): Variant => {
    return { name, dataDir: join(folder, name), payments: records === 0 ? 0 : payments, records, bytes: 0, rounds: [] };
  };
  const empty = variant("empty", 0);
  const plain = variant("segments", payments * RECORDS_PER_PAYMENT);
  const compacted = variant("checkpoint", payments);
  makeJournal(empty.dataDir, 0, beganAtMs);
  const sized = makeJournal(plain.dataDir, payments, beganAtMs);
  plain.bytes = sized.files().reduce((sum, { bytes }) => sum + bytes, 0);
  const small = makeJournal(compacted.dataDir, payments, beganAtMs);
  compact(small, payments, beganAtMs);
  compacted.bytes = small.files().reduce((sum, { bytes }) => sum + bytes, 0);
  return [empty, plain, compacted];
}

async function measure({ name, dataDir, payments }: Variant): Promise<StartUp> {
  const measured = await startUp(dataDir, Math.max(CAPACITY_MIN, payments));
  if (measured.payments !== payments)
    throw new Error(`every payment must be there again: journal=${name} payments=${measured.payments}`);
  return measured;
}

function figures({ name, payments, records, bytes, rounds }: Variant): Record<string, unknown> {
  const replayMs = spread(rounds.map((round) => round.replayMs));
  return {
    journal: name,
    payments,
    records,
    bytes,
    replayMs,
    paymentsPerS: Math.round((payments / replayMs.median) * 1000) || 0,
    recordsPerS: Math.round((records / replayMs.median) * 1000) || 0,
    healthMs: spread(rounds.map((round) => round.healthMs)),
    maxRssMb: spread(rounds.map((round) => round.maxRssMb)),
  };
}

function tableRow(variant: Variant): Record<string, unknown> {
  const { journal, bytes, paymentsPerS, recordsPerS, replayMs, healthMs, maxRssMb } = figures(variant);
  return {
    journal,
    MB: ((bytes as number) / 1e6).toFixed(1),
    "replay ms": spreadText(replayMs as Spread),
    "payments/s": paymentsPerS,
    "records/s": recordsPerS,
    "to /health ms": spreadText(healthMs as Spread),
    "peak RSS MB": spreadText(maxRssMb as Spread),
  };
}

type Spread = { median: number; min: number; max: number };

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

function spreadText({ median, min, max }: Spread): string {
  return `${median.toFixed(0)} (${min.toFixed(0)} … ${max.toFixed(0)})`;
}

function positive(name: string, text: string): number {
  const value = /^\d{1,8}$/.test(text) ? Number(text) : 0;
  if (value < 1) throw new Error(`${name} must be a whole number from 1: ${name}=${text}`);
  return value;
}

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
