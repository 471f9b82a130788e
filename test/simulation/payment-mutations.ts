import { Ledger } from "../../core/ledger/ledger.ts";
import { type Mutate, method } from "./mutate.ts";
export const PAYMENT_MUTATIONS: Readonly<Record<string, Mutate>> = {
  "a window without its last millisecond": () =>
    method(
      Ledger.prototype,
      "sum",
      (sum) =>
        function (fromMs, toMs, out) {
          sum.call(this, fromMs, toMs - 1, out);
        },
    ),
};
