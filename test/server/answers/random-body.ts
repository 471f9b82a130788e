import { type AnswerDraft, illegal, legal } from "./answer-draft.ts";

export function addBody(draft: AnswerDraft): void {
  if (draft.framing === "chunks") addChunks(draft);
  else if (draft.framing !== "no body") draft.text += draft.body;
}

function addChunks(draft: AnswerDraft): void {
  const { random, body } = draft;
  for (let at = 0; at < body.length; ) {
    const size = Math.min(
      body.length - at,
      random.chance(0.5) ? body.length : random.between(1, 1 + (body.length >> 2)),
    );
    draft.text += sizeLine(draft, size);
    draft.text += body.slice(at, at + size);
    draft.text += draft.choose(["\r\n"], [illegal("\n"), illegal(""), illegal("x\r\n"), illegal("\r")], 0.01);
    at += size;
  }
  draft.text += sizeLine(draft, 0) + trailers(draft) + draft.choose(["\r\n"], [illegal("\n"), illegal("x\r\n")], 0.01);
}

function sizeLine(draft: AnswerDraft, size: number): string {
  const { random } = draft;
  const digits = random.chance(0.5) ? size.toString(16) : size.toString(16).toUpperCase();
  const zeros = random.chance(0.1) ? "0".repeat(random.between(1, 40)) : "";
  const number = draft.choose(
    [zeros + digits],
    [`0x${digits}`, `-${digits}`, ` ${digits}`, "", "g", `1${"0".repeat(17)}`].map((text) => illegal(text)),
    0.02,
  );
  const extensions = random.chance(0.8) ? draft.choose([""], [illegal(" ")], 0.01) : extensionsOf(draft);
  return number + extensions + draft.choose(["\r\n"], [illegal("\n"), illegal("\r")], 0.01);
}

function extensionsOf(draft: AnswerDraft): string {
  const nameless = "chunk extension without a name or a value";
  return draft.choose(
    [";a", ";a=b", ';a="b;c, \\"d\\\\"', ';a;b=c;d="\xe9\t"', `;a=${"b".repeat(500)}`, ';a=""'],
    [
      ...[" ;a", "; a", ";\ta =b", ";a= b", ' ; a = "b" ; c'].map((text) => legal(text, "blanks in chunk extensions")),
      ...[";=b", ";a=", ";a=;b", ";;a"].map((text) => illegal(text, nameless)),
      ...[";", ";a ", ';a="b', ";a(b", ";a\rb", ';a="\x01"'].map((text) => illegal(text)),
    ],
    0.3,
  );
}

function trailers(draft: AnswerDraft): string {
  if (draft.random.chance(0.8)) return "";
  return draft.choose(
    ["A: b\r\n", "A: b\r\nC:d\r\n", "Connection: close\r\n", "Transfer-Encoding: chunked\r\n"],
    [
      legal("Content-Length: 5\r\n", "framing field in the trailers"),
      legal("A : b\r\n", "blank before the colon"),
      legal("A: b\r\n c\r\n", "folded line"),
      ...["A\r\n", ": b\r\n", "A: \x01\r\n", "A: b\rc\r\n", " A: b\r\n"].map((text) => illegal(text)),
    ],
    0.3,
  );
}
