/** What Redis begins its refusals with. The rest of them may repeat what it was sent, a password included. */
const REFUSALS = [
  "BUSY",
  "CROSSSLOT",
  "ERR",
  "LOADING",
  "MASTERDOWN",
  "MISCONF",
  "MOVED",
  "NOAUTH",
  "NOPERM",
  "NOPROTO",
  "NOREPLICAS",
  "OOM",
  "READONLY",
  "WRONGPASS",
  "WRONGTYPE",
];

/**
 * Why a register cannot be had, as a word that is safe to log: the code of an error or its causes, its first word or
 * its kind.
 */
export function lossReason(error: unknown): string {
  if (typeof error === "string") return error;
  if (!(error instanceof Error)) return "unknown";
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (typeof code === "string" && /^[A-Z0-9_]{3,40}$/.test(code)) return code;
  }
  const [first = ""] = error.message.split(" ", 1);
  return REFUSALS.includes(first) ? first : error.constructor.name;
}
