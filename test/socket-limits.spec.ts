import { beforeAll, describe, expect, it } from 'vitest';
import { ConnectionRefused, eventually, startSystem, type Listener, type System, type TestUser } from '#testing';
import { ackOf } from './audiences/ack.ts';

const MOST_EVENTS = 20;
const MOST_CONNECTIONS = 3;

let system: System;

beforeAll(async () => {
  system = await startSystem({
    sockets: 1,
    workers: 0,
    env: { RATE_LIMIT_EVENTS: String(MOST_EVENTS), MOST_CONNECTIONS_PER_USER: String(MOST_CONNECTIONS) },
  });
});

const send = (listener: Listener): Promise<unknown> => ackOf(listener, 'mirror', { event: 'typing', data: 1 });

describe('the limit of events', () => {
  it('is of a user, over all connections: what goes beyond is acked, and nobody else is concerned', async () => {
    const [alice, bob] = await Promise.all([system.user('alice'), system.user('bob')]);
    const [socket] = system.sockets;
    const [first, second, bobs] = [
      await alice.connect(socket!),
      await alice.connect(socket!),
      await bob.connect(socket!),
    ];
    const answers: unknown[] = [];
    for (let event = 0; event < MOST_EVENTS; event += 1) answers.push(await send(event % 2 === 0 ? first : second));
    expect(answers).toEqual(answers.map(() => ({ ok: true })));
    expect(await send(first)).toMatchObject({ ok: false, problem: { code: 'RATE_LIMITED', status: 429 } });
    expect(await send(bobs)).toEqual({ ok: true });
    expect(first.socket.connected).toBe(true);
  });

  it('cuts off who goes on all the same, and the instance lives', async () => {
    const carol = await system.user('carol');
    const listener = await carol.connect(system.sockets[0]!, { reconnects: false });
    for (let event = 0; event < 10 * MOST_EVENTS; event += 1)
      listener.socket.emit('mirror', { event: 'x', data: event });
    await eventually(() => expect(listener.socket.connected).toBe(false));
    system.assertUnharmed();
  });
});

describe('the limit of connections', () => {
  it('refuses one more of the same user, until one of them is closed', async () => {
    const dave: TestUser = await system.user('dave');
    const [socket] = system.sockets;
    const open: Listener[] = [];
    for (let count = 0; count < MOST_CONNECTIONS; count += 1) open.push(await dave.connect(socket!));
    const refusal = await dave.connect(socket!).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ConnectionRefused);
    expect((refusal as ConnectionRefused).problem).toMatchObject({ code: 'RATE_LIMITED' });
    open[0]!.close();
    await eventually(() => dave.connect(socket!));
  });
});
