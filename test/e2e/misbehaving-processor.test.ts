import { expect } from "chai";
import { MisbehavingService } from "./misbehaving.ts";

describe("payments while the default processor", () => {
  let story: MisbehavingService;

  before(async () => {
    story = await MisbehavingService.start();
  });

  beforeEach(() => story.heal());
  after(() => story?.stop());

  it("answers an empty 500 and charges nothing: all are processed by the fallback", async () => {
    const { counts, views } = await story.play([{ charge: "no", answer: { status: 500 } }]);
    expect(counts).to.deep.equal({ default: 0, fallback: 30, failed: 0 });
    expect(views.flatMap(({ attempts }) => attempts.map(({ processor }) => processor))).to.include("default");
  });
});
