import { expect } from "chai";
import {
  CONTEST_STAGES,
  readStages,
  scaleStages,
  stageAt,
  stageText,
  troubleText,
} from "../../../perf/lab/contest/stages.ts";

describe("contest stages", () => {
  it("are those of the contest", () => {
    expect(CONTEST_STAGES.map((stage) => `${stage.atMs / 1000} ${stageText(stage)}`)).to.deep.equal([
      "0 default, fallback",
      "10 default +100 ms, fallback",
      "20 default +100 ms failing, fallback",
      "30 default +2000 ms failing, fallback +1000 ms failing",
      "40 default +20 ms, fallback +20 ms",
      "50 default, fallback +5000 ms",
    ]);
  });

  it("are called by what is wrong in them", () => {
    expect(CONTEST_STAGES.map(troubleText)).to.deep.equal([
      "both healthy",
      "default +100 ms",
      "default +100 ms failing",
      "default +2000 ms failing, fallback +1000 ms failing",
      "default +20 ms, fallback +20 ms",
      "fallback +5000 ms",
    ]);
  });

  it("shrink and stretch in time, not in what they do", () => {
    const short = scaleStages(CONTEST_STAGES, 1 / 6);
    expect(short.map(({ atMs }) => atMs)).to.deep.equal([0, 1667, 3333, 5000, 6667, 8333]);
    expect(short[3]!.default).to.deep.equal({ delayMs: 2000, failing: true });
  });

  it("know which one is under way", () => {
    const at = [0, 9999, 10_000, 59_000].map((ms) => stageAt(CONTEST_STAGES, ms));
    expect(at).to.deep.equal([0, 0, 1, 5]);
  });

  it("are read from a file", () => {
    const text = `[
      {"atSeconds": 0, "default": {"delayMs": 0, "failing": false}, "fallback": {"delayMs": 5, "failing": true}},
      {"atSeconds": 2.5, "default": {"delayMs": 0, "failing": true}, "fallback": {"delayMs": 0, "failing": false}}
    ]`;
    expect(readStages(text).map(stageText)).to.deep.equal([
      "default, fallback +5 ms failing",
      "default failing, fallback",
    ]);
    expect(readStages(text)[1]!.atMs).to.equal(2500);
  });

  it("tell what is wrong with a file", () => {
    const stage = (atSeconds: unknown, ofDefault: unknown = { delayMs: 0, failing: false }) => ({
      atSeconds,
      default: ofDefault,
      fallback: { delayMs: 0, failing: false },
    });
    const reading = (value: unknown) => () => readStages(JSON.stringify(value));
    expect(() => readStages("[")).to.throw(/^stages must be JSON: error=/);
    expect(reading({})).to.throw("stages must be a list: length=0");
    expect(reading([])).to.throw("stages must be a list: length=0");
    expect(reading([stage("0")])).to.throw('atSeconds must be a number from 0: atSeconds="0"');
    expect(reading([stage(1)])).to.throw("stages must begin at once: atSeconds=1");
    expect(reading([stage(0), stage(1), stage(1)])).to.throw("stages must be in order of time: atSeconds=1");
    for (const wrong of [null, {}, { delayMs: -1, failing: false }, { delayMs: 1.5, failing: true }, { delayMs: 1 }]) {
      expect(reading([stage(0, wrong)])).to.throw(/^default must be \{"delayMs": whole number, "failing": boolean\}/);
    }
  });
});
