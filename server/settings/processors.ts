import type { Dialect } from "../../core/answers/dialect.ts";
import type { Fee } from "../text/fee.ts";

/** A payment processor as it is configured. Its number is its place in the list. */
export type ProcessorConfig = {
  /** 1 to 24 visible ASCII characters, different from all others: what summaries and journals call it. */
  readonly name: string;
  /** http or https; a user in it becomes an Authorization header. */
  readonly url: URL;
  readonly fee: Fee;
  /** Most POSTs out to it at once, over all instances. */
  readonly maxInFlight: number;
  /** Sent with every request. Values are secrets: never in a log, an error or an answer. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly dialect: Dialect;
  /** For https only: PEM texts of the authorities to be trusted besides the system's, and of a client certificate. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined;
};
