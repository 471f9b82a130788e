import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { REPOSITORY_ROOT } from "../repository.ts";
import { median } from "./figure.ts";
import { numberText } from "./number-text.ts";
import type { Chart, Figure, Result } from "./result.ts";
import { originText, spreadText } from "./result-text.ts";

/** Everything is in the page itself. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/** The browser's part is not compiled: it is read from the sources. */
const SOURCE_DIR = join(REPOSITORY_ROOT, "perf", "lab", "report");

/**
 * The result as one self-contained page: scripts, styles and data are in it, nothing is fetched, and its own policy
 * forbids it. Whatever comes from the result is escaped: titles hold URLs and options that anybody may have chosen.
 */
export function reportPage(result: Result): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<link rel="icon" href="data:,">
<title>${escapeHtml(`${result.kind}: ${result.title}`)}</title>
<style>
${readUplot("uPlot.min.css")}
${readFileSync(join(SOURCE_DIR, "style.css"), "utf8")}
</style>
</head>
<body>
<h1>${escapeHtml(result.title)}</h1>
<p class="origin">${escapeHtml(originText(result))}</p>
${remarksHtml(result.remarks)}
${figuresHtml(result.figures)}
${result.charts.map(chartHtml).join("\n")}
${jsonHtml("Options", result.options)}
${result.details === undefined ? "" : jsonHtml("Everything else that was recorded", result.details)}
<script type="application/json" id="result">${scriptJson({ charts: result.charts })}</script>
<script>
${readUplot("uPlot.iife.min.js")}
${readFileSync(join(SOURCE_DIR, "charts.js"), "utf8")}
</script>
</body>
</html>
`;
}

/** For text and for attributes. */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}

/** JSON that cannot end its script element: in JSON, `<` stands in strings only. */
function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

function remarksHtml(remarks: readonly string[]): string {
  if (remarks.length === 0) return "";
  const items = remarks.map((remark) => `<li>${escapeHtml(remark)}</li>`).join("");
  return `<aside class="remarks"><strong>Before you believe the figures</strong><ul>${items}</ul></aside>`;
}

function figuresHtml(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, unit, better, rounds }) => {
    const cells = [numberText(median(rounds)), spreadText(rounds)].map((text) => `<td>${escapeHtml(text)}</td>`);
    const count = `<td class="rounds">${rounds.length}</td>`;
    const head = `<th scope="row">${escapeHtml(name)}</th>`;
    return `<tr title="${better} is better">${head}${cells.join("")}${count}<td>${escapeHtml(unit)}</td></tr>`;
  });
  return `<section><div class="scroll"><table class="figures">
<thead><tr><th>figure</th><th>median</th><th>spread</th><th class="rounds">rounds</th><th>unit</th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody></table></div></section>`;
}

function chartHtml({ title }: Chart): string {
  const plot = '<div class="plot"></div><ol class="bands" hidden></ol>';
  return `<section class="chart"><h2>${escapeHtml(title)}</h2>${plot}</section>`;
}

function jsonHtml(title: string, value: unknown): string {
  const json = escapeHtml(JSON.stringify(value, null, 2));
  return `<details><summary>${escapeHtml(title)}</summary><pre>${json}</pre></details>`;
}

function readUplot(file: string): string {
  const dist = dirname(createRequire(import.meta.url).resolve("uplot"));
  return readFileSync(join(dist, file), "utf8");
}
