import { readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { RestoredMarkFile } from "../../../server/journal/restored-mark-file.ts";
import { inDirectory } from "../../support/journal-life.ts";
import { NOON_MS } from "../../support/payments.ts";

describe("mark of restored data", () => {
  it("is not there at first, says what was written last, and goes", () => {
    inDirectory((path) => {
      const mark = new RestoredMarkFile(path);
      expect(mark.read()).to.equal(undefined);
      for (const lostFromMs of [0, NOON_MS, NOON_MS + 1]) {
        for (const sinceMs of [undefined, NOON_MS + 5]) {
          mark.write({ lostFromMs, sinceMs });
          expect(new RestoredMarkFile(path).read()).to.deep.equal({ lostFromMs, sinceMs });
        }
      }
      expect(readdirSync(path)).to.deep.equal(["restored.json"]);
      mark.remove();
      mark.remove();
      expect([mark.read(), readdirSync(path)]).to.deep.equal([undefined, []]);
    });
  });

  it("is never written through a link that stands where it is made", () => {
    inDirectory((path) => {
      inDirectory((elsewhere) => {
        const outside = join(elsewhere, "outside");
        writeFileSync(outside, "precious");
        symlinkSync(outside, join(path, "restored.json.partial"));
        new RestoredMarkFile(path).write({ lostFromMs: NOON_MS, sinceMs: undefined });
        expect(readFileSync(outside, "utf8")).to.equal("precious");
        expect(readdirSync(path)).to.deep.equal(["restored.json"]);
      });
    });
  });

  it("is not guessed at when it cannot be read", () => {
    inDirectory((path) => {
      for (const text of ["", "null", "{}", '{"lostFrom":"2025-07-15T12:00:00Z"}', '{"lostFrom":1,"since":2}']) {
        writeFileSync(join(path, "restored.json"), text);
        expect(() => new RestoredMarkFile(path).read()).to.throw("the mark of restored data must be readable: file=");
      }
    });
  });
});
