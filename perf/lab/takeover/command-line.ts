import { storeUrlRule } from "../../../server/settings/store-settings.ts";
import { type CommandLine, texts } from "../../command/command-line.ts";
import { readDecimal, readSecondsMs, readWholeNumber } from "../../command/number-options.ts";
import { OUTPUT_USAGE } from "../report/output-options.ts";
import { HOWS, type How, hurtsStore, isHow } from "./injury.ts";

const USAGE = `What clients notice when an instance is killed, ended, stopped or replaced under load.

  npm run perf:takeover -- [options]

nginx, two instances and two simulated processors. Payments leave on schedule and are never repeated, summaries are
asked for 20 times a second, and every few seconds an instance is injured. In the end every accepted payment must have
been charged once, and all sums must agree to the cent.

  --how NAME               ${HOWS.join(", ")} (kill)
  --kills COUNT            injuries                                                   (50)
  --rate RATE              payments per second                                       (500)
  --payments-kept COUNT    of each half before the first injury                   (100000)
  --every SECONDS          from one injury to the next at least                        (8)
  --away SECONDS           before one that is gone is started                         (300)
  --store own|URL          payments in a PostgreSQL: one of its own, with a synchronous
                           standby, from Debian's packages; or postgres://…          (none)
${OUTPUT_USAGE}
  --help

kill        kill -9 of one instance after the other; it is started again at once
term        SIGTERM, likewise
stop        SIGSTOP for 1 to 20 s
both        kill -9 of both at once
rolling     both are replaced in order, one after the other
gone        kill -9, and it is not started again for --away seconds
primary     kill -9 of the store's primary, whose standby is promoted; it has a new one before the next round
store-gone  kill -9 of the store's primary, which is started again after --away seconds
mixed       kill, term, stop and rolling in turns, and sometimes both
`;

export type TakeoverOptions = {
  readonly how: How;
  readonly killCount: number;
  readonly ratePerSecond: number;
  readonly keptCount: number;
  readonly everyMs: number;
  readonly awayMs: number;
  readonly store: StoreWish;
};

/** Journals; a PostgreSQL of the campaign's own; or somebody's. */
export type StoreWish = "none" | "own" | { readonly url: string };

const OPTIONS = texts("how", "kills", "rate", "payments-kept", "every", "away", "store");

export const TAKEOVER_COMMAND: CommandLine<typeof OPTIONS, TakeoverOptions> = {
  usage: USAGE,
  options: OPTIONS,
  read(values) {
    const how = values.how ?? "kill";
    if (!isHow(how)) throw new Error(`how must be one of ${HOWS.join(", ")}: how=${how}`);
    const store = readStore(values.store);
    if (hurtsStore(how) && store !== "own") throw new Error(`${how} needs a store of its own: store=${values.store}`);
    return {
      store,
      how,
      killCount: readWholeNumber("kills", values.kills ?? "50", 1, 1000),
      ratePerSecond: readDecimal("rate", values.rate ?? "500", 1, 10_000),
      keptCount: readWholeNumber("payments-kept", values["payments-kept"] ?? "100000", 0, 1_000_000),
      everyMs: readSecondsMs("every", values.every ?? "8", 0.5, 3600),
      awayMs: readSecondsMs("away", values.away ?? "300", 0.5, 3600),
    };
  },
};

/** It may have a password, which no message shows. */
function readStore(text: string | undefined): StoreWish {
  if (text === undefined) return "none";
  if (text === "own") return "own";
  const rule = storeUrlRule(text);
  if (rule !== undefined) throw new Error(`store must be own or a URL, which ${rule}`);
  return { url: text };
}
