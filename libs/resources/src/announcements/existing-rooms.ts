import type { Sql } from '#database';

/** Those of the ids that are rooms. There is no table of rooms yet, so there are none. */
export function existingRooms(_sql: Sql, _ids: readonly string[]): Promise<Set<string>> {
  return Promise.resolve(new Set());
}
