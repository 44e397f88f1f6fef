import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Cursor, Envelope } from '#contracts';
import type { Database } from '#database';
import { ledgerDatabase } from '#testing';
import { LedgerHistory, type HistoryPage } from './ledger-history.ts';
import { Ledger } from './ledger.service.ts';

let database: Database;
let history: LedgerHistory;
let ledger: Ledger;
let epoch: string;

beforeAll(async () => {
  database = await ledgerDatabase(4);
  history = new LedgerHistory(database);
  ledger = new Ledger(database, history);
  epoch = (await database.query<{ epoch: string }>('select epoch from ledger'))[0]!.epoch;
});

interface Channel {
  name: string;
  events: Envelope[];
  /** The position at an offset, 0 to the last. */
  at: (offset: number) => Cursor;
  read: (position: { offset: number; check?: string }, limit?: number) => Promise<HistoryPage>;
  /** Forgets the oldest events, as retention does. */
  prune: (upTo: number) => Promise<unknown>;
}

/** A channel of a new user, with events. */
async function channelWith(count: number): Promise<Channel> {
  const owner = randomUUID();
  const name = `user:${owner}`;
  const events: Envelope[] = [];
  for (let index = 0; index < count; index += 1) {
    const id = uuidv7();
    const resourceId = randomUUID();
    const row = {
      id,
      owner,
      type: 'messages.delete',
      resource_id: resourceId,
      submitted_at: new Date().toISOString(),
      traceparent: null,
    };
    await ledger.accept([{ id, owner, type: row.type, resourceId, payload: undefined, ttlSeconds: 60 }]);
    const ending = { row, status: 'succeeded', attempts: 1, response: null, error: null } as const;
    events.push(...(await database.transaction((sql) => ledger.finish(sql, [ending]))));
  }
  const at = (offset: number): Cursor => ({
    channel: name,
    offset,
    check: offset === 0 ? epoch : events[offset - 1]!.id.slice(-12),
  });
  const read = async (position: { offset: number; check?: string }, limit = 100): Promise<HistoryPage> => {
    const { offset: after, check } = position;
    return (await history.read([{ channel: name, after, limit, ...(check !== undefined && { check }) }]))[0]!;
  };
  const prune = (upTo: number): Promise<unknown> =>
    database.query('delete from events where channel = $1 and "offset" <= $2', [name, upTo]);
  return { name, events, at, read, prune };
}

const offsetsOf = ({ events }: HistoryPage): number[] => events.map(({ offset }) => offset);
const WRONG = 'ffffffffffff';

