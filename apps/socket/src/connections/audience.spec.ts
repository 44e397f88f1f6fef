import { beforeEach, describe, expect, it } from 'vitest';
import type { Identity } from '#auth';
import { ChannelsServer } from '#channels';
import type { SocketConfig } from '#config';
import { AUTHENTICATED, decodeCursor, EVERYONE, type Cursor, type Envelope, type Session } from '#contracts';
import type { Membership } from '#ledger';
import { eventually } from '#testing';
import { MemoryHistory } from '../../../../libs/channels/src/memory-history.ts';
import type { Presence } from '../presence/presence.ts';
import { Audience } from './audience.ts';
import { Connection, type DirectMessages } from './connection.ts';
import { readCursors } from './given-cursors.ts';
import type { Memberships } from './memberships.service.ts';

const ROOM = 'room:a';
const NOTHING = readCursors([]);

const BOB: Identity = { userId: 'bob', scopes: new Set(), tokenId: undefined, issuedAt: 0, expiresAt: 4_000_000_000 };

/** A client that takes whatever it is sent. */
class Client extends Connection {
  readonly id = 'client';
  readonly said: string[] = [];
  readonly entered = new Set<string>();
  isOpen = true;
  readonly waiting = { messages: 0, bytes: 0 };

  /** Where its newest session began, by channel. */
  began: Record<string, number> = {};

  constructor(identity: Identity | null = BOB) {
    super(identity);
  }

  send<Name extends keyof DirectMessages>(name: Name, message: DirectMessages[Name]): void {
    this.said.push(name === 'session' ? name : `${(message as Envelope).type} ${(message as Envelope).offset}`);
    if (name !== 'session') return;
    const cursors = (message as Session).cursors.map((cursor) => decodeCursor(cursor)!);
    this.began = Object.fromEntries(cursors.map(({ channel, offset }) => [channel, offset]));
  }

  /** What is sent to all who are in a channel. */
  hear({ channel, type, offset }: Envelope): void {
    if (this.entered.has(channel)) this.said.push(`${type} ${offset}`);
  }

  enter(channel: string): void {
    this.entered.add(channel);
  }

  leave(channel: string): void {
    this.entered.delete(channel);
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.isOpen = false;
  }
}

let history: MemoryHistory;
let channels: ChannelsServer;
let audience: Audience;
let client: Client;
let present: Set<string>;
/** The membership of bob in the room. */
let membership: () => Promise<Membership | undefined>;

beforeEach(() => {
  history = new MemoryHistory();
  // Without Redis: what happens comes from the history.
  channels = new ChannelsServer({ url: '', prefix: '', positionCheckMs: 3_600_000 }, history);
  channels.addHandler('event', ((event: Envelope) => Promise.resolve(client.hear(event))) as never, true);
  present = new Set();
  membership = () => Promise.resolve({ floor: at(0), position: history.head(ROOM) });
  audience = new Audience(
    channels,
    { read: () => membership() } as unknown as Memberships,
    { join: (name: string) => present.add(name), leave: (name: string) => present.delete(name) } as unknown as Presence,
    { INSTANCE_ID: 'socket-1' } as SocketConfig,
  );
  client = new Client();
});

const at = (offset: 0): Cursor => ({ channel: ROOM, offset, check: history.epoch });

/** What is left of the client: channels that are open, heard and entered, and rooms in which its user is present. */
const left = (): number[] => [channels.size, client.channels.size, client.entered.size, present.size];
const NONE = [0, 0, 0, 0];

it('who comes back, to a channel that nobody else hears, asks the history once: what was missed, and where it is now', async () => {
  const [first] = ['message.created', 'message.created', 'room.deleted'].map((type) =>
    history.append('user:bob', type),
  );
  const enter = await audience.start(client, readCursors([first!.cursor]), ['user:bob']);
  await enter();
  expect(client.said).toEqual(['session', 'message.created 2', 'room.deleted 3']);
  expect([history.headReads, history.reads.length]).toEqual([[], 1]);
  const other = new Client();
  await (
    await audience.start(other, readCursors([history.append('user:bob').cursor]), ['user:bob'])
  )();
  expect([other.said, [...other.entered]]).toEqual([['session'], ['user:bob']]);
});

