import { FieldReader } from "./field-reader.ts";
import type { Header } from "./kestrel.ts";
import { type BadAnswer, CALLS, CHARGES, ENDS, type Misbehaviour, needsFront, type When } from "./misbehaviour.ts";
import { broken } from "./payment-body.ts";

/** What the admin call takes: see the README for each field. */
export type MisbehaviourJson = {
  readonly call?: Misbehaviour["call"];
  readonly when?: Partial<When>;
  /** Of payments, which must have it. */
  readonly charge?: Misbehaviour["charge"];
  readonly insertMs?: number;
  readonly answer?: BadAnswerJson;
};

export type BadAnswerJson = {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
  /** In base64. */
  readonly raw?: string;
  readonly byteMs?: number;
  readonly end?: BadAnswer["end"];
};

const MISBEHAVIOURS_MAX = 16;
const COUNT_MAX = 1_000_000_000;
const SEED_MAX = 2 ** 32 - 1;
const INSERT_MS_MAX = 600_000;
const BYTE_MS_MAX = 60_000;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER_VALUE = /^[^\r\n\0]*$/;

const ALWAYS: When = {
  first: Number.POSITIVE_INFINITY,
  every: 1,
  share: 1,
  seed: 1,
  requestOfConnection: undefined,
  found: undefined,
};

/** One misbehaviour or several, or the rule that is broken. */
export function readMisbehaviours(value: unknown, hasFront: boolean): Misbehaviour[] | string {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (values.length > MISBEHAVIOURS_MAX) {
    return broken(`misbehaviours must be at most ${MISBEHAVIOURS_MAX}`, "count", values.length);
  }
  const read = values.map((each) => readMisbehaviour(each, hasFront));
  return read.find((each) => typeof each === "string") ?? (read as Misbehaviour[]);
}

function readMisbehaviour(value: unknown, hasFront: boolean): Misbehaviour | string {
  const fields = new FieldReader(value, "misbehaviour");
  const misbehaviour: Misbehaviour = {
    call: fields.oneOf("call", CALLS, "payment"),
    when: fields.nested("when", readWhen, ALWAYS),
    charge: fields.oneOf("charge", CHARGES, "no"),
    insertMs: fields.count("insertMs", 0, INSERT_MS_MAX, 0),
    answer: fields.nested<BadAnswer | undefined>("answer", readAnswer, undefined),
  };
  const { call, when } = misbehaviour;
  const isPayment = call === "payment";
  if (isPayment !== fields.has("charge")) {
    const rule = isPayment ? "charge must be said of payments" : "charge must be said of payments only";
    fields.refuse(rule, "call", call);
  }
  if (when.found !== undefined && call !== "lookup") fields.refuse("found must be said of look-ups only", "call", call);
  const rule = fields.brokenRule();
  if (rule !== undefined) return rule;
  if (needsFront(misbehaviour) && !hasFront) {
    return broken(
      "raw, byteMs, reset and requestOfConnection need a processor started with --front",
      "front",
      hasFront,
    );
  }
  return misbehaviour;
}

function readWhen(value: unknown): When | string {
  const fields = new FieldReader(value, "when");
  const when: When = {
    first: fields.count("first", 0, COUNT_MAX, ALWAYS.first),
    every: fields.count("every", 1, COUNT_MAX, ALWAYS.every),
    share: fields.take("share", "a number from 0 to 1", readShare, ALWAYS.share),
    seed: fields.count("seed", 0, SEED_MAX, ALWAYS.seed),
    requestOfConnection: fields.count("requestOfConnection", 1, COUNT_MAX, undefined),
    found: fields.isTrue("found", undefined),
  };
  return fields.brokenRule() ?? when;
}

function readAnswer(value: unknown): BadAnswer | string {
  const fields = new FieldReader(value, "answer");
  const answer: BadAnswer = {
    status: fields.count("status", 200, 999, 0),
    headers: fields.take("headers", "names with a value or several, without line ends", readHeaders, []),
    body: fields.text("body"),
    raw: fields.take("raw", "base64", readBase64, Buffer.alloc(0)),
    byteMs: fields.count("byteMs", 0, BYTE_MS_MAX, 0),
    end: fields.oneOf("end", ENDS, "keep"),
  };
  const hasStatus = answer.status !== 0;
  if (answer.raw.length > 0 && hasStatus) fields.refuse("raw must stand alone", "status", answer.status);
  for (const name of ["headers", "body"]) {
    if (fields.has(name) && !hasStatus) fields.refuse(`${name} must have a status`, "status", undefined);
  }
  return fields.brokenRule() ?? answer;
}

function readShare(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 && value <= 1 ? value : undefined;
}

function readBase64(value: unknown): Buffer | undefined {
  return typeof value === "string" && BASE64.test(value) ? Buffer.from(value, "base64") : undefined;
}

function readHeaders(value: unknown): Header[] | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const headers = Object.entries(value).flatMap(([name, values]: [string, unknown]) =>
    (Array.isArray(values) ? values : [values]).map((each: unknown) => [name, each] as const),
  );
  const isHeader = (header: readonly [string, unknown]): header is Header =>
    HEADER_NAME.test(header[0]) && typeof header[1] === "string" && HEADER_VALUE.test(header[1]);
  return headers.every(isHeader) ? headers : undefined;
}
