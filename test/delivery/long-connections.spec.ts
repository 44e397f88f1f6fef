import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeCursor, userChannel } from '#contracts';
import {
  ConnectionRefused,
  eventually,
  FaultyProxy,
  startSystem,
  token,
  type StartedApp,
  type System,
  type TestUser,
} from '#testing';
import { drills, submitAll, type BatchItem } from '../processing/drills.ts';
import { EventStream } from './event-stream.ts';
import { reportDelivered } from './report-delivered.ts';
import { heardAll } from './sequence.ts';

let system: System;
let socket: StartedApp;

beforeAll(async () => {
  system = await startSystem({ sockets: 1 });
  socket = system.sockets[0]!;
});

function newUser(expiresIn?: number): Promise<TestUser> {
  return system.user(`user-${randomUUID()}`, expiresIn === undefined ? {} : { expiresIn });
}

describe('a connection whose token expires', () => {
  it('is told so and closed, and its client may come back with another token', async () => {
    const user = await newUser(8);
    const listener = await user.connect(socket, { reconnects: false });
    const stream = await EventStream.open(socket, { token: user.token });
    await submitAll(user, drills(1));
    await heardAll(listener, 1);
    await eventually(() => expect(listener.socket.connected).toBe(false), { timeoutMs: 25_000 });
    expect(listener.goaways).toEqual([{ reason: 'token_expired', reconnectInMs: 0 }]);
    await eventually(() => expect(stream.ended).toBe(true));
    expect(stream.events.at(-1)).toMatchObject({ event: 'goaway', data: { reason: 'token_expired' } });

    const refusal = user.connect(socket, { reconnects: false });
    await expect(refusal).rejects.toThrow(ConnectionRefused);
    await expect(refusal).rejects.toMatchObject({ problem: { code: 'TOKEN_EXPIRED' } });
    const renewed = await system.user(user.id);
    const [action] = await submitAll(renewed, drills(1));
    const again = await renewed.connect(socket, { cursor: listener.outcomes[0]!.cursor });
    await again.outcomeOf(action!);
    expect(again.offsets).toEqual([2]);
  });

  it('goes on when it is refreshed in time', async () => {
    const user = await newUser(8);
    const listener = await user.connect(socket, { reconnects: false });
    const forgetful = await user.connect(socket, { reconnects: false });
    const answer = await listener.socket.timeout(5_000).emitWithAck('refresh', { token: await token(user.id) });
    expect(answer).toMatchObject({ ok: true });
    await eventually(() => expect(forgetful.goaways).toHaveLength(1), { timeoutMs: 25_000 });
    const renewed = await system.user(user.id);
    await submitAll(renewed, drills(1));
    await heardAll(listener, 1);
    expect(listener.goaways).toEqual([]);
    const foreign = await listener.socket.timeout(5_000).emitWithAck('refresh', { token: await token('somebody') });
    expect(foreign).toMatchObject({ ok: false, problem: { code: 'FORBIDDEN' } });
  });
});

it('the connections of a revoked user are closed within seconds, and the token is refused everywhere', async () => {
  const [user, other] = [await newUser(), await newUser()];
  const operator = await system.user('operator', { scopes: ['ops'] });
  const listener = await user.connect(socket, { reconnects: false });
  const bystander = await other.connect(socket, { reconnects: false });
  expect((await user.call('POST', '/v1/revocations', { body: { user: user.id } })).status).toBe(403);
  expect((await operator.call('POST', '/v1/revocations', { body: { user: user.id } })).status).toBe(200);
  await eventually(() => expect(listener.socket.connected).toBe(false));
  expect(listener.goaways).toEqual([{ reason: 'revoked', reconnectInMs: 0 }]);
  const refusal = user.connect(socket, { reconnects: false });
  await expect(refusal).rejects.toMatchObject({ problem: { code: 'UNAUTHENTICATED' } });
  expect((await user.call('GET', '/v1/messages')).status).toBe(401);
  expect((await fetch(`${socket.url}/v1/outcomes/stream`, bearer(user))).status).toBe(401);
  await submitAll(other, drills(1));
  await heardAll(bystander, 1);
});

