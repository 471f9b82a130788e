import { optimumOf } from "./optimum.ts";
import { POLICIES } from "./policies/policies.ts";
import { type RunResult, runWeather } from "./run.ts";
import type { Weather } from "./weather.ts";

export const OURS = "ours";

/** What one policy made of a weather. */
export type PolicyOutcome = Omit<RunResult, "sentPerS" | "waitingAtS"> & {
  readonly policy: string;
  /** Below the optimum, in hundredths of a percent of the amount of all payments. */
  readonly lossBp: number;
};

export type WeatherOutcome = {
  readonly weather: string;
  /** The most that could be earned, in payments' amounts. */
  readonly optimum: number;
  readonly policies: readonly PolicyOutcome[];
};

/** Runs each policy through the weather. */
export function comparePolicies(weather: Weather, policies: readonly string[]): WeatherOutcome {
  const optimum = optimumOf(weather);
  const outcomes = policies.map((policy) => {
    const { sentPerS: _sent, waitingAtS: _waiting, ...result } = runWeather(weather, POLICIES[policy]);
    const lossBp = ((optimum - result.earned) / result.paymentCount) * 1e4;
    return { policy, lossBp, ...result };
  });
  return { weather: weather.name, optimum, policies: outcomes };
}

/** Where each policy is furthest below the optimum: the weather to look at. The first of them, if several. */
export function worstWeathers(
  outcomes: readonly WeatherOutcome[],
): { readonly policy: string; readonly weather: string; readonly lossBp: number }[] {
  const worst = new Map<string, { policy: string; weather: string; lossBp: number }>();
  for (const { weather, policies } of outcomes) {
    for (const { policy, lossBp } of policies)
      if (lossBp > (worst.get(policy)?.lossBp ?? Number.NEGATIVE_INFINITY))
        worst.set(policy, { policy, weather, lossBp });
  }
  return [...worst.values()];
}
