/** Something the world sees, which has to wait until the records it rests on are in the log. */
export interface Effect {
  /** The records are safe. */
  commit(): void;
  /**
   * They could not be written, and what they said has been taken back. `isUnsure`: nobody knows, and another may go on
   * with them.
   */
  abort(isUnsure?: boolean): void;
  /** Nobody can say for long what will become of it; one of the two may still follow. Called once at most. */
  late?(): void;
}
