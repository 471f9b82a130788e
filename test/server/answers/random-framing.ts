import { type AnswerDraft, illegal, legal, type Variant } from "./answer-draft.ts";

/** Decides on the body and how its end is known, and returns the fields that say so. */
export function framingFields(draft: AnswerDraft): string[] {
  const { random } = draft;
  draft.body = randomBody(draft);
  if (draft.status === 204 || draft.status === 304) return fieldsWithoutBody(draft);
  draft.framing = random.pick(["length", "length", "chunks", "chunks", "until the end"]);
  if (draft.framing === "length") return lengthFields(draft);
  if (draft.framing === "chunks") return chunksFields(draft);
  draft.keepsAlive = false;
  const codings = [
    legal("", "no transfer coding"),
    "gzip",
    "chunked, gzip",
    "identity",
    "xchunked",
    'a;b="c, chunked"',
  ];
  return random.chance(0.7) ? [] : [codingField(draft, draft.choose(codings))];
}

function randomBody({ random }: AnswerDraft): string {
  const letters = (count: number): string =>
    Array.from({ length: count }, () => random.pick([...'ab{}":,0\n\r\xe9'])).join("");
  if (random.chance(0.3)) return "";
  if (random.chance(0.04)) return letters(97).repeat(random.pick([150, 169, 200, 700]));
  return random.chance(0.3) ? '{"message":"payment processed successfully"}' : letters(random.between(1, 60));
}

/** What says something of a body is not looked at: there is none. */
function fieldsWithoutBody(draft: AnswerDraft): string[] {
  draft.framing = "no body";
  draft.body = "";
  const field = draft.choose(
    [""],
    [
      "Content-Length: 5\r\n",
      "Transfer-Encoding: chunked\r\n",
      legal("Content-Length: a\r\n", "length without a body"),
    ],
    0.3,
  );
  if (field.startsWith("Transfer")) noteChunks(draft);
  return field === "" ? [] : [field];
}

function lengthFields(draft: AnswerDraft): string[] {
  const { random } = draft;
  const size = String(draft.body.length);
  const name = random.pick(["Content-Length", "content-length", "CONTENT-LENGTH"]);
  const colon = draft.choose(
    [": ", ":", ":   "],
    [legal(" :", "blank before the colon"), legal(":\r\n ", "folded line")],
    0.02,
  );
  const value = draft.choose([size, size, `00${size}`], oddLengths(size), 0.15);
  const field = `${name}${colon}${value}\r\n`;
  if (!draft.isOdd || !random.chance(0.06)) return [field];
  const again = draft.choose(
    [legal(size, "equal lengths"), legal(`0${size}`, "equal lengths")],
    [illegal(`${size}1`), illegal("x")],
    0.4,
  );
  return [field, `Content-length: ${again}\r\n`];
}

function oddLengths(size: string): Variant[] {
  const wrong = ["", ",", `+${size}`, `-${size}`, `${size} ${size}`, `0x${size}`, `${size}.0`, `${size}, ${size}1`];
  return [
    ...[...wrong, "99999999999999999999999", "9007199254740993"].map((text) => illegal(text)),
    legal(`${size}, ${size}`, "equal lengths"),
    legal(`${size},0${size},${size}`, "equal lengths"),
    legal(`${size},`, "empty element"),
    legal(` ,,${size}`, "empty element"),
    legal(`\t${size}`, "blanks around a value"),
    legal(`${size}\t `, "blanks around a value"),
  ];
}

function chunksFields(draft: AnswerDraft): string[] {
  const { random } = draft;
  noteChunks(draft);
  const codings = draft.choose(
    ["chunked", "chunked", "Chunked", "gzip, chunked", 'a;b="c, d", chunked', "chunked, chunked"],
    [
      legal("chunked ,", "coding among blanks and commas"),
      legal(", chunked", "coding among blanks and commas"),
      legal("chunked\t ", "coding among blanks and commas"),
      illegal("chunked;a=b", "unknown transfer coding"),
      illegal("gzip;, chunked", "unknown transfer coding"),
      illegal('gzip", chunked', "unknown transfer coding"),
    ],
  );
  const fields = [codingField(draft, codings)];
  // In this order, wherever they stand.
  if (random.chance(0.05)) fields[0] = `transfer-encoding: gzip\r\n${fields[0]}`;
  if (!draft.isOdd || !random.chance(0.06)) return fields;
  draft.kinds.add("chunks and a length");
  draft.isSound = false;
  draft.keepsAlive = false;
  return [...fields, `Content-Length: ${random.pick([String(draft.body.length), "0", "7", "x"])}\r\n`];
}

/** Whoever sends HTTP/1.0 knows nothing of transfer codings: somebody else has put that in. */
function noteChunks(draft: AnswerDraft): void {
  if (!draft.isVersion10) return;
  draft.kinds.add("chunks in HTTP/1.0");
  draft.isSound = false;
  draft.keepsAlive = false;
}

function codingField(draft: AnswerDraft, codings: string): string {
  const name = draft.random.pick(["Transfer-Encoding", "transfer-encoding"]);
  return `${name}: ${codings}\r\n`;
}
