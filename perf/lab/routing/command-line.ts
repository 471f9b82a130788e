import { availableParallelism } from "node:os";
import { type CommandLine, texts } from "../../command/command-line.ts";
import { readWholeNumber } from "../../command/number-options.ts";
import { OUTPUT_USAGE } from "../report/output-options.ts";
import { POLICIES } from "./policies/policies.ts";

const OTHERS = Object.keys(POLICIES)
  .slice(1)
  .map((name) => `                             ${name}`)
  .join("\n");

const USAGE = `Where and when payments are sent, in virtual time: the product's engine, gates, limits, pacer and
router against processors with the contest's semantics, beside other policies and below the clairvoyant
optimum. The same seed gives the same result on any machine.

  npm run perf:routing -- [options]

  --only NAME              preview, final or random                                      (all)
  --weathers COUNT         random ones                                                  (1000)
  --from SEED              of the first of them                                            (0)
  --half NAME              odd: the weathers that were not used to choose the constants;
                           even: those that were; both                                   (odd)
  --policies LIST          besides ours:                                                 (all)
${OTHERS}
  --settle-within MS       in preview and final                                        (60000)
  --answer-within MS       in preview and final                                         (1200)
  --workers COUNT          threads                                     (one a core: ${availableParallelism()})
${OUTPUT_USAGE}
  --help
`;

export type RoutingOptions = {
  readonly only: "preview" | "final" | "random" | undefined;
  /** Of the random weathers. */
  readonly seeds: readonly number[];
  readonly half: "odd" | "even" | "both";
  /** Ours first. */
  readonly policies: readonly string[];
  readonly settleWithinMs: number;
  readonly answerWithinMs: number;
  readonly workerCount: number;
};

const OPTIONS = texts("only", "weathers", "from", "half", "policies", "settle-within", "answer-within", "workers");

export const ROUTING_COMMAND: CommandLine<typeof OPTIONS, RoutingOptions> = {
  usage: USAGE,
  options: OPTIONS,
  read(values) {
    const [ours, ...others] = Object.keys(POLICIES);
    const half = oneOf("half", values.half ?? "odd", ["odd", "even", "both"] as const);
    const from = readWholeNumber("from", values.from ?? "0", 0, 2 ** 31);
    const count = readWholeNumber("weathers", values.weathers ?? "1000", 1, 1_000_000);
    const wished = values.policies?.split(",") ?? others;
    return {
      only: values.only === undefined ? undefined : oneOf("only", values.only, ["preview", "final", "random"] as const),
      seeds: Array.from({ length: count }, (_, i) => from + i).filter((seed) => isInHalf(seed, half)),
      half,
      policies: [ours!, ...wished.map((name) => oneOf("policies", name, others))],
      settleWithinMs: readWholeNumber("settle-within", values["settle-within"] ?? "60000", 0, 86_400_000),
      answerWithinMs: readWholeNumber("answer-within", values["answer-within"] ?? "1200", 1, 300_000),
      workerCount: readWholeNumber("workers", values.workers ?? `${availableParallelism()}`, 1, 64),
    };
  },
};

function isInHalf(seed: number, half: RoutingOptions["half"]): boolean {
  return half === "both" || (seed % 2 === 1) === (half === "odd");
}

function oneOf<Value extends string>(name: string, text: string, values: readonly Value[]): Value {
  if (!values.includes(text as Value)) throw new Error(`${name} must be ${values.join(", ")}: ${name}=${text}`);
  return text as Value;
}
