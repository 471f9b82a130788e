import { centsFromDecimal } from "../../core/values/money.ts";
import { amountText } from "../text/amount-text.ts";
import { parseObject } from "../text/json-object.ts";
import { parseTimestamp } from "../text/timestamp.ts";

/** A processor may keep and tell times in whole seconds, cut or rounded. */
export const TOLERANCE_MS = 1000;

/** A charge as GET /payments/{correlationId} tells it. */
export type ToldCharge = {
  /** Rounded half to even, as processors round; negative for an amount that no payment of ours has. */
  cents: number;
  /** Whole milliseconds since the epoch, rounded down. */
  requestedAtMs: number;
  /** Whether there was a part of a millisecond beyond `requestedAtMs`. */
  hasMore: boolean;
};

/** What the answer to a lookup says, before it is compared with a payment of ours. */
export type Told =
  | { kind: "charge"; charge: ToldCharge }
  | { kind: "not found" }
  /** The processor knows something of the payment, but nobody can say what. */
  | { kind: "unreadable"; problem: string }
  /** No answer to the question: an error, a gateway's page, nothing. */
  | { kind: "not told" };

export type ToldVerdict = "found" | "disputed" | "foreign" | "unreadable" | "not found" | "not told";

/** What we sent, if it was us. */
export type Sent = { cents: number; requestedAtMs: number; acceptedAtMs: number };

/**
 * Reads the answer about `correlationId`, given in lower case.
 *
 *   answer                                                        told
 *   404, empty or with a JSON object                              not found
 *   404 with anything else: a page of somebody in between         not told
 *   another status but 200, or a body that is no JSON object      not told
 *   another id, or a member missing or of another form            unreadable
 *   a time without seconds: too coarse to tell ours from others   unreadable
 *   id, amount as number or text, time with seconds               charge
 *
 * Tolerated: the id in either case; any text of a decimal number; a time in any form that `parseTimestamp` reads.
 */
export function readTold(status: number, body: string, correlationId: string): Told {
  if (status === 404) return { kind: body === "" || parseObject(body) ? "not found" : "not told" };
  const members = status === 200 ? parseObject(body) : undefined;
  if (members === undefined) return { kind: "not told" };
  const { correlationId: id, amount, requestedAt } = members;
  if (typeof id !== "string" || id.toLowerCase() !== correlationId)
    return unreadable("the answer must be about the payment asked about", "correlationId", id);
  const cents = readCents(typeof amount === "number" ? amountText(body) : amount);
  if (cents === undefined) return unreadable("amount must be a decimal number", "amount", amount);
  const at = typeof requestedAt === "string" && HAS_SECONDS.test(requestedAt) ? parseTimestamp(requestedAt) : undefined;
  if (at === undefined) return unreadable("requestedAt must be a time with seconds", "requestedAt", requestedAt);
  return { kind: "charge", charge: { cents, requestedAtMs: at.ms, hasMore: at.hasMore } };
}

/**
 * Whether what was told is the charge that `sent` asked for: the same amount, and a time within a second of ours.
 * *Disputed* is our amount at another time since the payment was accepted: an attempt of ours that was taken for not
 * charged, or a stranger's.
 */
export function judgeTold(told: Told, sent: Sent): ToldVerdict {
  if (told.kind !== "charge") return told.kind;
  if (told.charge.cents !== sent.cents) return "foreign";
  if (isWithinTolerance(told.charge, sent.requestedAtMs)) return "found";
  return told.charge.requestedAtMs >= sent.acceptedAtMs - TOLERANCE_MS ? "disputed" : "foreign";
}

/** Whether the told time can be what a processor makes of `sentAtMs`. Inclusive at both ends. */
export function isWithinTolerance({ requestedAtMs, hasMore }: ToldCharge, sentAtMs: number): boolean {
  const offMs = requestedAtMs - sentAtMs;
  return offMs >= -TOLERANCE_MS && (offMs < TOLERANCE_MS || (offMs === TOLERANCE_MS && !hasMore));
}

const HAS_SECONDS = /[Tt ]\d\d:\d\d:\d\d/;
/** Sign, digits before and after the point, exponent. */
const DECIMAL = /^([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;

/** Cents of any text of a decimal number, digit by digit and never by way of a float; undefined when it is none. */
function readCents(text: unknown): number | undefined {
  const match = typeof text === "string" ? DECIMAL.exec(text.trim()) : null;
  if (match === null) return undefined;
  const bytes = new TextEncoder().encode(withoutExponent(match[2]!, match[3] ?? "", Number(match[4] ?? 0)));
  const cents = centsFromDecimal(bytes, 0, bytes.length);
  return match[1] === "-" && cents !== 0 ? -Math.abs(cents) : cents;
}

function withoutExponent(whole: string, fraction: string, exponent: number): string {
  const zeros = "0".repeat(Math.abs(exponent));
  const digits = exponent < 0 ? zeros + whole + fraction : whole + fraction + zeros;
  const point = exponent < 0 ? whole.length : whole.length + exponent;
  return `${digits.slice(0, point)}.${digits.slice(point)}`;
}

function unreadable(rule: string, name: string, value: unknown): Told {
  const text = value === undefined ? "" : JSON.stringify(value);
  return { kind: "unreadable", problem: `${rule}: ${name}=${text.slice(0, 64)}` };
}
