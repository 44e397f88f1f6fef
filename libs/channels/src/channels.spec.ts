import { setImmediate as turn } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { defer } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import type { Envelope } from '#contracts';
import { eventually, FaultyProxy, privateRedis, testRedis, type TestRedis } from '#testing';
import { ChannelsClient } from './channels.client.ts';
import { ChannelsServer } from './channels.server.ts';
import { MemoryHistory } from './memory-history.ts';
import { encodeMessage, redisChannel } from './message.ts';

Logger.overrideLogger(false);

const NEVER_MS = 3_600_000;

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (let close = closing.pop(); close; close = closing.pop()) await close();
});

async function startServer(redis: TestRedis, history: MemoryHistory) {
  const server = new ChannelsServer({ url: redis.url, prefix: redis.prefix, positionCheckMs: NEVER_MS }, history);
  closing.push(() => server.close());
  const heard: Envelope[] = [];
  const handler = (event: Envelope): Promise<void> => {
    heard.push(event);
    return Promise.resolve();
  };
  server.addHandler('event', handler as never, true);
  server.addHandler('outcome', handler as never, true);
  server.listen(() => undefined);
  await eventually(() => expect(server.isConnected).toBe(true));
  return {
    server,
    heard,
    offsets: (channel: string) => heard.filter((e) => e.channel === channel).map((e) => e.offset),
  };
}

async function setUp(redis: TestRedis = testRedis()) {
  const history = new MemoryHistory();
  const admin = new Redis(redis.url);
  const client = new ChannelsClient(redis);
  closing.push(
    () => admin.disconnect(),
    () => client.close(),
  );
  await eventually(() => expect(client.isConnected).toBe(true));
  const emit = (event: Envelope): Promise<number> =>
    new Promise((resolve, reject) => client.emit<number>('event', event).subscribe({ next: resolve, error: reject }));
  const subscribed = async (): Promise<string[]> =>
    ((await admin.pubsub('SHARDCHANNELS', `${redis.prefix}:*`)) as string[]).toSorted();
  const cutSubscribers = (): Promise<unknown> => admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  return { redis, history, client, emit, subscribed, cutSubscribers, ...(await startServer(redis, history)) };
}

/** For a test that cuts connections: those of other tests stay. */
async function redisOfItsOwn(): Promise<TestRedis> {
  return { url: (await privateRedis()).url, prefix: 'own' };
}

