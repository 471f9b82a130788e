import type { Mutation } from "./mutation.ts";

/** What is sent and polled, when, and how answers are read. */
export const SENDING_MUTATIONS: Readonly<Record<string, Mutation>> = {
  "a timeout taken for a refusal": {
    seed: 1,
    file: "server/sending/answers",
    find: "return Outcome.TIMED_OUT;",
    replace: "return Outcome.UNREACHABLE;",
  },
  "a reset taken for a refusal": {
    seed: 32,
    file: "server/sending/answers",
    find: "return wasKept ? Outcome.DROPPED : Outcome.RESET; return OWN_LIMITS",
    replace: "return wasKept ? Outcome.DROPPED : Outcome.UNREACHABLE; return OWN_LIMITS",
  },
  "a dropped connection taken for a refusal": {
    seed: 67,
    file: "server/sending/answers",
    find: "return wasKept ? Outcome.DROPPED : Outcome.RESET; return OWN_LIMITS",
    replace: "return wasKept ? Outcome.UNREACHABLE : Outcome.RESET; return OWN_LIMITS",
  },
  "the amount of a told charge is not compared": {
    seed: 45,
    file: "server/sending/told-charge",
    find: 'if (told.charge.cents !== sent.cents) return "foreign";',
    replace: "",
  },
  "the time of a told charge is not compared": {
    seed: 7,
    file: "server/sending/told-charge",
    find: "if (isWithinTolerance(told.charge, sent.requestedAtMs))",
    replace: "if (true)",
  },
  "somebody's page taken for a 404": {
    seed: 17,
    file: "server/sending/told-charge",
    find: 'body === "" || parseObject(body) ? "not found" : "not told"',
    replace: '"not found"',
  },
  "a new requestedAt for a repetition": {
    seed: 2,
    file: "server/sending/processor-client",
    find: "const requestedAt = formatTimestamp(rows.requestedAtMs(slot));",
    // IN_DOUBT
    replace: "const requestedAt = formatTimestamp(rows.requestedAtMs(slot) + (rows.state[slot] === 3 ? 1 : 0));",
  },
  "requests never expire at their client": {
    seed: 24,
    file: "server/sending/processor-client",
    find: "request.connection.timeOut();",
    replace: "{}",
  },
  "a connection is used again without a clean reader": {
    seed: 1,
    file: "server/sending/plain-connection",
    find: "this.#reader.reset();",
    replace: "",
  },
  "an answer is complete before all of it has come": {
    seed: 14,
    file: "server/sending/response-reader",
    find: "return this.#body.byteCount < bodyBytes ? -1 : text.length - end;",
    replace: "return text.length - end;",
  },
  "a doubt asked about at the other processor": {
    seed: 2,
    file: "server/sending/dispatcher",
    find: "this.#clients[engine.flights.processor[flight]]",
    // IN_DOUBT
    replace: `this.#clients[engine.ledger.rows.state[engine.flights.slot[flight]] === 3
      ? 1 - engine.flights.processor[flight] : engine.flights.processor[flight]]`,
  },
  "sent before its record is written": {
    seed: 16,
    file: "server/sending/dispatcher",
    find: "commit.add(new Send(engine, clock, this.#clients[engine.flights.processor[flight]], flight));",
    replace: "new Send(engine, clock, this.#clients[engine.flights.processor[flight]], flight).commit();",
  },
  "what could not be written is not unasked": {
    seed: 26,
    file: "server/sending/dispatcher",
    find: "this.#engine.unask(this.#flight, this.#clock.nowMs());",
    replace: "{}",
  },
  "the pacer never gives credit": {
    seed: 6,
    file: "server/sending/send-pacer",
    find: "return this.#credit >= 1;",
    replace: "return false;",
  },
  "the pacer never refuses": {
    seed: 2736,
    file: "server/sending/send-pacer",
    find: "return this.#credit >= 1;",
    replace: "return true;",
  },
  "ticking never expires": {
    seed: 24,
    file: "server/turn/ticking",
    find: "sending.expire();",
    replace: "",
  },
  "ticking never tries the journal again": {
    seed: 6,
    file: "server/turn/ticking",
    find: "commit.retry();",
    replace: "{}",
  },
  "ticking never gives up": {
    seed: 37,
    file: "server/turn/ticking",
    find: "engine.giveUpOld(nowMs, (slot) => notes.gaveUp(slot));",
    replace: "",
  },
  "polls without consent": {
    seed: 144,
    file: "server/health/peer-consent",
    find: "rights.mayPoll(claimedAtMs, this.#nowMs, isAgreed)",
    replace: "rights.mayPoll(claimedAtMs, this.#nowMs, true)",
  },
  "polls without pause": {
    seed: 7,
    file: "server/health/poll-rights",
    find: "nowMs < this.tryFromMs",
    replace: "false",
  },
  "a poll's result is ignored": {
    seed: 7,
    file: "server/health/poller",
    find: "onPolled(result);",
    replace: "",
  },
  "a poll's result is not told to the others": {
    seed: 7,
    file: "server/health/peer-consent",
    find: "await Promise.all(this.#peers.map((peer) => peer.polled(processor, result.failing, responseMs)));",
    replace: "",
  },
  "a body that goes on to the end is taken for none": {
    seed: 53,
    file: "server/sending/response-head",
    find: "lengths === undefined ? UNTIL_END : lengthOf(lengths)",
    replace: "lengths === undefined ? 0 : lengthOf(lengths)",
  },
  "a head is known by its first half": {
    seed: 6,
    file: "server/sending/response-head",
    find: "text.slice(0, head.text.length) === head.text",
    replace: "text.slice(0, head.text.length >> 1) === head.text.slice(0, head.text.length >> 1)",
  },
  "fields are known by their capitals": {
    seed: 7,
    file: "server/sending/response-head",
    find: ":([^\\r]*)/gi",
    replace: ":([^\\r]*)/g",
  },
  "chunks are taken for bytes until the end": {
    seed: 7,
    file: "server/sending/response-head",
    find: 'codings.at(-1)?.toLowerCase() === "chunked" ? IN_CHUNKS : UNTIL_END',
    replace: "UNTIL_END",
  },
  "the data of chunks gets lost": {
    seed: 25,
    file: "server/sending/chunked-body",
    find: "body.add(text, at, end);",
    replace: "",
  },
  "one chunk is the whole body": {
    seed: 46,
    file: "server/sending/chunked-body",
    find: 'this.#part = "size"; return at + LINE_END.length;',
    replace: 'this.#part = "over"; return at + LINE_END.length;',
  },
  "the size of a chunk is decimal": {
    seed: 14,
    file: "server/sending/chunked-body",
    find: "size = size * 16 + digit",
    replace: "size = size * 10 + digit",
  },
};
