import type { Random } from "../../core/random.ts";
import { type Answer, AnswerDraft, type Reading } from "./answer-draft.ts";
import { addBody } from "./random-body.ts";
import { addHead, addInterims } from "./random-head.ts";

/** A legal or nearly legal answer, whole or cut short or with something after it, and what is to be made of it. */
export function randomAnswer(random: Random): Answer {
  const draft = new AnswerDraft(random);
  addInterims(draft);
  addHead(draft);
  const bodyStart = draft.text.length;
  addBody(draft);
  const end = random.below(100);
  if (end < 6) cutShort(draft, bodyStart);
  else if (end < 10 && draft.framing !== "until the end") goOn(draft);
  const reading = draft.isLegal ? readingOf(draft) : undefined;
  const endsConnection = reading === undefined || draft.framing === "until the end";
  return { text: draft.text, reading, endsConnection, kinds: draft.kinds };
}

/** Bytes in pieces, as a network may deliver them. */
export function randomPieces(random: Random, text: string): string[] {
  const pieces: string[] = [];
  const pieceCount = random.pick([1, 1, 2, 2, 3, 8]);
  let rest = text;
  while (rest !== "" && pieces.length < pieceCount - 1) {
    const size = random.chance(0.3) ? 1 : random.between(1, rest.length);
    pieces.push(rest.slice(0, size));
    rest = rest.slice(size);
  }
  return rest === "" ? pieces : [...pieces, rest];
}

/** The connection ends too early: that may leave a body that ends with it. */
function cutShort(draft: AnswerDraft, bodyStart: number): void {
  const { random, text } = draft;
  const end = random.chance(0.5)
    ? random.below(text.length)
    : text.length - random.between(1, Math.min(text.length, 5));
  draft.text = text.slice(0, end);
  if (draft.framing === "until the end" && end >= bodyStart) draft.body = draft.text.slice(bodyStart);
  else draft.isLegal = false;
}

function goOn(draft: AnswerDraft): void {
  draft.text += draft.random.pick(["x", "\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "0\r\n\r\n"]);
  draft.kinds.add("bytes after the answer");
  draft.keepsAlive = false;
  draft.isSound = false;
}

function readingOf({ status, body, keepsAlive, isSound, framing }: AnswerDraft): Reading {
  return { status, body, keepsAlive, isProvenEmpty: body === "" && isSound && framing !== "until the end" };
}
