import { setImmediate as nextTurn } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Identity } from '#auth';
import { ChannelsServer, type HistoryPage } from '#channels';
import type { SocketConfig } from '#config';
import {
  AUTHENTICATED,
  decodeCursor,
  encodeCursor,
  EVERYONE,
  evictionOf,
  type Cursor,
  type Envelope,
  type Session,
} from '#contracts';
import type { Membership } from '#ledger';
import { eventually } from '#testing';
import { MemoryHistory } from '../../../../libs/channels/src/memory-history.ts';
import type { Presence } from '../presence/presence.ts';
import { Audience } from './audience.ts';
import { Connection, type DirectMessages } from './connection.ts';
import { readCursors } from './given-cursors.ts';
import type { Memberships } from './memberships.service.ts';

Logger.overrideLogger(false);

const ROOM = 'room:a';
const NOTHING = readCursors([]);

const BOB: Identity = { userId: 'bob', scopes: new Set(), tokenId: undefined, issuedAt: 0, expiresAt: 4_000_000_000 };

/** A client that takes whatever it is sent, at once or when it is told to. */
class Client extends Connection {
  readonly id = 'client';
  readonly said: string[] = [];
  readonly entered = new Set<string>();
  isOpen = true;
  waiting = { messages: 0, bytes: 0 };
  /** Takes one message at a time. */
  isSlow = false;

  #resume: (() => void) | undefined;

  /** Where its newest session began, by channel. */
  began: Record<string, number> = {};

  constructor(identity: Identity | null = BOB) {
    super(identity);
  }

  send<Name extends keyof DirectMessages>(name: Name, message: DirectMessages[Name]): void {
    this.said.push(name);
    if (this.isSlow) this.halt();
    if (name !== 'session') return;
    const cursors = (message as Session).cursors.map((cursor) => decodeCursor(cursor)!);
    this.began = Object.fromEntries(cursors.map(({ channel, offset }) => [channel, offset]));
  }

