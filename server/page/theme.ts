import { byId } from "./dom.ts";

/** The colours that canvases need, which know nothing of style sheets; their names are page.css's. */
const NAMES = ["panel", "text", "muted", "grid", "accepted", "bad", "bad-soft", "good-soft", "doubt", "heat"] as const;
type Name = (typeof NAMES)[number];
/** Of processors, in their order; as many as there can be. */
const PROCESSOR_COLOURS = 16;
export type Palette = Readonly<Record<Name, string>> & { readonly processors: readonly string[] };

/** The name of a processor's colour. */
export function processorColour(processor: number): string {
  return `processor-${processor}`;
}

const STORED = "theme";

/** Follows the system until the reader chooses; the choice is kept. Calls back when the colours have changed. */
export function followTheme(onChange: () => void): void {
  const select = byId<HTMLSelectElement>("theme");
  const apply = (): void => {
    document.documentElement.dataset["theme"] = select.value;
    onChange();
  };
  select.value = localStorage.getItem(STORED) ?? "auto";
  document.documentElement.dataset["theme"] = select.value;
  select.addEventListener("change", () => {
    localStorage.setItem(STORED, select.value);
    apply();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
}

/** The colours as they are now. A variable's own text may still be an expression, so an element has to wear each. */
export function readPalette(): Palette {
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const read = (name: string): string => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const colours = Object.fromEntries(NAMES.map((name) => [name, read(name)])) as Record<Name, string>;
  const processors = Array.from({ length: PROCESSOR_COLOURS }, (_, processor) => read(processorColour(processor)));
  probe.remove();
  return { ...colours, processors };
}
