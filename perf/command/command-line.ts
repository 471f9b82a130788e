import { type ParseArgsConfig, parseArgs } from "node:util";

/** As parseArgs takes them. */
export type OptionSpec = NonNullable<ParseArgsConfig["options"]>;

type ValueOf<Option extends OptionSpec[string]> = Option["type"] extends "boolean"
  ? boolean
  : Option["multiple"] extends true
    ? readonly string[]
    : string;
export type OptionValues<Spec extends OptionSpec> = {
  readonly [Name in keyof Spec]?: ValueOf<Spec[Name]> | undefined;
};

/** What a command can be told, and what it makes of it. */
export type CommandLine<Spec extends OptionSpec, Wish> = {
  /** What --help prints. */
  readonly usage: string;
  readonly options: Spec;
  /** Whether it takes arguments that are no options. */
  readonly takesPositionals?: boolean;
  /** Throws a one-line `rule: name=value` error on a wrong value. */
  read(values: OptionValues<Spec>, positionals: readonly string[]): Wish;
};

/** Options with a value. */
export function texts<Name extends string>(...names: readonly Name[]): Record<Name, { readonly type: "string" }> {
  return Object.fromEntries(names.map((name) => [name, { type: "string" }])) as Record<Name, { type: "string" }>;
}

/** Options with a value that may be given several times. */
export function lists<Name extends string>(
  ...names: readonly Name[]
): Record<Name, { readonly type: "string"; readonly multiple: true }> {
  const entries = names.map((name) => [name, { type: "string", multiple: true }]);
  return Object.fromEntries(entries) as Record<Name, { type: "string"; multiple: true }>;
}

/** Options without one. */
export function flags<Name extends string>(...names: readonly Name[]): Record<Name, { readonly type: "boolean" }> {
  return Object.fromEntries(names.map((name) => [name, { type: "boolean" }])) as Record<Name, { type: "boolean" }>;
}

/** The wish of a user who has not asked for help. Throws a one-line error on arguments that are unknown or wrong. */
export function readArguments<Spec extends OptionSpec, Wish>(
  { options, takesPositionals = false, read }: CommandLine<Spec, Wish>,
  args: readonly string[],
): Wish | "help" {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { ...options, ...flags("help") },
    allowPositionals: takesPositionals,
  });
  if ((values as OptionValues<{ help: { type: "boolean" } }>).help === true) return "help";
  return read(values as OptionValues<Spec>, positionals);
}
