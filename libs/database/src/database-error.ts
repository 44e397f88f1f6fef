import pg from 'pg';

/**
 * SQLSTATE classes and codes that say: the server is away, going away, full, or a standby that takes no writes.
 * Not those of one statement that asks for more than it may have: out_of_memory, configuration_limit_exceeded.
 */
const UNAVAILABLE = /^(08|57P0|53(?!200|400)|25006)/;

/**
 * serialization_failure, deadlock_detected, lock_not_available; and the limits of time of a
 * transaction, idle_in_transaction_session_timeout and transaction_timeout: it has waited for others too long.
 */
const CONFLICTS = new Set(['40001', '40P01', '55P03', '25P03', '25P04']);

const SOCKET_ERRORS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
]);

/** What pg says without a code when a connection is lost or none comes. */
const LOST =
  /Connection terminated|timeout exceeded when trying to connect|not queryable|Connection ended|Client was closed|Cannot use a pool after/i;

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Whether Postgres could not be reached, so that nothing is known of the statement's fate. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof AggregateError && error.errors.some(isUnavailable)) return true;
  const code = codeOf(error);
  if (UNAVAILABLE.test(code) || SOCKET_ERRORS.has(code)) return true;
  return error instanceof Error && LOST.test(error.message);
}

/** cannot_connect_now, too_many_connections, read_only_sql_transaction. */
const REFUSED = new Set([
  '57P03',
  '53300',
  '25006',
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** Whether there was no connection at all, so that the statement has certainly not run. */
export function isRefused(error: unknown): boolean {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every(isRefused);
  if (REFUSED.has(codeOf(error))) return true;
  return error instanceof Error && error.message.includes('timeout exceeded when trying to connect');
}

/** Whether the transaction lost against another one and may simply be run again. */
export function isConflict(error: unknown): boolean {
  return CONFLICTS.has(codeOf(error)) || isOutOfLocks(error);
}

/** The locks of all transactions share one table (`max_locks_per_transaction`); its code is that of any want of memory. */
function isOutOfLocks(error: unknown): boolean {
  return (
    codeOf(error) === '53200' && error instanceof pg.DatabaseError && error.routine?.startsWith('LockAcquire') === true
  );
}

/**
 * query_canceled, by an operator or a `statement_timeout`: no conflict, since of its own it would take as long again.
 * So would what asked for too much: out_of_memory, configuration_limit_exceeded.
 */
const COSTLY = new Set(['57014', '53200', '53400']);

/** Whether the time of a statement or a transaction was over: one of its parts may take as long, when it waits for others. */
export function isTimedOut(error: unknown): boolean {
  return ['25P03', '25P04', '57014'].includes(codeOf(error));
}

/** Whether a client may ask the same again later: nothing was wrong with what it asked. */
export function isTransient(error: unknown): boolean {
  return isUnavailable(error) || isConflict(error) || COSTLY.has(codeOf(error));
}