  replay({ type, offset }: Envelope): void {
    this.said.push(`${type} ${offset}`);
    if (this.isSlow) this.halt();
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
    return new Promise((resolve) => (this.#resume = resolve));
  }

  /** Takes nothing from now on. */
  halt(): void {
    this.waiting = { messages: 1_000, bytes: 0 };
  }

  take(): void {
    this.waiting = { messages: 0, bytes: 0 };
    this.#resume?.();
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
/** What a delivery waits for. */
let taken: Promise<void>;
/** The membership of bob in the room. */
let membership: () => Promise<Membership | undefined>;

beforeEach(() => {
  history = new MemoryHistory();
  // Without Redis: what happens comes from the history.
  channels = new ChannelsServer({ url: '', prefix: '', positionCheckMs: 3_600_000 }, history);
  channels.addHandler('event', deliver as never, true);
  present = new Set();
  taken = Promise.resolve();
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

/** As the gateway does. */
function deliver(event: Envelope): Promise<void> {
  client.hear(event);
  const eviction = evictionOf(event);
  if (eviction) audience.evict([client], event.channel, eviction);
  return taken;
}

/** Has what happened in the room delivered to all who are in it. */
async function settle(): Promise<void> {
  const room = await channels.open(ROOM);
  await room.at(history.head(ROOM).offset, () => undefined);
  channels.release(ROOM);
}

/** Has whatever can go on go on. */
async function turns(): Promise<void> {
  for (let count = 0; count < 20; count += 1) await nextTurn();
}

/** Bob is removed from the room, something happens, and he is added again. */
function replaceMembership(): Envelope {
  history.append(ROOM, 'room.memberRemoved', { userId: 'bob' });
  history.append(ROOM);
  const added = history.append(ROOM, 'room.memberAdded', { userId: 'bob' });
  membership = () => Promise.resolve({ floor: decodeCursor(added.cursor)!, position: history.head(ROOM) });
  return added;
}

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
    // Nothing more is read: that could fail, and cut it off.
    history.isAway = true;
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

describe('who is brought in slowly', () => {
  it('is sent no more than it takes, enters when it has taken all, and hears nothing after it has left', async () => {
    for (let count = 0; count < 3; count += 1) history.append(ROOM);
    const { enter } = await audience.subscribe(client, ROOM, readCursors(['0']));
    client.halt();
    const entering = enter();
    await turns();
    expect(client.said).toEqual([]);
    client.isSlow = true;
    for (const offset of [1, 2, 3]) {
      expect(client.entered.size).toBe(0);
      client.take();
      await turns();
      expect(client.said.at(-1)).toBe(`message.created ${offset}`);
      expect(client.said).toHaveLength(offset);
    }
    expect(client.entered.size).toBe(0);
    client.take();
    await entering;
    expect([...client.entered]).toEqual([ROOM]);

    const { enter: enterAgain } = await audience.subscribe(client, ROOM, readCursors(['0']));
    const again = enterAgain();
    await turns();
    expect(client.said).toHaveLength(4);
    audience.leave(client, ROOM);
    client.take();
    await again;
    expect(client.said).toHaveLength(4);
    expect(left()).toEqual(NONE);
  });

  it('is cut off when what follows is not there any more, to come back with its cursors', async () => {
    const read = history.read.bind(history);
    const whatFollows: ((page: HistoryPage) => HistoryPage)[] = [
      ({ head, epoch, events }) => ({ head, epoch, events, reason: 'CURSOR_TOO_OLD' }),
      ({ head, epoch }) => ({ head, epoch, events: [] }),
    ];
    for (const follows of whatFollows) {
      client = new Client();
      history.append(ROOM);
      const { enter } = await audience.subscribe(client, ROOM, readCursors(['0']));
      const said = history.head(ROOM).offset;
      const room = await channels.open(ROOM);
      await room.at(history.append(ROOM).offset, () => undefined);
      history.read = async (requests) => (await read(requests)).map(follows);
      const compared = history.headReads.length;
      await enter();
      expect([client.isOpen, client.said.length, client.entered.size]).toEqual([false, said, 0]);
      await eventually(() => expect(history.headReads.length).toBeGreaterThan(compared));
      history.read = read;
      audience.leave(client, ROOM);
      channels.release(ROOM);
    }
  });
});

describe('who hears a room already', () => {
  const cursorOf = ({ cursor }: Envelope) => readCursors([cursor]);

  it('goes on there when it subscribes again without a cursor of it, and is told where it is', async () => {
    const missed = history.append(ROOM);
    history.append(ROOM);
    const { enter } = await audience.subscribe(client, ROOM, cursorOf(missed));
    const entering = await audience.subscribe(client, ROOM, NOTHING);
    // What was missed is still to come.
    expect(entering.start.from.offset).toBe(1);
    await Promise.all([enter(), entering.enter()]);
    history.append(ROOM);
    await settle();
    const foreign = cursorOf(history.append('room:b'));
    for (const given of [NOTHING, readCursors(['garbage']), foreign]) {
      const here = history.head(ROOM);
      // Not brought yet.
      history.append(ROOM);
      const { start, enter: enterAgain } = await audience.subscribe(client, ROOM, given);
      expect(start.from).toEqual(here);
      await enterAgain();
      await settle();
    }
    expect(client.said).toEqual([2, 3, 4, 5, 6].map((offset) => `message.created ${offset}`));
    audience.leave(client, ROOM);
    expect(left()).toEqual(NONE);
  });

  it('hears it once more from a cursor, and each later event once', async () => {
    const first = history.append(ROOM);
    history.append(ROOM);
    for (const given of [readCursors(['0']), cursorOf(first)]) {
      await (await audience.subscribe(client, ROOM, given)).enter();
    }
    history.append(ROOM);
    await settle();
    expect(client.said).toEqual([1, 2, 2, 3].map((offset) => `message.created ${offset}`));
    audience.leave(client, ROOM);
    expect(left()).toEqual(NONE);
  });

  it('hears the end of its membership first when that was renewed', async () => {
    await (await audience.subscribe(client, ROOM, NOTHING)).enter();
    replaceMembership();
    await (await audience.subscribe(client, ROOM, NOTHING)).enter();
    history.append(ROOM);
    await settle();
    expect(client.said).toEqual(['room.memberRemoved 1', 'message.created 4']);
    expect([[...client.entered], [...present]]).toEqual([[ROOM], [ROOM]]);
    audience.leave(client, ROOM);
    expect(left()).toEqual(NONE);
  });

  it('hears the end of its membership first also while it is still being brought in', async () => {
    history.append(ROOM);
    const { enter } = await audience.subscribe(client, ROOM, readCursors(['0']));
    replaceMembership();
    client.halt();
    const entering = enter();
    const again = audience.subscribe(client, ROOM, NOTHING);
    await turns();
    client.take();
    await entering;
    await (await again).enter();
    history.append(ROOM);
    await settle();
    expect(client.said).toEqual(['message.created 1', 'room.memberRemoved 2', 'message.created 5']);
  });

  it('is refused when its membership is over, and hears the end of it all the same', async () => {
    await (await audience.subscribe(client, ROOM, NOTHING)).enter();
    history.append(ROOM, 'room.memberRemoved', { userId: 'bob' });
    membership = () => Promise.resolve(undefined);
    await expect(audience.subscribe(client, ROOM, NOTHING)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await settle();
    expect(client.said).toEqual(['room.memberRemoved 1']);
    expect(left()).toEqual(NONE);
  });

  it('starts anew when it is evicted while its membership is read', async () => {
    await (await audience.subscribe(client, ROOM, NOTHING)).enter();
    const [usual, read] = [membership, Promise.withResolvers<void>()];
    membership = async () => {
      await read.promise;
      return usual();
    };
    const subscribing = audience.subscribe(client, ROOM, NOTHING);
    audience.evict([client], ROOM, 'all');
    read.resolve();
    await (await subscribing).enter();
    expect([[...client.entered], [...present]]).toEqual([[ROOM], [ROOM]]);
  });

  it('hears a thousand channels at most', async () => {
    for (let count = 0; count < 1_000; count += 1)
      client.channels.set(`room:${count}`, { hasEntered: true, isOver: false });
    await expect(audience.subscribe(client, ROOM, NOTHING)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    client.channels.delete('room:0');
    await (await audience.subscribe(client, ROOM, NOTHING)).enter();
    expect([...client.entered]).toEqual([ROOM]);
  });
});

it('what is no room is not subscribed to, and goes on when it is heard already', async () => {
  await (
    await audience.start(client, NOTHING)
  )();
  for (const name of ['user:bob', 'user:alice', EVERYONE]) {
    await expect(audience.subscribe(client, name, NOTHING)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  }
  expect([...client.entered].toSorted()).toEqual([AUTHENTICATED, EVERYONE, 'user:bob']);
});

it('a member hears nothing of what was before, whatever cursor it brings', async () => {
  const first = history.append(ROOM);
  replaceMembership();
  history.append(ROOM);
  const begin = async (cursor: string): Promise<void> => (await audience.start(client, readCursors([cursor])))();
  const subscribe = async (cursor: string): Promise<void> =>
    (await audience.subscribe(client, ROOM, readCursors([cursor]))).enter();
  for (const bring of [subscribe, begin]) {
    for (const cursor of [first.cursor, encodeCursor(at(0))]) {
      client = new Client();
      await bring(cursor);
      expect(client.said.filter((said) => said !== 'session')).toEqual(['message.created 5']);
      for (const name of [...client.channels.keys()]) audience.leave(client, name);
      expect(left()).toEqual(NONE);
    }
  }
});

it('an event stream hears no room, whatever cursor it is given', async () => {
  const { cursor } = history.append(ROOM);
  await (
    await audience.start(client, readCursors([cursor]), ['user:bob'])
  )();
  expect([...client.channels.keys()]).toEqual(['user:bob']);
  expect(left()).toEqual([1, 1, 1, 0]);
});

it('a guest that becomes a user while an announcement is delivered hears it once', async () => {
  const guest = new Client(null);
  client = guest;
  await (
    await audience.start(guest, NOTHING)
  )();
  guest.renew(BOB);
  const slow = Promise.withResolvers<void>();
  taken = slow.promise;
  history.append(EVERYONE);
  void channels.checkPositions();
  await eventually(() => expect(guest.said).toContain('message.created 1'));
  const starting = audience.startAgain(guest);
  await turns();
  slow.resolve();
  await (
    await starting
  )();
  expect(guest.said).toEqual(['session', 'message.created 1', 'session']);
  expect(guest.began[EVERYONE]).toBe(1);
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

it('who has gone while a room was opened is not present there', async () => {
  const [heads, read] = [history.heads.bind(history), Promise.withResolvers<void>()];
  history.heads = async (names) => {
    await read.promise;
    return heads(names);
  };
  const subscribing = audience.subscribe(client, ROOM, NOTHING);
  await turns();
  client.isOpen = false;
  read.resolve();
  await (await subscribing).enter();
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
