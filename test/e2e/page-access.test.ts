import { randomUUID } from "node:crypto";
import { expect } from "chai";
import type { Browser } from "playwright-core";
import { findChromium, launchChromium } from "../support/chromium.ts";
import { OpenedPage } from "./opened-page.ts";
import { newPayment, payMany } from "./payments.ts";
import { Service } from "./service.ts";
import { untilProcessed } from "./summaries.ts";
import { until } from "./until.ts";

/** WCAG's for text. */
const CONTRAST_MIN = 4.5;
const PROCESSOR_COLOURS = Array.from({ length: 16 }, (_, processor) => `processor-${processor}`);

describe("live page, for everybody", function () {
  this.timeout(60_000);
  let service: Service;
  let browser: Browser;
  let page: OpenedPage;
  const payment = newPayment();

  before(async function () {
    const executable = findChromium();
    if (executable === undefined) return this.skip();
    browser = await launchChromium(executable);
    service = await Service.start({ env: { PROCESSOR_ADMIN_TOKEN: "123" } });
    await payMany(service.front, [payment]);
    await untilProcessed(service, 1);
  });

  async function open(options: Parameters<typeof OpenedPage.open>[2] = {}): Promise<OpenedPage> {
    page = await OpenedPage.open(browser, service.topology.url, options);
    return page;
  }

  afterEach(async () => {
    const { errors } = page.complaints;
    await page.close();
    expect(errors).to.deep.equal([]);
  });

  after(async () => {
    await browser?.close();
    await service?.stop();
  });

  const focused = `(() => {
    const element = document.activeElement;
    if (element === document.body) return ["", ""];
    const label = element.labels?.[0]?.textContent ?? element.getAttribute("aria-label") ?? element.textContent;
    const outlined = element.matches("#view input") ? element.nextElementSibling : element;
    return [label.trim(), getComputedStyle(outlined).outlineStyle];
  })()`;

  it("can be used with the keyboard alone, and always shows where one is", async () => {
    const { page: browserPage } = await open();
    const visited: string[] = [];
    for (let i = 0; i < 25; i++) {
      await browserPage.keyboard.press("Tab");
      const [name, outline] = await browserPage.evaluate<[string, string]>(focused);
      if (name === "") break;
      expect(outline, name).to.not.equal("none");
      visited.push(name);
    }
    expect(visited.slice(0, 6)).to.deep.equal([
      "Skip to the payment finder",
      "Together",
      visited[2],
      "Processors now",
      "correlationId or payment id",
      "Find",
    ]);
    expect(visited).to.include.members(["Well", "Failing", "Slow, 2 s", "Send one", "The charts as a table"]);
  });

  it("does by keyboard what it does by mouse", async () => {
    const { page: browserPage } = await open();
    await browserPage.getByRole("radio", { name: "Together" }).focus();
    await browserPage.keyboard.press("ArrowRight");
    expect(await browserPage.getByRole("radio", { name: "Instance 1" }).isChecked()).to.equal(true);
    await browserPage.getByLabel("correlationId or payment id").focus();
    await browserPage.keyboard.type(payment.correlationId);
    await browserPage.keyboard.press("Enter");
    await until("the payment is shown", async () => (await browserPage.locator("#payment table").count()) === 1);
    await browserPage.getByText("The charts as a table").focus();
    await browserPage.keyboard.press("Enter");
    await until("the table is shown", async () => (await browserPage.locator("#figures-body tr").count()) > 0);
    await browserPage
      .getByRole("group", { name: "Processor default" })
      .getByRole("button", { name: "Failing" })
      .focus();
    await browserPage.keyboard.press("Space");
    await until("the processor fails", () => service.processors.default.settings.failing);
    service.processors.default.settings.failing = false;
  });

  it("has a name for everything, landmarks, and pictures that say what they show", async () => {
    const { page: browserPage } = await open();
    await page.find(payment.correlationId);
    await until("the payment is shown", async () => (await browserPage.locator("#payment table").count()) === 1);
    const tree = await browserPage.locator("body").ariaSnapshot();
    for (const role of ["button", "radio", "combobox", "textbox", "img", "table", "region"]) {
      expect(tree.match(new RegExp(`- ${role}(?! ")`, "g")), role).to.equal(null);
      expect(tree, role).to.match(new RegExp(`- ${role} "`));
    }
    for (const name of ["Instances to show", "Processor default", "Processor fallback", "Payments"])
      expect(await browserPage.getByRole("group", { name }).count(), name).to.equal(1);
    for (const role of ["banner", "main", "search"])
      expect(await browserPage.getByRole(role as "main").count(), role).to.equal(1);
    expect(await browserPage.locator("html").getAttribute("lang")).to.equal("en");
    expect(await browserPage.getByRole("heading", { level: 1 }).count()).to.equal(1);
    for (const chart of ["throughput", "latency", "health", "backlog"] as const)
      expect(await page.description(chart), chart).to.match(/over time.*Now.*\d|Now: default up/);
    expect(await browserPage.getByRole("button", { name: "Failing" }).first().getAttribute("aria-pressed")).to.equal(
      "false",
    );
  });

  it("says aloud only what is news: the figures are in no live region", async () => {
    const { page: browserPage } = await open();
    const live = browserPage.locator("[aria-live], [role=status], [role=alert], [role=log], output");
    const ids = await live.evaluateAll((elements) => elements.map((element) => (element as { id: string }).id));
    expect(ids).to.have.members(["connection", "find-status", "simulation-status"]);
    expect(await browserPage.locator("#connection").textContent()).to.match(/^Connected to instance \d$/);
  });

  it("fits a phone 360 pixels wide, whatever is open", async () => {
    const { page: browserPage } = await open({ viewport: { width: 360, height: 740 } });
    await page.find(payment.correlationId);
    await until("the payment is shown", async () => (await browserPage.locator("#payment table").count()) === 1);
    await browserPage.getByText("The charts as a table").click();
    await until("the table is shown", async () => (await browserPage.locator("#figures-body tr").count()) > 1);
    const widths = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]";
    expect(await browserPage.evaluate(widths)).to.deep.equal([360, 360]);
    const canvases = await browserPage.locator(".chart canvas").all();
    expect(canvases).to.have.length(4);
    for (const canvas of canvases) expect((await canvas.boundingBox())!.width).to.be.within(250, 360);
  });

  it("has room for large amounts, however wide it is", async () => {
    const { page: browserPage } = await open();
    const overflowing = `(() => {
      const values = [...document.querySelectorAll("#tiles dd:not(.note)")];
      for (const value of values) value.textContent = "99,999,999.99";
      return values.filter((value) => value.scrollWidth > value.clientWidth).length;
    })()`;
    for (const width of [360, 761, 1180, 1181, 1280, 1440, 1920]) {
      await browserPage.setViewportSize({ width, height: 740 });
      expect(await browserPage.evaluate(overflowing), `width=${width}`).to.equal(0);
    }
  });

  it("draws something in every chart", async () => {
    const { page: browserPage } = await open();
    await until("there is some history", async () => (await page.description("health")).includes("default up"));
    await page.press("Payments", "Send 50 a second");
    await until("payments come", async () => (await page.processedCount()) > 100);
    const colours = await browserPage.evaluate<
      number[]
    >(`[...document.querySelectorAll(".chart canvas")].map((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return new Set(new Uint32Array(data.buffer)).size;
    })`);
    for (const count of colours) expect(count).to.be.above(20);
  });

  for (const scheme of ["light", "dark"] as const) {
    it(`can be read in ${scheme} colours`, async () => {
      const { page: browserPage } = await open({ colorScheme: scheme });
      const [text, muted, bad, panel] = await coloursOf(page, ["text", "muted", "bad", "panel"]);
      expect(luminance(panel!) < 0.2).to.equal(scheme === "dark");
      for (const colour of [text!, muted!, bad!]) expect(contrast(colour, panel!)).to.be.above(CONTRAST_MIN);
      for (const colour of await coloursOf(page, ["doubt", ...PROCESSOR_COLOURS]))
        expect(contrast(colour, panel!)).to.be.above(2.5);
      // The reader's choice counts more than the system's, and stays.
      const other = scheme === "dark" ? "light" : "dark";
      await browserPage.getByLabel("Colours").selectOption(other);
      expect(luminance((await coloursOf(page, ["panel"]))[0]!) < 0.2).to.equal(other === "dark");
      await browserPage.reload();
      await page.untilConnected();
      expect(await browserPage.getByLabel("Colours").inputValue()).to.equal(other);
      expect(luminance((await coloursOf(page, ["panel"]))[0]!) < 0.2).to.equal(other === "dark");
    });
  }

  it("takes no id for granted: what is typed is shown as text", async () => {
    await open();
    await page.find(`<img src=x onerror=alert(1)>${randomUUID().slice(0, 4)}`);
    const status = page.page.locator("#find-status");
    await until("it is said", async () => /no such payment/.test((await status.textContent()) ?? ""));
    expect(await status.locator("img").count()).to.equal(0);
    page.complaints.errors.splice(0);
  });
});

/** Of page.css, as red, green and blue from 0 to 255. */
function coloursOf({ page }: OpenedPage, names: readonly string[]): Promise<number[][]> {
  return page.evaluate(`${JSON.stringify(names)}.map((name) => {
    const probe = document.body.appendChild(document.createElement("span"));
    probe.style.color = \`var(--\${name})\`;
    const { color } = getComputedStyle(probe);
    probe.remove();
    // A mixed colour is told in parts of one.
    const unit = color.startsWith("color(") ? 255 : 1;
    return color.match(/[\\d.]+/g).slice(0, 3).map((part) => part * unit);
  })`);
}

/** WCAG's relative luminance. */
function luminance(colour: readonly number[]): number {
  const [red, green, blue] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

function contrast(a: readonly number[], b: readonly number[]): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light! + 0.05) / (dark! + 0.05);
}
