import { beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeCursor, type Ack, type Envelope, type ProblemCode, type Subscribed } from '#contracts';
import type { MissedEvents } from '../client.ts';
import type { CommandAnswer, CommandName } from '../connection/connection.ts';
import { Positions } from '../delivery/positions.ts';
import { TidingsError } from '../tidings-error.ts';
import { Subscriptions } from './subscriptions.ts';

const ROOM = 'room:r';

function cursorAt(offset: number, channel = ROOM): string {
  return encodeCursor({ channel, offset, check: 'a'.repeat(12) });
}

function event(offset: number, type = 'message.created', data: object = {}): Envelope {
  return { id: `${offset}`, channel: ROOM, offset, cursor: cursorAt(offset), type, data } as Envelope;
}

/** A command that was sent, to be answered. */
interface Sent {
  name: CommandName;
  payload: { channel: string; cursor?: string };
  answer: (answer: CommandAnswer<object>) => void;
}

function subscribed(offset: number, more: Partial<Subscribed> = {}): Ack<Subscribed> {
  return { ok: true, recovered: true, cursor: cursorAt(offset), ...more };
}

function refused(code: ProblemCode): Ack {
  return { ok: false, problem: { type: '', title: '', status: 0, detail: 'no', code } };
}

let sent: Sent[];
let isOnline: boolean;
let resumed: number;
let missed: MissedEvents[];
let positions: Positions;
let subscriptions: Subscriptions;

beforeEach(() => {
  sent = [];
  isOnline = true;
  resumed = 0;
  missed = [];
  positions = new Positions([], false);
  subscriptions = new Subscriptions({
    positions,
    command: (name, payload, answered) => {
      sent.push({ name, payload: payload as Sent['payload'], answer: answered });
    },
    isOnline: () => isOnline,
    resume: () => (resumed += 1),
    onMissed: (more) => missed.push(more),
    onListenerError: (cause) => {
      throw cause;
    },
  });
});

const commands = (): [string, string | undefined][] => sent.map(({ name, payload }) => [name, payload.cursor]);