describe('channels over Redis', () => {
  it('bring what is published to the handlers, in order', async () => {
    const { server, history, emit, offsets } = await setUp();
    await server.open('user:a');
    const events = [history.append('user:a'), history.append('user:a'), history.append('user:a')];
    for (const event of [events[1]!, events[0]!, events[2]!, events[1]!]) await emit(event);
    await eventually(() => expect(offsets('user:a')).toEqual([1, 2, 3]));
    await eventually(() => expect(server.counters).toMatchObject({ received: 4, delivered: 3 }));
  });

  it('bring an outcome and another event each to its own handler', async () => {
    const { server, history, client, redis } = await setUp();
    const named: string[] = [];
    const second = new ChannelsServer({ url: redis.url, prefix: redis.prefix, positionCheckMs: NEVER_MS }, history);
    closing.push(() => second.close());
    for (const name of ['event', 'outcome']) {
      second.addHandler(name, (({ type }: Envelope) => Promise.resolve(named.push(`${name} ${type}`))) as never, true);
    }
    second.listen(() => undefined);
    await eventually(() => expect(second.isConnected).toBe(true));
    await Promise.all([server.open('user:a'), second.open('user:a')]);
    client.emit('outcome', history.append('user:a', 'action.succeeded'));
    client.emit('event', history.append('user:a', 'message.created'));
    await eventually(() => expect(named).toEqual(['outcome action.succeeded', 'event message.created']));
  });

  it('cost an instance work only for channels that somebody there has open', async () => {
    const { server, history, emit, subscribed, redis, heard } = await setUp();
    await Promise.all([server.open('user:a'), server.open('user:a'), server.open('user:b')]);
    expect(await subscribed()).toEqual(['user:a', 'user:b'].map((name) => redisChannel(redis.prefix, name)));
    expect(await emit(history.append('user:c'))).toBe(0);

    server.release('user:a');
    server.release('user:b');
    await eventually(async () => expect(await subscribed()).toEqual([redisChannel(redis.prefix, 'user:a')]));
    server.release('user:a');
    await eventually(async () => expect(await subscribed()).toEqual([]));
    expect(server.size).toBe(0);
    expect(await emit(history.append('user:a'))).toBe(0);
    expect(heard).toEqual([]);
  });

  it('deliver to a channel opened again from where the history is then', async () => {
    const { server, history, emit, offsets } = await setUp();
    await server.open('user:a');
    server.release('user:a');
    history.append('user:a');
    const channel = await server.open('user:a');
    expect(channel.position?.offset).toBe(1);
    await emit(history.append('user:a'));
    await eventually(() => expect(offsets('user:a')).toEqual([2]));
  });

  it('are subscribed before the position is read, so that nothing falls in between', async () => {
    const program = await privateRedis();
    const { server, history } = await setUp({ url: program.url, prefix: 'own' });
    process.kill(program.pid!, 'SIGSTOP');
    const opened = server.open('user:a');
    for (let turns = 0; turns < 50; turns += 1) await turn();
    const readsWhileUnanswered = history.headReads.length;
    process.kill(program.pid!, 'SIGCONT');
    await opened;
    expect([readsWhileUnanswered, history.headReads.length]).toEqual([0, 1]);
  });

  it('are subscribed again after the connection was cut, and bring what was published meanwhile', async () => {
    const { server, history, emit, offsets, subscribed, cutSubscribers } = await setUp(await redisOfItsOwn());
    await Promise.all([server.open('user:a'), server.open('user:b')]);
    const before = await subscribed();
    await cutSubscribers();
    // Nobody hears these: they must come from the history.
    for (const channel of ['user:a', 'user:b', 'user:a']) history.append(channel);
    await eventually(() => {
      expect(offsets('user:a')).toEqual([1, 2]);
      expect(offsets('user:b')).toEqual([1]);
    });
    expect(await subscribed()).toEqual(before);
    await emit(history.append('user:a'));
    await eventually(() => expect(offsets('user:a')).toEqual([1, 2, 3]));
  });

  it('are subscribed again when the connection has died without a word', async () => {
    const { url, prefix } = testRedis();
    const proxy = await FaultyProxy.start(url);
    const history = new MemoryHistory();
    const { server, offsets } = await startServer({ url: proxy.url, prefix }, history);
    await server.open('user:a');
    proxy.swallow();
    history.append('user:a');
    await eventually(() => expect(server.isConnected).toBe(false), { timeoutMs: 25_000 });
    proxy.heal();
    await eventually(() => expect(offsets('user:a')).toEqual([1]));
  });

  it('are compared only after all of them are subscribed again', async () => {
    const program = await privateRedis();
    const { server, history, cutSubscribers } = await setUp({ url: program.url, prefix: 'own' });
    await Promise.all(Array.from({ length: 3_000 }, (_, index) => server.open(`user:${index}`)));
    const reads = history.headReads.length;
    await cutSubscribers();
    await eventually(() => expect(server.isConnected).toBe(false), { everyMs: 0 });
    while (!server.isConnected) await turn();
    // Few of them are subscribed by now.
    process.kill(program.pid!, 'SIGSTOP');
    for (let turns = 0; turns < 50; turns += 1) await turn();
    const readsWhileUnanswered = history.headReads.length;
    process.kill(program.pid!, 'SIGCONT');
    expect(readsWhileUnanswered).toBe(reads);
    await eventually(() => expect(history.headReads.length).toBeGreaterThan(reads));
  });

  it('lose and double nothing while the connection is cut again and again', async () => {
    const { server, history, emit, offsets, cutSubscribers } = await setUp(await redisOfItsOwn());
    await server.open('user:a');
    for (let round = 0; round < 5; round += 1) {
      for (let count = 0; count < 20; count += 1) await emit(history.append('user:a'));
      await cutSubscribers();
    }
    await eventually(() => expect(offsets('user:a')).toHaveLength(100));
    expect(offsets('user:a')).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  });

  it('opened while Redis is away are subscribed when it is back', async () => {
    const program = await privateRedis();
    const redis = { url: program.url, prefix: 'own' };
    const { server, history, client, emit, offsets } = await setUp(redis);
    await program.kill();
    await eventually(() => expect(server.isConnected).toBe(false));
    await server.open('user:a');
    await program.start();
    await eventually(() => expect([server.isConnected, client.isConnected]).toEqual([true, true]));
    const event = history.append('user:a');
    await eventually(async () => expect(await emit(event)).toBe(1));
    await eventually(() => expect(offsets('user:a')).toEqual([1]));
  });

  it('opened while others are being subscribed are subscribed after them', async () => {
    const program = await privateRedis();
    const { server, subscribed } = await setUp({ url: program.url, prefix: 'own' });
    process.kill(program.pid!, 'SIGSTOP');
    const opened = [server.open('user:a')];
    for (let turns = 0; turns < 50; turns += 1) await turn();
    opened.push(server.open('user:b'));
    process.kill(program.pid!, 'SIGCONT');
    await Promise.all(opened);
    expect(await subscribed()).toEqual(['user:a', 'user:b'].map((name) => redisChannel('own', name)));
  });

  it('are compared once more when the connection was cut while a position was read', async () => {
    const { server, history, offsets, cutSubscribers } = await setUp(await redisOfItsOwn());
    await server.open('user:a');
    const read = Promise.withResolvers<void>();
    const slow = Promise.withResolvers<void>();
    const heads = history.heads.bind(history);
    history.heads = async (channels) => {
      const answer = await heads(channels);
      if (channels.includes('user:slow')) {
        read.resolve();
        await slow.promise;
      }
      return answer;
    };
    const opened = server.open('user:slow');
    await read.promise;
    for (const channel of ['user:slow', 'user:a']) history.append(channel);
    await cutSubscribers();
    // Everything that is open was compared by now.
    await eventually(() => expect(offsets('user:a')).toEqual([1]));
    slow.resolve();
    await opened;
    await eventually(() => expect(offsets('user:slow')).toEqual([1]));
  });

  it('are compared once more when Redis answers a subscription late', async () => {
    const program = await privateRedis();
    const { server, history, offsets } = await setUp({ url: program.url, prefix: 'own' });
    process.kill(program.pid!, 'SIGSTOP');
    const channel = await server.open('user:a');
    expect(channel.position?.offset).toBe(0);
    // Published before Redis has subscribed us, so it brings it to nobody.
    history.append('user:a');
    process.kill(program.pid!, 'SIGCONT');
    await eventually(() => expect(offsets('user:a')).toEqual([1]));
  });

  it('are compared once more when Redis answers a subscription late, while the position is read', async () => {
    const program = await privateRedis();
    const { server, history, offsets } = await setUp({ url: program.url, prefix: 'own' });
    await server.open('user:a');
    const [read, slow] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const heads = history.heads.bind(history);
    history.heads = async (channels) => {
      const answer = await heads(channels);
      if (channels.includes('user:slow')) {
        read.resolve();
        await slow.promise;
      }
      return answer;
    };
    process.kill(program.pid!, 'SIGSTOP');
    const opened = server.open('user:slow');
    await read.promise;
    // Redis brings these to nobody.
    for (const channel of ['user:slow', 'user:a']) history.append(channel);
    process.kill(program.pid!, 'SIGCONT');
    // Everything that is open was compared by now.
    await eventually(() => expect(offsets('user:a')).toEqual([1]));
    slow.resolve();
    await opened;
    await eventually(() => expect(offsets('user:slow')).toEqual([1]));
  });

  it('do not go on with another history by its numbers after the connection was cut', async () => {
    const { server, history, emit, offsets, cutSubscribers } = await setUp(await redisOfItsOwn());
    const left: string[] = [];
    server.onEpoch = (channel) => left.push(channel);
    await server.open('user:a');
    for (let count = 0; count < 3; count += 1) await emit(history.append('user:a'));
    await eventually(() => expect(offsets('user:a')).toEqual([1, 2, 3]));
    const [compared, slow] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const heads = history.heads.bind(history);
    history.heads = async (channels) => {
      compared.resolve();
      await slow.promise;
      return heads(channels);
    };
    history.startAnew();
    for (let count = 0; count < 3; count += 1) history.append('user:a');
    await cutSubscribers();
    // Subscribed again, and before it knows where the history is.
    await compared.promise;
    await emit(history.append('user:a'));
    await eventually(() => expect(left).toEqual(['user:a']));
    slow.resolve();
    expect(offsets('user:a')).toEqual([1, 2, 3]);
  });

  it('do not go on with another history by its numbers while others are not subscribed again', async () => {
    const { server, history, emit, offsets, cutSubscribers } = await setUp(await redisOfItsOwn());
    const left: string[] = [];
    server.onEpoch = (channel) => left.push(channel);
    await Promise.all(Array.from({ length: 3_000 }, (_, index) => server.open(`user:${index}`)));
    await emit(history.append('user:0'));
    await eventually(() => expect(offsets('user:0')).toEqual([1]));
    history.startAnew();
    history.append('user:0');
    const next = history.append('user:0');
    await cutSubscribers();
    while ((await emit(next)) === 0) await turn();
    await eventually(() => expect(left).toEqual(['user:0']));
    expect(offsets('user:0')).toEqual([1]);
  });

  it('wait for a handler, whatever it gives back, before the next event and whoever joins', async () => {
    const history = new MemoryHistory();
    const server = new ChannelsServer({ url: '', prefix: '', positionCheckMs: NEVER_MS }, history);
    closing.push(() => server.close());
    const steps: string[] = [];
    const handle = async ({ offset }: Envelope): Promise<void> => {
      steps.push(`${offset} begins`);
      await turn();
      steps.push(`${offset} ends`);
    };
    server.addHandler('event', handle as never, true);
    server.addHandler('outcome', ((event: Envelope) => Promise.resolve(defer(() => handle(event)))) as never, true);
    const channel = await server.open('user:a');
    for (const type of ['message.created', 'action.succeeded', 'message.created']) history.append('user:a', type);
    await channel.at(3, () => steps.push('joined'));
    expect(steps).toEqual([1, 2, 3].flatMap((offset) => [`${offset} begins`, `${offset} ends`]).concat('joined'));
  });

  it('are compared now and then, until the server is closed', async () => {
    const histories = [new MemoryHistory(), new MemoryHistory()];
    // A closed port.
    const [server, witness] = histories.map(
      (history) => new ChannelsServer({ url: 'redis://127.0.0.1:1', prefix: '', positionCheckMs: 20 }, history),
    ) as [ChannelsServer, ChannelsServer];
    const heard: number[] = [];
    for (const each of [server, witness]) {
      closing.push(() => each.close());
      each.addHandler('event', (({ offset }: Envelope) => Promise.resolve(heard.push(offset))) as never, true);
      each.listen(() => undefined);
      await each.open('user:a');
    }
    const [history, ofWitness] = histories as [MemoryHistory, MemoryHistory];
    history.append('user:a');
    await eventually(() => expect(heard).toEqual([1]));
    server.close();
    const [reads, readsOfWitness] = [history.headReads.length, ofWitness.headReads.length];
    await eventually(() => expect(ofWitness.headReads.length).toBeGreaterThan(readsOfWitness + 5));
    // One that was under way.
    expect(history.headReads.length).toBeLessThanOrEqual(reads + 1);
  });

  it('that are released while all are subscribed again are not subscribed', async () => {
    const { server, subscribed, cutSubscribers } = await setUp(await redisOfItsOwn());
    const names = Array.from({ length: 1_200 }, (_, index) => `user:${index}`);
    await Promise.all(names.map((name) => server.open(name)));
    await cutSubscribers();
    await eventually(() => expect(server.isConnected).toBe(false), { everyMs: 0 });
    while (!server.isConnected) await turn();
    server.release(names.at(-1)!);
    await eventually(async () => expect((await subscribed()).length).toBeGreaterThanOrEqual(1_199));
    await server.open('user:last');
    expect(await subscribed()).toHaveLength(1_200);
    expect(await subscribed()).not.toContainEqual(expect.stringContaining(`${names.at(-1)}}`));
  });

  it('opened and released by many at once are subscribed as long as somebody has them open', async () => {
    const { server, history, emit, offsets, subscribed, redis } = await setUp();
    const leave = async (name: string, turns: number): Promise<void> => {
      await server.open(name);
      for (let count = 0; count < turns; count += 1) await turn();
      server.release(name);
    };
    for (let round = 0; round < 30; round += 1) {
      const leaving = Array.from({ length: 5 }, (_, index) => leave('user:a', (round + index) % 4));
      const staying = server.open('user:a');
      await Promise.all([...leaving, staying]);
      const before = offsets('user:a').length;
      await emit(history.append('user:a'));
      await eventually(() => expect(offsets('user:a')).toHaveLength(before + 1));
      server.release('user:a');
    }
    await eventually(async () => expect(await subscribed()).toEqual([]));
    const staying = [leave('user:a', 3), server.open('user:a'), leave('user:a', 0)];
    await Promise.all(staying);
    expect(await subscribed()).toEqual([redisChannel(redis.prefix, 'user:a')]);
  });

  it('that are released while they read the history bring no more to who opens them again', async () => {
    const { server, history, emit, offsets } = await setUp();
    await server.open('user:a');
    const [asked, slow] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const read = history.read.bind(history);
    history.read = async (requests) => {
      const pages = await read(requests);
      asked.resolve();
      await slow.promise;
      return pages;
    };
    history.append('user:a');
    await emit(history.append('user:a'));
    await asked.promise;
    server.release('user:a');
    await server.open('user:a');
    slow.resolve();
    await emit(history.append('user:a'));
    await eventually(() => expect(offsets('user:a')).toContain(3));
    expect(offsets('user:a')).toEqual([3]);
  });

  it('are not opened while the history is away, and leave no subscription behind', async () => {
    const { server, history, subscribed } = await setUp();
    history.isAway = true;
    await expect(server.open('user:a')).rejects.toThrow('the history is away');
    await eventually(async () => expect(await subscribed()).toEqual([]));
    history.isAway = false;
    await expect(server.open('user:a')).resolves.toMatchObject({ name: 'user:a' });
  });

  it('drop what is not a message of ours', async () => {
    const { server, history, emit, offsets, redis } = await setUp();
    const stranger = new Redis(redis.url);
    closing.push(() => stranger.disconnect());
    await server.open('user:a');
    const name = redisChannel(redis.prefix, 'user:a');
    for (const text of ['', 'event', 'event {', 'event null', encodeMessage('event', { offset: 1 })]) {
      await stranger.spublish(name, text);
    }
    await emit(history.append('user:a'));
    await eventually(() => expect(offsets('user:a')).toEqual([1]));
  });

  it('go on after a handler that fails on what has no place in the order', async () => {
    const { server, history, client, emit, offsets } = await setUp();
    const failed = Promise.withResolvers<void>();
    const failing = (): Promise<never> => {
      failed.resolve();
      return Promise.reject(new Error('broken'));
    };
    server.addHandler('progress', failing as never, true);
    await server.open('user:a');
    const { offset: _, cursor: __, ...ephemeral } = history.append('user:b');
    client.emit('progress', { ...ephemeral, channel: 'user:a' });
    await failed.promise;
    await emit(history.append('user:a'));
    await eventually(() => expect(offsets('user:a')).toEqual([1]));
  });

  it('refuse at once to publish without Redis', async () => {
    const client = new ChannelsClient({ url: 'redis://127.0.0.1:1', prefix: 'none' });
    closing.push(() => client.close());
    const history = new MemoryHistory();
    const published = new Promise((resolve, reject) =>
      client.emit('event', history.append('user:a')).subscribe({ next: resolve, error: reject }),
    );
    await expect(published).rejects.toThrow(/writeable|closed/i);
  });
});
