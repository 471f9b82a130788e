import type { Plan } from "./incident.ts";
import { simulate } from "./simulation.ts";

/** Runs spent on making one failure smaller. */
const RUNS_MAX = 600;

/**
 * A failing plan without incidents that it does not need to break the same rule (delta debugging, Zeller & Hildebrandt
 * 2002).
 */
export async function shrink(plan: Plan, rule: string): Promise<Plan> {
  let smallest = plan;
  let runCount = 0;
  const stillFails = async (candidate: Plan): Promise<boolean> => {
    runCount++;
    return (await simulate(candidate)).violation?.rule === rule;
  };
  for (let chunk = plan.incidents.length; chunk >= 1 && runCount < RUNS_MAX; ) {
    const before = smallest.incidents.length;
    for (let start = 0; start < smallest.incidents.length && runCount < RUNS_MAX; ) {
      const incidents = [...smallest.incidents];
      incidents.splice(start, chunk);
      const candidate = { ...smallest, incidents };
      if (await stillFails(candidate)) smallest = candidate;
      else start += chunk;
    }
    if (chunk > 1) chunk = Math.ceil(chunk / 2);
    else if (smallest.incidents.length === before) break;
  }
  return smallest;
}

/** The places of a shrunk plan's incidents in the whole one: with the seed, all it takes to run it again. */
export function keptPlaces(whole: Plan, part: Plan): number[] {
  return part.incidents.map((incident) => whole.incidents.indexOf(incident));
}

/** The plan with only the incidents at these places. */
export function withOnly(plan: Plan, places: readonly number[]): Plan {
  return { ...plan, incidents: plan.incidents.filter((_, place) => places.includes(place)) };
}
