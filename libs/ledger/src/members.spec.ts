import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ChannelEvent } from '#contracts';
import type { Database } from '#database';
import { ledgerDatabase } from '#testing';
import { LedgerHistory } from './ledger-history.ts';
import { Ledger } from './ledger.service.ts';
import { Members } from './members.ts';
import { newId } from './new-id.ts';

let database: Database;
let history: LedgerHistory;
let ledger: Ledger;
let members: Members;

beforeAll(async () => {
  database = await ledgerDatabase(2);
  history = new LedgerHistory(database);
  ledger = new Ledger(database, history);
  members = new Members(database);
});

type Change = Partial<Pick<ChannelEvent, 'channel' | 'admits' | 'evicts'>>;

/** A room, in which an action does all of this in one transaction, and has its end. */
function newRoom() {
  const channel = `room:${randomUUID()}`;
  const change = async (...changes: Change[]): Promise<void> => {
    const action = { id: newId(), owner: 'alice', type: 'rooms.change', resourceId: randomUUID() };
    await ledger.accept([{ ...action, payload: undefined, ttlSeconds: 60 }]);
    const { resourceId: resource_id, ...others } = action;
    const row = { ...others, resource_id, submitted_at: new Date().toISOString(), traceparent: null };
    const events = changes.map((each) => Object.assign({ channel, type: 'x.done', subject: 'x/1', data: {} }, each));
    const ending = { row, status: 'succeeded', attempts: 1, response: null, error: null, events } as const;
    await database.transaction((sql) => ledger.finish(sql, [ending]));
  };
  /** Behind which offset each user hears the room; undefined for who does not. */
  const floorsOf = async (...users: string[]): Promise<(number | undefined)[]> =>
    (await members.read(users.map((userId) => ({ channel, userId })))).map((membership) => membership?.floor.offset);
  return { channel, change, floorsOf };
}

describe('a membership', () => {
  it('is what the last of the changes of one transaction says', async () => {
    const { change, floorsOf } = newRoom();
    await change(
      { admits: 'bob' },
      { evicts: 'all' },
      { admits: 'carol' },
      { admits: 'dave' },
      { evicts: { userId: 'dave' } },
      { evicts: { userId: 'eve' } },
      { admits: 'eve' },
    );
    expect(await floorsOf('bob', 'carol', 'dave', 'eve')).toEqual([undefined, 3, undefined, 7]);
  });

  it('begins with the event that ends all others', async () => {
    const { change, floorsOf } = newRoom();
    await change({ admits: 'bob' }, { admits: 'carol' });
    await change({ admits: 'carol', evicts: 'all' });
    expect(await floorsOf('bob', 'carol')).toEqual([undefined, 3]);
  });

  it('begins anew with the event that says so', async () => {
    const { change, floorsOf } = newRoom();
    await change({ admits: 'bob' }, { admits: 'carol' });
    await change({ admits: 'bob' });
    expect(await floorsOf('bob', 'carol')).toEqual([3, 2]);
  });

  it('ends for one, or for all of its room and of no other', async () => {
    const [one, other] = [newRoom(), newRoom()];
    for (const { change } of [one, other]) await change({ admits: 'bob' }, { admits: 'carol' });
    await one.change({ evicts: { userId: 'bob' } });
    expect(await one.floorsOf('bob', 'carol')).toEqual([undefined, 2]);
    await one.change({ evicts: 'all' });
    expect(await one.floorsOf('bob', 'carol')).toEqual([undefined, undefined]);
    expect(await other.floorsOf('bob', 'carol')).toEqual([1, 2]);
  });

  it('is not ended with those of another room in the same transaction', async () => {
    const [one, other] = [newRoom(), newRoom()];
    await one.change({ admits: 'bob' }, { channel: other.channel, evicts: 'all' });
    expect(await one.floorsOf('bob')).toEqual([1]);
  });

  it.each(['once', 'anew'])(
    'has a floor from which everything after it can be replayed when it began %s',
    async (how) => {
      const { channel, change } = newRoom();
      if (how === 'anew') await change({ admits: 'bob' });
      else await change({});
      await change({ admits: 'bob' }, {});
      const [membership] = await members.read([{ channel, userId: 'bob' }]);
      const { offset: after, check } = membership!.floor;
      const [page] = await history.read([{ channel, after, check, limit: 10 }]);
      expect(page!.events.map(({ offset }) => offset)).toEqual([3]);
      expect(page).not.toHaveProperty('reason');
      expect(membership!.position).toEqual(page!.head);
    },
  );
});
