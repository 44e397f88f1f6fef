import { beforeAll, expect, it } from 'vitest';
import type { Database } from '#database';
import { ledgerDatabase } from '#testing';
import { Deliveries } from './deliveries.ts';
import { LedgerHistory } from './ledger-history.ts';
import { Ledger } from './ledger.service.ts';

let database: Database;
let deliveries: Deliveries;
let ledger: Ledger;

beforeAll(async () => {
  database = await ledgerDatabase(2);
  deliveries = new Deliveries(database);
  ledger = new Ledger(database, new LedgerHistory(database));
});

const tell = (channel: string, count: number): Promise<unknown> =>
  ledger.append(Array.from({ length: count }, () => ({ channel, type: 'x.done', subject: 'x/1', data: {} })));

const note = (userId: string, offset: number, channel = `user:${userId}`): Promise<void> =>
  deliveries.note(userId, { channel, offset, check: '' });

it('what a user has not handled is counted, of that user alone, and nothing where there is nothing', async () => {
  expect(await deliveries.unread('alice')).toBe(0);
  await tell('user:alice', 3);
  await tell('user:bob', 2);
  await note('alice', 1);
  expect([await deliveries.unread('alice'), await deliveries.unread('bob')]).toEqual([2, 2]);
});

it('a position goes forward only, and not beyond what there is', async () => {
  await tell('user:carol', 4);
  const seen: number[] = [];
  for (const offset of [3, 1, 9]) {
    await note('carol', offset);
    seen.push(await deliveries.unread('carol'));
  }
  expect(seen).toEqual([1, 1, 0]);
  await tell('user:carol', 1);
  expect(await deliveries.unread('carol')).toBe(1);
});

it('a position in a channel that does not exist is none', async () => {
  await note('dave', 5);
  await tell('user:dave', 1);
  expect(await deliveries.unread('dave')).toBe(1);
});

it('positions in other channels are kept beside that of the own one', async () => {
  await tell('user:eve', 2);
  await tell('everyone', 5);
  await note('eve', 1);
  await note('eve', 5, 'everyone');
  expect(await deliveries.unread('eve')).toBe(1);
});
