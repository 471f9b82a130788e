import { writeFileSync } from "node:fs";
import { say } from "../../command/run-command.ts";
import type { Engine } from "../../containers/engine.ts";
import { requireEngine } from "../../containers/open-engine.ts";
import { FLOOR_NAMES } from "../contenders/contender.ts";
import { resultJson } from "../report/finish.ts";
import { runMeasurement } from "../report/measurement-command.ts";
import { CONTEST_COMMAND, type ContestWish } from "./command-line.ts";
import { contestReport } from "./report.ts";
import { contestResult } from "./result.ts";
import { type ContestRound, measureOwn, measureTarget } from "./round.ts";
import type { ContestRounds } from "./rounds.ts";

await runMeasurement({
  ...CONTEST_COMMAND,
  async measure(wish, signal, show) {
    const engine = wish.inContainers ? await requireEngine(say) : undefined;
    const rounds = await measureRounds(wish, engine, signal, show).finally(() => engine?.close());
    if (wish.measuredPath !== undefined) writeFileSync(wish.measuredPath, resultJson(plainJson(rounds.ours)));
    return contestResult(wish, rounds);
  },
});

/** Ours and the floors in turn, so that what else the machine does meets all of them. */
async function measureRounds(
  wish: ContestWish,
  engine: Engine | undefined,
  signal: AbortSignal,
  show: (text: string) => void,
): Promise<ContestRounds> {
  const { contest, target, roundCount, withFloor } = wish;
  const rounds: Record<keyof ContestRounds, ContestRound[]> = { ours: [], floor: [], "fair floor": [] };
  for (let round = 1; round <= roundCount; round++) {
    if (roundCount > 1) say(`round ${round} of ${roundCount}`);
    if ("service" in target) {
      rounds.ours.push(await measureTarget(contest, target, signal));
    } else {
      rounds.ours.push(await measureOwn(contest, { ...target, engine }, "service", signal));
      for (const floor of withFloor ? FLOOR_NAMES : []) {
        say(`the ${floor}`);
        rounds[floor].push(await measureOwn(contest, target, floor, signal));
      }
    }
    const { measured, environment } = rounds.ours.at(-1)!;
    show(contestReport(measured, environment));
  }
  return rounds;
}

/** Of one round its object, of several a list of them. */
function plainJson(rounds: readonly ContestRound[]): object {
  const plain = rounds.map(({ measured, environment }) => ({ ...environment, ...measured }));
  return plain.length === 1 ? plain[0]! : plain;
}
