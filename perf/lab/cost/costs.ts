import type { UsageBetween } from "../limits/usage-between.ts";
import { median } from "../report/figure.ts";

/** CPU microseconds per payment. */
export type Cost = {
  readonly userUs: number;
  readonly systemUs: number;
};

/** CPU shares of one process when nobody pays. */
export type IdleShare = {
  readonly name: string;
  readonly cpuShare: number;
  readonly systemShare: number;
};

export const totalUs = ({ userUs, systemUs }: Cost): number => userUs + systemUs;

export function sumOf(...costs: readonly Cost[]): Cost {
  return costs.reduce((sum, { userUs, systemUs }) => ({
    userUs: sum.userUs + userUs,
    systemUs: sum.systemUs + systemUs,
  }));
}

/** Process by process. */
export function typicalIdle(rounds: readonly (readonly UsageBetween[])[]): IdleShare[] {
  const names = new Set(rounds.flatMap((round) => round.map(({ name }) => name)));
  return [...names].map((name) => {
    const own = rounds.flatMap((round) => round.filter((usage) => usage.name === name));
    return {
      name,
      cpuShare: median(own.map(({ cpuShare }) => cpuShare)),
      systemShare: median(
        own.map(({ cpuShare, cpuMs, systemMs }) => (cpuMs === 0 ? 0 : (cpuShare * systemMs) / cpuMs)),
      ),
    };
  });
}

/** What the named took for each payment, less what they take when nobody pays. */
export function costOf(
  names: readonly string[],
  usage: readonly UsageBetween[],
  idle: readonly IdleShare[],
  paymentCount: number,
): Cost {
  let userMs = 0;
  let systemMs = 0;
  for (const name of names) {
    const busy = usage.find((process) => process.name === name);
    const rest = idle.find((process) => process.name === name);
    if (busy === undefined || rest === undefined) throw new Error(`a process must be measured: name=${name}`);
    const elapsedMs = busy.cpuShare === 0 ? 0 : busy.cpuMs / busy.cpuShare;
    systemMs += busy.systemMs - rest.systemShare * elapsedMs;
    userMs += busy.cpuMs - busy.systemMs - (rest.cpuShare - rest.systemShare) * elapsedMs;
  }
  return { userUs: (userMs * 1000) / paymentCount, systemUs: (systemMs * 1000) / paymentCount };
}
