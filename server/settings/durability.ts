/**
 * What an accepted payment survives: the end of the process, a loss of power, or nothing; or what the store's database
 * was set up to survive.
 */
export type Durability = "write" | "fsync" | "none" | "store";
