/** What the admin calls change while the processor runs. Every request reads them at the moment it needs them. */
export type Settings = {
  delayMs: number;
  failing: boolean;
  token: string;
};

/** The real processor keeps the delay in a 32-bit integer; timers know no longer one either. */
export const DELAY_MS_MAX = 2 ** 31 - 1;
