import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { say } from "../../command/run-command.ts";
import { runMeasurement } from "../report/measurement-command.ts";
import { RECOVERY_COMMAND, type RecoveryOptions } from "./command-line.ts";
import { type StartUp, startUp } from "./start-up.ts";
import { makeVariants, resultOf, type StartUps, type Variant } from "./variants.ts";

/** As an instance has it by default. */
const CAPACITY_MIN = 1_048_576;

await runMeasurement({
  ...RECOVERY_COMMAND,
  async measure(options, signal) {
    const folder = mkdtempSync(join(tmpdir(), "rinha-recovery-"));
    try {
      return resultOf(options, await measureRounds(folder, options, signal));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
});

async function measureRounds(folder: string, options: RecoveryOptions, signal: AbortSignal): Promise<StartUps> {
  say(`writing journals: payments=${options.payments}`);
  const startUps = new Map<Variant, StartUp[]>(makeVariants(folder, options.payments).map((variant) => [variant, []]));
  for (let round = 1; round <= options.rounds; round++) {
    for (const [variant, measured] of startUps) {
      signal.throwIfAborted();
      measured.push(await measure(variant));
    }
    say(`round ${round} of ${options.rounds}`);
  }
  return startUps;
}

async function measure({ name, dataDir, payments }: Variant): Promise<StartUp> {
  const measured = await startUp(dataDir, Math.max(CAPACITY_MIN, payments));
  if (measured.payments !== payments) {
    throw new Error(`every payment must be there again: journal=${name} payments=${measured.payments}`);
  }
  return measured;
}
