import { centsOfAmount } from "./amount.ts";
import { readCorrelationId } from "./correlation-id.ts";
import { readTimestampUs } from "./timestamp.ts";

export type BoundPayment = {
  readonly id: Uint32Array;
  readonly amountCents: number;
  readonly requestedAtUs: number;
};

/** The payment that a body says, or the rule it breaks. */
export function bindPayment(text: string): BoundPayment | string {
  const fields = parseObject(text);
  if (fields === undefined) return "body must be a JSON object";
  const correlationId = fieldOf(fields, "correlationId");
  const id = typeof correlationId === "string" ? readCorrelationId(correlationId) : undefined;
  if (id === undefined) return broken("correlationId must be a UUID", "correlationId", correlationId);
  const amount = fieldOf(fields, "amount");
  // The real processor's JSON reader takes numbers in quotes as well.
  const amountCents = typeof amount === "number" || typeof amount === "string" ? centsOfAmount(amount) : undefined;
  if (amountCents === undefined) return broken("amount must be a number within bounds", "amount", amount);
  const requestedAt = fieldOf(fields, "requestedAt");
  const requestedAtUs = typeof requestedAt === "string" ? readTimestampUs(requestedAt) : undefined;
  if (requestedAtUs === undefined)
    return broken("requestedAt must be an ISO 8601 timestamp", "requestedAt", requestedAt);
  return { id, amountCents, requestedAtUs };
}

export function parseObject(text: string): Record<string, unknown> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

/** Names match in any letter case, as in the real processor; the exact one costs no search. */
export function fieldOf(fields: Record<string, unknown>, name: string): unknown {
  if (Object.hasOwn(fields, name)) return fields[name];
  const lowerName = name.toLowerCase();
  const key = Object.keys(fields).find((candidate) => candidate.toLowerCase() === lowerName);
  return key === undefined ? undefined : fields[key];
}

export function broken(rule: string, name: string, value: unknown): string {
  const shown = value === undefined ? "missing" : JSON.stringify(value);
  return `${rule}: ${name}=${shown.length > 80 ? `${shown.slice(0, 80)}…` : shown}`;
}
