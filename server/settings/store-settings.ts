import type { Address } from "../system/address.ts";

/** A store by lease, which instances on any hosts share. */
export type StoreSettings = {
  /** Of its database, with the password. */
  url: string;
  /** This instance's own link address, by which the others reach it. */
  link: Address;
  /** Whether the payments are also kept up as a table of the database. */
  hasPaymentTable: boolean;
};

/** Members of a deployment at a time, at most: descriptors are shared out for so many. */
export const MEMBERS_MAX = 16;

/** Settings of journals on a disk: they mean nothing to a store by lease. */
const JOURNAL_SETTINGS = ["LINKS", "DATA_DIR", "DURABILITY", "PARTITIONS", "SEGMENT_BYTES"];
const WHY: Readonly<Record<string, string>> = {
  LINKS: "the members tell each other their LINK",
  DATA_DIR: "nothing is kept on a disk here",
  DURABILITY: "what is accepted survives what the database was set up to survive",
  PARTITIONS: "their number was fixed by npm run store -- init",
  SEGMENT_BYTES: "nothing is kept on a disk here",
};

/** Scheme, user and password, and the rest: several hosts, a socket's directory, parameters. */
const FORM = /^postgres(?:ql)?:\/\/(?:([^@/?#]*)@)?[^@#]*$/;
/** Nobody can be reached there, wherever it is from. */
const WILDCARDS: readonly string[] = ["0.0.0.0", "::"];

/** The rule that a STORE_URL breaks, which has a password in it and is not to be shown; undefined: none. */
export function storeUrlRule(url: string): string | undefined {
  const match = FORM.exec(url);
  if (match === null) return "must be postgres://user:password@host:port/database: STORE_URL=(not shown)";
  const [user = "", ...password] = (match[1] ?? "").split(":");
  if (password.length > 1 || !isPercentEncoded(user) || !isPercentEncoded(password[0] ?? ""))
    return "must have its user and password percent-encoded: STORE_URL=(not shown)";
  return undefined;
}

/** The rule that a LINK breaks. */
export function ownLinkRule(link: Address): string | undefined {
  if (link.kind === "unix") return undefined;
  if (WILDCARDS.includes(link.host)) return "must be an address by which others reach this instance";
  return link.port === 0 ? "must have a port that others know" : undefined;
}

/** What has been set that only journals on a disk have, with the reason why it cannot be. */
export function journalSettingsIn(isSet: (name: string) => boolean): { name: string; rule: string }[] {
  return JOURNAL_SETTINGS.filter(isSet).map((name) => ({ name, rule: `must not be set with STORE_URL: ${WHY[name]}` }));
}

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return /^[\x21-\x7e]*$/.test(text);
  } catch {
    return false;
  }
}
