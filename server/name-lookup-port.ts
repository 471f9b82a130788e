import type { LookupAddress } from "node:dns";
import type { MessagePort } from "node:worker_threads";
import type { NameLookup, Resolve } from "./name-lookup.ts";

type Told = {
  name: string;
  addresses: readonly LookupAddress[];
  error?: { message: string; code?: string | undefined };
};
type Asker = { resolve(addresses: readonly LookupAddress[]): void; reject(error: Error): void };

/** Looks names up for a worker thread that asks at the other end of the port, until that ends. */
export function serveNames(names: NameLookup, port: MessagePort): void {
  port.on("message", (name: string) => {
    names.lookup(name, { all: true }, (error, addresses) => {
      const told: Told = { name, addresses: addresses as LookupAddress[] };
      if (error) told.error = { message: error.message, code: error.code };
      port.postMessage(told);
    });
  });
  port.unref();
}

/** In a worker thread: asks through the port. Made for a NameLookup, which asks about a name once at a time. */
export function resolveThrough(port: MessagePort): Resolve {
  const askers = new Map<string, Asker>();
  port.on("message", ({ name, addresses, error }: Told) => {
    const asker = askers.get(name);
    askers.delete(name);
    if (error) asker?.reject(Object.assign(new Error(error.message), { code: error.code }));
    else asker?.resolve(addresses);
  });
  port.unref();
  return (name) =>
    new Promise((resolve, reject) => {
      askers.set(name, { resolve, reject });
      port.postMessage(name);
    });
}
