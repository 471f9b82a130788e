import type { FloorName } from "../contenders/contender.ts";
import type { ContestRound } from "./round.ts";

/** In the order they were run; of each floor as many, or none. */
export type ContestRounds = Readonly<Record<"ours" | FloorName, readonly ContestRound[]>>;
