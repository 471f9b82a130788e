/** The element with that id, which the page's HTML has. */
export function byId<E extends HTMLElement = HTMLElement>(id: string): E {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page must have the element: id=${id}`);
  return element as E;
}

/** A new element with text or children in it. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...content: (string | Node)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  element.append(...content);
  return element;
}

/** Changes the text only if it is another: what stays is not laid out again. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** A table row; the first cell is its head. */
export function makeRow(cells: readonly string[], tag: "td" | "th" = "td"): HTMLTableRowElement {
  const row = make("tr", "");
  for (const [i, text] of cells.entries()) {
    const cell = make(i === 0 ? "th" : tag, "", text);
    if (cell.tagName === "TH") (cell as HTMLTableCellElement).scope = tag === "th" ? "col" : "row";
    row.append(cell);
  }
  return row;
}
