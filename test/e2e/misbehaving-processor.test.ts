import { expect } from "chai";
import type { MisbehaviourJson } from "../../perf/processor/misbehaviour-reader.ts";
import { MisbehavingService } from "./misbehaving.ts";

type Counts = { default: number; fallback: number; failed: number };
type Answer = NonNullable<MisbehaviourJson["answer"]>;

const ALL_AT_DEFAULT: Counts = { default: 30, fallback: 0, failed: 0 };
const ALL_AT_FALLBACK: Counts = { default: 0, fallback: 30, failed: 0 };
/** Each of two instances sends at least its first payment to the default, which is well until then. */
const DEFAULT_MIN = 2;
const MESSAGE = '{"message":"payment processed successfully"}';
const EXCEPTION = '{"message":"Npgsql.NpgsqlException: the connection is gone"}';

function charges(answer: Answer): MisbehaviourJson {
  return { charge: "yes", answer };
}

function chargesNothing(answer: Answer): MisbehaviourJson {
  return { charge: "no", answer };
}

function raw(text: string, end: "keep" | "close" = "keep"): Answer {
  return { raw: Buffer.from(text, "latin1").toString("base64"), end };
}

function chunked(chunks: string): Answer {
  return raw(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`);
}

const SIZE = MESSAGE.length.toString(16);

/** What the default does, and where all payments end, if that is certain. */
const CASES: readonly (readonly [string, MisbehaviourJson, Counts | undefined])[] = [
  ["charges, then answers 500 with an exception", charges({ status: 500, body: EXCEPTION }), undefined],
  [
    "charges, then answers 500 with a body of 20 000 bytes",
    charges({ status: 500, body: "x".repeat(20_000) }),
    undefined,
  ],
  [
    "answers 500 with an exception and charges nothing",
    chargesNothing({ status: 500, body: EXCEPTION }),
    ALL_AT_FALLBACK,
  ],
  ["charges, then answers 409", charges({ status: 409 }), ALL_AT_DEFAULT],
  ["charges, then answers 418", charges({ status: 418, body: "teapot" }), ALL_AT_DEFAULT],
  ["charges, then answers 422 at the first attempt", charges({ status: 422, body: EXCEPTION }), ALL_AT_DEFAULT],
  ["answers 422 and charges nothing", chargesNothing({ status: 422, body: EXCEPTION }), ALL_AT_FALLBACK],
  ["answers 409 and charges nothing", chargesNothing({ status: 409 }), ALL_AT_FALLBACK],
  ["charges, then answers 201", charges({ status: 201, body: MESSAGE }), ALL_AT_DEFAULT],
  ["charges, then answers 202", charges({ status: 202, body: MESSAGE }), ALL_AT_DEFAULT],
  ["charges, then answers 204", charges({ status: 204 }), ALL_AT_DEFAULT],
  ["charges, then answers 200 with a page", charges({ status: 200, body: "<html>hello</html>" }), undefined],
  ["charges, then answers 200 with nothing", charges({ status: 200 }), undefined],
  ["charges, then answers 303", charges({ status: 303, headers: { Location: "/elsewhere" } }), undefined],
  ["charges, then answers 502", charges({ status: 502, body: "<html>bad gateway</html>" }), undefined],
  ["charges, then answers 503", charges({ status: 503 }), undefined],
  ["charges, then breaks the connection", charges({ end: "reset" }), undefined],
  ["charges, then sends no HTTP", charges(raw("hello\r\n\r\n", "close")), undefined],
  ["charges, then says nothing", charges({}), undefined],
  ["charges after a gateway has answered 504", { charge: "late", insertMs: 1500, answer: { status: 504 } }, undefined],
  [
    "redirects everything with 307",
    chargesNothing({ status: 307, headers: { Location: "http://127.0.0.1:1/" } }),
    ALL_AT_FALLBACK,
  ],
  [
    "redirects everything with 308",
    chargesNothing({ status: 308, headers: { Location: "http://127.0.0.1:1/" } }),
    ALL_AT_FALLBACK,
  ],
  ["answers 400 to everything", chargesNothing({ status: 400 }), ALL_AT_FALLBACK],
  ["answers 415 to everything", chargesNothing({ status: 415, body: "no" }), ALL_AT_FALLBACK],
  ["answers 401 to everything", chargesNothing({ status: 401 }), ALL_AT_FALLBACK],
  ["answers 404 to everything", chargesNothing({ status: 404, body: "<html>not here</html>" }), ALL_AT_FALLBACK],
  ["answers an empty 500 and charges nothing", chargesNothing({ status: 500 }), ALL_AT_FALLBACK],
  [
    "answers 500 without a length, then closes",
    chargesNothing(raw("HTTP/1.1 500 Internal Server Error\r\n\r\n", "close")),
    ALL_AT_FALLBACK,
  ],
  [
    "writes chunk sizes with leading zeros",
    charges(chunked(`000${SIZE}\r\n${MESSAGE}\r\n000\r\n\r\n`)),
    ALL_AT_DEFAULT,
  ],
  [
    "writes chunk extensions and trailers",
    charges(chunked(`${SIZE} ; a="b;c"\r\n${MESSAGE}\r\n0\r\nX-Trailer: 1\r\n\r\n`)),
    ALL_AT_DEFAULT,
  ],
  [
    "tells its length twice",
    charges(raw(`HTTP/1.1 200 OK\r\nContent-Length: ${MESSAGE.length}, ${MESSAGE.length}\r\n\r\n${MESSAGE}`)),
    ALL_AT_DEFAULT,
  ],
  [
    "answers in HTTP/1.0, to the end of the connection",
    charges(raw(`HTTP/1.0 200 OK\r\n\r\n${MESSAGE}`, "close")),
    ALL_AT_DEFAULT,
  ],
  [
    "announces its answer with 100 and 103",
    charges(
      raw(
        `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n` +
          `HTTP/1.1 200 OK\r\ncontent-length:${MESSAGE.length}\r\n\r\n${MESSAGE}`,
      ),
    ),
    ALL_AT_DEFAULT,
  ],
  ["answers a byte at a time", charges({ status: 200, body: MESSAGE, byteMs: 1 }), undefined],
  [
    "says 408 and closes on the second request of every connection",
    { charge: "no", when: { requestOfConnection: 2 }, answer: { status: 408, end: "close" } },
    ALL_AT_DEFAULT,
  ],
  [
    "charges and breaks every connection on its second request",
    { charge: "yes", when: { requestOfConnection: 2 }, answer: { end: "reset" } },
    ALL_AT_DEFAULT,
  ],
];

describe("payments while the default processor", function () {
  this.timeout(120_000);
  let story: MisbehavingService;

  before(async () => {
    story = await MisbehavingService.start();
  });

  beforeEach(() => story.heal());
  after(() => story?.stop());

  for (const [what, misbehaviour, expected] of CASES) {
    it(`${what}: each is charged once, nothing is misstated, nothing is left in doubt`, async () => {
      const { counts } = await story.play([misbehaviour]);
      if (expected) {
        expect(counts).to.deep.equal(expected);
        return;
      }
      expect(counts.failed).to.equal(0);
      expect(counts.default, "charged where it was sent first").to.be.at.least(DEFAULT_MIN);
      expect(counts.default + counts.fallback).to.equal(ALL_AT_DEFAULT.default);
    });
  }

  for (const [what, body] of [
    ["in seconds, amounts as text, ids in capitals", '"{{amount}}","requestedAt":"{{requestedAtSeconds}}"'],
    ["without a zone", '{{amount}},"requestedAt":"{{requestedAt}}"'],
  ] as const) {
    it(`tells charges ${what}, and answers every payment with 409: all are its own`, async () => {
      const answer = { status: 200, body: `{"correlationId":"{{correlationId}}","amount":${body}}` };
      const { counts } = await story.play([
        charges({ status: 409 }),
        { call: "lookup", when: { found: true }, answer },
      ]);
      expect(counts).to.deep.equal(ALL_AT_DEFAULT);
    });
  }

  it("takes some payments and rejects others: those are odd, and fail; the others are charged", async () => {
    const { counts } = await story.play([{ charge: "no", when: { first: 3 }, answer: { status: 400 } }]);
    expect(counts).to.deep.equal(ALL_AT_DEFAULT);
  });

  it("rejects a payment again and again while it takes others: that one fails", async () => {
    const { counts } = await story.play([{ charge: "no", answer: { status: 400 } }], { count: 1 });
    expect(counts).to.deep.equal({ default: 0, fallback: 0, failed: 1 });
  });
});
