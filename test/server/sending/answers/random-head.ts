import { type AnswerDraft, illegal, legal, type Variant } from "./answer-draft.ts";
import { framingFields } from "./random-framing.ts";

const NAMES = [
  "Date",
  "server",
  "X-A",
  "content-type",
  "Retry-After",
  "a!#$%&'*+-.^_`|~9",
  "Content-Length-X",
  "Trailer",
];
const VALUES = [
  "",
  "Tue, 15 Jul 2025 12:00:00 GMT",
  "Kestrel",
  '"a, b"; q=0.5',
  "caf\xe9 \xff",
  "a:b",
  "x\ty",
  "close",
  "5",
];
const INTERIM_COUNT_MAX = 32;

/** Heads that only say wait. */
export function addInterims(draft: AnswerDraft): void {
  const { random } = draft;
  const isMany = draft.isOdd && random.chance(0.01);
  const count = isMany ? random.between(INTERIM_COUNT_MAX + 1, 50) : random.pick([0, 0, 0, 0, 0, 1, 2, 5]);
  if (isMany) draft.note(illegal("", "many interim answers"));
  for (let i = 0; i < count; i++) {
    draft.text += `HTTP/1.1 ${random.pick([100, 102, 103, 199])} Wait\r\n`;
    draft.text += draft.choose(["", "Link: </a>\r\n", "X: y\r\n"]);
    if (draft.isOdd && random.chance(0.03)) {
      draft.text += "connection: close\r\n";
      draft.keepsAlive = false;
      draft.kinds.add("interim answer that ends the connection");
    }
    draft.text += "\r\n";
  }
  if (draft.isOdd && random.chance(0.01)) {
    draft.text += "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    draft.note(illegal("", "change of the protocol"));
  }
}

export function addHead(draft: AnswerDraft): void {
  const { random } = draft;
  draft.text += draft.choose([""], [illegal("\r\n", "line before the answer"), illegal(" ")], 0.01);
  draft.text += statusLine(draft);
  const fields = [...noiseFields(draft), ...connectionFields(draft), ...framingFields(draft)];
  shuffle(fields, (n) => random.below(n));
  if (draft.isOdd && random.chance(0.01)) draft.text += draft.note(illegal(" begins: with a blank\r\n"));
  for (const field of fields) draft.text += field;
  draft.text += draft.choose(["\r\n"], [illegal("\n"), illegal("\r\r\n")], 0.01);
}

function statusLine(draft: AnswerDraft): string {
  const { random } = draft;
  draft.status = random.pick([200, 200, 200, 200, 201, 204, 304, 400, 404, 408, 422, 429, 500, 500, 503, 999]);
  draft.isVersion10 = random.chance(0.12);
  const version = draft.choose(
    [draft.isVersion10 ? "HTTP/1.0" : "HTTP/1.1"],
    [...oddVersions(draft), illegal("HTTP/2.0", "another major version"), illegal("http/1.1"), illegal("HTTP/1.10")],
    0.03,
  );
  const space = draft.choose([" "], [illegal("  "), illegal("\t"), illegal("")], 0.01);
  const status = draft.choose([String(draft.status)], [illegal("20"), illegal("2000"), illegal("2x0")], 0.01);
  const reason = draft.choose(
    [" OK", " ", "", " Internal Server Error", " caf\xe9", " a\tb "],
    [illegal(" O\x01K", "control character in the reason"), illegal(" O\rK"), illegal("OK")],
    0.02,
  );
  return version + space + status + reason + draft.choose(["\r\n"], [illegal("\n")], 0.01);
}

/** Of HTTP/1.x the version is not to be changed behind the back of what was decided for 1.0. */
function oddVersions(draft: AnswerDraft): Variant[] {
  return draft.isVersion10 ? [] : [legal("HTTP/1.2", "later minor version"), legal("HTTP/1.9", "later minor version")];
}

function noiseFields(draft: AnswerDraft): string[] {
  const { random } = draft;
  return Array.from({ length: random.pick([0, 1, 2, 2, 4, 8]) }, () => {
    const name = draft.choose(
      [random.pick(NAMES)],
      [illegal(""), illegal("a(b"), illegal("a b"), illegal("caf\xe9")],
      0.01,
    );
    const colon = draft.choose(
      [":"],
      [legal(" :", "blank before the colon"), legal("\t :", "blank before the colon")],
      0.01,
    );
    const blank = draft.choose(["", " ", "  ", "\t"]);
    const value = draft.choose([random.pick(VALUES)], [...oddValues()], 0.02);
    return draft.choose([`${name}${colon}${blank}${value}\r\n`], [illegal("no colon\r\n"), illegal("a: b\n")], 0.01);
  });
}

function oddValues(): (string | Variant)[] {
  const wrong = ["a\rb", "\0", "a\x01b", "\x7f", "a\nb"].map((text) => illegal(text));
  return [...wrong, legal("a\r\n b", "folded line"), legal("a \r\n\t \r\n b", "folded line")];
}

function connectionFields(draft: AnswerDraft): string[] {
  const { random } = draft;
  const options: string[] = [];
  const fields = Array.from({ length: random.pick([0, 0, 1, 1, 2]) }, () => {
    const own = Array.from({ length: random.between(1, 2) }, () => connectionOption(draft));
    options.push(...own.map((option) => option.toLowerCase()));
    const name = random.pick(["Connection", "connection", "CONNECTION"]);
    const colon = draft.choose(
      [": ", ":"],
      [legal(" : ", "blank before the colon"), legal(":\r\n ", "folded line")],
      0.02,
    );
    const list = own.join(random.pick([", ", ",", " , "]));
    const end = draft.choose([""], [legal(" \t", "blanks around a value"), legal(",", "empty element")]);
    return `${name}${colon}${list}${end}\r\n`;
  });
  const saysClose = options.includes("close");
  const saysKeepAlive = options.includes("keep-alive");
  if (saysClose && saysKeepAlive) draft.kinds.add("close and keep-alive");
  if (saysClose || (draft.isVersion10 && !saysKeepAlive)) draft.keepsAlive = false;
  return fields;
}

function connectionOption(draft: AnswerDraft): string {
  return draft.random.pick(["close", "Close", "keep-alive", "Keep-Alive", "keep-alive", "closed", "x-close", "foo"]);
}

function shuffle<T>(items: T[], below: (n: number) => number): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = below(i + 1);
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
}
