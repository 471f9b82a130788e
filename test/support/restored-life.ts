import type { Engine } from "../../core/engine.ts";
import type { Inquiry } from "../../core/restored/held-payments.ts";
import * as Outcome from "../../core/values/outcome.ts";
import { formatUuid } from "../../core/values/uuid.ts";
import { EngineLife, NOON_MS } from "./engine-life.ts";
import { uuid } from "./payments.ts";

export const idOf = (n: number): string => formatUuid(uuid(n));
export const GRACE_MS = 1000;
export const WATCH_MS = 60_000;

type HoldOptions = Parameters<Engine["hold"]>[0];

/** What an earlier life left: payment 1 pending, 2 being sent, 3 in doubt, 4 processed. */
export function earlierLife(): EngineLife {
  const before = new EngineLife();
  before.accept(0, idOf(4), 400);
  before.settle(2, before.send(1), Outcome.CHARGED);
  before.accept(3, idOf(3), 300);
  const doubtful = before.send(13);
  before.accept(14, idOf(2), 200);
  before.send(15);
  before.settle(21, doubtful, Outcome.TIMED_OUT);
  before.accept(30, idOf(1), 100);
  return before;
}

/** Begins `life` with what the earlier one left, at 100 ms. */
export function beginRestored<Life extends EngineLife>(life: Life, options: Partial<HoldOptions> = {}): Life {
  const { batch } = earlierLife().engine;
  for (let record = 0; record < batch.count; record++) life.engine.ledger.apply(batch, record);
  life.engine.hold({
    lostFromMs: NOON_MS + 30,
    graceUntilMs: NOON_MS + GRACE_MS,
    watchUntilMs: NOON_MS + WATCH_MS,
    ...options,
  });
  life.engine.resume(NOON_MS + 100);
  return life;
}

export function restored(options: Partial<HoldOptions> = {}): EngineLife {
  return beginRestored(new EngineLife(), options);
}

/** Takes the inquiry about payment n, and puts all others back. */
export function inquiryAbout({ engine }: EngineLife, n: number): Inquiry {
  const held = engine.held!;
  held.beginRound();
  const taken: Inquiry[] = [];
  for (let inquiry = held.take(); inquiry; inquiry = held.take()) taken.push(inquiry);
  for (const inquiry of taken) if (formatUuid(inquiry.id) !== idOf(n)) held.putBack(inquiry);
  return taken.find((inquiry) => formatUuid(inquiry.id) === idOf(n))!;
}
