import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually, privateRedis, testRedis, type TestRedis } from '#testing';
import { InstanceRegistry, type Entry } from './instance-registry.ts';

const PATIENT = { timeoutMs: 20_000 };

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (let close = closing.pop(); close; close = closing.pop()) await close();
});

class Instance extends InstanceRegistry {
  readonly entries: Entry[] = [];
  gone = 0;
  /** Whether it took itself for settled while others may still be about to enter. */
  wasHasty = false;

  constructor({ url, prefix }: TestRedis, instance: string, app = 'socket') {
    super({ url, prefix, instance, app });
    this.onEntered = (entry) => {
      this.entries.push(entry);
      this.wasHasty ||= this.isSettled;
    };
    this.onGone = () => {
      this.gone += 1;
      this.wasHasty ||= !this.isSettled;
    };
    closing.push(() => {
      this.stop();
      this.onApplicationShutdown();
    });
    this.onApplicationBootstrap();
  }
}

async function idsBy(instance: InstanceRegistry): Promise<string[]> {
  return (await instance.list()).map(({ app, id }) => `${app} ${id}`);
}

describe('the registry of instances', { timeout: 60_000 }, () => {
  it('shows everyone with what they carry', async () => {
    const redis = testRedis();
    const first = new Instance(redis, 'one');
    first.measure = () => ({ connections: 3, users: 2 });
    const second = new Instance(redis, 'two', 'api');
    await eventually(async () => {
      const [api, socket] = await second.list();
      expect(api).toMatchObject({ id: 'two', app: 'api', connections: 0, users: 0 });
      expect(socket).toMatchObject({ id: 'one', app: 'socket', connections: 3, users: 2 });
      expect(Math.abs(Date.parse(socket!.heartbeatAt) - Date.now())).toBeLessThan(10_000);
      expect(Date.parse(socket!.startedAt)).toBeLessThanOrEqual(Date.now());
    }, PATIENT);
  });

  it('forgets who beats no more, and tells those who are left', async () => {
    const redis = testRedis();
    const [left, silent] = [new Instance(redis, 'left'), new Instance(redis, 'silent')];
    await eventually(async () => expect(await idsBy(left)).toEqual(['socket left', 'socket silent']), PATIENT);
    await eventually(() => expect(left.gone).toBe(1), PATIENT);
    const boot = silent.bootId!;
    expect(await left.alive()).toContain(boot);
    silent.stop();
    await eventually(async () => expect(await idsBy(left)).toEqual(['socket left']), PATIENT);
    await eventually(() => expect(left.gone).toBe(2), PATIENT);
    // It is not shown at once; it is struck off with somebody's next beat.
    await eventually(async () => expect(await left.alive()).toEqual(new Set([left.bootId])), PATIENT);
    left.reenter();
    await eventually(() => expect(left.entries).toHaveLength(2), PATIENT);
    expect(left.wasHasty).toBe(false);
  });

  it('does not show who said goodbye, nor the predecessor of who is back', async () => {
    const redis = testRedis();
    const [left, leaving] = [new Instance(redis, 'left'), new Instance(redis, 'same')];
    await eventually(async () => expect(await idsBy(left)).toHaveLength(2), PATIENT);
    await leaving.beforeApplicationShutdown();
    expect(await idsBy(left)).toEqual(['socket left']);
    const next = new Instance(redis, 'same');
    await eventually(async () => expect(await idsBy(left)).toEqual(['socket left', 'socket same']), PATIENT);
    expect(next.bootId).not.toBe(leaving.bootId);
  });

  it('shows who enters anew once', async () => {
    const redis = testRedis();
    const [one, two] = [new Instance(redis, 'one'), new Instance(redis, 'two')];
    await eventually(async () => expect(await idsBy(one)).toHaveLength(2), PATIENT);
    const before = one.bootId;
    one.reenter();
    expect(one.bootId).toBeUndefined();
    await eventually(() => expect(one.bootId).toBeDefined(), PATIENT);
    expect(one.bootId).not.toBe(before);
    expect(await idsBy(two)).toEqual(['socket one', 'socket two']);
    // Until it has been silent for long enough: what is marked with it may still be its own.
    expect(await two.alive()).toContain(before);
  });

  it('does not show who said goodbye while it entered', async () => {
    const redis = testRedis();
    const [left, leaving] = [new Instance(redis, 'left'), new Instance(redis, 'leaving')];
    let goodbye: Promise<void> | undefined;
    leaving.measure = () => {
      // When its entry is on its way.
      queueMicrotask(() => void (goodbye ??= leaving.beforeApplicationShutdown()));
      return { connections: 0, users: 0 };
    };
    await eventually(async () => expect(await idsBy(left)).toContain('socket left'), PATIENT);
    await eventually(() => expect(goodbye).toBeDefined(), PATIENT);
    await goodbye;
    expect(leaving.entries).toHaveLength(1);
    expect(await idsBy(left)).toEqual(['socket left']);
  });

  it('is whole again soon after Redis was emptied, and says that it was', async () => {
    const server = await privateRedis();
    const redis = { url: server.url, prefix: 'own' };
    const instances = [new Instance(redis, 'one'), new Instance(redis, 'two')];
    await eventually(async () => expect(await idsBy(instances[0]!)).toHaveLength(2), PATIENT);
    const boots = new Set(instances.map(({ bootId }) => bootId));
    const admin = new Redis(redis.url);
    closing.push(() => admin.disconnect());
    await admin.flushall();
    await eventually(async () => expect(await idsBy(instances[0]!)).toHaveLength(2), PATIENT);
    // Redis has its entry before it has the answer.
    await eventually(() => {
      for (const { entries } of instances) expect(entries).toEqual([{ isRedisNew: false }, { isRedisNew: true }]);
    }, PATIENT);
    expect(instances.map(({ bootId }) => boots.has(bootId))).toEqual([false, false]);
  });

  it('forgets who beats no more also when the clock of Redis has gone back', async () => {
    const redis = testRedis();
    const [left, silent] = [new Instance(redis, 'left'), new Instance(redis, 'silent')];
    await eventually(async () => expect(await idsBy(left)).toHaveLength(2), PATIENT);
    silent.stop();
    const admin = new Redis(redis.url);
    closing.push(() => admin.disconnect());
    // What was noted before is of the future now.
    await admin.zincrby(`${redis.prefix}:{instances}:beats`, 3_600_000, silent.bootId!);
    await eventually(async () => expect(await idsBy(left)).toEqual(['socket left']), PATIENT);
    await eventually(async () => expect(await left.alive()).toEqual(new Set([left.bootId])), PATIENT);
  });

  it('fails fast while Redis is away or hangs, and takes nobody for dead when it is back', async () => {
    const server = await privateRedis();
    const redis = { url: server.url, prefix: 'own' };
    const instances = [new Instance(redis, 'one'), new Instance(redis, 'two')];
    await eventually(async () => expect(await idsBy(instances[0]!)).toHaveLength(2), PATIENT);
    for (const [away, back] of [
      [() => server.kill('SIGSTOP'), () => server.kill('SIGCONT')],
      [() => server.kill(), () => server.start()],
    ] as const) {
      await away();
      await expect(instances[0]!.list()).rejects.toBeInstanceOf(Error);
      await eventually(() => expect(instances.map(({ bootId }) => bootId)).toEqual([undefined, undefined]), PATIENT);
      await back();
      await eventually(async () => expect(await idsBy(instances[0]!)).toEqual(['socket one', 'socket two']), PATIENT);
    }
    for (const { entries } of instances) expect(entries.every(({ isRedisNew }) => !isRedisNew)).toBe(true);
  });
});
