import { createHash } from "node:crypto";

/** What a processor goes by in a register: whoever has one of the same name at the same URL means the same. */
export type ProcessorKey = { readonly name: string; readonly urlHash: string };

const HASH_DIGITS = 16;

/** User and password of the URL do not count, nor does a slash at its end. */
export function processorKey(name: string, url: URL): ProcessorKey {
  const place = `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, "")}`;
  return { name, urlHash: createHash("sha256").update(place).digest("hex").slice(0, HASH_DIGITS) };
}
