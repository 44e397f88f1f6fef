import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Action, Envelope } from '#contracts';
import type { Database } from '#database';
import { Ledger, LedgerHistory, newId } from '#ledger';
import type { TicketEntry, TicketQueue } from '#queue';
import { ledgerDatabase } from '#testing';
import { expiredEnding } from '../apply/endings.ts';
import type { PublisherService } from '../apply/publisher.service.ts';
import { ExpiryService } from './expiry.service.ts';

const publish = vi.fn<(envelopes: readonly Envelope[]) => Promise<void>>();
const add = vi.fn<(name: string, entries: readonly TicketEntry[]) => Promise<boolean>>();

let database: Database;
let ledger: Ledger;
let expiry: ExpiryService;

beforeEach(async () => {
  database = await ledgerDatabase(5);
  ledger = new Ledger(database, new LedgerHistory(database));
  const publisher = { publish } as unknown as PublisherService;
  expiry = new ExpiryService(database, ledger, publisher, { add } as unknown as TicketQueue);
  publish.mockReset().mockResolvedValue();
  add.mockReset().mockResolvedValue(true);
});

async function accepted(count: number, ttlSeconds: number): Promise<[string, string][]> {
  const actions = Array.from({ length: count }, () => ({
    id: newId(),
    owner: 'alice',
    type: 'notes.edit',
    resourceId: randomUUID(),
    payload: undefined,
    ttlSeconds,
  }));
  await ledger.accept(actions);
  return actions.map(({ id, resourceId }) => [id, resourceId]);
}

const statusOf = async ([id]: TicketEntry): Promise<string> => (await ledger.find('alice', id))!.status;
const idsOf = (entries: readonly TicketEntry[]): string[] => entries.map(([id]) => id).toSorted();
const published = (): string[] => publish.mock.calls.flatMap(([of]) => of.map(({ data }) => (data as Action).id));
const followed = (): [string, string][] =>
  add.mock.calls.flatMap(([, entries]) => entries.map(([id, resource]): [string, string] => [id, resource]));

describe('actions whose time is over', () => {
  it('end, are told, and have what stands behind them looked at; all of them, and no other', async () => {
    const overdue = await accepted(450, 0);
    const [other] = (await accepted(1, 60)) as [[string, string]];
    // However slow this machine is.
    const clock = vi.spyOn(performance, 'now').mockReturnValue(0);
    await expiry.expire().finally(() => clock.mockRestore());
    expect(new Set(await Promise.all(overdue.map(statusOf)))).toEqual(new Set(['expired']));
    expect(await statusOf(other)).toBe('pending');
    expect(published().toSorted()).toEqual(idsOf(overdue));
    expect(new Map(followed())).toEqual(new Map(overdue));
  });

  it('end in as many calls as it takes, where they are very many', async () => {
    const overdue = await accepted(450, 0);
    // Each look takes a second.
    let now = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += 1_000));
    await expiry.expire();
    expect(published()).toHaveLength(400);
    await expiry.expire().finally(() => clock.mockRestore());
    expect(published().toSorted()).toEqual(idsOf(overdue));
  });

  it('end also while Redis hangs', async () => {
    for (const hang of [publish, add]) hang.mockReturnValue(new Promise<never>(() => undefined));
    const overdue = await accepted(3, 0);
    await expiry.expire();
    expect(new Set(await Promise.all(overdue.map(statusOf)))).toEqual(new Set(['expired']));
  });

  it('end though one of them has its outcome meanwhile, which stays the only one', async () => {
    const overdue = await accepted(3, 0);
    const finish = ledger.finish.bind(ledger);
    vi.spyOn(ledger, 'finish').mockImplementationOnce(async (sql, endings) => {
      const cancelled = { ...expiredEnding(endings[1]!.row as never), status: 'cancelled' as const };
      await database.transaction((other) => finish(other, [cancelled]));
      return finish(sql, endings);
    });
    await expiry.expire();
    expect((await Promise.all(overdue.map(statusOf))).toSorted()).toEqual(['cancelled', 'expired', 'expired']);
    expect(published()).toHaveLength(2);
    expect(followed()).toHaveLength(2);
  });

  it('are looked for again when the ledger is away', async () => {
    const [overdue] = (await accepted(1, 0)) as [[string, string]];
    vi.spyOn(ledger, 'finish').mockRejectedValueOnce(new Error('away'));
    await expect(expiry.expire()).rejects.toThrow('away');
    expect([publish.mock.calls, add.mock.calls]).toEqual([[], []]);
    await expiry.expire();
    expect(await statusOf(overdue)).toBe('expired');
  });
});
