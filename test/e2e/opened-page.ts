import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { type Complaints, listen } from "../support/chromium.ts";
import { until } from "./until.ts";

/** The live page in a browser, by what a reader sees of it. */
export class OpenedPage {
  readonly page: Page;
  /** Since it was opened. */
  readonly complaints: Complaints;
  readonly #url: string;

  private constructor(page: Page, url: string, complaints: Complaints) {
    this.page = page;
    this.complaints = complaints;
    this.#url = url;
  }

  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<OpenedPage> {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    const page = await context.newPage();
    const opened = new OpenedPage(page, url, listen(page));
    await page.goto(`${url}/`);
    await opened.untilConnected();
    return opened;
  }

  /** Requests that went anywhere else than to the service. */
  get foreignRequests(): string[] {
    return this.complaints.requests.filter((request) => new URL(request).host !== new URL(this.#url).host);
  }

  get connection(): Locator {
    return this.page.locator("#connection");
  }

  async untilConnected(): Promise<number> {
    let text = "";
    await until("the page is connected", async () => {
      text = (await this.connection.textContent()) ?? "";
      return /^Connected to instance \d$/.test(text) && (await this.tile("Accepted, /s")).value !== "–";
    });
    return Number(text.at(-1));
  }

  async tile(title: string): Promise<{ value: string; note: string }> {
    const tile = this.page.locator("#tiles > div", { hasText: title });
    const [value = "", note = ""] = await tile.locator("dd").allTextContents();
    return { value, note };
  }

  /** What the table says of a processor, by column. */
  async processor(name: string): Promise<Record<string, string>> {
    const table = this.page.locator("#processors table");
    const titles = await table.locator("thead th").allTextContents();
    const cells = await table.locator("tbody tr").filter({ hasText: name }).locator("th, td").allTextContents();
    return Object.fromEntries(titles.map((title, i) => [title, cells[i] ?? ""]));
  }

  /** Counts and amounts in cents. */
  async processed(role: "default" | "fallback"): Promise<{ count: number; cents: number }> {
    const { processed = "", amount = "" } = await this.processor(role);
    return { count: numberIn(processed), cents: centsIn(amount) };
  }

  /** Payments processed, by whichever processor. */
  async processedCount(): Promise<number> {
    return (await this.processed("default")).count + (await this.processed("fallback")).count;
  }

  /** What a chart says to who cannot see it. */
  async description(chart: "throughput" | "latency" | "health" | "backlog"): Promise<string> {
    return (await this.page.locator(`#${chart}`).getAttribute("aria-label")) ?? "";
  }

  async instances(): Promise<string[]> {
    return this.page.getByRole("list", { name: "Instances" }).getByRole("listitem").allTextContents();
  }

  async show(view: string): Promise<void> {
    await this.page.getByRole("radio", { name: view }).check({ force: true });
  }

  async press(group: string, button: string): Promise<void> {
    await this.page.getByRole("group", { name: group }).getByRole("button", { name: button }).click();
  }

  async find(id: string): Promise<void> {
    await this.page.getByLabel("correlationId or payment id").fill(id);
    await this.page.getByRole("button", { name: "Find" }).click();
  }

  close(): Promise<void> {
    return this.page.context().close();
  }
}

export function numberIn(text: string): number {
  return Number(text.replaceAll(",", ""));
}

export function centsIn(text: string): number {
  return Math.round(numberIn(text) * 100);
}
