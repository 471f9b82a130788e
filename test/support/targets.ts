import { CONTEST } from "../../core/answers/dialect.ts";
import type { ProcessorConfig } from "../../server/settings/processors.ts";

/** A processor at a URL, as the short form of the settings has it. */
export function processorAt(url: URL | string, more: Partial<ProcessorConfig> = {}): ProcessorConfig {
  return {
    name: "default",
    url: new URL(url),
    fee: { text: "0.05", units: 5n, scale: 2 },
    maxInFlight: 128,
    headers: [],
    dialect: CONTEST,
    tls: undefined,
    ...more,
  };
}
