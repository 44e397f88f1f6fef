import { Logger } from '@nestjs/common';
import { Command, Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Envelope } from '#contracts';
import { eventually, privateCluster } from '#testing';
import { ChannelsClient } from './channels.client.ts';
import { ChannelsServer } from './channels.server.ts';
import { MemoryHistory } from './memory-history.ts';
import { redisChannel } from './message.ts';

Logger.overrideLogger(false);

const NEVER_MS = 3_600_000;
const PREFIX = 'own';
const PATIENT = { timeoutMs: 20_000 };

let cluster: Awaited<ReturnType<typeof privateCluster>>;
let nodes: Redis[];
let server: ChannelsServer;
let client: ChannelsClient;
const history = new MemoryHistory();
const heard: Envelope[] = [];

beforeAll(async () => {
  cluster = await privateCluster();
  nodes = cluster.servers.map(({ url }) => new Redis(url));
  server = new ChannelsServer({ url: cluster.url, prefix: PREFIX, positionCheckMs: NEVER_MS }, history);
  client = new ChannelsClient({ url: cluster.url, prefix: PREFIX });
  const handler = (event: Envelope): Promise<number> => Promise.resolve(heard.push(event));
  server.addHandler('event', handler as never, true);
  server.listen(() => undefined);
  await eventually(() => {
    if (!server.isConnected || !client.isConnected) throw new Error('not connected to the cluster');
  }, PATIENT);
}, 120_000);

afterAll(() => {
  for (const node of nodes) node.disconnect();
  server.close();
  client.close();
});

function emit(event: Envelope): Promise<number> {
  return new Promise((resolve, reject) =>
    client.emit<number>('event', event).subscribe({ next: resolve, error: reject }),
  );
}

function offsets(channel: string): number[] {
  return heard.filter((event) => event.channel === channel).map(({ offset }) => offset);
}

function slotOf(channel: string): number {
  return new Command('GET', [redisChannel(PREFIX, channel)]).getSlot();
}

/** How many connections are subscribed, by nodes, the most first. */
async function subscriptions(channel: string): Promise<number[]> {
  return (await subscriptionsByNode(channel)).toSorted((a, b) => b - a);
}

async function subscriptionsByNode(channel: string): Promise<number[]> {
  const answers = await Promise.all(
    nodes.map((node) => node.pubsub('SHARDNUMSUB', redisChannel(PREFIX, channel)) as Promise<[string, number]>),
  );
  return answers.map(([, count]) => count);
}

/** Gives the slot of a channel, which has no keys, from its master to another one. */
async function move(channel: string): Promise<void> {
  const owner = await cluster.masterOf(redisChannel(PREFIX, channel));
  const masters = await Promise.all(nodes.map(async (node) => (await node.role())[0] === 'master'));
  const source = nodes[cluster.servers.indexOf(owner)]!;
  const target = nodes.find((node, index) => masters[index] && node !== source)!;
  const id = String(await target.call('CLUSTER', 'MYID'));
  const slot = String(slotOf(channel));
  // The new owner first: whoever is refused by the old one finds it there.
  await target.call('CLUSTER', 'SETSLOT', slot, 'NODE', id);
  await source.call('CLUSTER', 'SETSLOT', slot, 'NODE', id);
}

describe('channels over a cluster', { timeout: 60_000 }, () => {
  it('are subscribed at the master of their slot, and there only', async () => {
    const channels = Array.from({ length: 60 }, (_, index) => `user:${index}`);
    await Promise.all(channels.map((channel) => server.open(channel)));
    const events = channels.map((channel) => history.append(channel));
    expect(await Promise.all(events.map(emit))).toEqual(channels.map(() => 1));
    await eventually(() => expect(channels.map(offsets)).toEqual(channels.map(() => [1])), PATIENT);
    const used = new Set<number>();
    for (const channel of channels) {
      const counts = await subscriptionsByNode(channel);
      expect(counts.toSorted((a, b) => b - a)).toEqual([1, 0, 0, 0, 0, 0]);
      used.add(counts.indexOf(1));
    }
    expect(used.size).toBe(3);
    for (const channel of channels) server.release(channel);
    await eventually(async () => expect(await subscriptions('user:1')).toEqual([0, 0, 0, 0, 0, 0]), PATIENT);
  });

  it('follow their slot to another master, and have what was published meanwhile', async () => {
    await server.open('user:moving');
    await emit(history.append('user:moving'));
    await move('user:moving');
    // Nobody hears it.
    history.append('user:moving');
    await eventually(() => expect(offsets('user:moving')).toEqual([1, 2]), PATIENT);
    await eventually(async () => expect(await emit(history.append('user:moving'))).toBe(1), PATIENT);
    await eventually(() => expect(offsets('user:moving').at(-1)).toBeGreaterThan(2), PATIENT);
    const all = offsets('user:moving');
    expect(all).toEqual(all.map((_, index) => index + 1));
  });

  it('are subscribed again when their slot was away for a moment only', async () => {
    await server.open('user:back');
    const owner = await cluster.masterOf(redisChannel(PREFIX, 'user:back'));
    await move('user:back');
    await eventually(async () => expect(await cluster.masterOf(redisChannel(PREFIX, 'user:back'))).not.toBe(owner), {
      ...PATIENT,
      everyMs: 1,
    });
    await move('user:back');
    await eventually(async () => {
      expect(await subscriptions('user:back')).toEqual([1, 0, 0, 0, 0, 0]);
      expect(await emit(history.append('user:back'))).toBe(1);
    }, PATIENT);
    await eventually(() => expect(offsets('user:back').length).toBeGreaterThan(0), PATIENT);
  });
});
