import { Random } from "../support/random.ts";
import type { Mode, Plan } from "./incident.ts";
import { journalPlanOf } from "./journal-plan.ts";
import { leasePlanOf } from "./lease-plan.ts";

/** Of the seeds. */
const LEASE_SHARE = 1 / 3;

/** Everything a seed stands for but the chances of single messages. */
export function planOf(seed: number, mode = modeOf(seed)): Plan {
  return mode === "lease" ? leasePlanOf(seed) : journalPlanOf(seed);
}

/** How partitions are kept, unless somebody asks for one of the two. */
function modeOf(seed: number): Mode {
  return new Random(seed ^ 0x1ea5e).chance(LEASE_SHARE) ? "lease" : "journal";
}
