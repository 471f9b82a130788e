import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { FieldReader } from "./json-fields.ts";

/** PEM texts: authorities to be trusted besides the usual ones, and a client certificate with its key. */
export type TlsConfig = { readonly ca?: string; readonly cert?: string; readonly key?: string };

const MEMBERS = ["ca", "cert", "key"] as const;

/** The files that a processor's member `tls` names, read and tried out. */
export function readTls(reader: FieldReader, value: unknown, url: URL): TlsConfig | undefined {
  if (value === undefined) return undefined;
  if (url.protocol !== "https:") reader.refuse("tls", "is for https URLs");
  const paths = reader.object("tls", value, MEMBERS);
  if ((paths["cert"] === undefined) !== (paths["key"] === undefined))
    reader.refuse("tls", "must have cert and key, or none of them");
  const errorCount = reader.errors.length;
  const texts = MEMBERS.flatMap((member) => {
    const path = paths[member];
    if (path === undefined) return [];
    if (typeof path !== "string") reader.refuse(`tls.${member}`, "must be the path of a PEM file");
    return [[member, typeof path === "string" ? reader.file(`tls.${member}`, path) : undefined] as const];
  });
  const tls = Object.fromEntries(texts) as TlsConfig;
  if (reader.errors.length === errorCount) tryOut(reader, tls, paths);
  return tls;
}

/** What OpenSSL says is told by its code: the texts may quote a key. */
function tryOut(reader: FieldReader, { ca, cert, key }: TlsConfig, paths: Readonly<Record<string, unknown>>): void {
  const attempt = (member: string, shown: string, open: () => void): void => {
    try {
      open();
    } catch (error) {
      reader.refuse(member, "must be usable PEM", `${shown} ${(error as NodeJS.ErrnoException).code}`);
    }
  };
  if (ca !== undefined) attempt("tls.ca", String(paths["ca"]), () => new X509Certificate(ca));
  if (cert !== undefined && key !== undefined)
    attempt("tls", `${paths["cert"]} with ${paths["key"]}`, () => createSecureContext({ cert, key }));
}