function bearer(user: TestUser): RequestInit {
  return { headers: { authorization: `Bearer ${user.token}` } };
}

it('unread are the events beyond the farthest that any device has reported as delivered', async () => {
  const [user, other] = [await newUser(), await newUser()];
  const devices = [await user.connect(socket), await user.connect(socket)];
  const stranger = await other.connect(socket);
  const unread = async (): Promise<unknown> => (await user.call('GET', '/v1/outcomes/unread')).body;
  expect(await unread()).toEqual({ unread: 0 });
  await submitAll(user, drills(10));
  for (const device of devices) await heardAll(device, 10);
  expect(await unread()).toEqual({ unread: 10 });
  const cursors = devices[0]!.outcomes.map(({ cursor }) => cursor);

  expect(await reportDelivered(devices[0]!, cursors[5]!)).toEqual({ ok: true });
  expect(await unread()).toEqual({ unread: 4 });
  // Another device is behind.
  expect(await reportDelivered(devices[1]!, cursors[2]!)).toEqual({ ok: true });
  expect(await unread()).toEqual({ unread: 4 });
  expect(await reportDelivered(stranger, cursors[9]!)).toMatchObject({ ok: false, problem: { code: 'FORBIDDEN' } });
  expect(await reportDelivered(devices[0]!, 'garbage')).toMatchObject({
    ok: false,
    problem: { code: 'CURSOR_INVALID' },
  });
  expect(await unread()).toEqual({ unread: 4 });

  // Beyond what exists: clamped, so that what comes next is unread.
  const future = encodeCursor({ channel: userChannel(user.id), offset: 1_000, check: '0123456789ab' });
  expect(await reportDelivered(devices[0]!, future)).toEqual({ ok: true });
  expect(await unread()).toEqual({ unread: 0 });
  await submitAll(user, drills(2));
  for (const device of devices) await heardAll(device, 12);
  expect(await unread()).toEqual({ unread: 2 });
});

/** Four bytes a character: far more in all than the network holds back for a client that does not read. */
function longMessages(count: number): BatchItem[] {
  return Array.from({ length: count }, () => ({
    type: 'messages.create',
    resourceId: randomUUID(),
    payload: { text: '🦔'.repeat(4_000) },
  }));
}

const BATCH = 400;
const BATCHES = 4;
const MOST_GROWTH_MB = 150;

it('a client that does not read is dropped, harms nobody, and goes on from its cursor later', async () => {
  const [slow, quick] = [await newUser(), await newUser()];
  const network = await FaultyProxy.start(socket.url);
  const sleeper = await slow.connect(network);
  const reader = await slow.connect(socket);
  const other = await quick.connect(socket);
  await submitAll(slow, drills(1));
  for (const listener of [sleeper, reader]) await heardAll(listener, 1);
  const before = await memoryOf(socket);

  network.hang();
  for (let batch = 0; batch < BATCHES; batch += 1) {
    await submitAll(slow, longMessages(BATCH));
    const [action] = await submitAll(quick, drills(1));
    await other.outcomeOf(action!);
  }
  const all = 1 + BATCH * BATCHES;
  await heardAll(reader, all, 30_000);
  await eventually(() => expect(socket.logs()).toContain('does not read, and is dropped'), { timeoutMs: 15_000 });
  expect((await memoryOf(socket)) - before).toBeLessThan(MOST_GROWTH_MB);

  network.heal();
  await heardAll(sleeper, all, 30_000);
  expect(sleeper.sessions.length).toBeGreaterThan(1);
  expect(sleeper.sessions.every(({ recovered }) => recovered)).toBe(true);
  expect(reader.sessions).toHaveLength(1);
  expect(other.sessions).toHaveLength(1);
}, 90_000);

/** Resident memory, in MB. */
async function memoryOf({ pid }: StartedApp): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1_024;
}
