import type { PerRole, Role } from "../../audit/totals.ts";

/** How a processor behaves from a stage's beginning to the next one's. */
export type Behaviour = {
  readonly delayMs: number;
  readonly failing: boolean;
};

export type Stage = PerRole<Behaviour> & {
  /** From the beginning of the load. */
  readonly atMs: number;
};

const HEALTHY: Behaviour = { delayMs: 0, failing: false };
const slow = (delayMs: number): Behaviour => ({ delayMs, failing: false });
const failing = (delayMs: number): Behaviour => ({ delayMs, failing: true });

/** Of the 60 s run. */
export const CONTEST_STAGES: readonly Stage[] = [
  { atMs: 0, default: HEALTHY, fallback: HEALTHY },
  { atMs: 10_000, default: slow(100), fallback: HEALTHY },
  { atMs: 20_000, default: failing(100), fallback: HEALTHY },
  { atMs: 30_000, default: failing(2000), fallback: failing(1000) },
  { atMs: 40_000, default: slow(20), fallback: slow(20) },
  { atMs: 50_000, default: HEALTHY, fallback: slow(5000) },
];

/** The same stages in a shorter or longer run. What the processors do stays as it is. */
export function scaleStages(stages: readonly Stage[], factor: number): Stage[] {
  return stages.map((stage) => ({ ...stage, atMs: Math.round(stage.atMs * factor) }));
}

/** The one under way. */
export function stageAt(stages: readonly Stage[], ms: number): number {
  return Math.max(
    0,
    stages.findLastIndex(({ atMs }) => atMs <= ms),
  );
}

/** `default +100 ms failing, fallback` */
export function stageText(stage: Stage): string {
  return `${behaviourText("default", stage.default)}, ${behaviourText("fallback", stage.fallback)}`;
}

/** For a chart: only what is not as it should be. `default +100 ms failing` */
export function troubleText(stage: Stage): string {
  const isTroubled = (role: Role): boolean => stage[role].delayMs > 0 || stage[role].failing;
  const roles = (["default", "fallback"] as const).filter(isTroubled);
  return roles.length === 0 ? "both healthy" : roles.map((role) => behaviourText(role, stage[role])).join(", ");
}

function behaviourText(role: Role, { delayMs, failing }: Behaviour): string {
  return `${role}${delayMs > 0 ? ` +${delayMs} ms` : ""}${failing ? " failing" : ""}`;
}

/**
 * From a file such as
 * `[{"atSeconds": 0, "default": {"delayMs": 0, "failing": false}, "fallback": {"delayMs": 0, "failing": false}}]`.
 * Throws a one-line `rule: name=value` error on anything else.
 */
export function readStages(json: string): Stage[] {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new Error(`stages must be JSON: error=${error instanceof Error ? error.message : error}`);
  }
  if (!Array.isArray(value) || value.length === 0) throw new Error("stages must be a list: length=0");
  const stages = value.map(readStage);
  if (stages[0]!.atMs !== 0) throw new Error(`stages must begin at once: atSeconds=${stages[0]!.atMs / 1000}`);
  for (const [i, { atMs }] of stages.entries()) {
    if (i > 0 && atMs <= stages[i - 1]!.atMs)
      throw new Error(`stages must be in order of time: atSeconds=${atMs / 1000}`);
  }
  return stages;
}

function readStage(value: unknown): Stage {
  const { atSeconds, default: ofDefault, fallback } = fieldsOf(value);
  if (typeof atSeconds !== "number" || !(atSeconds >= 0)) {
    throw new Error(`atSeconds must be a number from 0: atSeconds=${JSON.stringify(atSeconds)}`);
  }
  return {
    atMs: atSeconds * 1000,
    default: readBehaviour("default", ofDefault),
    fallback: readBehaviour("fallback", fallback),
  };
}

function readBehaviour(role: Role, value: unknown): Behaviour {
  const { delayMs, failing } = fieldsOf(value);
  if (typeof delayMs !== "number" || !Number.isInteger(delayMs) || delayMs < 0 || typeof failing !== "boolean") {
    throw new Error(`${role} must be {"delayMs": whole number, "failing": boolean}: ${role}=${JSON.stringify(value)}`);
  }
  return { delayMs, failing };
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
