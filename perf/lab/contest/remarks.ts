import { FLOOR_NAMES, limitRemark } from "../contenders/contender.ts";
import type { ContestRound } from "./round.ts";
import type { ContestRounds } from "./rounds.ts";

const countOf = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** What makes the figures less than they seem, by round. `shown` is the round that the charts are of. */
export function remarksOf(rounds: ContestRounds, shown: number): string[] {
  const { ours } = rounds;
  const isSeveral = ours.length > 1;
  const prefixed = (who: string, i: number, remarks: readonly string[]): string[] => {
    const prefix = [who, isSeveral ? `round ${i + 1}` : ""].filter((part) => part !== "").join(", ");
    return remarks.map((remark) => (prefix === "" ? remark : `${prefix}: ${remark}`));
  };
  const floors = FLOOR_NAMES.filter((name) => rounds[name].length > 0);
  return [
    ...ours.flatMap((round, i) => prefixed("", i, [...trustRemarks(round), ...outcomeRemarks(round)])),
    ...floors.flatMap((name) => rounds[name].flatMap((round, i) => prefixed(`the ${name}`, i, trustRemarks(round)))),
    limitRemark(ours[0]!.environment),
    ...ours[0]!.environment.remarks,
    ...(ours[0]!.environment.processes.length > 0
      ? []
      : ["CPU and memory of a service that runs already: not counted"]),
    ...(isSeveral ? [`the charts are of round ${shown + 1}, whose p99 is in the middle`] : []),
    ...(floors.length > 0 ? ["the floors only answer: their processing, audits and score are left out"] : []),
  ];
}

function trustRemarks({ measured, environment }: ContestRound): string[] {
  const { isGeneratorLate, lateness, failures } = measured;
  const remarks = [];
  if (isGeneratorLate) {
    const late = `the generator was late itself, p99 ${lateness.p99Ms.toFixed(2)} ms`;
    remarks.push(`MARKED: ${late}; the latencies are not only the service's`);
  }
  for (const [reason, count] of Object.entries(failures))
    remarks.push(`${countOf(count, "payment")} failed: ${reason}`);
  for (const { name, wasRestarted, limitUsage } of environment.processes) {
    if (wasRestarted) remarks.push(`${name} was restarted`);
    const hitCount = limitUsage?.memoryFailCount ?? 0;
    if (hitCount > 0) remarks.push(`${name} met its memory limit ${countOf(hitCount, "time")}`);
  }
  return remarks;
}

function outcomeRemarks({ measured }: ContestRound): string[] {
  const { score, auditDifferenceCount, afterwards, problems } = measured;
  const remarks = [...problems];
  if (score.isDisqualified) remarks.push("DISQUALIFIED: more processed than accepted");
  if (auditDifferenceCount > 0) remarks.push(`the audits differed by ${countOf(auditDifferenceCount, "payment")}`);
  if (score.lagCount > 0) remarks.push(`lag: ${countOf(score.lagCount, "payment")} accepted and not processed`);
  if (typeof afterwards === "string") remarks.push(`not compared payment by payment afterwards: ${afterwards}`);
  else if (!afterwards.agrees) remarks.push("the settled payments differ from the processors' records");
  return remarks;
}
