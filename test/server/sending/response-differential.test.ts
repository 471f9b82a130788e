import { expect } from "chai";
import { ResponseReader } from "../../../server/sending/response-reader.ts";
import { NameLookup } from "../../../server/system/name-lookup.ts";
import { RealNetwork } from "../../../server/system/real-network.ts";
import { Random } from "../../support/random.ts";
import { askWithNode, askWithOurs, keptText, type Verdict } from "./answers/answer-clients.ts";
import type { Answer, Reading } from "./answers/answer-draft.ts";
import { AnswerServer } from "./answers/answer-server.ts";
import { KINDS, type Kind, NODE_DIFFERENCES, type Way } from "./answers/node-differences.ts";
import { randomAnswer, randomPieces } from "./answers/random-answer.ts";

const SEED = Number(process.env["TEST_SEED"] ?? 20250715);
/** ANSWER_CASES=100000 npm test -- test/server/sending/response-differential.test.ts */
const CASE_COUNT = process.env["TEST_SEED"] === undefined ? Number(process.env["ANSWER_CASES"] ?? 3000) : 1;
const AT_ONCE = 40;
const SPLITS = 4;
/** Longer answers are not read byte by byte. */
const BYTEWISE_MAX = 1500;

/** What a reader makes of an answer in pieces, on a connection that ends after it. */
function readPieces(pieces: readonly string[]): Reading | undefined {
  const reader = new ResponseReader();
  try {
    const last = pieces.findIndex((piece) => reader.push(piece));
    if (last < 0 && !reader.end()) return undefined;
    // What comes later meets a connection on which nothing is out, and ends it.
    const hasMore = last >= 0 && last < pieces.length - 1;
    const { status, body, keepsAlive, isProvenEmpty } = reader;
    return { status, body, keepsAlive: keepsAlive && !hasMore, isProvenEmpty: isProvenEmpty && !hasMore };
  } catch {
    return undefined;
  }
}

function expectReading(random: Random, { text, reading }: Answer): void {
  const expected = reading && { ...reading, body: keptText(reading.body) };
  const splits = Array.from({ length: SPLITS }, () => randomPieces(random, text));
  if (text.length <= BYTEWISE_MAX) splits.push([...text]);
  for (const pieces of [[text], ...splits]) {
    const cuts = JSON.stringify(pieces.map((piece) => piece.length));
    expect(readPieces(pieces.filter((piece) => piece !== "")), `pieces=${cuts}`).to.deep.equal(expected);
  }
}

/** How two verdicts differ, if they do. */
function wayOf(ours: Verdict, nodes: Verdict): Way | undefined {
  if (ours === "refused" || nodes === "refused") {
    if (ours === nodes) return undefined;
    return ours === "refused" ? "only node reads it" : "only we read it";
  }
  if (ours.status !== nodes.status || ours.body !== nodes.body) return "another body";
  return ours.keepsAlive === nodes.keepsAlive ? undefined : "another word on reuse";
}

function expectExplained(kinds: ReadonlySet<Kind>, ours: Verdict, nodes: Verdict): void {
  const way = wayOf(ours, nodes);
  if (way === undefined) return;
  const isExplained = [...kinds].some((kind) => (NODE_DIFFERENCES[kind].ways as readonly Way[]).includes(way));
  const found = `${way}: ours=${JSON.stringify(ours)} nodes=${JSON.stringify(nodes)} kinds=${[...kinds]}`;
  expect(isExplained, found).to.equal(true);
}

describe(`answers, read by us and by node:http (TEST_SEED=${SEED})`, () => {
  const network = new RealNetwork(new NameLookup());
  const seen = new Set<Kind>();
  let server: AnswerServer;

  before(async () => {
    server = await AnswerServer.start();
  });

  after(() => server.close());

  async function expectSame(seed: number): Promise<void> {
    const random = new Random(seed);
    const answer = randomAnswer(random);
    try {
      expectReading(random, answer);
      const path = server.add({ ...answer, pieces: randomPieces(random, answer.text) });
      const hasMore = answer.kinds.has("bytes after the answer");
      const [ours, nodes] = await Promise.all([
        askWithOurs(server.port, path, network, hasMore),
        askWithNode(server.port, path),
      ]);
      const { status, body, keepsAlive } = answer.reading ?? {};
      const expected = body === undefined ? "refused" : { status, body: keptText(body), keepsAlive };
      expect(ours, "over a connection").to.deep.equal(expected);
      expectExplained(answer.kinds, ours, nodes);
      for (const kind of answer.kinds) seen.add(kind);
    } catch (error) {
      const text = JSON.stringify(answer.text.slice(0, 2000));
      throw new Error(`TEST_SEED=${seed}: ${(error as Error).message}\nanswer=${text}`, { cause: error });
    }
  }

  it("have the same status, body and word on reuse, or the RFC says who is right", async () => {
    for (let first = 0; first < CASE_COUNT; first += AT_ONCE) {
      const count = Math.min(AT_ONCE, CASE_COUNT - first);
      await Promise.all(Array.from({ length: count }, (_, i) => expectSame(SEED + first + i)));
    }
    if (CASE_COUNT > 1000) expect([...seen]).to.have.members(KINDS);
  }).timeout(60_000 + CASE_COUNT * 20);
});
