import { say } from "../../command/run-command.ts";
import { runMeasurement } from "../report/measurement-command.ts";
import { ROUTING_COMMAND, type RoutingOptions } from "./command-line.ts";
import { comparePolicies, worstWeathers } from "./compare-policies.ts";
import { compareInRandomWeathers } from "./random-weathers.ts";
import { routingResult } from "./result.ts";
import { contestWeathers } from "./weather.ts";

const PROGRESS_EVERY = 100;

await runMeasurement({
  ...ROUTING_COMMAND,
  async measure(options, signal) {
    const contest = wishedContests(options).map((weather) => {
      say(`${weather.name}: ${weather.arrivalsMs.length} payments`);
      return { weather, outcome: comparePolicies(weather, options.policies) };
    });
    const random = await compareRandom(options, signal);
    const worst = worstWeathers(random).map(
      ({ policy, weather, lossBp }) => `${policy}: worst in ${weather}, ${lossBp.toFixed(1)} bp below the optimum\n`,
    );
    return { ...routingResult(options, { contest, random }), postscript: worst.join("") };
  },
});

function wishedContests({ only, settleWithinMs, answerWithinMs }: RoutingOptions) {
  const weathers = contestWeathers(settleWithinMs, answerWithinMs);
  return weathers.filter(({ name }) => only === undefined || only === name);
}

async function compareRandom({ only, seeds, policies, workerCount }: RoutingOptions, signal: AbortSignal) {
  if (only === "preview" || only === "final") return [];
  return compareInRandomWeathers(seeds, policies, workerCount, signal, (count) => {
    if (count % PROGRESS_EVERY === 0) say(`${count} of ${seeds.length} random weathers`);
  });
}
