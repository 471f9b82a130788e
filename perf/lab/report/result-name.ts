import { commitText } from "./commit.ts";
import type { Result } from "./result.ts";

/** `2026-01-31-1200-contest-16bd539a-dirty`; the time is UTC. */
export function resultName({ startedAt, kind, commit }: Result): string {
  const time = `${startedAt.slice(0, 10)}-${startedAt.slice(11, 13)}${startedAt.slice(14, 16)}`;
  return [time, kind, ...(commit === undefined ? [] : [commitText(commit)])].join("-");
}
