import { CONTEST, type Dialect } from "../../core/answers/dialect.ts";
import * as Outcome from "../../core/values/outcome.ts";
import type { FieldReader } from "./json-fields.ts";

/** What a status of a POST can be said to prove, beyond success and failure. */
const PROOFS: Readonly<Record<string, number>> = {
  charged: Outcome.ALREADY_CHARGED,
  refused: Outcome.REJECTED,
  misconfigured: Outcome.MISCONFIGURED,
  overloaded: Outcome.OVERLOADED,
  unclear: Outcome.UNCLEAR,
};
const LISTS = ["success", "failing", ...Object.keys(PROOFS)];

/**
 * The dialect of a processor, from its members `answers` and `believesNotFound`: the contest's, but for what they say.
 * A status that a list names means that and nothing else.
 */
export function readDialect(reader: FieldReader, answers: unknown, believesNotFound: unknown): Dialect {
  const asked = reader.object("answers", answers === undefined ? {} : answers, [...LISTS, "needsMessage"]);
  const named = new Map<number, string>();
  for (const list of LISTS)
    for (const status of readStatuses(reader, list, asked[list])) {
      const other = named.get(status);
      if (other === undefined) named.set(status, list);
      else reader.refuse("answers", "must list a status once", `status=${status} in ${other} and ${list}`);
    }
  const listed = (list: string, fallback: readonly number[]): number[] => {
    const own = [...named].flatMap(([status, where]) => (where === list ? [status] : []));
    return asked[list] === undefined ? fallback.filter((status) => !named.has(status)) : own;
  };
  const success = listed("success", CONTEST.success);
  const failure = listed("failing", CONTEST.failure);
  if (success.length === 0) reader.refuse("answers.success", "must have a status");
  const statuses: Record<number, number> = { ...CONTEST.statuses };
  for (const [status, list] of named) {
    const proof = PROOFS[list];
    if (proof === undefined) delete statuses[status];
    else statuses[status] = proof;
  }
  return {
    statuses,
    success,
    failure,
    needsMessage: reader.flag("answers.needsMessage", asked["needsMessage"], CONTEST.needsMessage),
    believesNotFound: reader.flag("believesNotFound", believesNotFound, CONTEST.believesNotFound),
  };
}

function readStatuses(reader: FieldReader, list: string, value: unknown): number[] {
  if (value === undefined) return [];
  const isList =
    Array.isArray(value) && value.every((status) => Number.isInteger(status) && status >= 200 && status <= 599);
  if (isList) return value as number[];
  reader.refuse(`answers.${list}`, "must be a list of statuses from 200 to 599", `${list}=${JSON.stringify(value)}`);
  return [];
}
