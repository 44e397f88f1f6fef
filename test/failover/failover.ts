import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '#testing';
import type { ReplicatedRedis } from '../../infra/local/replicated-redis.ts';
import { metricOf } from '../delivery/metrics.ts';
import { Load } from './load.ts';

/** Longest time until there is another master, and until every process has noticed, in milliseconds. */
const PATIENT = { timeoutMs: 60_000, everyMs: 50 };

/** How many actions are accepted before a fault, and after it. */
const MEANWHILE = 100;

/** The prefix of the systems of tests: its tickets, and the channel of a user. */
const TICKETS = '{test}:tickets:meta';
const CHANNEL = 'test:{user:user-0}';

/** What is to hold on any Redis that replaces its masters; one load goes on through all of it. */
export function describeFailover(kind: string, start: () => Promise<ReplicatedRedis>): void {
  describe(`under load, nothing is lost, doubled or reordered on ${kind} when`, { timeout: 180_000 }, () => {
    let redis: ReplicatedRedis;
    let load: Load;

    beforeAll(async () => {
      redis = await start();
      load = await Load.on(redis);
    }, 120_000);

    afterAll(() => load.stop());

    /** Another master has what this one had. */
    async function replaced(key: string, fault: () => Promise<void>): Promise<number> {
      const before = await redis.masterOf(key);
      const startedAt = performance.now();
      await fault();
      await eventually(async () => expect((await redis.masterOf(key)).url).not.toBe(before.url), PATIENT);
      return Math.round(performance.now() - startedAt);
    }

    /** Some more of the load is accepted. */
    async function goesOn(): Promise<void> {
      const before = load.accepted;
      await eventually(() => expect(load.accepted).toBeGreaterThanOrEqual(before + MEANWHILE), PATIENT);
    }

    /** Every process works as before, by itself, and events come live. */
    async function expectAlive(): Promise<void> {
      for (const { url } of [load.system.api, ...load.system.workers, ...load.system.sockets]) {
        await eventually(async () => {
          expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ status: 'ok' });
        }, PATIENT);
      }
      load.system.assertUnharmed();
      const received = (): Promise<number[]> =>
        Promise.all(load.system.sockets.map((socket) => metricOf(socket, 'tidings_channel_messages_received_total')));
      await eventually(async () => {
        const before = await received();
        await load.once();
        const after = await received();
        // Four users, each on both.
        expect(after.map((count, index) => count - before[index]!)).toEqual([4, 4]);
      }, PATIENT);
    }

    it.for([
      ['the master of the tickets is killed', TICKETS, 'SIGKILL'],
      ['the master of a channel is killed', CHANNEL, 'SIGKILL'],
      ['the master of the tickets hangs, and is back as a replica', TICKETS, 'SIGSTOP'],
    ] as const)('%s', async ([, key, signal], { annotate }) => {
      const since = new Date();
      load.begin();
      await goesOn();
      const victim = await redis.masterOf(key);
      const replacedMs = await replaced(key, () => victim.kill(signal));
      await goesOn();
      if (signal === 'SIGSTOP') await victim.kill('SIGCONT');
      else await victim.start();
      await load.end();
      await expectAlive();
      expect(await load.ledger.report()).toEqual({ ended: { succeeded: load.accepted }, violations: [] });
      await annotate(
        `${load.accepted} accepted; replaced after ${replacedMs} ms; slowest ${await load.slowest(since)} ms`,
      );
      await redis.start();
    });
  });
}
