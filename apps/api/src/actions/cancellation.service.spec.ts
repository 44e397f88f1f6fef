import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { Subject, type Observable } from 'rxjs';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { ChannelsClient } from '#channels';
import type { Envelope } from '#contracts';
import type { Database } from '#database';
import { Ledger, LedgerHistory, newId, type NewAction } from '#ledger';
import type { TicketQueue } from '#queue';
import { eventually, ledgerDatabase } from '#testing';
import { CancellationService } from './cancellation.service.ts';

let database: Database;

beforeAll(async () => {
  database = await ledgerDatabase(4);
});

function setUp() {
  const ledger = new Ledger(database, new LedgerHistory(database));
  const published = new Subject<void>();
  const emit = vi.fn<(pattern: string, envelope: Envelope) => Observable<void>>(() => published);
  const add = vi.fn<TicketQueue['add']>(() => Promise.resolve(true));
  const service = new CancellationService(
    database,
    ledger,
    { emit } as unknown as ChannelsClient,
    { add } as unknown as TicketQueue,
  );
  return { service, ledger, finish: vi.spyOn(ledger, 'finish'), emit, add, published };
}

async function accepted(ledger: Ledger): Promise<NewAction> {
  const [id, resourceId] = [newId(), randomUUID()];
  const action = { id, owner: 'alice', type: 'notes.edit', resourceId, payload: undefined, ttlSeconds: 60 };
  await ledger.accept([action]);
  return action;
}

describe('a cancellation', () => {
  it('is told to the owner, and lets those go on that waited behind it; neither is waited for', async () => {
    const { service, ledger, emit, add } = setUp();
    add.mockReturnValue(new Promise(() => undefined));
    const { id, resourceId } = await accepted(ledger);
    const { action, cancelled } = await service.cancel('alice', id);
    expect(cancelled).toBe(true);
    expect(action).toMatchObject({ id, status: 'cancelled', error: { code: 'CANCELLED' } });
    expect(emit.mock.calls).toMatchObject([['outcome', { channel: 'user:alice', data: action }]]);
    expect(add.mock.calls).toEqual([['follow-up', [[id, resourceId]]]]);
  });

  it('is told once by one of those who cancel at the same moment', async () => {
    const { service, ledger, emit } = setUp();
    const { id } = await accepted(ledger);
    const answers = await Promise.all([1, 2, 3].map(() => service.cancel('alice', id)));
    expect(answers.filter(({ cancelled }) => cancelled)).toHaveLength(1);
    expect(new Set(answers.map(({ action }) => action.status))).toEqual(new Set(['cancelled']));
    expect(emit).toHaveBeenCalledOnce();
  });

  it('that comes too late changes nothing, and tells nobody', async () => {
    const { service, ledger, emit, add, finish } = setUp();
    const { id, owner, type, resourceId: resource_id } = await accepted(ledger);
    const row = { id, owner, type, resource_id, submitted_at: new Date().toISOString(), traceparent: null };
    const ending = { row, status: 'succeeded', attempts: 1, response: null, error: null } as const;
    const end = Ledger.prototype.finish.bind(ledger);
    finish.mockImplementationOnce(async (sql, endings) => {
      await database.transaction((other) => end(other, [ending]));
      return end(sql, endings);
    });
    expect(await service.cancel('alice', id)).toMatchObject({ cancelled: false, action: { status: 'succeeded' } });
    expect(await service.cancel('alice', id)).toMatchObject({ cancelled: false, action: { status: 'succeeded' } });
    expect(emit).not.toHaveBeenCalled();
    expect(add).not.toHaveBeenCalled();
  });

  it('that loses against another transaction is tried again, so often', async () => {
    const { service, ledger, finish, emit } = setUp();
    const { id } = await accepted(ledger);
    const conflict = Object.assign(new Error('deadlock detected'), { code: '40P01' });
    finish.mockRejectedValueOnce(conflict);
    expect(await service.cancel('alice', id)).toMatchObject({ cancelled: true });
    expect(emit).toHaveBeenCalledOnce();
    const other = await accepted(ledger);
    finish.mockClear().mockRejectedValue(conflict);
    await expect(service.cancel('alice', other.id)).rejects.toBe(conflict);
    expect(finish).toHaveBeenCalledTimes(5);
  });

  it('of a foreign action is one of a missing one', async () => {
    const { service, ledger, finish } = setUp();
    const { id } = await accepted(ledger);
    for (const missing of [id, randomUUID()]) {
      await expect(service.cancel('bob', missing)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
    expect(finish).not.toHaveBeenCalled();
  });

  it.each(['published', 'given up'])('is settled once it is %s', async (how) => {
    const warned = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const { service, ledger, published } = setUp();
    await service.cancel('alice', (await accepted(ledger)).id);
    let isSettled = false;
    const settled = service.settled().then(() => (isSettled = true));
    // What is there already is settled sooner.
    await setUp().service.settled();
    expect(isSettled).toBe(false);
    if (how === 'published') {
      published.next();
      published.complete();
    } else published.error(new Error('away'));
    await settled;
    await eventually(() => expect(warned).toHaveBeenCalledTimes(how === 'published' ? 0 : 1));
    warned.mockRestore();
  });
});
