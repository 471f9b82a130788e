import { type Ask, HttpCaller } from "./ask.ts";
import { ProcessorAdmin } from "./processor-admin.ts";
import { ServiceApi } from "./service-api.ts";
import type { Named } from "./totals.ts";

/** A service and its processors, wherever they run. */
export type Target = {
  readonly service: URL;
  readonly processors: Named<URL>;
  /** For the processors' admin calls. */
  readonly token: string;
};

/** Whom one asks about payments. */
export type Parties = {
  readonly service: ServiceApi;
  readonly processors: Named<ProcessorAdmin>;
};

export type ConnectedParties = Parties & { close(): Promise<void> };

/** `askOf` makes the way to each of them. */
export function partiesOf({ service, processors, token }: Target, askOf: (url: URL) => Ask): Parties {
  return {
    service: new ServiceApi(askOf(service)),
    processors: Object.fromEntries(
      Object.entries(processors).map(([name, url]) => [name, new ProcessorAdmin(askOf(url), token)]),
    ),
  };
}

/** With as many kept-alive connections to each of them, until they are closed. A call takes `timeoutMs` at most. */
export function connectParties(target: Target, connectionCount: number, timeoutMs: number): ConnectedParties {
  const callers: HttpCaller[] = [];
  const parties = partiesOf(target, (url) => {
    const caller = new HttpCaller(url, connectionCount, timeoutMs);
    callers.push(caller);
    return caller.ask;
  });
  return {
    ...parties,
    async close() {
      await Promise.all(callers.map((caller) => caller.close()));
    },
  };
}
