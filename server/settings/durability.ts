/** What an accepted payment survives: the end of the process, a loss of power, or nothing. */
export type Durability = "write" | "fsync" | "none";
