import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";
import { median } from "../../../perf/lab/report/figure.ts";
import type { Result, Series } from "../../../perf/lab/report/result.ts";
import { findChromium, launchChromium, listen } from "../../support/chromium.ts";

export type SavedRun = {
  readonly stdout: string;
  readonly result: Result;
  readonly pagePath: string;
};

/**
 * Runs a command of perf/ for real, with its result saved in `folder`, and reads that. `main` is as in
 * `accept/main.js`.
 */
export async function runAndRead(folder: string, main: string, ...args: string[]): Promise<SavedRun> {
  const path = fileURLToPath(new URL(`../../../perf/lab/${main}`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [path, "--out", folder, ...args]);
  return readSaved(folder, stdout);
}

export function readSaved(folder: string, stdout: string): SavedRun {
  const [name, ...others] = readdirSync(folder).filter((file) => file.endsWith(".json"));
  expect(others).to.deep.equal([]);
  const result = JSON.parse(readFileSync(join(folder, name!), "utf8")) as Result;
  expect(name).to.match(new RegExp(`^\\d{4}-\\d\\d-\\d\\d-\\d{4}-${result.kind}(-[0-9a-f]{8}(-dirty)?)?\\.json$`));
  for (const figure of result.figures) expect(stdout, figure.name).to.contain(figure.name);
  expect(stdout).to.contain(join(folder, name!));
  return { stdout, result, pagePath: join(folder, name!.replace(/json$/, "html")) };
}

export function medianOf({ figures }: Result, name: string): number {
  const found = figures.find((figure) => figure.name === name);
  if (found === undefined)
    throw new Error(`no such figure: ${name}; there are ${figures.map((one) => one.name).join("; ")}`);
  return median(found.rounds);
}

/**
 * Opens the page at both widths and in both colour schemes: no errors, nothing fetched, no scrolling sideways, every
 * chart drawn.
 */
export async function expectPageDraws({ pagePath, result }: SavedRun, skip: () => void): Promise<void> {
  const executable = findChromium();
  if (executable === undefined) return skip();
  const browser = await launchChromium(executable);
  try {
    for (const [width, colorScheme] of [
      [1100, "light"],
      [375, "dark"],
    ] as const) {
      const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
      const complaints = listen(page);
      await page.goto(pathToFileURL(pagePath).href);
      const seen = (await page.evaluate(INSPECT_PAGE)) as PageSeen;
      expect(complaints).to.deep.equal({ errors: [], requests: [] });
      expect(seen.title).to.equal(result.title);
      expect(seen.figureNames).to.deep.equal(result.figures.map(({ name }) => name));
      expect(seen.charts.map(({ title }) => title)).to.deep.equal(result.charts.map(({ title }) => title));
      for (const [i, chart] of seen.charts.entries()) {
        expect(chart.legend.slice(1), chart.title).to.deep.equal(result.charts[i]!.series.map(({ label }) => label));
        const { series } = result.charts[i]!;
        // Lines that all but coincide hide each other, so their pixels are counted together.
        const drawn = chart.colored.filter((_, s) => !isCovered(series, s));
        const pixelCount = drawn.reduce((sum, count) => sum + count, 0);
        expect(pixelCount, chart.title).to.be.greaterThan(5 * drawn.length);
      }
      expect(seen.scrollWidth).to.be.at.most(width);
      await page.close();
    }
  } finally {
    await browser.close();
  }
}

/**
 * Later series run through the same points: with few payments in a second their p99 is their maximum, idle processes
 * are at zero.
 */
function isCovered(series: readonly Series[], s: number): boolean {
  const later = new Set(series.slice(s + 1).flatMap(({ points }) => points.map((point) => `${point}`)));
  return series[s]!.points.every((point) => point[1] === null || later.has(`${point}`));
}

type PageSeen = {
  readonly title: string;
  readonly figureNames: string[];
  readonly scrollWidth: number;
  /** Per series of a chart: pixels of its own colour on the canvas. */
  readonly charts: { readonly title: string; readonly legend: string[]; readonly colored: number[] }[];
};

/** Runs in the browser, so it is text: the compiler knows no document here. */
const INSPECT_PAGE = `(() => {
  const textOf = (root, selector) => [...root.querySelectorAll(selector)].map((element) => element.textContent);
  const style = getComputedStyle(document.documentElement);
  const hexOf = (i) => style.getPropertyValue("--series-" + ((i % 6) + 1)).match(/[0-9a-f]{2}/g);
  const rgbOf = (i) => hexOf(i).map((hex) => parseInt(hex, 16));
  const countColor = (data, [r, g, b]) => {
    let count = 0;
    for (let i = 0; i < data.length; i += 4) {
      const distance = Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b);
      if (data[i + 3] > 200 && distance < 24) count++;
    }
    return count;
  };
  return {
    title: document.querySelector("h1").textContent,
    figureNames: textOf(document, ".figures tbody th"),
    scrollWidth: document.documentElement.scrollWidth,
    charts: [...document.querySelectorAll("section.chart")].map((section) => {
      const legend = textOf(section, ".u-legend .u-label");
      const canvas = section.querySelector("canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return {
        title: section.querySelector("h2").textContent,
        legend,
        colored: legend.slice(1).map((_, i) => countColor(data, rgbOf(i))),
      };
    }),
  };
})()`;
