import type { Answer } from "../http/answer.ts";
import type { SummaryPart } from "../payments/summary.ts";
import { RETRY_AFTER_S } from "../text/problem.ts";

/**
 * What another instance says, believed only as far as it has the shape of an instance's answer: an address may be
 * wrong, and somebody else's page is neither a summary nor a payment.
 */

export type PeerAnswer = { status: number; body: string; location: string | undefined; contentType: string };

/** By which an instance is told from anything else that may listen at its address. */
export const LINK_HEALTH = "/health";
export const LINK_HEALTH_BODY = '{"status":"ok"}';

/** Answers to a forwarded payment that are passed on as they are. */
const ANSWERS_TO_PAYMENTS: readonly number[] = [400, 409, 413, 503];

export function isLinkHealth({ status, body }: PeerAnswer): boolean {
  return status === 200 && body === LINK_HEALTH_BODY;
}

/**
 * `processors`: names; a part of others, or in another order, would be misread. Such a part is returned as the names
 * that it is of.
 */
export function summaryPartOf(answer: PeerAnswer, processors: readonly string[]): SummaryPart | string[] | undefined {
  const { processors: theirs, totals, settledUntilMs } = objectOf(answer, 200) ?? {};
  if (!isNames(theirs)) return undefined;
  if (!areSame(theirs, processors)) return theirs;
  if (!Array.isArray(totals) || totals.length !== processors.length * 2 || !totals.every(isCount)) return undefined;
  return Number.isFinite(settledUntilMs) ? { processors, totals, settledUntilMs: settledUntilMs as number } : undefined;
}

/** A payment's JSON, as it came. */
export function paymentOf(answer: PeerAnswer): string | undefined {
  const { id, correlationId, state } = objectOf(answer, 200) ?? {};
  return [id, correlationId, state].every((field) => typeof field === "string") ? answer.body : undefined;
}

/** Whether the instance has said that it does not know the payment; any server says 404 to a path it does not know. */
export function isUnknownPayment(answer: PeerAnswer): boolean {
  return isProblem(answer, 404);
}

/** A reading for the live page as JSON, as it came; undefined also where it is of other processors. */
export function readingOf(answer: PeerAnswer, processors: readonly string[]): string | undefined {
  const { life, processors: theirs } = objectOf(answer, 200) ?? {};
  if (typeof life !== "number" || !Array.isArray(theirs)) return undefined;
  const names = theirs.map((reading: { name?: unknown } | null) => reading?.name);
  return isNames(names) && areSame(names, processors) ? answer.body : undefined;
}

export function isPurged(answer: PeerAnswer): boolean {
  return objectOf(answer, 200)?.["message"] === "purged";
}

/** The owner's answer to a payment, to be passed on to its client. */
export function paymentAnswerOf(answer: PeerAnswer): Answer | undefined {
  const { status, body, location } = answer;
  if (status === 202 && body === "" && location?.startsWith("/payments/")) {
    return { status, headers: [["Location", location]] };
  }
  if (status === 200 && paymentOf(answer) !== undefined) return { status, body };
  if (!ANSWERS_TO_PAYMENTS.includes(status) || !isProblem(answer, status)) return undefined;
  const headers: Answer["headers"] = status === 503 ? [["Retry-After", String(RETRY_AFTER_S)]] : [];
  return { status, body, headers, isProblem: true };
}

function isProblem(answer: PeerAnswer, status: number): boolean {
  return answer.contentType.startsWith("application/problem+json") && objectOf(answer, status)?.["status"] === status;
}

function objectOf({ status, body }: PeerAnswer, expected: number): Record<string, unknown> | undefined {
  if (status !== expected) return undefined;
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}

function areSame(theirs: readonly string[], ours: readonly string[]): boolean {
  return theirs.length === ours.length && theirs.every((name, i) => name === ours[i]);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
