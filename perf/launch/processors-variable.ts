import { readFileSync } from "node:fs";
import { readProcessors } from "../../server/settings/processors.ts";
import type { ProcessorWish } from "./processors.ts";

export const PORT_MAX = 65_535;
/** As the instances tell a path from a list. */
const PATH = /^\.{0,2}\/|\.json$/;

type Environment = Readonly<Record<string, string | undefined>>;
type Entry = Readonly<Record<string, unknown>>;

/**
 * The processors that PROCESSORS lists, as JSON or in a file; those without `url` get the ports from `firstPort` on, or
 * any free ones if that is 0. Returns them, or all that is wrong with them, a line each.
 */
export function readProcessorWishes(
  text: string,
  firstPort: number,
  environment: Environment,
): readonly ProcessorWish[] | readonly string[] {
  const list = parse(text);
  // The instances' own rules, so that nothing is started for a list which they would refuse.
  const checked = readProcessors(list === undefined ? text : JSON.stringify(list.map(withUrl)), 1, environment);
  if (isProblems(checked)) return checked;
  const entries = list as readonly Entry[];
  const simulatedCount = entries.filter(isSimulated).length;
  if (firstPort + simulatedCount - 1 > PORT_MAX) {
    return [`DEFAULT_PROCESSOR_PORT must leave room for more ports: port=${firstPort} count=${simulatedCount}`];
  }
  let nextPort = firstPort;
  return checked.map(({ name, fee }, i) => {
    const settings = entries[i]!;
    const shared = { name, fee: Number(fee.text), settings };
    if (!isSimulated(settings)) return { ...shared, url: String(settings["url"]) };
    return { ...shared, port: firstPort === 0 ? 0 : nextPort++ };
  });
}

export function isProblems<Value>(read: readonly Value[] | readonly string[]): read is readonly string[] {
  return typeof read[0] === "string";
}

/** `undefined`: what is wrong with it is said by those who read it next. */
function parse(text: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(isPath(text) ? readFileSync(text, "utf8") : text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isPath(text: string): boolean {
  return PATH.test(text) && !/["{[]/.test(text);
}

function isSimulated(entry: unknown): entry is Entry {
  return typeof entry === "object" && entry !== null && !Array.isArray(entry) && !("url" in entry);
}

/** A simulated processor's port is settled later; until then something that is a URL, and nobody else's. */
function withUrl(entry: unknown, i: number): unknown {
  return isSimulated(entry) ? { ...entry, url: `http://simulated-${i}.invalid` } : entry;
}
