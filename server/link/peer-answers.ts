import { MAX_PARTITIONS } from "../../core/values/payment-id.ts";
import { type Answer, RETRY_SOON } from "../http/answer.ts";
import type { SummaryPart } from "../payments/summary.ts";
import { problem } from "../text/problem.ts";

/**
 * What another instance says, believed only as far as it has the shape of an instance's answer: an address may be
 * wrong, and somebody else's page is neither a summary nor a payment.
 */

export type PeerAnswer = { status: number; body: string; location: string | undefined; contentType: string };

/**
 * The version of all that instances say to each other. Every path begins with it; the paths of version 1 had none.
 * Whoever is asked in another version says so (OTHER_PROTOCOL), and nothing of the question is acted upon. That is no
 * 404, which would be taken for a word on what was asked for.
 */
export const LINK_PROTOCOL = 2;
export const LINK_ROOT = `/${LINK_PROTOCOL}`;
export const OTHER_PROTOCOL = problem("other-link-protocol", `the link's protocol is ${LINK_PROTOCOL}`);

/** By which an instance is told from anything else that may listen at its address. */
export const LINK_HEALTH = `${LINK_ROOT}/health`;
export const LINK_HEALTH_BODY = '{"status":"ok"}';

export const LINK_PURGED_BODY = '{"message":"purged"}';
export const LINK_BULLETINS = `${LINK_ROOT}/bulletins`;

/** Answers to a forwarded payment that are passed on as they are. */
const ANSWERS_TO_PAYMENTS: readonly number[] = [400, 409, 413, 503];

export function isLinkHealth({ status, body }: PeerAnswer): boolean {
  return status === 200 && body === LINK_HEALTH_BODY;
}

/** Parts of a summary that are of other processors, or of the same in another order, and would be misread. */
export type OtherProcessors = { others: readonly string[] };

/** What an instance sums up of the partitions it carries. `processors`: their names here. */
export function summaryPartsOf(
  answer: PeerAnswer,
  processors: readonly string[],
): SummaryPart[] | OtherProcessors | undefined {
  const told = objectOf(answer, 200);
  if (!Array.isArray(told)) return undefined;
  const parts: SummaryPart[] = [];
  for (const value of told) {
    const part = summaryPartOf(value, processors);
    if (part === undefined || "others" in part) return part;
    parts.push(part);
  }
  // Twice the same partition would be added up twice.
  return new Set(parts.map(({ partition }) => partition)).size === parts.length ? parts : undefined;
}

function summaryPartOf(value: unknown, processors: readonly string[]): SummaryPart | OtherProcessors | undefined {
  const { partition, epoch, processors: theirs, totals, settledUntilMs } = (value ?? {}) as Record<string, unknown>;
  if (!isNames(theirs) || !isPartition(partition) || !isEpoch(epoch)) return undefined;
  if (!areSame(theirs, processors)) return { others: theirs };
  if (!Array.isArray(totals) || totals.length !== processors.length * 2 || !totals.every(isCount)) return undefined;
  if (typeof settledUntilMs !== "number" || !Number.isFinite(settledUntilMs)) return undefined;
  return { partition, epoch, processors, totals, settledUntilMs };
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

/** Whether an instance has purged the partition that it was asked to. */
export function isPurged({ status, body }: PeerAnswer): boolean {
  return status === 200 && body === LINK_PURGED_BODY;
}

/** Whether the instance has caught up with a partition that it was asked to read along. */
export function isFollowing(answer: PeerAnswer): boolean {
  return objectOf(answer, 200)?.["following"] === true;
}

/** Whether an instance says that it does not carry what it was asked for, and so has done nothing. */
export function isElsewhere(answer: PeerAnswer): boolean {
  return isProblem(answer, 421);
}

export function isPartition(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < MAX_PARTITIONS;
}

export function isEpoch(value: unknown): value is number {
  return isCount(value);
}

/** The carrier's answer to a payment, to be passed on to its client. */
export function paymentAnswerOf(answer: PeerAnswer): Answer | undefined {
  const { status, body, location } = answer;
  if (status === 202 && body === "" && location?.startsWith("/payments/")) {
    return { status, headers: [["Location", location]] };
  }
  if (status === 200 && paymentOf(answer) !== undefined) return { status, body };
  if (!ANSWERS_TO_PAYMENTS.includes(status) || !isProblem(answer, status)) return undefined;
  return { status, body, headers: status === 503 ? [RETRY_SOON] : [], isProblem: true };
}

/**
 * What an instance says to a payment that was passed on to it; "elsewhere": it has not taken it, because it does not
 * carry its partition.
 */
export function forwardedOf(answer: PeerAnswer): Answer | "elsewhere" | "unanswered" {
  return isElsewhere(answer) ? "elsewhere" : (paymentAnswerOf(answer) ?? "unanswered");
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

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
