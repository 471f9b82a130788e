import type { MakeRouter } from "../run.ts";
import { PolledBound } from "./polled-bound.ts";
import { TwoPatiences } from "./two-patiences.ts";

const NEVER_MS = Number.POSITIVE_INFINITY;

/** By name; ours is the product's. */
export const POLICIES: Readonly<Record<string, MakeRouter>> = {
  ours: undefined,
  "two patiences": (ways, _health, { settleWithinMs }) => {
    const patienceMs = Math.min(settleWithinMs / 2, 30_000);
    return new TwoPatiences(ways, patienceMs, Math.max(patienceMs, 2000));
  },
  "fail over at once": (ways) => new TwoPatiences(ways, 0, 0),
  "cheapest only": (ways) => new TwoPatiences(ways, NEVER_MS, NEVER_MS),
  "120 ms rule": (ways, health) => new PolledBound(ways, health),
};
