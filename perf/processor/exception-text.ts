/** How the real processor's exceptions read: it puts the whole text of one, trace included, into `message`. */

const REDACTED =
  "Detail redacted as it may contain sensitive data. " +
  "Specify 'Include Error Detail' in the connection string to include this information.";

const INSERT_TRACE = `
   at Npgsql.NpgsqlCommand.ExecuteNonQuery(Boolean async, CancellationToken cancellationToken)
   at Program.<>c.<<<Main>$>b__0_5>d.MoveNext()`;

export function duplicateText(correlationId: string): string {
  const text = 'duplicate key value violates unique constraint "payments_pkey"';
  return `Payment could not be processed. CorrelationId already exists: ${correlationId}. \
Error details: Npgsql.PostgresException (0x80004005): 23505: ${text}

DETAIL: ${REDACTED}
   at Npgsql.Internal.NpgsqlConnector.ReadMessageLong(Boolean async, DataRowLoadingMode dataRowLoadingMode, \
Boolean readingNotifications, Boolean isReadingPrependedMessage)
   at Npgsql.NpgsqlDataReader.NextResult(Boolean async, Boolean isConsuming, CancellationToken cancellationToken)\
${INSERT_TRACE}
  Exception data:
    Severity: ERROR
    SqlState: 23505
    MessageText: ${text}
    Detail: ${REDACTED}
    SchemaName: public
    TableName: payments
    ConstraintName: payments_pkey
    File: nbtinsert.c
    Line: 666
    Routine: _bt_check_unique`;
}

export function poolExhaustedText(connectionCountMax: number, waitMsMax: number): string {
  return `Npgsql.NpgsqlException (0x80004005): The connection pool has been exhausted, either raise 'Max Pool Size' \
(currently ${connectionCountMax}) or 'Timeout' (currently ${Math.ceil(waitMsMax / 1000)} seconds) in your \
connection string.
   at Npgsql.PoolingDataSource.<Get>g__RentAsync|34_0(NpgsqlConnection conn, NpgsqlTimeout timeout, Boolean async, \
CancellationToken cancellationToken)${INSERT_TRACE}`;
}
