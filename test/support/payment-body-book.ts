import { centsByTheBook } from "./amount-model.ts";

const MAX_CENTS = 100_000_000n;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A payment, or the field that is wrong. */
export type Reading = { id: string; cents: number } | { field: string | undefined };

/** What the bytes mean by the rules alone: JSON as JSON.parse has it, cents by the book. */
export function readByTheBook(bytes: Uint8Array): Reading {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return { field: "body" };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { field: "body" };
  const { correlationId, amount } = value as Record<string, unknown>;
  if (typeof correlationId !== "string" || !UUID.test(correlationId)) return { field: "correlationId" };
  if (typeof amount !== "number" || !Number.isFinite(amount)) return { field: "amount" };
  const cents = centsByTheBook(String(amount));
  if (cents <= 0n || cents > MAX_CENTS) return { field: "amount" };
  return { id: correlationId.toLowerCase(), cents: Number(cents) };
}
