import { byId } from "./dom.ts";

/** The colours that canvases need, which know nothing of style sheets; their names are page.css's. */
const NAMES = [
  "panel",
  "text",
  "muted",
  "grid",
  "accepted",
  "default",
  "fallback",
  "bad",
  "bad-soft",
  "good-soft",
  "doubt",
  "heat",
] as const;
export type Palette = Readonly<Record<(typeof NAMES)[number], string>>;

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
  const colours = NAMES.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color] as const;
  });
  probe.remove();
  return Object.fromEntries(colours) as Palette;
}
