import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { EphemeralEnvelope, Envelope } from '#contracts';
import { eventually, testRedis } from '#testing';
import { ChannelsServer } from './channels.server.ts';
import { MemoryHistory } from './memory-history.ts';
import { encodeMessage, redisChannel } from './message.ts';

Logger.overrideLogger(false);

const CHANNEL = 'user:alice';
const NEVER_MS = 3_600_000;
const redis = testRedis();

let history: MemoryHistory;
let server: ChannelsServer;
/** What publishes as another version does. */
let publisher: Redis;
const heard: { name: string; envelope: Envelope | EphemeralEnvelope }[] = [];

beforeAll(() => {
  publisher = new Redis(redis.url);
});

beforeEach(async () => {
  server?.close();
  history = new MemoryHistory();
  server = new ChannelsServer({ url: redis.url, prefix: redis.prefix, positionCheckMs: NEVER_MS }, history);
  heard.splice(0);
  for (const name of ['outcome', 'event', 'progress']) {
    const handler = (envelope: Envelope): Promise<number> => Promise.resolve(heard.push({ name, envelope }));
    server.addHandler(name, handler as never, true);
  }
  server.listen(() => undefined);
  await eventually(() => {
    if (!server.isConnected) throw new Error('not connected to Redis');
  });
  await server.open(CHANNEL);
});

afterAll(() => {
  server.close();
  publisher.disconnect();
});

function publish(pattern: string, envelope: object): Promise<unknown> {
  return publisher.spublish(redisChannel(redis.prefix, CHANNEL), encodeMessage(pattern, envelope));
}

/** What is heard of all that was published until now. */
async function heardOfAll(): Promise<{ name: string; envelope: object }[]> {
  await publish('progress', { specversion: '1.0', id: 'last', channel: CHANNEL, data: null });
  await eventually(() => expect(heard.map(({ envelope }) => envelope.id)).toContain('last'));
  return heard.filter(({ envelope }) => envelope.id !== 'last');
}

it('fields that are not known are passed on as they are', async () => {
  const event = {
    ...history.append(CHANNEL),
    specversion: '1.1',
    sequencetype: 'Integer',
    data: { text: 'a', mood: 'b' },
  };
  await publish('event', event);
  expect(await heardOfAll()).toEqual([{ name: 'event', envelope: event }]);
});

it('a type that is not known is passed on as an event', async () => {
  const event = history.append(CHANNEL, 'message.pinned');
  await publish('message', event);
  expect(await heardOfAll()).toEqual([{ name: 'event', envelope: event }]);
});

it('an event of another major is taken from the history, in its turn and once', async () => {
  const events = [history.append(CHANNEL), history.append(CHANNEL), history.append(CHANNEL)];
  const [first, second, third] = events as [Envelope, Envelope, Envelope];
  const { id, channel, offset } = second;
  const later = { specversion: '2.0', id, channel, offset, body: 'in a form of its own' };
  await publish('event', first);
  await publish('event', later);
  await publish('event', later);
  await publish('event', third);
  await eventually(() => expect(heard.map(({ envelope }) => envelope)).toEqual(events));
  expect(await heardOfAll()).toHaveLength(3);
});

it('an event of another major is delivered without one of a known major behind it', async () => {
  const { id, channel, offset } = history.append(CHANNEL);
  await publish('event', { specversion: '2.0', id, channel, offset });
  await eventually(() => expect(heard).toHaveLength(1));
});

it('an ephemeral event of another major, or under a name that is not known, is left out', async () => {
  const envelope = { id: 'some', channel: CHANNEL, data: null };
  await publish('progress', { ...envelope, specversion: '2.0' });
  await publish('typing', { ...envelope, specversion: '1.0' });
  await publish('progress', { ...envelope });
  expect(await heardOfAll()).toEqual([]);
});

it('what has not even an id is left out, and the event that it was meant to be comes with the next one', async () => {
  const { id: _, ...rest } = history.append(CHANNEL);
  await publish('event', rest);
  await publish('event', history.append(CHANNEL));
  await eventually(() => expect(heard.map(({ envelope }) => (envelope as Envelope).offset)).toEqual([1, 2]));
});
