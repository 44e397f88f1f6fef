import type { Sql } from '#database';

/** A part of what is unfinished, in the order of `seq`: all of it may be more than a statement can look at in its time. */
export interface BacklogPiece {
  /** The `seq` of the last one of the piece before it; 0 when there is none. */
  after: number;
  /** The `seq` of its last one. */
  upTo: number;
}

/** Where the last piece ends. */
const END = Number.MAX_SAFE_INTEGER;

const NEXT = `
select seq from actions where finished_at is null and seq > $1 order by seq offset $2 limit 1`;

/**
 * The piece that follows another one; the first one, when that was the last.
 *
 * @param size how many actions it has, unless it is the last
 */
export async function nextPieceStatement(
  sql: Sql,
  size: number,
  before: BacklogPiece | undefined,
): Promise<BacklogPiece> {
  const after = before === undefined || before.upTo === END ? 0 : before.upTo;
  const [last] = await sql.query<{ seq: number }>(NEXT, [after, size - 1]);
  return { after, upTo: last?.seq ?? END };
}
