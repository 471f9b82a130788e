import { byId, make, setText } from "./dom.ts";
import { formatCount, formatMoney, formatPercent } from "./format.ts";
import type { Standing, Tick } from "./history.ts";
import type { Hello } from "./message.ts";
import { processorColour } from "./theme.ts";

const COLUMNS = ["processed", "amount", "share", "fee", "state", "answers in", "in flight", "of at most"];

/** A row per processor: what it has charged, how it is, and why payments were sent there since the start. */
export class ProcessorTable {
  readonly #hello: Hello;
  readonly #rows: readonly (readonly HTMLElement[])[];
  readonly #trs: readonly HTMLElement[];

  constructor(hello: Hello) {
    this.#hello = hello;
    const titles = ["processor", ...COLUMNS, ...reasonsOf(hello)];
    byId("processors-head").append(make("tr", "", ...titles.map((title) => headCell("col", title))));
    this.#rows = hello.processors.map(() => titles.slice(1).map(() => make("td", "")));
    this.#trs = hello.processors.map((name, processor) => {
      const mark = make("i", "key");
      mark.style.setProperty("--key", `var(--${processorColour(processor)})`);
      return make("tr", "", headCell("row", mark, name), ...this.#rows[processor]!);
    });
    byId("processors-body").append(...this.#trs);
    // Browsers differ in whether a box that scrolls can be reached by keyboard.
    byId("processors").tabIndex = 0;
  }

  show(tick: Tick | undefined, view: number): void {
    const standing = tick?.views[view]?.standing;
    for (const [processor, cells] of this.#rows.entries()) {
      const texts = standing ? textsOf(standing, processor, this.#hello) : [];
      for (const [i, cell] of cells.entries()) setText(cell, texts[i] ?? "");
      this.#trs[processor]!.dataset["state"] = standing?.processors[processor]?.state ?? "";
    }
  }
}

/** But for the first, "none". */
function reasonsOf({ reasons }: Hello): readonly string[] {
  return reasons.slice(1);
}

function textsOf({ processed, processors }: Standing, processor: number, hello: Hello): string[] {
  const { count, cents } = processed[processor]!;
  const { state, expectedAnswerMs, inFlight, limit, routed } = processors[processor]!;
  const all = processed.reduce((sum, part) => sum + part.count, 0);
  return [
    formatCount(count),
    formatMoney(cents),
    formatPercent(all === 0 ? 0 : count / all),
    formatPercent(hello.feeFractions[processor]!),
    state,
    `${formatCount(expectedAnswerMs)} ms`,
    formatCount(inFlight),
    formatCount(limit),
    ...reasonsOf(hello).map((_, i) => formatCount(routed[i + 1] ?? 0)),
  ];
}

function headCell(scope: "col" | "row", ...content: (string | Node)[]): HTMLElement {
  const cell = make("th", "", ...content);
  cell.scope = scope;
  return cell;
}
