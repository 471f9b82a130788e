import type { Mutation } from "./mutation.ts";

/** What is sent and polled, when, and how answers are read. */
export const SENDING_MUTATIONS: Readonly<Record<string, Mutation>> = {
  "a timeout taken for a refusal": {
    file: "server/sending/answers",
    find: "return Outcome.TIMED_OUT;",
    replace: "return Outcome.UNREACHABLE;",
  },
  "a reset taken for a refusal": {
    file: "server/sending/answers",
    find: "return wasKept ? Outcome.DROPPED : Outcome.RESET; return OWN_LIMITS",
    replace: "return wasKept ? Outcome.DROPPED : Outcome.UNREACHABLE; return OWN_LIMITS",
  },
  "a dropped connection taken for a refusal": {
    file: "server/sending/answers",
    find: "return wasKept ? Outcome.DROPPED : Outcome.RESET; return OWN_LIMITS",
    replace: "return wasKept ? Outcome.UNREACHABLE : Outcome.RESET; return OWN_LIMITS",
  },
  "the amount of a told charge is not compared": {
    file: "server/sending/told-charge",
    find: 'if (told.charge.cents !== sent.cents) return "foreign";',
    replace: "",
  },
  "the time of a told charge is not compared": {
    file: "server/sending/told-charge",
    find: "if (isWithinTolerance(told.charge, sent.requestedAtMs))",
    replace: "if (true)",
  },
  "somebody's page taken for a 404": {
    file: "server/sending/told-charge",
    find: 'body === "" || parseObject(body) ? "not found" : "not told"',
    replace: '"not found"',
  },
  "a new requestedAt for a repetition": {
    file: "server/sending/processor-client",
    find: "const requestedAt = formatTimestamp(rows.requestedAtMs(slot));",
    // IN_DOUBT
    replace: "const requestedAt = formatTimestamp(rows.requestedAtMs(slot) + (rows.state[slot] === 3 ? 1 : 0));",
  },
  "requests never expire at their client": {
    file: "server/sending/processor-client",
    find: "request.connection.timeOut();",
    replace: "{}",
  },
  "a connection whose answer is late is used again": {
    file: "server/sending/connection",
    find: "this.#isTimedOut = true; this.close();",
    replace: `const receiver = this.#receiver;
      this.#receiver = undefined;
      receiver?.failed("timed out", new Error("late"), this.#wasUsed);
      this.#onIdle(this);`,
  },
  "a connection is used again without a clean reader": {
    file: "server/sending/connection",
    find: "this.#reader.reset();",
    replace: "",
  },
  "an answer is complete before all of it has come": {
    file: "server/sending/response-reader",
    find: "return this.#body.byteCount < bodyBytes ? -1 : text.length - end;",
    replace: "return text.length - end;",
  },
  "a doubt asked about at the other processor": {
    file: "server/sending/dispatcher",
    find: "this.#clients[engine.flights.processor[flight]]",
    // IN_DOUBT
    replace: `this.#clients[engine.ledger.rows.state[engine.flights.slot[flight]] === 3
      ? 1 - engine.flights.processor[flight] : engine.flights.processor[flight]]`,
  },
  "sent before its record is written": {
    file: "server/sending/dispatcher",
    find: "commit.add(new Send(engine, clock, this.#clients[engine.flights.processor[flight]], flight));",
    replace: "new Send(engine, clock, this.#clients[engine.flights.processor[flight]], flight).commit();",
  },
  "what could not be written is not unasked": {
    file: "server/sending/dispatcher",
    find: "this.#engine.unask(this.#flight, this.#clock.nowMs());",
    replace: "{}",
  },
  "the pacer never gives credit": {
    file: "server/sending/send-pacer",
    find: "return this.#credit >= 1;",
    replace: "return false;",
  },
  "the pacer never refuses": {
    file: "server/sending/send-pacer",
    find: "return this.#credit >= 1;",
    replace: "return true;",
  },
  "ticking never expires": { file: "server/turn/ticking", find: "sending.expire(nowMs);", replace: "" },
  "ticking never tries the journal again": {
    file: "server/turn/ticking",
    find: "commit.retry();",
    replace: "{}",
  },
  "ticking never gives up": {
    file: "server/turn/ticking",
    find: "engine.giveUpOld(nowMs, (slot) => notes.gaveUp(slot));",
    replace: "",
  },
  "polls without consent": {
    file: "server/health/poller",
    find: "rights.mayPoll(claimedAtMs, this.#nowMs, isAgreed)",
    replace: "rights.mayPoll(claimedAtMs, this.#nowMs, true)",
  },
  "polls without pause": {
    file: "server/health/poll-rights",
    find: "nowMs < this.tryFromMs",
    replace: "false",
  },
  "a poll's result is ignored": { file: "server/health/poller", find: "onPolled(result);", replace: "" },
  "a poll's result is not told to the others": {
    file: "server/health/poller",
    find: "await Promise.all(peers.map((peer) => peer.polled(processor, result.failing, responseMs)));",
    replace: "",
  },
};
