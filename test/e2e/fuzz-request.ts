import { type Reading, readByTheBook } from "../support/payment-body-book.ts";
import type { Random } from "../support/random.ts";
import { mutate, randomBody, shortAmount, uuidText } from "../support/random-bodies.ts";
import type { Answer, Ask } from "./caller.ts";

/** What the contract says must come back. */
export type Expectation = {
  status: number;
  /** Of a problem; undefined where none is to blame. */
  field?: string | undefined;
  allow?: string;
  location?: string;
  /** What else must hold, with the answer in hand. */
  check?: (answer: Answer) => string | undefined;
};

export type FuzzRequest = { method: string; path: string; ask: Ask; expected: Expectation };

export type Via = "balancer" | "instance";

const BODY_BYTES_MAX = 8192;
const ALLOWED: Readonly<Record<string, string>> = {
  "/payments": "POST, OPTIONS",
  "/payments/:id": "GET, HEAD, OPTIONS",
  "/payments-summary": "GET, HEAD, OPTIONS",
  "/purge-payments": "POST, OPTIONS",
  "/openapi.json": "GET, HEAD, OPTIONS",
  "/health": "GET, HEAD, OPTIONS",
  "/ready": "GET, HEAD, OPTIONS",
};
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "REPORT"];
const encoder = new TextEncoder();

/** One client: makes requests, and knows what has become of its own payments. */
export class FuzzClient {
  /** Cents by correlationId, as accepted. */
  readonly accepted = new Map<string, number>();
  readonly #paymentIds: string[] = [];
  readonly #random: Random;
  readonly #via: Via;

  constructor(random: Random, via: Via) {
    this.#random = random;
    this.#via = via;
  }

  next(): FuzzRequest {
    const random = this.#random;
    const kind = random.pick<() => FuzzRequest>([
      // Half of all are payments.
      ...Array.from({ length: 10 }, () => () => this.#payment()),
      ...Array.from({ length: 3 }, () => () => this.#summary()),
      ...Array.from({ length: 3 }, () => () => this.#lookup()),
      ...Array.from({ length: 3 }, () => () => this.#other()),
      () => this.#nowhere(),
    ]);
    return kind();
  }

  // ── POST /payments ─────────────────────────────────────────────────────────────────────────────────────────────────

  #payment(): FuzzRequest {
    const random = this.#random;
    const body = random.chance(0.03) ? this.#longBody() : this.#body();
    const isPieces = random.chance(0.2);
    const headers = random.pick<Record<string, string>>([
      { "content-type": "application/json" },
      { "content-type": "text/plain; charset=utf-8" },
      {},
    ]);
    return {
      method: "POST",
      path: random.chance(0.1) ? "/payments?from=x&correlationId=1" : "/payments",
      ask: { headers, body: isPieces ? pieces(random, body) : body, pauseMs: random.chance(0.1) ? 5 : 0 },
      expected: body.length > BODY_BYTES_MAX ? { status: 413 } : this.#expectedOf(readByTheBook(body)),
    };
  }

  #body(): Uint8Array {
    const random = this.#random;
    const known = [...this.accepted.entries()];
    if (known.length > 0 && random.chance(0.25)) {
      const [id, cents] = random.pick(known);
      const amount = random.chance(0.6) ? String(cents / 100) : shortAmount(random);
      const text = { correlationId: random.chance(0.5) ? id : id.toUpperCase(), amount: Number(amount) };
      return encoder.encode(JSON.stringify(text, null, random.below(3)));
    }
    const bytes = encoder.encode(randomBody(random, random.pick([0, 0.05, 0.3])));
    return random.chance(0.2) ? mutate(random, bytes) : bytes;
  }

  /** Around the limit: valid, and only its length decides. */
  #longBody(): Uint8Array {
    const text = randomBody(this.#random, 0);
    const length = this.#random.pick([
      BODY_BYTES_MAX - 1,
      BODY_BYTES_MAX,
      BODY_BYTES_MAX + 1,
      2 * BODY_BYTES_MAX,
      50_000,
    ]);
    return encoder.encode(text + " ".repeat(length - text.length));
  }

  #expectedOf(reading: Reading): Expectation {
    if ("field" in reading) return { status: 400, field: reading.field };
    const { id, cents } = reading;
    const before = this.accepted.get(id);
    if (before === undefined) {
      this.accepted.set(id, cents);
      return { status: 202, location: `/payments/${id}` };
    }
    if (before !== cents) return { status: 409, field: "correlationId" };
    return { status: 200, check: (answer) => this.#checkPayment(answer, id) };
  }

