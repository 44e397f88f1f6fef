import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ActionError } from '#contracts';
import type { Database } from '#database';
import { ledgerDatabase } from '#testing';
import { LedgerHistory } from '../ledger-history.ts';
import { Ledger, type NewAction } from '../ledger.service.ts';
import { newId } from '../new-id.ts';
import {
  eraseActionsStatements,
  eraseEventsStatement,
  eventRangesStatement,
  unfinishedOfOwnerStatement,
} from './erase.ts';

let database: Database;
let ledger: Ledger;

beforeAll(async () => {
  database = await ledgerDatabase(2);
  ledger = new Ledger(database, new LedgerHistory(database));
});

const TABLES = ['actions', 'events', 'channels', 'idempotency_keys', 'deliveries', 'channel_members'];

beforeEach(async () => {
  for (const table of TABLES) await database.query(`delete from ${table}`);
});

async function accepted(owner: string, given: Partial<NewAction> = {}): Promise<NewAction> {
  const action = {
    id: newId(),
    owner,
    type: 'messages.edit',
    resourceId: randomUUID(),
    payload: { text: 'secret' },
    traceparent: 'secret',
    ttlSeconds: 60,
    ...given,
  };
  await ledger.accept([action]);
  return action;
}

/** Ends an action, and tells these channels. */
async function end({ id, owner, type, resourceId }: NewAction, channels: string[], error?: ActionError): Promise<void> {
  const row = { id, owner, type, resource_id: resourceId, submitted_at: new Date().toISOString(), traceparent: null };
  const events = channels.map((channel) => ({ channel, type: 'x.done', subject: 'x/1', data: { text: 'secret' } }));
  const how = error
    ? ({ status: 'failed', response: null, error } as const)
    : ({ status: 'succeeded', response: '{"text":"secret"}', error: null } as const);
  await database.transaction((sql) => ledger.finish(sql, [{ row, attempts: 1, events, ...how }]));
}

async function eraseEvents(user: string): Promise<number> {
  let count = 0;
  for (const range of await eventRangesStatement(database)) count += await eraseEventsStatement(database, user, range);
  return count;
}

const ERASED = { erased: true };
const SECRET = { text: 'secret' };

describe('what a user has caused, or was told alone', () => {
  it('is blank, and what others have told others is as it was', async () => {
    await end(await accepted('alice'), ['room:1']);
    await end(await accepted('bob'), ['room:1', 'user:alice']);
    expect(await eraseEvents('alice')).toBe(2);
    const rows = await database.query('select channel, "offset", data from events order by channel, "offset"');
    expect(rows).toEqual([
      { channel: 'room:1', offset: 1, data: ERASED },
      { channel: 'room:1', offset: 2, data: SECRET },
      // Outcomes show their actions.
      { channel: 'user:alice', offset: 1, data: null },
      { channel: 'user:alice', offset: 2, data: ERASED },
      { channel: 'user:bob', offset: 1, data: null },
    ]);
  });

  it('is blank whenever that was, by whatever clock', async () => {
    const at = [`now() - interval '1 year'`, `now() - interval '1 day'`, `now()`, `now() + interval '1 year'`];
    for (const when of at) {
      await database.query(
        `insert into events (id, channel, "offset", type, subject, data, created_at)
         values ((left(uuidv7_at(${when})::text, 24) || right(gen_random_uuid()::text, 12))::uuid,
           'user:alice', 1, 'x', 'x', '{"text":"secret"}', now())`,
      );
    }
    expect(await eraseEvents('alice')).toBe(at.length);
    expect(await database.query('select data from events')).toEqual(at.map(() => ({ data: ERASED })));
  });
});

describe('the actions of a user', () => {
  it('say nothing any more when they have ended, but what became of them', async () => {
    const [succeeded, failed, pending, other] = [
      await accepted('alice'),
      await accepted('alice'),
      await accepted('alice'),
      await accepted('bob'),
    ];
    await end(succeeded, []);
    const errors = [{ pointer: '/text', code: 'IS_TEXT', detail: 'secret' }];
    const error = { code: 'PRECONDITION_FAILED', title: 'Another version', detail: 'secret', errors } as const;
    await end(failed, [], { ...error, current: SECRET });
    await end(other, []);
    expect(await eraseActionsStatements(database, 'alice')).toBe(2);
    const rows = await database.query<{ id: string }>(
      'select id, status, payload, traceparent, response, error from actions order by id',
    );
    const blank = { payload: null, traceparent: null, response: null, error: null };
    const told = { payload: SECRET, traceparent: 'secret', response: null, error: null };
    const { code, title } = error;
    expect(rows).toEqual([
      { ...blank, id: succeeded.id, status: 'succeeded' },
      { ...blank, id: failed.id, status: 'failed', error: { code, title, detail: title } },
      { ...told, id: pending.id, status: 'pending' },
      { ...told, id: other.id, status: 'succeeded', response: SECRET },
    ]);
  });

  it('are cancelled first, the oldest first, so many at once', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 3; count += 1) ids.push((await accepted('alice')).id);
    await end(await accepted('alice'), []);
    await accepted('bob');
    await database.query(`update actions set status = 'running' where id = $1`, [ids[1]]);
    // By a clock that was behind as the day changed.
    const [last] = await database.query<{ id: string }>(
      `update actions set id = (left(uuidv7_at(now() - interval '1 day')::text, 24) || right(id::text, 12))::uuid
       where id = $1 returning id`,
      [ids.pop()],
    );
    ids.push(last!.id);
    const read = async (limit: number) =>
      (await unfinishedOfOwnerStatement(database, 'alice', limit)).map(({ id }) => id);
    expect([await read(9), await read(2)]).toEqual([ids, ids.slice(0, 2)]);
  });
});

it('keys, positions and memberships are forgotten, of this user and nobody else', async () => {
  for (const user of ['alice', 'bob']) {
    await accepted(user, { idempotency: { key: 'key-0001', fingerprint: 'print' } });
    await database.query(`insert into deliveries values ($1, 'user:' || $1, 1)`, [user]);
    await database.query(`insert into channel_members values ('room:1', $1, 1, '')`, [user]);
  }
  await eraseActionsStatements(database, 'alice');
  const left = await database.query(
    `select owner as "user" from idempotency_keys union all select user_id from deliveries
     union all select user_id from channel_members`,
  );
  expect(left).toEqual([{ user: 'bob' }, { user: 'bob' }, { user: 'bob' }]);
});