describe('a subscription', () => {
  it('is sent at once when there is a session, else with the next one', async () => {
    isOnline = false;
    const first = subscriptions.add(ROOM, {});
    expect(sent).toEqual([]);
    isOnline = true;
    subscriptions.restart();
    subscriptions.add('room:other', {});
    expect(sent.map(({ payload }) => payload)).toEqual([{ channel: ROOM }, { channel: 'room:other' }]);
    sent[0]!.answer(subscribed(5));
    expect(await first.ready).toEqual({ recovered: true, cursor: cursorAt(5) });
  });

  it('goes on after a reconnect from the last event that came', () => {
    subscriptions.add(ROOM, {});
    sent[0]!.answer(subscribed(5));
    positions.arrive(event(6));
    subscriptions.restart();
    expect(commands()).toEqual([
      ['subscribe', undefined],
      ['subscribe', cursorAt(6)],
    ]);
  });

  it('tells when it went on behind what is lost; at first the answer says so', async () => {
    const { ready } = subscriptions.add(ROOM, { after: '0' });
    sent[0]!.answer(subscribed(3, { recovered: false, reason: 'CURSOR_TOO_OLD' }));
    expect(await ready).toMatchObject({ recovered: false, reason: 'CURSOR_TOO_OLD' });
    expect(missed).toEqual([]);
    subscriptions.restart();
    sent[1]!.answer(subscribed(5));
    expect(missed).toEqual([]);
    subscriptions.restart();
    sent[2]!.answer(subscribed(40, { recovered: false, reason: 'CURSOR_TOO_OLD' }));
    expect(missed).toEqual([{ channel: ROOM, reason: 'CURSOR_TOO_OLD' }]);
  });

  it('is one for the server, however many listen; the last to leave ends it', async () => {
    const [first, second] = [subscriptions.add(ROOM, {}), subscriptions.add(ROOM, {})];
    sent[0]!.answer(subscribed(0));
    const third = subscriptions.add(ROOM, {});
    await Promise.all([first, second, third].map(({ ready }) => ready));
    first.unsubscribe();
    second.unsubscribe();
    first.unsubscribe();
    expect(commands()).toHaveLength(1);
    third.unsubscribe();
    expect(commands().map(([name]) => name)).toEqual(['subscribe', 'unsubscribe']);
    expect(subscriptions.has(ROOM)).toBe(false);
  });

  it('that is left and begun anew heeds the new answer only, and goes on where it was', async () => {
    const old = subscriptions.add(ROOM, {});
    old.unsubscribe();
    await expect(old.ready).rejects.toMatchObject({ code: 'CLOSED' });
    const anew = subscriptions.add(ROOM, {});
    const isReady = vi.fn<(value: Subscribed) => void>();
    void anew.ready.then(isReady);
    sent[0]!.answer(subscribed(1));
    await Promise.resolve();
    expect(isReady).not.toHaveBeenCalled();
    sent[2]!.answer(subscribed(3));
    await anew.ready;
    anew.unsubscribe();
    subscriptions.add(ROOM, {});
    expect(commands().at(-1)).toEqual(['subscribe', cursorAt(3)]);
  });

  it('begins where it is told, once', () => {
    positions.subscribed({ recovered: true, cursor: cursorAt(9) });
    subscriptions.add(ROOM, { after: '0' });
    subscriptions.restart();
    sent[1]!.answer(subscribed(0));
    positions.arrive(event(1));
    subscriptions.restart();
    expect(commands().map(([, cursor]) => cursor)).toEqual(['0', '0', cursorAt(1)]);
  });

  it('ends when it is refused for good, and is sent again when it is not', async () => {
    vi.useFakeTimers();
    try {
      const subscription = subscriptions.add(ROOM, {});
      sent[0]!.answer(refused('UNAVAILABLE'));
      await vi.advanceTimersByTimeAsync(20_000);
      expect(commands()).toHaveLength(2);
      sent[1]!.answer(refused('FORBIDDEN'));
      await expect(subscription.ready).rejects.toMatchObject({ code: 'FORBIDDEN' });
      expect(await subscription.ended).toMatchObject({ code: 'FORBIDDEN' });
      expect(subscriptions.has(ROOM)).toBe(false);
    } finally {
      vi.useRealTimers();
    }
  });

  it('has the connection made anew when it is not answered, unless that is gone already', () => {
    subscriptions.add(ROOM, {});
    sent[0]!.answer('closed');
    expect(resumed).toBe(0);
    subscriptions.restart();
    sent[1]!.answer('late');
    expect(resumed).toBe(1);
  });

  it('ends with the membership, after the events before', async () => {
    const subscription = subscriptions.add(ROOM, {});
    const events = subscription.events();
    const pass = (passing: Envelope): void => {
      for (const listener of subscriptions.listenersOf(ROOM)) listener.take(passing, () => undefined);
      subscriptions.passed(passing, 'bob');
    };
    pass(event(1));
    pass(event(2, 'room.memberRemoved', { userId: 'carol' }));
    pass(event(3, 'room.memberRemoved', { userId: 'bob' }));
    pass(event(4));
    const heard: unknown[] = [];
    for await (const envelope of events) heard.push('offset' in envelope && envelope.offset);
    expect(heard).toEqual([1, 2, 3]);
    expect(await subscription.ended).toMatchObject({ code: 'FORBIDDEN' });
    expect(commands()).toHaveLength(1);
  });

  it('ends for who waits, when the client is closed', async () => {
    const subscription = subscriptions.add(ROOM, {});
    const next = subscription.events().next();
    subscriptions.close(new TidingsError('CLOSED', 'over'));
    expect(await next).toEqual({ done: true, value: undefined });
    expect((await subscription.events().next()).done).toBe(true);
  });
});

describe('positions in rooms', () => {
  it('are kept when a session does not name them, and are no part of the handshake', () => {
    const user = cursorAt(1, 'user:bob');
    const kept = new Positions([cursorAt(4), user, cursorAt(2, 'everyone')], false);
    expect(kept.forHandshake).toEqual([user, cursorAt(2, 'everyone')]);
    kept.start({ cursors: [user] });
    expect(kept.handled).toEqual([cursorAt(4), user]);
    expect(kept.cursorOf(ROOM)).toBe(cursorAt(4));
  });

  it.each([
    ['stay when the answer is what was asked for', subscribed(4), 4],
    ['stay when events came before the answer', subscribed(3), 4],
    ['move to where a newer membership begins', subscribed(7), 7],
    [
      'are those of the answer when the given one was not honoured',
      subscribed(2, { recovered: false, reason: 'CURSOR_EPOCH' }),
      2,
    ],
  ])('%s', (_, answer, offset) => {
    const kept = new Positions([cursorAt(4)], false);
    kept.subscribed(answer as Ack<Subscribed> & { ok: true });
    expect(kept.cursorOf(ROOM)).toBe(cursorAt(offset));
  });
});
