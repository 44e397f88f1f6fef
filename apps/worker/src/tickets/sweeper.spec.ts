import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WorkerConfig } from '#config';
import type { Database } from '#database';
import { Ledger, LedgerHistory, newId, startPerformingStatement } from '#ledger';
import type { TicketEntry, TicketQueue } from '#queue';
import { eventually, ledgerDatabase } from '#testing';
import type { ExpiryService } from './expiry.service.ts';
import type { RetentionService } from './retention.service.ts';
import { Sweeper } from './sweeper.ts';

Logger.overrideLogger(false);

const addSweep = vi.fn<() => Promise<boolean>>();
const addOrphans = vi.fn<(entries: readonly TicketEntry[], delayMs: number) => Promise<boolean>>();
const expire = vi.fn<() => Promise<void>>();
const retain = vi.fn<() => Promise<void>>();
const running: Sweeper[] = [];

let database: Database;
let ledger: Ledger;

beforeEach(async () => {
  database = await ledgerDatabase(5);
  ledger = new Ledger(database, new LedgerHistory(database));
  for (const add of [addSweep, addOrphans]) add.mockReset().mockResolvedValue(true);
  for (const work of [expire, retain]) work.mockReset().mockResolvedValue();
});

afterEach(() => {
  for (const sweeper of running.splice(0)) sweeper.beforeApplicationShutdown();
});

/** That of a worker, which sweeps by itself once it is started. */
function createSweeper(settings: Partial<WorkerConfig> = {}): Sweeper {
  const sweeper = new Sweeper(
    database,
    { addSweep, addOrphans } as unknown as TicketQueue,
    { expire } as unknown as ExpiryService,
    { run: retain } as unknown as RetentionService,
    Object.assign(new WorkerConfig(), { SWEEP_AFTER_MS: 1_000, SWEEP_INTERVAL_MS: 50 }, settings),
  );
  running.push(sweeper);
  return sweeper;
}

/** Accepts an action, some time ago. */
async function accepted(agoMs: number, resourceId: string = randomUUID(), parentId?: string): Promise<TicketEntry> {
  const id = newId();
  const action = { id, owner: 'alice', type: 'notes.edit', resourceId, payload: undefined, ttlSeconds: 60 };
  await ledger.accept([{ ...action, ...(parentId !== undefined && { parentId }) }]);
  await database.query(`update actions set submitted_at = submitted_at - make_interval(secs => $2) where id = $1`, [
    id,
    agoMs / 1_000,
  ]);
  return parentId === undefined ? [id, resourceId] : [id, resourceId, parentId];
}

/** Has somebody perform an action, whose lease is over since. */
async function performed([id]: TicketEntry, overSinceMs: number): Promise<void> {
  await startPerformingStatement(database, [id], -overSinceMs);
}

describe('a sweep ticket', () => {
  it('stands for the first action of each resource that is unfinished for so long', async () => {
    const [resource, parent] = [randomUUID(), randomUUID()];
    const first = await accepted(5_000, resource);
    await accepted(5_000, resource);
    const child = await accepted(2_000, randomUUID(), parent);
    await accepted(0);
    expect(await createSweeper().oldest()).toEqual([first, child]);
    expect(addOrphans).not.toHaveBeenCalled();
  });

  it('leaves those whose process died while it performed them to tickets of their own, which one worker adds', async () => {
    const [waiting, orphan, child] = [await accepted(5_000), await accepted(5_000), await accepted(5_000)];
    const held = await accepted(5_000);
    await performed(orphan, 2_000);
    await performed(child, 2_000);
    await performed(held, -5_000);
    // Both have found them before the first one takes them.
    const query = database.query.bind(database);
    const [found, both] = [vi.fn<() => void>(), Promise.withResolvers<void>()];
    const claiming = vi.spyOn(database, 'query').mockImplementation(async (text, values) => {
      if (!text.includes('returning id')) return query(text, values);
      found();
      if (found.mock.calls.length === 2) both.resolve();
      await both.promise;
      return query(text, values);
    });
    const swept = await Promise.all([createSweeper().oldest(), createSweeper().oldest()]);
    claiming.mockRestore();
    expect(swept).toEqual([[waiting], [waiting]]);
    const adopted = addOrphans.mock.calls.flatMap(([entries]) => entries);
    expect(adopted).toHaveLength(2);
    expect(adopted).toEqual(expect.arrayContaining([orphan, child]));
    // Until they are due, nobody else sees to them.
    expect(addOrphans.mock.calls.every(([, delayMs]) => delayMs === 1_000)).toBe(true);
    expect(await createSweeper().oldest()).toEqual([waiting]);
    expect(addOrphans.mock.calls.flatMap(([entries]) => entries)).toHaveLength(2);
  });
});

describe('a worker', () => {
  it('asks for a sweep while something is unfinished for so long, and not before', async () => {
    await accepted(0);
    createSweeper({ SWEEP_AFTER_MS: 60_000 }).onApplicationBootstrap();
    await eventually(() => expect(expire.mock.calls.length).toBeGreaterThan(2));
    expect(addSweep).not.toHaveBeenCalled();
    await accepted(61_000);
    await eventually(() => expect(addSweep.mock.calls.length).toBeGreaterThan(2));
  });

  it('does so alone, and others when it is done', async () => {
    const gate = Promise.withResolvers<void>();
    expire.mockReturnValueOnce(gate.promise);
    const [first, second] = [createSweeper(), createSweeper()];
    first.onApplicationBootstrap();
    await eventually(() => expect(expire).toHaveBeenCalledTimes(1));
    second.onApplicationBootstrap();
    // The other one has had its turn: it goes on with the retention.
    await eventually(() => expect(retain).toHaveBeenCalledTimes(1));
    expect(expire).toHaveBeenCalledTimes(1);
    gate.resolve();
    await eventually(() => expect(expire.mock.calls.length).toBeGreaterThan(3));
  });

  it('goes on after a failure', async () => {
    expire.mockRejectedValueOnce(new Error('away'));
    retain.mockRejectedValueOnce(new Error('away'));
    createSweeper().onApplicationBootstrap();
    await eventually(() => expect(expire.mock.calls.length).toBeGreaterThan(3));
    // Its turn to look for that is once a minute.
    expect(retain).toHaveBeenCalledTimes(1);
  });

  it.each([
    [500, true],
    [499, false],
  ])('sweeps again at once after %i actions: %s', async (swept, isAgain) => {
    const timers = vi.spyOn(globalThis, 'setTimeout');
    createSweeper({ SWEEP_INTERVAL_MS: 60_000 }).done(swept);
    expect(timers.mock.calls.map(([, ms]) => ms)).toEqual(isAgain ? [0] : []);
    timers.mockRestore();
  });

  it('sweeps no more when it shuts down, also in the middle of a sweep', async () => {
    const gate = Promise.withResolvers<void>();
    expire.mockReturnValueOnce(gate.promise);
    const sweeper = createSweeper();
    sweeper.onApplicationBootstrap();
    await eventually(() => expect(expire).toHaveBeenCalledTimes(1));
    const retained = new Promise<void>((resolve) => retain.mockImplementationOnce(() => Promise.resolve(resolve())));
    sweeper.beforeApplicationShutdown();
    const timers = vi.spyOn(globalThis, 'setTimeout');
    gate.resolve();
    // That is the last thing it does.
    await retained;
    await turn();
    sweeper.done(500);
    // Postgres has its own.
    expect(timers.mock.calls.filter(([, ms]) => ms === 0 || ms === 50)).toEqual([]);
    timers.mockRestore();
  });
});
