import type { Outcome } from "../load/connection.ts";
import type { LoadRecord } from "../load/load-record.ts";
import { summarise } from "../load/load-summary.ts";
import { type Curve, type Percentiles, Samples } from "../load/samples.ts";
import { bySecond, type Second } from "../load/seconds.ts";

/** What the contest tells of a load's times. */
export type Times = {
  /** Of every successful HTTP request, admin calls included: what the contest's p99 is taken from. */
  readonly all: Percentiles;
  readonly payments: Percentiles;
  /** The generator's own: how long after it was due a payment was sent. */
  readonly lateness: Percentiles;
  readonly curves: Readonly<Record<"all" | "payments" | "lateness", Curve>>;
  readonly seconds: readonly Second[];
};

/** The payments of the load and, beside them, the calls that the contest makes and counts as well. */
export class Recorder {
  readonly load: LoadRecord;
  readonly #callsMs: number[] = [];

  constructor(load: LoadRecord) {
    this.load = load;
  }

  /** What came of a request that is not a payment. */
  readonly call = ({ status, durationMs }: Outcome): void => {
    if (isSuccess(status)) this.#callsMs.push(durationMs);
  };

  times(): Times {
    const { serviceMs, latenessMs } = summarise(this.load);
    const all = Samples.merge([new Samples(this.#durations(isSuccess)), new Samples(this.#callsMs)]);
    return {
      all: all.percentiles,
      payments: serviceMs.percentiles,
      lateness: latenessMs.percentiles,
      curves: { all: all.plot(), payments: serviceMs.plot(), lateness: latenessMs.plot() },
      seconds: this.seconds(),
    };
  }

  /** By when the answers came. */
  seconds(): Second[] {
    return bySecond(this.load.endedMs, this.#durations());
  }

  #durations(isWanted?: (status: number) => boolean): Float64Array {
    const { durationsMs } = this.load;
    return this.load.times((payment) => durationsMs[payment]!, isWanted);
  }
}

/** Of any request, as k6 has it. */
function isSuccess(status: number): boolean {
  return status >= 200 && status < 400;
}
