import type { Mode } from "./incident.ts";
import { planOf } from "./plan.ts";
import { keptPlaces, shrink, withOnly } from "./shrink.ts";
import { simulate } from "./simulation.ts";

const TRACE_LINES_MAX = 150;

export type FailureOptions = {
  /** The bug that was put in, for the command line to repeat it. */
  mutation?: string | undefined;
  /** Not the one that the seed has by itself. */
  mode?: Mode | undefined;
  /** Only these incidents of the seed. */
  places?: readonly number[] | undefined;
};

/** Everything needed to understand a failing seed and to run it again; undefined when it does not fail. */
export async function describeFailure(
  seed: number,
  { mutation, mode, places }: FailureOptions = {},
): Promise<string | undefined> {
  const whole = planOf(seed, mode);
  const plan = places ? withOnly(whole, places) : whole;
  const { violation } = await simulate(plan);
  if (violation === undefined) return undefined;
  const smallest = await shrink(plan, violation.rule);
  const trace: string[] = [];
  const shrunk = (await simulate(smallest, trace)).violation;
  const only = keptPlaces(whole, smallest).join(",");
  const mutated = mutation === undefined ? "" : ` --mutation "${mutation}"`;
  return [
    `seed ${seed}: ${violation.message}`,
    `shrunk from ${plan.incidents.length} to ${smallest.incidents.length} incidents: ${shrunk?.message}`,
    `settings ${JSON.stringify(smallest.settings)}`,
    ...trace.slice(-TRACE_LINES_MAX).map((line) => `  ${line}`),
    `again: npm run simulate -- --from ${seed} --mode ${whole.settings.mode} --only ${only}${mutated}`,
  ].join("\n");
}
