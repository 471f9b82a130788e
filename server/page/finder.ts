import { drawAttempts, nameOf } from "./attempts.ts";
import { byId, make, makeRow } from "./dom.ts";
import { formatCount } from "./format.ts";
import type { PaymentView } from "./payment-view.ts";

const REFRESH_MS = 1000;
const FINAL_STATES = ["processed", "failed"];

/** Finds a payment and shows its attempts; one that is not at its end is looked up again every second. */
export class Finder {
  readonly #input = byId<HTMLInputElement>("payment-id");
  readonly #status = byId("find-status");
  readonly #payment = byId("payment");
  #timer: number | undefined;
  #searchNumber = 0;

  constructor() {
    byId<HTMLFormElement>("find").addEventListener("submit", (event) => {
      event.preventDefault();
      this.find(this.#input.value.trim());
    });
  }

  find(id: string): void {
    this.#input.value = id;
    this.#searchNumber++;
    clearTimeout(this.#timer);
    void this.#look(id, this.#searchNumber);
  }

  async #look(id: string, searchNumber: number): Promise<void> {
    const found = await lookUp(id);
    // Another search may have begun meanwhile.
    if (searchNumber !== this.#searchNumber) return;
    if (typeof found === "string") {
      this.#say(found, true);
      this.#payment.replaceChildren();
      return;
    }
    const attempts = `${formatCount(found.attemptCount)} ${found.attemptCount === 1 ? "attempt" : "attempts"}`;
    const states = [found.state, ...(found.held ? ["held"] : []), ...(found.stuck ? ["stuck"] : [])];
    this.#say(`${states.join(" and ")}, ${attempts}`, false);
    this.#payment.replaceChildren(factsOf(found), drawAttempts(found, this.#payment.clientWidth), tableOf(found));
    if (FINAL_STATES.includes(found.state)) return;
    this.#timer = setTimeout(() => void this.#look(id, searchNumber), REFRESH_MS);
  }

  /** Said aloud by screen readers, so only when it is news. */
  #say(text: string, isError: boolean): void {
    if (this.#status.textContent !== text) this.#status.textContent = text;
    this.#status.className = isError ? "error" : "";
  }
}

/** The payment, or why there is none to show. */
async function lookUp(id: string): Promise<PaymentView | string> {
  try {
    const response = await fetch(`/payments/${encodeURIComponent(id)}`);
    const body = (await response.json()) as PaymentView | { detail: string };
    return "detail" in body ? body.detail : body;
  } catch {
    return "the service does not answer";
  }
}

function factsOf(payment: PaymentView): HTMLElement {
  const facts: [string, string][] = [
    ["correlationId", payment.correlationId],
    ["id", payment.id],
    ["amount", payment.amount.toFixed(2)],
    ["accepted", payment.acceptedAt],
    ["requested", after(payment.requestedAt, payment)],
    ["processed", after(payment.processedAt, payment)],
  ];
  const known = facts.filter(([, value]) => value !== "");
  return make(
    "dl",
    "facts",
    ...known.map(([name, value]) => make("div", "", make("dt", "", name), make("dd", "", value))),
  );
}

/** Since it was accepted. */
function after(time: string | null, { acceptedAt }: PaymentView): string {
  return time === null ? "" : `+${formatCount(Date.parse(time) - Date.parse(acceptedAt))} ms`;
}

function tableOf(payment: PaymentView): HTMLElement {
  const rows = payment.attempts.map((attempt, i) => {
    const { time, reason, outcome, ms } = attempt;
    return makeRow([
      String(i + 1),
      after(time, payment),
      nameOf(attempt),
      reason ?? "",
      outcome,
      ms === null ? "" : `${formatCount(ms)} ms`,
    ]);
  });
  const head = make("thead", "", makeRow(["attempt", "began", "processor", "why there", "outcome", "took"], "th"));
  const table = make("table", "", make("caption", "hidden", "Attempts"), head, make("tbody", "", ...rows));
  const box = make("section", "scroll", table);
  // Browsers differ in whether a box that scrolls can be reached by keyboard.
  box.tabIndex = 0;
  box.setAttribute("aria-label", "Attempts");
  return box;
}