describe('who is brought into a room', () => {
  it('hears what was missed, and is in it then', async () => {
    history.append(ROOM);
    const { enter } = await audience.subscribe(client, ROOM, readCursors(['0']));
    await enter();
    expect(client.said).toEqual(['message.created 1']);
    expect([[...client.entered], [...present]]).toEqual([[ROOM], [ROOM]]);
    audience.leave(client, ROOM);
    expect(left()).toEqual(NONE);
  });

  it('hears nothing behind the end of the membership that comes in between', async () => {
    history.append(ROOM);
    const read = membership;
    membership = async () => {
      const found = await read();
      for (const type of ['room.deleted', 'message.created']) history.append(ROOM, type);
      return found;
    };
    const { enter } = await audience.subscribe(client, ROOM, readCursors(['0']));
    await enter();
    expect(client.said).toEqual(['message.created 1', 'room.deleted 2']);
    expect(left()).toEqual(NONE);
  });

  it('is not in it when it has left while the room caught up', async () => {
    const [asked, slow] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const other = new Client();
    const { enter: enterOther } = await audience.subscribe(other, ROOM, NOTHING);
    await enterOther();
    history.append(ROOM);
    const read = history.read.bind(history);
    history.read = async (requests) => {
      const pages = await read(requests);
      asked.resolve();
      await slow.promise;
      return pages;
    };
    const { enter } = await audience.subscribe(client, ROOM, NOTHING);
    const entering = enter();
    await asked.promise;
    audience.leave(client, ROOM);
    slow.resolve();
    await entering;
    expect([client.isOpen, client.entered.size, client.said]).toEqual([true, 0, []]);
    expect([...other.entered]).toEqual([ROOM]);
  });

  it('is not there when it has left while its membership was read', async () => {
    const [usual, read] = [membership, Promise.withResolvers<void>()];
    membership = async () => {
      await read.promise;
      return usual();
    };
    const subscribing = audience.subscribe(client, ROOM, NOTHING);
    await eventually(() => expect(client.channels.has(ROOM)).toBe(true));
    audience.leave(client, ROOM);
    read.resolve();
    const { enter } = await subscribing;
    await enter();
    expect(left()).toEqual(NONE);
  });

  it('is refused without a membership, and leaves nothing behind, nor when that cannot be read', async () => {
    membership = () => Promise.resolve(undefined);
    await expect(audience.subscribe(client, ROOM, NOTHING)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(left()).toEqual(NONE);
    membership = () => Promise.reject(new Error('away'));
    await expect(audience.subscribe(client, ROOM, NOTHING)).rejects.toThrow('away');
    expect(left()).toEqual(NONE);
  });
});

it('a guest that becomes a user hears each announcement on the side of its session where the cursor says', async () => {
  const guest = new Client(null);
  client = guest;
  history.append(EVERYONE);
  await (
    await audience.start(guest, NOTHING)
  )();
  const announce = async (): Promise<void> => {
    const everyone = await channels.open(EVERYONE);
    await everyone.at(history.append(EVERYONE).offset, () => undefined);
    channels.release(EVERYONE);
  };
  await announce();
  guest.renew(BOB);
  const [heads, read] = [history.heads.bind(history), Promise.withResolvers<void>()];
  history.heads = async (names) => {
    history.append(EVERYONE);
    const found = await heads(names);
    await read.promise;
    return found;
  };
  const starting = audience.startAgain(guest);
  await eventually(() => expect(history.headReads.at(-1)).toContain('user:bob'));
  await announce();
  read.resolve();
  const enter = await starting;
  await announce();
  await enter();
  await announce();
  expect(guest.said).toEqual([
    'session',
    'message.created 2',
    'session',
    'message.created 3',
    'message.created 4',
    'message.created 5',
    'message.created 6',
  ]);
  expect(guest.began).toEqual({ 'user:bob': 0, [AUTHENTICATED]: 0, [EVERYONE]: 2 });
  for (const name of [...guest.channels.keys()]) audience.leave(guest, name);
  expect(left()).toEqual(NONE);
});

it('who has gone while a session was begun leaves nothing behind', async () => {
  const starting = audience.start(client, NOTHING);
  client.isOpen = false;
  const enter = await starting;
  await enter();
  expect(left()).toEqual(NONE);
});

it('only who has entered a channel is evicted from it at once', async () => {
  const entering = new Client();
  const { enter } = await audience.subscribe(client, ROOM, NOTHING);
  await enter();
  await audience.subscribe(entering, ROOM, NOTHING);
  audience.evict([client, entering], ROOM, { userId: 'somebody' });
  expect([...client.entered]).toEqual([ROOM]);
  audience.evict([client, entering], ROOM, 'all');
  expect([client.channels.has(ROOM), entering.channels.has(ROOM)]).toEqual([false, true]);
});
