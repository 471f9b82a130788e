import {
  centsFromDecimal,
  centsFromNumber,
  formatCents,
  MAX_AMOUNT_CENTS,
  TOO_LARGE,
} from "../../core/values/money.ts";
import { parseUuid, parseUuidText, UUID_TEXT_BYTES, UUID_WORDS } from "../../core/values/uuid.ts";
import { amountText } from "../text/amount-text.ts";
import { badRequest, type Problem } from "../text/problem.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const DOT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const KEY_ID = new TextEncoder().encode('"correlationId"');
const KEY_AMOUNT = new TextEncoder().encode('"amount"');

const NOT_PLAIN = -1;

/**
 * Reads the body of POST /payments. The common shape (the two fields in any order, plain numbers, any white space) is
 * read byte by byte without making a string or an object; everything else goes through JSON.parse, which decides what
 * is valid. After `parse` returned undefined, `id` and `cents` hold the payment until the next call.
 */
export class PaymentBody {
  readonly id = new Int32Array(UUID_WORDS);
  cents = 0;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  /** Returns what is wrong, or undefined when all is well. Hot. */
  parse(bytes: Uint8Array): Problem | undefined {
    if (this.#readPlain(bytes) && this.cents > 0) return undefined;
    return this.parseJson(bytes);
  }

  #readPlain(bytes: Uint8Array): boolean {
    let hasId = false;
    let hasAmount = false;
    let i = skipSpace(bytes, 0);
    if (bytes[i] !== OPEN_BRACE) return false;
    for (;;) {
      i = skipSpace(bytes, i + 1);
      if (!hasId && startsWith(bytes, i, KEY_ID)) {
        hasId = true;
        i = this.#readId(bytes, skipColon(bytes, i + KEY_ID.length));
      } else if (!hasAmount && startsWith(bytes, i, KEY_AMOUNT)) {
        hasAmount = true;
        i = this.#readAmount(bytes, skipColon(bytes, i + KEY_AMOUNT.length));
      } else {
        return false;
      }
      if (i === NOT_PLAIN) return false;
      i = skipSpace(bytes, i);
      if (bytes[i] === CLOSE_BRACE) break;
      if (bytes[i] !== COMMA) return false;
    }
    return hasId && hasAmount && skipSpace(bytes, i + 1) === bytes.length;
  }

  #readId(bytes: Uint8Array, start: number): number {
    if (start === NOT_PLAIN || bytes[start] !== QUOTE) return NOT_PLAIN;
    if (!parseUuid(bytes, start + 1, this.id)) return NOT_PLAIN;
    const end = start + 1 + UUID_TEXT_BYTES;
    return bytes[end] === QUOTE ? end + 1 : NOT_PLAIN;
  }

  /** `0 | [1-9][0-9]*` with `.[0-9]+`: no sign, no exponent. */
  #readAmount(bytes: Uint8Array, start: number): number {
    if (start === NOT_PLAIN) return NOT_PLAIN;
    let end = skipDigits(bytes, start);
    const hasLeadingZero = bytes[start] === ZERO && end - start > 1;
    if (end === start || hasLeadingZero) return NOT_PLAIN;
    if (bytes[end] === DOT) {
      const fraction = end + 1;
      end = skipDigits(bytes, fraction);
      if (end === fraction) return NOT_PLAIN;
    }
    this.cents = centsFromDecimal(bytes, start, end);
    return end;
  }

  /** The same by JSON.parse, whatever the body looks like: means the same, and takes several times as long. */
  parseJson(bytes: Uint8Array): Problem | undefined {
    let body: unknown;
    try {
      body = JSON.parse(this.#decoder.decode(bytes));
    } catch {
      return badRequest("body", "the body must be valid JSON in UTF-8");
    }
    if (typeof body !== "object" || body === null || Array.isArray(body)) {
      return badRequest("body", "the body must be a JSON object");
    }
    const { correlationId, amount } = body as { correlationId?: unknown; amount?: unknown };
    if (correlationId === undefined) return badRequest("correlationId", "correlationId is required");
    if (typeof correlationId !== "string" || !parseUuidText(correlationId, this.id)) {
      return badRequest("correlationId", "correlationId must be a UUID", correlationId);
    }
    if (amount === undefined) return badRequest("amount", "amount is required");
    if (typeof amount !== "number" || !Number.isFinite(amount)) {
      return badRequest(
        "amount",
        "amount must be a finite number",
        typeof amount === "number" ? String(amount) : amount,
      );
    }
    if (amount <= 0) return badRequest("amount", "amount must be greater than zero", amount);
    this.cents = centsOf(amount, bytes);
    return this.#checkCents(amount);
  }

  #checkCents(amount: number): Problem | undefined {
    if (this.cents === TOO_LARGE) {
      return badRequest("amount", `amount must not be over ${formatCents(MAX_AMOUNT_CENTS)}`, amount);
    }
    if (this.cents === 0)
      return badRequest("amount", "amount must be greater than zero, in whole cents rounded half to even", amount);
    return undefined;
  }
}

/**
 * Exact from the text where that is a plain decimal, however long; otherwise by the shortest text of the number it was
 * read as.
 */
function centsOf(amount: number, body: Uint8Array): number {
  const text = amountText(new TextDecoder().decode(body));
  if (!/^[\d.]+$/.test(text)) return centsFromNumber(amount);
  return centsFromDecimal(new TextEncoder().encode(text), 0, text.length);
}

function skipSpace(bytes: Uint8Array, from: number): number {
  let i = from;
  while (bytes[i] === 0x20 || bytes[i] === 0x0a || bytes[i] === 0x0d || bytes[i] === 0x09) i++;
  return i;
}

function skipColon(bytes: Uint8Array, from: number): number {
  const colon = skipSpace(bytes, from);
  return bytes[colon] === COLON ? skipSpace(bytes, colon + 1) : NOT_PLAIN;
}

function skipDigits(bytes: Uint8Array, from: number): number {
  let i = from;
  while (bytes[i]! >= ZERO && bytes[i]! <= 0x39) i++;
  return i;
}

function startsWith(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false;
  return true;
}
