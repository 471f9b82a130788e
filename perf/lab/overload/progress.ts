import type { Settlement } from "../contenders/books.ts";
import { failuresText } from "../load/load-round.ts";
import type { OverloadRound } from "./measure.ts";
import type { OverloadSecond } from "./stages.ts";

/** A table of the seconds, and who took how much CPU. */
export function progressText(
  { round, stages, usage, failures, cpu, elapsedMs, uncertainCount }: Omit<OverloadRound, "settlement">,
  settlement: Settlement | undefined,
): string {
  return [
    `round ${round}: second  offered  accepted  refused   p50 ms   p99 ms   p99 ms of refusals`,
    ...stages.seconds.map(secondText),
    `not accepted: ${failuresText(failures) || "none"}; uncertain ${uncertainCount}`,
    [
      ...usage.map(({ name, cpuShare, throttledShare }) => {
        const throttled = throttledShare > 0 ? ` (${(throttledShare * 100).toFixed(0)} % throttled)` : "";
        return `${name} ${cpuShare.toFixed(2)}${throttled}`;
      }),
      `generator ${((cpu.generatorCpuSeconds * 1000) / elapsedMs).toFixed(2)}`,
    ].join("  "),
    settlement?.problem ?? "everything accepted was charged, nothing else",
  ].join("\n");
}

function secondText(one: OverloadSecond): string {
  const { second, dueCount, acceptedCount, refusedCount, acceptedP50Ms, acceptedP99Ms, refusedP99Ms } = one;
  const counts = [second, dueCount, acceptedCount, refusedCount].map((count) => String(count).padStart(9));
  return [...counts, ...[acceptedP50Ms, acceptedP99Ms, refusedP99Ms].map((ms) => ms.toFixed(1).padStart(9))].join("");
}