describe('LedgerHistory', () => {
  it('reads no events behind the newest position, and those of others all the same', async () => {
    const [up, behind] = [await channelWith(2), await channelWith(3)];
    const requests = [up, behind, up].map(({ name, at }) => ({
      channel: name,
      after: 2,
      check: at(2).check,
      limit: 10,
    }));
    const pages = await history.read(requests);
    expect(pages.map(offsetsOf)).toEqual([[], [3], []]);
    expect(pages.map(({ head, reason }) => [head, reason])).toEqual(
      [up, behind, up].map(({ at, events }) => [at(events.length), undefined]),
    );
  });

  it('gives what follows a position, in order, with the head', async () => {
    const { read, at } = await channelWith(4);
    const page = await read(at(1));
    expect(offsetsOf(page)).toEqual([2, 3, 4]);
    expect(page).toMatchObject({ head: at(4), epoch });
    expect(page).not.toHaveProperty('reason');
  });

  it('gives no more than asked for', async () => {
    const { read, at } = await channelWith(4);
    expect(offsetsOf(await read(at(1), 2))).toEqual([2, 3]);
    expect(offsetsOf(await read(at(0), 2))).toEqual([1, 2]);
  });

  it('has nothing after the newest position, and no complaint', async () => {
    const { read, at } = await channelWith(2);
    const page = await read(at(2));
    expect(page).toEqual({ events: [], head: at(2), epoch });
  });

  it('takes a position without a check at its word', async () => {
    const { read } = await channelWith(2);
    const page = await read({ offset: 1 });
    expect(offsetsOf(page)).toEqual([2]);
    expect(page).not.toHaveProperty('reason');
  });

  it.each([0, 1, 2])('notices that the event at offset %i is another one', async (offset) => {
    const { read, at } = await channelWith(2);
    expect(await read({ offset, check: WRONG })).toEqual({ events: [], reason: 'CURSOR_EPOCH', head: at(2), epoch });
  });

  it('notices a position that does not exist yet', async () => {
    const { read, at } = await channelWith(2);
    expect(await read({ offset: 3, check: WRONG })).toEqual({
      events: [],
      reason: 'CURSOR_FUTURE',
      head: at(2),
      epoch,
    });
    expect(await read({ offset: 3 })).toMatchObject({ reason: 'CURSOR_FUTURE' });
  });

  it('honours the beginning of a channel that has no events, in this epoch only', async () => {
    const { read, at } = await channelWith(0);
    expect(await read(at(0))).toEqual({ events: [], head: at(0), epoch });
    expect(await read({ offset: 0, check: WRONG })).toMatchObject({ reason: 'CURSOR_EPOCH' });
  });

  it.each([0, 1])(
    'honours a position of which the event is pruned, though a further one comes before query %i',
    async (number) => {
      const { name, at, prune } = await channelWith(2);
      await prune(1);
      let queries = 0;
      const query = async (text: string, values?: readonly unknown[]): Promise<unknown[]> => {
        if (queries === number) await ledger.append([{ channel: name, type: 'x.done', subject: 'x/1', data: {} }]);
        queries += 1;
        return database.query(text, values);
      };
      const read = new LedgerHistory({ query } as unknown as Database);
      const { offset: after, check } = at(1);
      const [page] = await read.read([{ channel: name, after, check, limit: 10 }]);
      expect(page).not.toHaveProperty('reason');
      expect(offsetsOf(page!)).toEqual([2, 3]);
    },
  );

  it('knows a position that is newer than the head was when it began to read', async () => {
    const { name } = await channelWith(1);
    const texts: string[] = [];
    const query = async (text: string, values?: readonly unknown[]): Promise<unknown[]> => {
      if (texts.push(text) === 2) await ledger.append([{ channel: name, type: 'x.done', subject: 'x/1', data: {} }]);
      return database.query(text, values);
    };
    const [page] = await new LedgerHistory({ query } as unknown as Database).read([
      { channel: name, after: 2, limit: 10 },
    ]);
    expect(page).not.toHaveProperty('reason');
    expect(page!.events).toEqual([]);
  });

  it('says so when events are gone in between, and gives what is left', async () => {
    const { read, at, prune } = await channelWith(4);
    await prune(2);
    const page = await read(at(1));
    expect(page.reason).toBe('CURSOR_TOO_OLD');
    expect(offsetsOf(page)).toEqual([3, 4]);
    expect(await read({ offset: 0 })).toMatchObject({ reason: 'CURSOR_TOO_OLD' });
  });

  it('says so when what follows was made on an earlier day, by a clock that was behind, and is gone with it', async () => {
    const { read, at, name } = await channelWith(2);
    await database.query('delete from events where channel = $1 and "offset" = 2', [name]);
    expect(await read(at(1))).toMatchObject({ events: [], reason: 'CURSOR_TOO_OLD' });
  });

  it('gives events in order, also when a clock was behind as the day changed', async () => {
    const { read, at, name } = await channelWith(3);
    await database.query(
      `update events set id = (left(uuidv7_at(now() - interval '1 day')::text, 24) || right(id::text, 12))::uuid
       where channel = $1 and "offset" = 3`,
      [name],
    );
    expect(offsetsOf(await read(at(0)))).toEqual([1, 2, 3]);
    expect(offsetsOf(await read(at(1), 1))).toEqual([2]);
  });

  it('honours a position whose own event is gone when all that followed is there', async () => {
    const { read, at, prune } = await channelWith(4);
    await prune(2);
    const page = await read(at(2));
    expect(offsetsOf(page)).toEqual([3, 4]);
    expect(page).not.toHaveProperty('reason');
  });

  it('knows the newest position when no event is left', async () => {
    const { read, at, prune } = await channelWith(3);
    await prune(3);
    expect(await read(at(3))).toEqual({ events: [], head: at(3), epoch });
    expect(await read({ offset: 3, check: WRONG })).toMatchObject({ reason: 'CURSOR_EPOCH' });
    expect(await read(at(2))).toMatchObject({ events: [], reason: 'CURSOR_TOO_OLD' });
  });

  it('answers many requests in their order, also several for one channel', async () => {
    const [first, second] = await Promise.all([channelWith(2), channelWith(3)]);
    const pages = await history.read([
      { channel: second.name, after: 1, limit: 10 },
      { channel: 'room:of nobody', after: 0, limit: 10 },
      { channel: first.name, after: 0, limit: 10 },
      { channel: second.name, after: 2, limit: 10 },
    ]);
    expect(pages.map(offsetsOf)).toEqual([[2, 3], [], [1, 2], [3]]);
    expect(await history.heads([second.name, 'room:of nobody', first.name])).toEqual([
      second.at(3),
      { channel: 'room:of nobody', offset: 0, check: epoch },
      first.at(2),
    ]);
  });
});
