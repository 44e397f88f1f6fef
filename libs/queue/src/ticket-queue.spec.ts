import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { Queue, Worker, type Job } from 'bullmq';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectRedis, type RedisConnection } from '#redis';
import { eventually, privateRedis, testRedis } from '#testing';
import { TicketQueue } from './ticket-queue.ts';
import { TICKET_SIZE, TICKETS, type Ticket, type TicketEntry } from './ticket.ts';

Logger.overrideLogger(false);

const { url, prefix } = testRedis();

let connection: RedisConnection;
let queue: Queue<Ticket>;
let tickets: TicketQueue;

beforeAll(async () => {
  connection = connectRedis(url, { name: 'tickets' });
  queue = new Queue<Ticket>(TICKETS, { connection, prefix: `{${prefix}}` });
  tickets = new TicketQueue(queue, connection);
  await isReady(tickets);
});

beforeEach(() => queue.obliterate({ force: true }));

afterAll(() => tickets.onApplicationShutdown());

const isReady = (of: TicketQueue): Promise<void> => eventually(() => expect(of.isReady).toBe(true));

const entries = (count: number, resource?: string): TicketEntry[] =>
  Array.from({ length: count }, () => [randomUUID(), resource ?? randomUUID()]);

async function jobs(): Promise<Job<Ticket>[]> {
  return queue.getJobs(['waiting', 'prioritized', 'delayed', 'active', 'completed', 'failed']);
}

describe('tickets', () => {
  it('name some actions each, those of one resource together', async () => {
    const [one, other] = [randomUUID(), randomUUID()].toSorted() as [string, string];
    const mixed = Array.from({ length: TICKET_SIZE }, () => [...entries(1, one), ...entries(1, other)]).flat();
    expect(await tickets.add('notes.edit', mixed)).toBe(true);
    const named = (await jobs()).map(({ data }) => data.actions.map(([, resource]) => resource));
    expect(named.map(({ length }) => length)).toEqual([TICKET_SIZE, TICKET_SIZE]);
    expect(named.map((resources) => new Set(resources))).toEqual(
      expect.arrayContaining([new Set([one]), new Set([other])]),
    );
    // Those of one resource stand in the order in which they were accepted.
    const order = (await jobs()).flatMap(({ data }) => data.actions).filter(([, resource]) => resource === one);
    expect(order).toEqual(mixed.filter(([, resource]) => resource === one));
  });

  it('say how often they were started before, and come when they are due', async () => {
    await tickets.add('leased', entries(1), { delayMs: 5_000, starts: 2 });
    await tickets.add('notes.edit', entries(1));
    await tickets.addOrphans(entries(1), 1_000);
    await tickets.addSuspects(entries(1), { delayMs: 200, starts: 1 });
    await tickets.addSuspects(entries(1));
    const told = (await jobs()).map(
      ({ name, opts: { delay = 0 }, data: { starts = 0, suspect = false } }) =>
        `${name} in ${delay}, started ${starts}${suspect ? ', suspect' : ''}`,
    );
    expect(new Set(told)).toEqual(
      new Set([
        'leased in 5000, started 2',
        'notes.edit in 0, started 0',
        'orphan in 1000, started 1',
        'suspect in 200, started 1, suspect',
        'suspect in 0, started 0, suspect',
      ]),
    );
  });

  it('of actions that may not share one are as many as these', async () => {
    await tickets.addOrphans(entries(3), 0);
    await tickets.addSuspects(entries(2));
    expect((await jobs()).map(({ data }) => data.actions.length)).toEqual([1, 1, 1, 1, 1]);
  });

  it('are none for no actions', async () => {
    expect(await tickets.add('notes.edit', [])).toBe(true);
    expect(await jobs()).toEqual([]);
  });

  it('leave nothing behind when they are done, nor when they failed: another one would be swallowed', async () => {
    const work = vi.fn<(job: Job<Ticket>) => Promise<void>>(() => Promise.resolve());
    const settings = { connection: connectRedis(url, { name: 'worker' }), prefix: `{${prefix}}` };
    const worker = new Worker<Ticket>(TICKETS, work, settings);
    try {
      for (const end of [() => Promise.resolve(), () => Promise.reject(new Error('not today'))]) {
        work.mockClear().mockImplementation(end);
        await tickets.addSweep();
        await tickets.add('notes.edit', entries(1));
        await eventually(() => expect(work).toHaveBeenCalledTimes(2));
        await eventually(async () => expect(await jobs()).toEqual([]));
      }
    } finally {
      await worker.close();
      settings.connection.disconnect();
    }
  });
});

describe('a ticket that asks for a sweep', () => {
  it('is there once', async () => {
    expect([await tickets.addSweep(), await tickets.addSweep()]).toEqual([true, true]);
    expect(await tickets.counts()).toEqual({ waiting: 1, active: 0, delayed: 0 });
  });
});

