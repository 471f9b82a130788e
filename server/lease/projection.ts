/** A partition's log that this instance writes. */
export interface ProjectedLog {
  readonly partition: number;
  readonly epoch: number;
  /** Number of the first record that the database has not acknowledged. */
  readonly writtenLsn: number;
}

/** What is made of the logs of the partitions that are carried here, a little behind them. */
export interface Projection {
  begin(log: ProjectedLog): void;
  /** Nothing more is done about the partition; the next carrier goes on. */
  end(partition: number): Promise<void>;
  close(): Promise<void>;
}
