import { type Dialect, outcomeOfPost } from "../../core/answers/dialect.ts";
import * as Outcome from "../../core/values/outcome.ts";
import { parseObject } from "../text/json-object.ts";
import type { Failure } from "./connection.ts";
import type { ToldVerdict } from "./told-charge.ts";

/** What the system says when this process, not the processor, is at its limits. */
const OWN_LIMITS = new Set(["EMFILE", "ENFILE", "EADDRNOTAVAIL", "ENOBUFS", "ENOMEM"]);

/**
 * The outcome of a POST that was answered. `isProvenEmpty`: the body is declared to be empty. A 408 on a connection
 * that had served a request before is the server's farewell to an idle connection, which crossed our request on its
 * way.
 */
export function outcomeOfAnswer(
  dialect: Dialect,
  status: number,
  body: string,
  isProvenEmpty: boolean,
  wasKept: boolean,
): number {
  if (status === 408) return wasKept ? Outcome.DROPPED : Outcome.RESET;
  const isMessage = !dialect.needsMessage || (dialect.success.includes(status) && hasMessage(body));
  return outcomeOfPost(dialect, status, isProvenEmpty, isMessage);
}

/** The outcome of a request without a whole answer. */
export function outcomeOfFailure(failure: Failure, error: NodeJS.ErrnoException, wasKept: boolean): number {
  if (failure === "timed out") return Outcome.TIMED_OUT;
  if (failure === "reset") return wasKept ? Outcome.DROPPED : Outcome.RESET;
  return OWN_LIMITS.has(error.code ?? "") ? Outcome.NO_SOCKET : Outcome.UNREACHABLE;
}

const OUTCOME_OF_VERDICT: Readonly<Record<ToldVerdict, number>> = {
  found: Outcome.FOUND,
  disputed: Outcome.DISPUTED,
  foreign: Outcome.FOREIGN,
  unreadable: Outcome.UNREADABLE,
  "not found": Outcome.NOT_FOUND,
  "not told": Outcome.NOT_TOLD,
};

/** The outcome of a lookup that was answered. */
export function outcomeOfTold({ believesNotFound }: Dialect, verdict: ToldVerdict): number {
  if (verdict === "not found" && !believesNotFound) return Outcome.NOT_TOLD;
  return OUTCOME_OF_VERDICT[verdict];
}

/** The last body that was found to be a processor's: it says the same of every payment. */
let knownMessage = "";

/**
 * A processor says `{"message":"…"}`; a 200 without it is somebody else's. Hot: parses only what it has not just seen.
 */
function hasMessage(body: string): boolean {
  if (body === knownMessage && body !== "") return true;
  const isMessage = typeof parseObject(body)?.["message"] === "string";
  if (isMessage) knownMessage = body;
  return isMessage;
}
