import { v4 as uuidv4 } from 'uuid';
import { beforeEach, expect, it } from 'vitest';
import type { Database } from '#database';
import { ledgerDatabase } from '#testing';
import { nextPieceStatement } from './backlog-piece.ts';
import { isAnyDueStatement } from './due.ts';
import { overdueStatement } from './overdue.ts';
import { oldestUnfinishedStatement, unfinishedOfResourcesStatement } from './unfinished.ts';

let database: Database;

beforeEach(async () => {
  database = await ledgerDatabase(2);
});

/** Unfinished actions of an hour ago, on one resource. */
async function addActions(count: number, resourceId: string): Promise<void> {
  await database.query(
    `insert into actions (id, seq, owner, type, resource_id, submitted_at, expires_at)
     select uuidv7(), nextval('action_seq'), 'alice', 'messages.edit', $2, now() - interval '1 hour', now() + interval '1 day'
     from generate_series(1, $1)`,
    [count, resourceId],
  );
}

it('what waits behind the first of a resource is not read, however much it is', async () => {
  const [busy, calm] = [uuidv4(), uuidv4()];
  await addActions(5_000, busy);
  await addActions(1, calm);
  await database.query('vacuum analyze actions');
  await database.transaction(async (sql) => {
    const rows = await unfinishedOfResourcesStatement(sql, [busy, calm], 4);
    expect(rows.map(({ resource_id }) => resource_id)).toEqual([busy, busy, busy, busy, calm]);
    const [stats] = await sql.query<{ read: number }>(
      `select sum(pg_stat_get_xact_tuples_returned(oid))::integer as read from pg_class
       where relkind = 'i' and relname like 'actions%'`,
    );
    expect(stats!.read).toBe(rows.length);
  });
});

it('the first of a resource is found among tens of thousands that wait on it, in the time of a transaction', async () => {
  const busy = uuidv4();
  await addActions(40_000, busy);
  await database.query('vacuum analyze actions');
  const piece = await nextPieceStatement(database, 40_000, undefined);
  const found = await oldestUnfinishedStatement(database, 1_000, 500, piece);
  expect(found).toMatchObject([{ resourceId: busy, seq: 1 }]);
  // What stands first is due much later, and so all of it.
  await database.query(`update actions set run_at = now() + interval '1 hour' where seq = 1`);
  expect(await isAnyDueStatement(database, 1_000)).toBe(false);
});

it('a backlog is looked at in pieces, all of it, and again from its beginning', async () => {
  for (let number = 1; number <= 5; number += 1) await addActions(1, uuidv4());
  await database.query(`update actions set expires_at = now()`);
  const seen: number[][] = [];
  let piece = await nextPieceStatement(database, 2, undefined);
  for (let round = 0; round < 4; round += 1) {
    const [found, overdue] = [
      await oldestUnfinishedStatement(database, 1_000, 9, piece),
      await overdueStatement(database, 9, piece),
    ];
    expect(found.map(({ id }) => id)).toEqual(overdue.map(({ id }) => id));
    seen.push(found.map(({ seq }) => seq));
    piece = await nextPieceStatement(database, 2, piece);
  }
  expect(seen).toEqual([[1, 2], [3, 4], [5], [1, 2]]);
});
