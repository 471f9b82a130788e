/** How what we make of an answer may differ from what node:http makes of it. */
export type Way = "only we read it" | "only node reads it" | "another word on reuse" | "another body";

export type Difference = {
  /** Of RFC 9112, unless another one is named. */
  section: string;
  /** What we do there, and why. */
  reason: string;
  ways: readonly Way[];
};

/**
 * Where we and node:http may differ, by what is in the answer. A version of node that has learned something may agree
 * with us; in no other place, and in no other way, may it differ.
 */
export const NODE_DIFFERENCES = {
  "later minor version": {
    section: "RFC 9110, 2.5",
    reason: "it is read as the highest minor version we know",
    ways: ["only we read it"],
  },
  "another major version": { section: "RFC 9110, 2.5", reason: "it is another protocol", ways: ["only node reads it"] },
  "line before the answer": {
    section: "2.2",
    reason: "empty lines are passed over before requests, not before answers",
    ways: ["only node reads it"],
  },
  "control character in the reason": {
    section: "4",
    reason: "a reason consists of visible characters and blanks",
    ways: ["only node reads it"],
  },
  "blank before the colon": { section: "5.1", reason: "it is removed from answers", ways: ["only we read it"] },
  "folded line": { section: "5.2", reason: "a fold counts as a blank", ways: ["only we read it"] },
  "equal lengths": {
    section: "6.3, item 5",
    reason: "the same length, repeated or listed, is that length",
    ways: ["only we read it"],
  },
  "empty element": {
    section: "RFC 9110, 5.6.1",
    reason: "empty elements of a list are passed over",
    ways: ["only we read it", "another word on reuse"],
  },
  "coding among blanks and commas": {
    section: "RFC 9110, 5.6.1",
    reason: "neither is part of it; node takes it for another one, and all that follows for the body",
    ways: ["another body", "only node reads it"],
  },
  "blanks around a value": {
    section: "5",
    reason: "blanks and tabulators around a value are not part of it",
    ways: ["only we read it", "another word on reuse"],
  },
  "chunks and a length": {
    section: "6.3, item 3",
    reason: "the chunks are read, and the connection is not used again",
    ways: ["only we read it"],
  },
  "chunks in HTTP/1.0": {
    section: "6.1",
    reason: "the message is read, and the connection is not used again",
    ways: ["another word on reuse"],
  },
  "no transfer coding": {
    section: "6.3, item 4",
    reason: "where chunked is not the last coding, the body ends with the connection",
    ways: ["only we read it"],
  },
  "unknown transfer coding": {
    section: "7",
    reason: "chunked has no parameters, a coding's name is a token",
    ways: ["only node reads it"],
  },
  "length without a body": {
    section: "6.3, item 1",
    reason: "after 204 and 304 there is no body, whatever the fields say",
    ways: ["only we read it"],
  },
  "blanks in chunk extensions": {
    section: "7.1.1",
    reason: "blanks may stand around ; and =",
    ways: ["only we read it"],
  },
  "chunk extension without a name or a value": {
    section: "7.1.1",
    reason: "there is no extension without a name, no = without a value",
    ways: ["only node reads it"],
  },
  "framing field in the trailers": {
    section: "6.5.1 of RFC 9110",
    reason: "trailers say nothing of the framing",
    ways: ["only we read it"],
  },
  "close and keep-alive": {
    section: "9.3",
    reason: "close is looked for first",
    ways: ["another word on reuse"],
  },
  "interim answer that ends the connection": {
    section: "9.6",
    reason: "the answer is read, and the connection is not used again",
    ways: ["only we read it"],
  },
  "change of the protocol": {
    section: "RFC 9110, 15.2.2",
    reason: "nobody asked for it",
    ways: ["only node reads it"],
  },
  "many interim answers": {
    section: "RFC 9110, 15.2",
    reason: "one or more are passed over, but not any number",
    ways: ["only node reads it"],
  },
  "bytes after the answer": {
    section: "6.3",
    reason: "they are nobody's: the answer counts, the connection is not used again",
    ways: ["only we read it", "another word on reuse"],
  },
} as const satisfies Record<string, Difference>;

export type Kind = keyof typeof NODE_DIFFERENCES;

export const KINDS = Object.keys(NODE_DIFFERENCES) as Kind[];