describe('a ticket of a blocked action', () => {
  it('is one, however often it is asked for at a time, and comes back between half a second and two later', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const [first, second] = entries(2) as [TicketEntry, TicketEntry];
      for (const ms of [0, 400, 999, 1_000, 1_001, 1_499]) {
        await queue.obliterate({ force: true });
        vi.setSystemTime(3_000_000 + ms);
        for (const entry of [first, first, second]) expect(await tickets.addBlocked(entry, 1)).toBe(true);
        const added = await jobs();
        expect(added).toHaveLength(2);
        for (const { opts, data } of added) {
          expect(data.starts).toBe(1);
          expect(opts.delay).toBeGreaterThanOrEqual(500);
          expect(opts.delay).toBeLessThan(2_000);
          expect((Date.now() + opts.delay!) % 1_500).toBe(0);
        }
      }
    } finally {
      vi.useRealTimers();
    }
  });

  it("is another one where it is asked for later: the first may be in somebody's hands", async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const [entry] = entries(1) as [TicketEntry];
      for (const ms of [0, 1_500]) {
        vi.setSystemTime(3_000_000 + ms);
        expect(await tickets.addBlocked(entry, 1)).toBe(true);
      }
      expect(await jobs()).toHaveLength(2);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is not taken for added where one of that moment is in hand: it would end with that', async () => {
    const [entry] = entries(1) as [TicketEntry];
    vi.useFakeTimers({ toFake: ['Date'] });
    vi.setSystemTime(3_000_000);
    try {
      expect(await tickets.addBlocked(entry, 1)).toBe(true);
      const [early] = await queue.getDelayed();
      await early!.promote();
      const worker = new Worker<Ticket>(TICKETS, null, { connection, prefix: `{${prefix}}` });
      expect(await worker.getNextJob('token')).toMatchObject({ id: early!.id });
      // The clock of who has it is behind that of who has woken it.
      expect(await tickets.addBlocked(entry, 1)).toBe(false);
      vi.setSystemTime(3_000_000 + 1_500);
      expect(await tickets.addBlocked(entry, 1)).toBe(true);
      await worker.close();
    } finally {
      vi.useRealTimers();
    }
  });

  it('comes after those which have not waited yet', async () => {
    await tickets.addBlocked(entries(1)[0]!, 0);
    const [blocked] = await queue.getDelayed();
    await blocked!.promote();
    await tickets.add('notes.edit', entries(1));
    expect(await tickets.counts()).toEqual({ waiting: 2, active: 0, delayed: 0 });
    const worker = new Worker<Ticket>(TICKETS, null, { connection, prefix: `{${prefix}}` });
    const taken = [await worker.getNextJob('token'), await worker.getNextJob('token')];
    expect(taken.map((job) => job?.name)).toEqual(['notes.edit', 'blocked']);
    expect(await tickets.counts()).toEqual({ waiting: 0, active: 2, delayed: 0 });
    await worker.close();
  });
});

describe('while Redis', () => {
  let redis: Awaited<ReturnType<typeof privateRedis>>;
  let ownConnection: RedisConnection;
  let own: TicketQueue;
  let ownQueue: Queue<Ticket>;

  beforeAll(async () => {
    redis = await privateRedis();
    ownConnection = connectRedis(redis.url, { name: 'tickets' });
    ownQueue = new Queue<Ticket>(TICKETS, { connection: ownConnection, prefix: '{own}' });
    own = new TicketQueue(ownQueue, ownConnection);
    await isReady(own);
  });

  beforeEach(() => ownQueue.obliterate({ force: true }));

  afterAll(() => own.onApplicationShutdown());

  it('hangs, nobody waits for long, nor do more and more; what it takes late is there all the same', async () => {
    expect(await own.answers()).toBe(true);
    await redis.kill('SIGSTOP');
    let hasAnswered = false;
    const answer = own.answers().finally(() => (hasAnswered = true));
    const adding = Array.from({ length: 200 }, () => own.add('notes.edit', entries(1)));
    expect(own.isReady).toBe(false);
    // One more is not even asked for.
    expect(await own.add('notes.edit', entries(1))).toBe(false);
    let isSettled = false;
    const settled = own.settled().finally(() => (isSettled = true));
    expect([await own.counts(), isSettled]).toEqual([null, false]);
    expect(new Set(await Promise.all(adding))).toEqual(new Set([false]));
    await settled;
    expect([hasAnswered, own.isReady]).toEqual([false, false]);
    await redis.kill('SIGCONT');
    await answer;
    await isReady(own);
    expect(await own.counts()).toMatchObject({ waiting: 200 });
    expect(await own.answers()).toBe(true);
  });

  it('is away, nothing is kept for it', async () => {
    await redis.kill();
    await eventually(() => expect(own.isReady).toBe(false));
    expect([await own.add('notes.edit', entries(1)), await own.addSweep(), await own.answers()]).toEqual([
      false,
      false,
      false,
    ]);
    await redis.start();
    await isReady(own);
    expect(await own.counts()).toEqual({ waiting: 0, active: 0, delayed: 0 });
  });

  it('refuses a command, that is no error of who adds', async () => {
    await ownConnection.call('CONFIG', 'SET', 'maxmemory', '1');
    expect(await own.add('notes.edit', entries(1))).toBe(false);
    await ownConnection.call('CONFIG', 'SET', 'maxmemory', '0');
    expect(await own.add('notes.edit', entries(1))).toBe(true);
  });
});
