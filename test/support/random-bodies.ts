import { formatUuid } from "../../core/values/uuid.ts";
import type { Random } from "./random.ts";

/** Bodies of POST /payments as no client would write them, and some as clients do. */

function space(random: Random): string {
  return random.chance(0.6)
    ? ""
    : Array.from({ length: random.below(4) }, () => random.pick(" \t\r\n".split(""))).join("");
}

/** A string literal, some of its characters escaped. */
function literal(random: Random, text: string, escapeChance: number): string {
  const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `"${[...text].map((char) => (random.chance(escapeChance) ? escaped(char) : char)).join("")}"`;
}

function digits(random: Random, count: number): string {
  return Array.from({ length: count }, () => random.below(10)).join("");
}

/** At most 15 significant digits, which a double holds exactly. */
export function shortAmount(random: Random): string {
  const whole = random.chance(0.2) ? "0" : String(random.below(10 ** random.between(1, 7)));
  const fraction = digits(random, random.below(8));
  const ending = random.pick(["", "", "", "5", "50", "500"]);
  return fraction + ending === "" ? whole : `${whole}.${fraction}${ending}`;
}

function oddAmount(random: Random): string {
  return random.pick([
    () => `${shortAmount(random)}e${random.between(-12, 6)}`,
    () => `${shortAmount(random)}E+${random.below(3)}`,
    () => `-${shortAmount(random)}`,
    () => random.pick(["0", "-0", "0.0", "0e9", "0.004", "0.005", "0.0050001", "0.015", "1e400", "1e-400", "1e308"]),
    () => random.pick(["1000000", "1000000.00", "1000000.005", "1000000.0051", "1000000.01", "999999.995", "1e6"]),
    () =>
      random.pick(["true", "null", '"1"', "[1]", "{}", "01", "+1", ".5", "1.", "0x1", "NaN", "Infinity", "1_0", ""]),
  ])();
}

export function uuidText(random: Random): string {
  const text = formatUuid(random.uuid());
  return random.chance(0.3) ? text.toUpperCase() : text;
}

function oddId(random: Random): string {
  const id = uuidText(random);
  const cut = random.below(id.length);
  return random.pick([
    () => literal(random, id, 0.2),
    () => JSON.stringify(id.slice(0, cut)),
    () => JSON.stringify(`${id.slice(0, cut)}g${id.slice(cut + 1)}`),
    () => JSON.stringify(`{${id}}`),
    () => JSON.stringify(`${id}0`),
    () => JSON.stringify(id.replaceAll("-", "")),
    () => JSON.stringify(`${id.slice(0, 35)}\u00e9`),
    () => random.pick(["null", "7", "[]", '""', "{}", "false"]),
  ])();
}

function anyValue(random: Random, depth = 0): string {
  const inner = (): string => anyValue(random, depth + 1);
  return random.pick<() => string>([
    () => random.pick(["null", "true", "0", "-1.5e3", '"x"', '"\\"\\\\"', '"\\ud83d\\ude00"', '"é€😀"', '""']),
    () => (depth > 3 ? "0" : `[${[inner(), inner()].slice(0, random.below(3)).join(",")}]`),
    () => (depth > 3 ? "0" : `{"amount":${inner()},"correlationId":${inner()}}`),
  ])();
}

/** `oddness` is the chance of each thing that the plain reader leaves to JSON.parse. */
export function randomBody(random: Random, oddness: number, chosenId?: string): string {
  const members = [
    ["correlationId", random.chance(oddness) ? oddId(random) : JSON.stringify(chosenId ?? uuidText(random))],
    ["amount", random.chance(oddness) ? oddAmount(random) : shortAmount(random)],
  ];
  if (random.chance(oddness / 4)) members.splice(random.below(2), 1);
  if (random.chance(oddness)) members.push(["amount", shortAmount(random)]);
  if (random.chance(oddness / 2)) members.push(["correlationId", JSON.stringify(uuidText(random))]);
  while (random.chance(oddness)) {
    members.push([random.pick(["note", "Amount", "correlationid", "__proto__", "amount ", ""]), anyValue(random)]);
  }
  if (random.chance(0.5)) members.reverse();
  const written = members.map(([key, value]) => {
    const name = literal(random, key!, random.chance(oddness / 2) ? 0.3 : 0);
    return `${space(random)}${name}${space(random)}:${space(random)}${value}${space(random)}`;
  });
  return `${space(random)}{${written.join(",")}}${space(random)}`;
}

/** Random damage to a few bytes. */
export function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  const encoder = new TextEncoder();
  const mutated = [...bytes];
  for (let i = random.between(1, 3); i > 0; i--) {
    const at = random.below(mutated.length + 1);
    const byte = random.chance(0.5) ? random.below(256) : random.pick([...encoder.encode('{}[]",:\\.-+eE019 u')]);
    mutated.splice(at, random.below(3), ...(random.chance(0.7) ? [byte] : []));
  }
  return Uint8Array.from(mutated);
}
