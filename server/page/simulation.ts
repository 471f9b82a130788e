import { byId, make } from "./dom.ts";

const WAYS = [
  ["Well", { delayMs: 0, failing: false }],
  ["Slow, 100 ms", { delayMs: 100, failing: false }],
  ["Slow, 2 s", { delayMs: 2000, failing: false }],
  ["Failing", { delayMs: 0, failing: true }],
] as const;

const LOAD_INTERVAL_MS = 100;
const PAYMENTS_PER_INTERVAL = 5;
const AMOUNT = 19.9;

/**
 * Buttons that make a simulated processor slow or failing, and one that sends payments so that there is something to
 * see.
 */
export class Simulation {
  readonly #section = byId("simulation");
  readonly #status = byId("simulation-status");
  readonly #onPaid: (correlationId: string) => void;
  #loadTimer: number | undefined;

  /** `onPaid` is told of a payment that was sent for its own sake. */
  constructor(onPaid: (correlationId: string) => void) {
    this.#onPaid = onPaid;
  }

  /** Shows the buttons, once. */
  offer(processors: readonly string[]): void {
    if (!this.#section.hidden) return;
    this.#section.hidden = false;
    byId("simulation-buttons").append(...processors.map((name) => this.#processorButtons(name)), this.#loadButtons());
  }

  withdraw(): void {
    this.#section.hidden = true;
    byId("simulation-buttons").replaceChildren();
  }

  #processorButtons(name: string): HTMLElement {
    const buttons = WAYS.map(([title, wish]) => {
      const button = make("button", "", title);
      button.type = "button";
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => void this.#configure(name, title, wish, button, buttons));
      return button;
    });
    return group(`Processor ${name}`, name, buttons);
  }

  async #configure(
    name: string,
    title: string,
    wish: object,
    pressed: HTMLElement,
    buttons: readonly HTMLElement[],
  ): Promise<void> {
    const problem = await put(`/simulation/processors/${name}`, wish);
    this.#say(problem ?? `${name}: ${title.toLowerCase()}`, problem !== undefined);
    if (problem !== undefined) return;
    for (const button of buttons) button.setAttribute("aria-pressed", String(button === pressed));
  }

  #loadButtons(): HTMLElement {
    const one = make("button", "", "Send one");
    one.type = "button";
    one.addEventListener("click", () => void this.#sendOne());
    const many = make("button", "", "Send 50 a second");
    many.type = "button";
    many.setAttribute("aria-pressed", "false");
    many.addEventListener("click", () => many.setAttribute("aria-pressed", String(this.#toggleLoad())));
    return group("Payments", "payments", [one, many]);
  }

  async #sendOne(): Promise<void> {
    const { id, problem } = await pay();
    this.#say(problem ?? `sent: ${id}`, problem !== undefined);
    if (problem === undefined) this.#onPaid(id);
  }

  /** Whether it is on now. */
  #toggleLoad(): boolean {
    if (this.#loadTimer !== undefined) {
      clearInterval(this.#loadTimer);
      this.#loadTimer = undefined;
      return false;
    }
    this.#loadTimer = setInterval(() => {
      for (let i = 0; i < PAYMENTS_PER_INTERVAL; i++) void pay();
    }, LOAD_INTERVAL_MS);
    return true;
  }

  #say(text: string, isError: boolean): void {
    this.#status.textContent = text;
    this.#status.className = isError ? "error" : "";
  }
}

function group(label: string, shown: string, buttons: readonly HTMLElement[]): HTMLElement {
  const name = make("span", "name", shown);
  name.ariaHidden = "true";
  const box = make("div", "processor-buttons", name, ...buttons);
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", label);
  return box;
}

/** What went wrong, if anything. */
function put(path: string, body: object): Promise<string | undefined> {
  return send("PUT", path, body);
}

async function pay(): Promise<{ id: string; problem: string | undefined }> {
  const id = newId();
  return { id, problem: await send("POST", "/payments", { correlationId: id, amount: AMOUNT }) };
}

async function send(method: string, path: string, body: object): Promise<string | undefined> {
  try {
    const headers = { "content-type": "application/json" };
    const response = await fetch(path, { method, headers, body: JSON.stringify(body) });
    const text = await response.text();
    return response.ok ? undefined : (JSON.parse(text) as { detail: string }).detail;
  } catch {
    return "the service does not answer";
  }
}

/** `crypto.randomUUID` is missing on plain http from another machine; these bytes are not. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