  #checkPayment(answer: Answer, id: string): string | undefined {
    const view = JSON.parse(answer.body) as { id: string; correlationId: string; amount: number; state: string };
    this.#paymentIds.push(view.id);
    if (view.correlationId !== id) return `correlationId must be ${id}`;
    if (Math.round(view.amount * 100) !== this.accepted.get(id)) return `amount must be ${this.accepted.get(id)} cents`;
    return ["pending", "sending", "processed"].includes(view.state) ? undefined : "state must be one of a good day";
  }

  // ── Everything else ────────────────────────────────────────────────────────────────────────────────────────────────

  #lookup(): FuzzRequest {
    const random = this.#random;
    const method = random.pick(["GET", "GET", "HEAD"]);
    const check = method === "GET" ? (id: string) => (answer: Answer) => this.#checkPayment(answer, id) : undefined;
    const known = [...this.accepted.keys()];
    if (this.#paymentIds.length > 0 && random.chance(0.3)) {
      return { method, path: `/payments/${random.pick(this.#paymentIds)}`, ask: {}, expected: { status: 200 } };
    }
    if (known.length > 0 && random.chance(0.5)) {
      const id = random.pick(known);
      const path = `/payments/${random.chance(0.2) ? id.toUpperCase() : id}`;
      return { method, path, ask: {}, expected: { status: 200, ...(check && { check: check(id) }) } };
    }
    const unknown = [
      uuidText(random),
      "x",
      "0",
      "service-health",
      "null",
      `${uuidText(random)}0`,
      "%20",
      "a".repeat(300),
    ];
    return { method, path: `/payments/${random.pick(unknown)}`, ask: {}, expected: { status: 404 } };
  }

  #summary(): FuzzRequest {
    const random = this.#random;
    const ends = (["from", "to"] as const).map((name) => ({ name, ...this.#end() })).filter(() => random.chance(0.7));
    const wrong = ends.find(({ isValid }) => !isValid);
    const query = ends.map(({ name, text }) => `${name}=${encodeURIComponent(text)}`);
    if (random.chance(0.2)) query.push("limit=10");
    const method = random.pick(["GET", "GET", "HEAD"]);
    const expected: Expectation = wrong
      ? { status: 400, field: wrong.name }
      : { status: 200, check: (answer) => checkSummary(answer, method) };
    return { method, path: `/payments-summary?${query.join("&")}`, ask: {}, expected };
  }

  #end(): { text: string; isValid: boolean } {
    const random = this.#random;
    const moment = new Date(
      Date.UTC(2020 + random.below(12), random.below(12), random.between(1, 28), random.below(24)),
    );
    const text = moment.toISOString();
    const exact = [text, text.replace(".000", ""), text.replace("Z", "+00:00"), text.replace("000Z", "123456Z")];
    const valid = [...exact, "", text.slice(0, 10), text.replace("Z", ""), text.replace("Z", "-03:00")];
    const invalid = ["now", text.slice(0, 7), text.replace("-", "/"), text.replace("Z", "+24:00"), `${text}x`];
    const isValid = random.chance(0.7);
    return { text: random.pick(isValid ? valid : [...invalid, "2025-02-30T00:00:00Z", "🕛"]), isValid };
  }

  /** Any method on any path there is. */
  #other(): FuzzRequest {
    const random = this.#random;
    const [route, allow] = random.pick(Object.entries(ALLOWED));
    const path = route.replace(":id", uuidText(random));
    const method = random.pick(METHODS);
    const ask =
      random.chance(0.3) && !["GET", "HEAD", "TRACE"].includes(method) ? { body: randomBody(random, 0.1) } : {};
    if (method === "TRACE" && this.#via === "balancer") {
      return { method, path, ask, expected: { status: 405, allow: "GET, HEAD, POST, OPTIONS" } };
    }
    if (method === "OPTIONS") return { method, path, ask, expected: { status: 204, allow } };
    if (!allow.split(", ").includes(method)) return { method, path, ask, expected: { status: 405, allow } };
    return { method, path, ask: {}, expected: this.#expectedAt(route) };
  }

  #expectedAt(route: string): Expectation {
    if (route === "/payments") return { status: 400, field: "body" };
    if (route === "/payments/:id") return { status: 404 };
    return { status: route === "/purge-payments" ? 403 : 200 };
  }

  #nowhere(): FuzzRequest {
    const random = this.#random;
    const paths = [
      "/assets",
      "/payment",
      "/Payments",
      "/payments/a/b",
      "/payments-summary/",
      "/purge",
      "/claim/0/0/1",
      "/summary",
    ];
    const odd = ["/health/x", "/health//", "/%ff", "/link/summary", "/index.html", "/*", "/payments/../health"];
    // The balancer takes these for an attack, an instance for a path like any other.
    const wicked = ["/..%2fpayments", "/payments%00"];
    const path = random.pick([...paths, ...odd, ...wicked]);
    const method = random.pick(["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS"]);
    const status = wicked.includes(path) && this.#via === "balancer" ? 400 : 404;
    return { method, path, ask: method === "POST" ? { body: randomBody(random, 0) } : {}, expected: { status } };
  }
}

function pieces(random: Random, bytes: Uint8Array): Uint8Array[] {
  const cuts = Array.from({ length: random.between(1, 4) }, () => random.below(bytes.length + 1)).sort((a, b) => a - b);
  return [0, ...cuts]
    .map((from, i) => bytes.subarray(from, cuts[i] ?? bytes.length))
    .filter(({ length }) => length > 0);
}

function checkSummary(answer: Answer, method: string): string | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(String(answer.headers["settled-until"]))) {
    return "there must be a Settled-Until";
  }
  const part = '{"totalRequests":\\d+,"totalAmount":\\d+\\.\\d\\d}';
  const isSummary = new RegExp(`^{"default":${part},"fallback":${part}}$`).test(answer.body);
  return isSummary || method === "HEAD" ? undefined : "the body must be a summary";
}
