import type { Named } from "../../audit/totals.ts";
import { lists, type OptionValues, texts } from "../../command/command-line.ts";
import { readNamedUrls, readUrl } from "../../command/url-option.ts";
import { readingOfTree } from "../limits/tree-reading.ts";
import type { ProcessReading } from "../limits/usage-between.ts";
import type { OtherTarget } from "./contender.ts";

/** A service that somebody else has started. */
export const TARGET_OPTIONS = {
  ...texts("target", "default", "fallback", "token", "processes"),
  ...lists("processor"),
};

export const TARGET_USAGE = `Against any other entry, with or without the floors (whose limits the options then are):
  --target URL             the service: http://localhost:9999
  --processor NAME=URL     its processors, all of them: then what was charged is checked
  --default URL            the short form of --processor default=URL, and together with
  --fallback URL           --processor fallback=URL
  --token TOKEN            the processors' admin token                             (123)
  --processes NAME=PID,…   whose CPU time is counted, with their children's: nginx=120,instance-1=121`;

type TargetValues = OptionValues<typeof TARGET_OPTIONS>;
type NamedProcess = { readonly name: string; readonly pid: number };

/**
 * What a run could not do with a service that somebody else has started, and how to let it: these stand before its
 * other remarks.
 */
export function targetRemarks(target: OtherTarget | undefined): string[] {
  if (target === undefined) return [];
  const { books, hasProcesses } = target;
  return [
    ...(hasProcesses ? [] : ["the target's CPU time was not counted: name its processes (--processes NAME=PID,…)"]),
    books === undefined
      ? "what was charged was not checked: name the target's processors, all of them (--processor NAME=URL)"
      : "the target was not emptied, because this command did not start it: it still has its earlier payments",
    "the target has the limits that it was started with, and whether they held it up is not known",
  ];
}

/** `undefined`: ours. */
export function readTarget(values: TargetValues): OtherTarget | undefined {
  const { target, token } = values;
  if (target === undefined) {
    requireNoTarget(values);
    return undefined;
  }
  const service = readUrl("target", target);
  const processes = readProcesses(values.processes);
  const readings = (): ProcessReading[] => processes.map(({ name, pid }) => readingOfTree(name, pid));
  const processors = readTargetProcessors(values);
  const books = processors === undefined ? undefined : { service, processors, token: token ?? "123" };
  return { service, books, hasProcesses: processes.length > 0, readings };
}

/** `undefined`: nobody says which there are. */
function readTargetProcessors({ processor, ...two }: TargetValues): Named<URL> | undefined {
  const { default: ofDefault, fallback: ofFallback } = two;
  if (ofDefault === undefined && ofFallback === undefined) return processor && readNamedUrls("processor", processor);
  if (processor !== undefined)
    throw new Error(`default and fallback must come without --processor: processor=${processor}`);
  if (ofDefault === undefined || ofFallback === undefined) {
    throw new Error(`default and fallback must come together: default=${ofDefault} fallback=${ofFallback}`);
  }
  return { default: readUrl("default", ofDefault), fallback: readUrl("fallback", ofFallback) };
}

/** Throws where an option was given that means nothing without --target. */
export function requireNoTarget(values: TargetValues): void {
  for (const name of ["processor", "default", "fallback", "token", "processes"] as const) {
    if (values[name] !== undefined) throw new Error(`${name} must come with --target: ${name}=${values[name]}`);
  }
}

function readProcesses(text: string | undefined): NamedProcess[] {
  if (text === undefined) return [];
  return text.split(",").map((entry) => {
    const [, name, pid] = /^([\w-]+)=(\d{1,9})$/.exec(entry) ?? [];
    if (name === undefined) throw new Error(`processes must be NAME=PID, separated by commas: processes=${text}`);
    return { name, pid: Number(pid) };
  });
}
