import { byId, make, setText } from "./dom.ts";
import { formatPercent, NOTHING } from "./format.ts";
import type { Point, Tick } from "./history.ts";
import type { Hello } from "./message.ts";
import { partitionsText, unseenText } from "./partitions.ts";

/** The instances' state and their partitions in the page's head, and the choice of which to look at. */
export class Instances {
  readonly #list = byId("instances");
  readonly #choice = byId("view");
  /** Partitions that no instance on the list has. */
  readonly #unseen = make("li", "");
  #items: HTMLElement[] = [];

  constructor(onView: (view: number) => void) {
    this.#choice.addEventListener("change", (event) => onView(Number((event.target as HTMLInputElement).value)));
  }

  /** As many as the service has. */
  setCount(count: number): void {
    if (this.#items.length === count) return;
    this.#items = Array.from({ length: count }, () => make("li", ""));
    this.#unseen.hidden = true;
    this.#unseen.dataset["state"] = "down";
    this.#list.replaceChildren(...this.#items, this.#unseen);
    for (const choice of [...this.#choice.querySelectorAll("label")].slice(1)) choice.remove();
    for (let instance = 1; instance <= count; instance++) {
      const input = make("input", "");
      Object.assign(input, { type: "radio", name: "view", value: String(instance) });
      this.#choice.append(make("label", "", input, make("span", "", `Instance ${instance}`)));
    }
  }

  show(tick: Tick | undefined, hello: Hello): void {
    for (const [i, item] of this.#items.entries()) {
      const point = tick?.views[i + 1];
      item.dataset["state"] = point ? "up" : "down";
      const here = i + 1 === hello.instance ? ", this page's" : "";
      setText(item, `Instance ${i + 1}${here}: ${point ? stateText(point) : "down"}`);
    }
    const together = tick?.views[0];
    const unseen = together ? unseenText(together.standing.partitions, hello.partitionCount) : undefined;
    this.#unseen.hidden = unseen === undefined;
    setText(this.#unseen, unseen === undefined ? "" : `Out of reach: ${unseen}`);
  }
}

function stateText({ standing, flow }: Point): string {
  const cpu = flow ? formatPercent(Math.max(flow.cpuFraction, 0)) : NOTHING;
  const memory = `${Math.round(standing.rssBytes / 1e6)} MB`;
  return `up, CPU ${cpu}, ${memory}, ${partitionsText(standing.partitions)}`;
}
