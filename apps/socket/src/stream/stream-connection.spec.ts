import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { EphemeralEnvelope, Session } from '#contracts';
import { eventually } from '#testing';
import { MemoryHistory } from '../../../../libs/channels/src/memory-history.ts';
import { StreamConnection } from './stream-connection.ts';
import { StreamHub } from './stream-hub.ts';

const ALICE = { userId: 'alice', scopes: new Set<string>(), tokenId: undefined, issuedAt: 0, expiresAt: 4_000_000_000 };

/** A stream whose client does not read, and has more to take than the network holds. */
async function openUnread(): Promise<{ connection: StreamConnection; response: ServerResponse; client: Socket }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  client.pause();
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  const connection = new StreamConnection(response, new StreamHub(), ALICE);
  connection.write('x'.repeat(16 * 1024 * 1024));
  await eventually(() => expect(connection.waiting.bytes).toBeGreaterThan(0));
  return { connection, response, client };
}

it('a stream that has to end does not wait for a client that does not read', async () => {
  const { connection, response } = await openUnread();
  const closed = once(response, 'close');
  connection.end('token_expired', 0);
  await closed;
  expect(connection.isOpen).toBe(false);
});

it('a stream whose client does not read is not looked at until something was taken, or it is closed', async () => {
  const { connection, response } = await openUnread();
  for (let event = 0; event < 100; event += 1) connection.write('event: x\n\n');
  const drained = vi.spyOn(connection, 'drained');
  const keeping = connection.keepsUp();
  for (let turn = 0; turn < 1_000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(drained.mock.calls.length).toBeLessThan(10);
  response.destroy();
  await keeping;
  expect(connection.isOpen).toBe(false);
});

it('a stream whose client does not read is waited for until it has read on', { timeout: 15_000 }, async () => {
  const { connection, client } = await openUnread();
  expect(connection.waiting.messages).toBe(1);
  const keeping = connection.keepsUp();
  client.resume();
  await keeping;
  expect(connection.waiting).toEqual({ messages: 0, bytes: 0 });
});

it('a stream whose client is too slow is cut off at once', async () => {
  const { connection, response } = await openUnread();
  connection.end('slow_consumer', 0);
  expect(response.destroyed).toBe(true);
});

it('a session says where it begins, so that who hears nothing after it can go on there', () => {
  const response = new PassThrough({ encoding: 'utf8' });
  const hub = new StreamHub();
  const connection = new StreamConnection(response as unknown as ServerResponse, hub, ALICE);
  const saidNow = (): unknown => response.read();
  connection.send('session', { cursors: ['here'] } as Session);
  expect(saidNow()).toBe('id: here\nevent: session\ndata: {"cursors":["here"]}\n\n');
  const event = new MemoryHistory().append('user:alice', 'action.failed');
  connection.replay(event);
  expect(saidNow()).toBe(
    `id: ${event.cursor}\nevent: outcome\ndata: ${JSON.stringify({ ...event, replayed: true })}\n\n`,
  );
  connection.enter('user:alice');
  hub.send('outcome', event);
  expect(saidNow()).toBe(`id: ${event.cursor}\nevent: outcome\ndata: ${JSON.stringify(event)}\n\n`);
  hub.send('progress', { channel: 'user:alice' } as EphemeralEnvelope);
  expect(saidNow()).toBe('event: progress\ndata: {"channel":"user:alice"}\n\n');
  connection.end('drain', 0);
  expect(saidNow()).toBe('event: goaway\ndata: {"reason":"drain","reconnectInMs":0}\n\n');
  hub.send('outcome', event);
  expect(saidNow()).toBeNull();
});

it('streams hear the channels that they have entered, until they leave', () => {
  const hub = new StreamHub();
  const responses = [1, 2].map(() => new PassThrough({ encoding: 'utf8' }));
  const [first, second] = responses.map(
    (response) => new StreamConnection(response as unknown as ServerResponse, hub, ALICE),
  );
  for (const stream of [first!, second!]) stream.enter('user:alice');
  const sendsTo = (): boolean[] => {
    hub.send('progress', { channel: 'user:alice' } as EphemeralEnvelope);
    return responses.map((response) => response.read() !== null);
  };
  expect(sendsTo()).toEqual([true, true]);
  first!.leave('user:alice');
  expect(sendsTo()).toEqual([false, true]);
});
