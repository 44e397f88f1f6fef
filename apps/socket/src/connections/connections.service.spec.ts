import { once } from 'node:events';
import type { Socket } from 'socket.io';
import { io } from 'socket.io-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Identity, Revocations } from '#auth';
import type { ChannelsServer } from '#channels';
import type { SocketConfig } from '#config';
import { eventually } from '#testing';
import { bareIoServer } from '../gateway/bare-io-server.ts';
import { SocketConnection } from '../gateway/socket-connection.ts';
import type { Audience } from './audience.ts';
import { Connection } from './connection.ts';
import { Connections } from './connections.service.ts';

it.each(['websocket', 'polling'])('who is sent away last hears of it by %s before all is closed', async (transport) => {
  const { server, port } = await bareIoServer();
  const config = { DRAIN_WINDOW_MS: 1_000 } as SocketConfig;
  const connections = new Connections({} as ChannelsServer, {} as Audience, {} as Revocations, config);
  server.on('connection', (socket: Socket) => {
    connections.add(new SocketConnection(socket, null));
    socket.once('disconnect', () => connections.remove(socket.id));
  });

  const client = io(`http://localhost:${port}`, { transports: [transport], reconnection: false });
  const heard: unknown[] = [];
  client.onAny((...said) => heard.push(said));
  // By polling, the next poll is on its way then.
  await once(client as unknown as NodeJS.EventEmitter, 'connect');
  const gone = once(client as unknown as NodeJS.EventEmitter, 'disconnect');
  await connections.beforeApplicationShutdown();
  await server.close();
  await gone;
  expect(heard).toEqual([['goaway', { reason: 'drain', reconnectInMs: expect.any(Number) as number }]]);
});

/** A client that goes when it is told to, unless it hangs. */
class Client extends Connection {
  override readonly channels = new Map([['room:a', { hasEntered: true, isOver: false }]]);
  readonly isOpen = true;
  readonly waiting = { messages: 0, bytes: 0 };
  readonly reasons: string[] = [];
  wasCut = false;
  hangs = false;

  constructor(
    readonly id: string,
    userId?: string,
  ) {
    super(userId === undefined ? null : identityOf(userId));
  }

  send(_name: string, message: object): void {
    this.reasons.push((message as { reason: string }).reason);
  }

  replay(): void {}
  enter(): void {}
  leave(): void {}
  drained(): Promise<void> {
    return Promise.resolve();
  }

  protected close(): void {
    this.wasCut = this.reasons.length === 0;
    if (!this.hangs) connections.remove(this.id);
  }
}

const identityOf = (userId: string): Identity => ({
  userId,
  scopes: new Set(),
  tokenId: undefined,
  issuedAt: 0,
  expiresAt: 4_000_000_000,
});

let connections: Connections;
const channels = { onEpoch: (_channel: string) => undefined as void };
const revoked = new Set<string>();
const revocations = {
  onRevoked: () => undefined as void,
  isRevoked: ({ userId }: Identity) => revoked.has(userId),
};
const leftChannels: string[] = [];

function add(...added: Client[]): void {
  for (const client of added) connections.add(client);
}

beforeEach(() => {
  revoked.clear();
  leftChannels.length = 0;
  const audience = {
    leave: (client: Client, name: string) => {
      client.channels.delete(name);
      leftChannels.push(`${client.id} ${name}`);
    },
  };
  connections = new Connections(
    channels as unknown as ChannelsServer,
    audience as unknown as Audience,
    revocations as unknown as Revocations,
    { DRAIN_WINDOW_MS: 1_000, MOST_CONNECTIONS_PER_USER: 2 } as SocketConfig,
  );
  connections.onApplicationBootstrap();
});

afterEach(() => connections.beforeApplicationShutdown());

describe('the connections of an instance', () => {
  it('are counted by user, guests as those they become, and no more of one than may be', () => {
    const [one, guest, other] = [new Client('one', 'alice'), new Client('guest'), new Client('other')];
    add(one, guest, other, new Client('bob', 'bob'));
    expect(connections.load).toEqual({ connections: 4, users: 2 });
    connections.recognize(guest, identityOf('alice'));
    expect(() => connections.assertRoomFor(identityOf('alice'))).toThrow('More than 2 connections');
    expect(() => connections.recognize(other, identityOf('alice'))).toThrow('More than 2 connections');
    expect([guest.identity?.userId, other.identity]).toEqual(['alice', null]);
    for (const id of ['guest', 'guest', 'other']) connections.remove(id);
    expect(connections.load).toEqual({ connections: 2, users: 2 });
    expect(() => connections.assertRoomFor(identityOf('alice'))).not.toThrow();
    expect(leftChannels).toEqual(['guest room:a', 'other room:a']);
    add(new Client('two', 'alice'));
    expect(() => connections.assertRoomFor(identityOf('alice'))).toThrow('More than 2 connections');
  });

  it('are cut off when a channel that they hear has another history, and no others', () => {
    const [hears, hearsNot] = [new Client('hears'), new Client('hearsNot')];
    hearsNot.channels.clear();
    add(hears, hearsNot);
    channels.onEpoch('room:a');
    expect([hears.wasCut, hearsNot.wasCut]).toEqual([true, false]);
  });

  it('end when their user is revoked, and soon when that was known before they came', async () => {
    const [alice, late, bob] = [new Client('alice', 'alice'), new Client('late', 'alice'), new Client('bob', 'bob')];
    add(alice, bob, new Client('guest'));
    revoked.add('alice');
    revocations.onRevoked();
    expect(alice.reasons).toEqual(['revoked']);
    add(late);
    await eventually(() => expect(late.reasons).toEqual(['revoked']));
    expect(bob.reasons).toEqual([]);
  });

  it('are sent away step by step, with those who come meanwhile', async () => {
    const clients = Array.from({ length: 100 }, (_, index) => new Client(String(index)));
    add(...clients);
    const gone = connections.beforeApplicationShutdown();
    expect(connections.load.connections).toBe(75);
    const late = new Client('late');
    add(late);
    await eventually(() => expect(connections.load.connections).toBeLessThan(60), { everyMs: 0 });
    expect(connections.load.connections).toBeGreaterThan(40);
    await gone;
    expect(connections.load.connections).toBe(0);
    expect(clients.concat(late).map(({ reasons }) => reasons)).toEqual(clients.concat(late).map(() => ['drain']));
  });

  it('that are told to go are not counted again for the next step, nor waited for without end', async () => {
    const clients = Array.from({ length: 100 }, (_, index) => new Client(String(index)));
    for (const client of clients) client.hangs = true;
    add(...clients);
    const told = (): number => clients.filter(({ isEnded }) => isEnded).length;
    const gone = connections.beforeApplicationShutdown();
    await eventually(() => expect(told()).toBeGreaterThan(25), { everyMs: 0 });
    expect(told()).toBe(50);
    await gone;
    expect(told()).toBe(100);
    for (const { id } of clients) connections.remove(id);
  });

  it('that come after all were told to go are told so, too, as long as some are still here', async () => {
    const client = new Client('slow');
    client.hangs = true;
    add(client);
    const gone = connections.beforeApplicationShutdown();
    expect(client.reasons).toEqual(['drain']);
    const late = new Client('late');
    add(late);
    await eventually(() => expect(late.reasons).toEqual(['drain']));
    connections.remove('slow');
    await gone;
  });
});
