import { runMeasurement } from "../report/measurement-command.ts";
import { runCampaign } from "./campaign.ts";
import { TAKEOVER_COMMAND } from "./command-line.ts";
import { differenceCount } from "./exact-books.ts";
import { resultOf } from "./report.ts";

await runMeasurement({
  ...TAKEOVER_COMMAND,
  async measure(options, signal) {
    const campaign = await runCampaign(options, signal);
    // A payment lost or charged twice is no result, and a part is no summary.
    const { differences, summaries, outOfOrderCount = 0 } = campaign;
    const isWrong = differenceCount(differences) + outOfOrderCount > 0 || summaries.some(({ isPartial }) => isPartial);
    if (isWrong) process.exitCode = 1;
    return resultOf(options, campaign);
  },
});
