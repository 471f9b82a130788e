import { expect } from "chai";
import { formatUuid } from "../../../core/values/uuid.ts";
import { PaymentBody } from "../../../server/payments/payment-body.ts";
import { centsByTheBook } from "../../support/amount-model.ts";
import { type Reading, readByTheBook } from "../../support/payment-body-book.ts";
import { forSeeds } from "../../support/random.ts";
import { mutate, randomBody } from "../../support/random-bodies.ts";

const ID = "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3";
const encoder = new TextEncoder();
const body = new PaymentBody();

function read(bytes: Uint8Array | string): Reading {
  const problem = body.parse(typeof bytes === "string" ? encoder.encode(bytes) : bytes);
  if (problem === undefined) return { id: formatUuid(body.id), cents: body.cents };
  expect(problem.status).to.equal(400);
  expect(problem.detail).to.be.a("string").with.length.within(10, 300);
  return { field: problem.field };
}

function expectByTheBook(bytes: Uint8Array): void {
  expect(read(bytes), new TextDecoder().decode(bytes)).to.deep.equal(readByTheBook(bytes));
}

describe("payment body", () => {
  it("is read as the contest's load script writes it", () => {
    expect(read(`{"correlationId":"${ID}","amount":19.90}`)).to.deep.equal({ id: ID, cents: 1990 });
    expect(read(JSON.stringify({ amount: 19.9, correlationId: ID }))).to.deep.equal({ id: ID, cents: 1990 });
  });

  it("means what JSON.parse and decimal arithmetic say, for plain bodies", () => {
    forSeeds(3000, (random) => expectByTheBook(encoder.encode(randomBody(random, 0))));
  });

  it("means what JSON.parse and decimal arithmetic say, for odd ones: escapes, exponents, duplicates, nesting", () => {
    let accepted = 0;
    forSeeds(6000, (random) => {
      const bytes = encoder.encode(randomBody(random, 0.3));
      expectByTheBook(bytes);
      if ("id" in readByTheBook(bytes)) accepted++;
    });
    // The generator must not drift to one side.
    expect(accepted).to.be.within(600, 5400);
  });

  it("means what JSON.parse says after random damage, invalid UTF-8 included", () => {
    forSeeds(6000, (random) => expectByTheBook(mutate(random, encoder.encode(randomBody(random, 0.05)))));
  });

  it("means the same whichever way it is read", () => {
    forSeeds(3000, (random) => {
      const plain = randomBody(random, 0).trim();
      // The extra member is what keeps the plain reader out.
      expect(read(`{"":0,${plain.slice(1)}`), plain).to.deep.equal(read(plain));
      expect(body.parseJson(encoder.encode(plain)), plain).to.deep.equal(body.parse(encoder.encode(plain)));
    });
  });

  it("means the same whichever way it is read, however many digits the amount has", () => {
    const long = ["0.1250000000000000000001", "0.00500000000000000000001", "1000000.0050000000000000001"];
    const many = [
      "19.8949999999999999999999",
      `2.${"9".repeat(100)}`,
      `0.${"0".repeat(100)}1`,
      "1.0000000000000000000",
    ];
    for (const amount of [...long, ...many]) {
      const plain = `{"correlationId":"${ID}","amount":${amount}}`;
      expect(read(`{"":0,${plain.slice(1)}`), amount).to.deep.equal(read(plain));
    }
  });

  it("has its amount rounded half to even, as the processors round", () => {
    const cents: Record<string, number> = {
      "0.01": 1,
      "0.0051": 1,
      "0.015": 2,
      "0.025": 2,
      "0.035": 4,
      "1.005": 100,
      "1.015": 102,
      "2.675": 268,
      "19.9": 1990,
      "1e-2": 1,
      "1.5E+1": 1500,
      "999999.995": 100_000_000,
      "1000000": 100_000_000,
      "1000000.005": 100_000_000,
    };
    for (const [amount, expected] of Object.entries(cents)) {
      expect(read(`{"correlationId":"${ID}","amount":${amount}}`), amount).to.deep.equal({ id: ID, cents: expected });
      expect(Number(centsByTheBook(amount)), "by the book").to.equal(expected);
    }
  });

  const refused: [string, string, string][] = [
    ["nothing", "", "body"],
    ["white space", " \n", "body"],
    ["no JSON", "correlationId=1&amount=2", "body"],
    ["an array", `[{"correlationId":"${ID}","amount":1}]`, "body"],
    ["a string", '"x"', "body"],
    ["a number", "1", "body"],
    ["null", "null", "body"],
    ["two objects", `{"correlationId":"${ID}","amount":1}{}`, "body"],
    ["a trailing comma", `{"correlationId":"${ID}","amount":1,}`, "body"],
    ["a comment", `{"correlationId":"${ID}",/**/"amount":1}`, "body"],
    ["a byte order mark", `\ufeff{"correlationId":"${ID}","amount":1}`, "body"],
    ["a trailing NUL", `{"correlationId":"${ID}","amount":1}\u0000`, "body"],
    ["an amount that is no JSON number", `{"correlationId":"${ID}","amount":1.}`, "body"],
    ["an empty object", "{}", "correlationId"],
    ["no correlationId", '{"amount":1}', "correlationId"],
    ["a correlationId that is no UUID", '{"correlationId":"1","amount":1}', "correlationId"],
    ["a correlationId that is no string", '{"correlationId":1,"amount":1}', "correlationId"],
    ["a correlationId in another case", `{"correlationID":"${ID}","amount":1}`, "correlationId"],
    ["no amount", `{"correlationId":"${ID}"}`, "amount"],
    ["an amount of null", `{"correlationId":"${ID}","amount":null}`, "amount"],
    ["an amount in quotes", `{"correlationId":"${ID}","amount":"1"}`, "amount"],
    ["an amount of zero", `{"correlationId":"${ID}","amount":0}`, "amount"],
    ["a negative amount", `{"correlationId":"${ID}","amount":-19.9}`, "amount"],
    ["an amount that rounds to zero", `{"correlationId":"${ID}","amount":0.005}`, "amount"],
    ["an amount beyond the largest", `{"correlationId":"${ID}","amount":1000000.01}`, "amount"],
    ["an amount that rounds to more than the largest", `{"correlationId":"${ID}","amount":1000000.0051}`, "amount"],
    ["an infinite amount", `{"correlationId":"${ID}","amount":1e999}`, "amount"],
    ["an amount of many digits", `{"correlationId":"${ID}","amount":${"9".repeat(500)}}`, "amount"],
  ];
  for (const [what, text, field] of refused) {
    it(`refuses ${what}, naming the field ${field}`, () => expect(read(text)).to.deep.equal({ field }));
  }

  it("is refused when it is cut off anywhere, even if the missing bytes follow in memory", () => {
    for (const text of [`{"correlationId":"${ID}","amount":19.90}`, `{ "amount" : 5 , "correlationId" : "${ID}" }`]) {
      const bytes = encoder.encode(text);
      for (let length = 0; length < bytes.length; length++) {
        expect(read(bytes.subarray(0, length)), `${length} bytes`).to.deep.equal({ field: "body" });
      }
    }
  });

  it("can be nested as deep as a body allows", () => {
    const deep = `${"[".repeat(3000)}${"]".repeat(3000)}`;
    expect(read(`{"note":${deep},"correlationId":"${ID}","amount":1}`)).to.deep.equal({ id: ID, cents: 100 });
    expect(read(`{"correlationId":${deep},"amount":1}`)).to.deep.equal({ field: "correlationId" });
    expect(read(`{"note":${"[".repeat(8000)}`)).to.deep.equal({ field: "body" });
  });

  it("leaves nothing behind for the next one", () => {
    expect(read(`{"correlationId":"${ID}","amount":7}`)).to.deep.equal({ id: ID, cents: 700 });
    expect(read('{"amount":8}')).to.deep.equal({ field: "correlationId" });
    expect(read(`{"correlationId":"${ID}"}`)).to.deep.equal({ field: "amount" });
  });
});
