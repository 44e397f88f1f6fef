import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { AUTHENTICATED, decodeCursor, encodeCursor, EVERYONE, userChannel } from '#contracts';
import {
  connect,
  ConnectionRefused,
  eventually,
  FaultyProxy,
  Listener,
  startSystem,
  token,
  type System,
  type TestUser,
} from '#testing';
import { ackOf } from './ack.ts';

let system: System;
let url: string;
let alice: TestUser;

beforeAll(async () => {
  system = await startSystem({ sockets: 2, env: { MOST_CONNECTIONS_PER_USER: '3' } });
  url = system.sockets[0]!.url;
  alice = await system.user('alice', { scopes: ['announce'] });
});

describe('a guest', () => {
  it('hears everyone, and nothing else, now and after coming back', async () => {
    const guest = await connect(url);
    expect(guest.session).toMatchObject({ userId: null, tokenExpiresAt: null, recovered: true });
    expect(guest.session.cursors.map((cursor) => decodeCursor(cursor)!.channel)).toEqual([EVERYONE]);
    const self = await alice.connect(system.sockets[0]!);
    for (const audience of [AUTHENTICATED, 'user:alice', 'user:null', 'user:undefined', EVERYONE]) {
      const body = { audience, title: audience, body: 'It works.' };
      await self.outcomeOf(await alice.submit('POST', '/v1/announcements', { body }));
    }
    const back = await connect(url, { cursors: guest.session.cursors });
    for (const listener of [guest, back]) {
      await eventually(() => expect(listener.events.map(({ channel }) => channel)).toEqual([EVERYONE]));
      expect(listener.outcomes).toEqual([]);
    }
  });

  it('is not brought into a channel by a cursor of it', async () => {
    const self = await alice.connect(system.sockets[0]!);
    const outcome = await self.outcomeOf(await alice.createMessage('private'));
    const beginnings = [userChannel('alice'), AUTHENTICATED].map((channel) =>
      encodeCursor({ ...decodeCursor(outcome.cursor)!, channel, offset: 0 }),
    );
    const guest = await connect(url, { cursors: [...beginnings, outcome.cursor, '0'] });
    expect(guest.session).toMatchObject({
      recovered: false,
      reasons: { 'user:alice': 'CURSOR_INVALID', [AUTHENTICATED]: 'CURSOR_INVALID' },
    });
    const body = { audience: EVERYONE, title: 'marker', body: 'It works.' };
    await alice.submit('POST', '/v1/announcements', { body });
    await eventually(() => expect(guest.events.at(-1)?.data).toMatchObject({ title: 'marker' }));
    expect(guest.events.filter(({ channel }) => channel !== EVERYONE)).toEqual([]);
    expect(guest.outcomes).toEqual([]);
  });

  it('may say nothing but who it is: every other command is refused', async () => {
    const guest = await connect(url);
    const commands: [string, object][] = [
      ['submit', { type: 'messages.create', payload: { text: 'by a guest' } }],
      ['submit', { type: 'announcements.create', payload: { audience: EVERYONE, title: 'a', body: 'b' } }],
      ['mirror', { event: 'a', data: 1 }],
      ['delivered', { cursor: guest.session.cursors[0]! }],
      ['subscribe', { channel: `room:${randomUUID()}` }],
      ['presence', { channel: `room:${randomUUID()}` }],
    ];
    for (const [event, command] of commands) {
      expect(await ackOf(guest, event, command)).toMatchObject({ ok: false, problem: { code: 'FORBIDDEN' } });
    }
    const answer = await ackOf(guest, 'refresh', { token: 'x.y.z' });
    expect(answer).toMatchObject({ ok: false, problem: { code: 'UNAUTHENTICATED' } });
    expect(guest.session.userId).toBeNull();
  });

  it('has no event stream, which is for users', async () => {
    expect((await fetch(`${url}/v1/outcomes/stream`)).status).toBe(401);
  });

  it('is not let in where guests are not allowed', async () => {
    const closed = await system.add('socket', { ALLOW_GUESTS: 'false' });
    const error: unknown = await connect(closed.url, { reconnects: false }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConnectionRefused);
    expect((error as ConnectionRefused).problem?.code).toBe('UNAUTHENTICATED');
    expect((await alice.connect(closed)).session.userId).toBe('alice');
  });
});

const announce = (audience: string) =>
  alice.submit('POST', '/v1/announcements', { body: { audience, title: 'News', body: 'It works.' } });

function says({ socket }: Listener, jwt: string): Promise<unknown> {
  return socket.timeout(5_000).emitWithAck('refresh', { token: jwt });
}

const channelsOf = ({ session }: Listener): string[] =>
  session.cursors.map((cursor) => decodeCursor(cursor)!.channel).toSorted();

describe('a guest', () => {
  it('that shows a token goes on as its user: in a session of its own, from now on', async () => {
    const bob = await system.user('bob');
    const before = await bob.connect(system.sockets[1]!);
    await before.outcomeOf(await bob.createMessage('before'));
    const guest = await connect(url);
    const heard: string[] = [];
    guest.socket.onAny((name: string) => heard.push(name));
    const answer = await guest.socket.emitWithAck('refresh', { token: bob.token });
    expect(answer).toEqual({ ok: true, tokenExpiresAt: expect.any(String) as string });
    // Accepted behind the beginning of the session, so that its outcome is heard.
    const submitted = await guest.socket.emitWithAck('submit', {
      type: 'messages.create',
      payload: { text: 'by socket' },
    });
    const { action } = submitted as { action: { id: string } };
    await guest.outcomeOf(action);
    await guest.outcomeOf(await bob.createMessage('by rest'));
    expect(guest.session).toMatchObject({
      userId: 'bob',
      recovered: true,
      tokenExpiresAt: answer.ok && answer.tokenExpiresAt,
    });
    expect(channelsOf(guest)).toEqual(['authenticated', 'everyone', 'user:bob']);
    expect(heard.filter((name) => name !== 'event')).toEqual(['session', 'outcome', 'outcome']);
    await announce('everyone');
    await announce('authenticated');
    await eventually(() =>
      expect(guest.events.map(({ channel }) => channel).toSorted()).toEqual(['authenticated', 'everyone']),
    );
  });

  it('that shows a token while it is told what it missed hears each of that once', async () => {
    const witness = await alice.connect(system.sockets[1]!);
    const accepted = await Promise.all(Array.from({ length: 130 }, () => announce('everyone')));
    await witness.outcomesOf(accepted, 30_000);
    const postgres = await FaultyProxy.start(system.database);
    const slow = await system.add('socket', { DATABASE_URL: postgres.url });
    // Its channels are open there, and nothing has to be looked up for its session.
    const grace = await system.user('grace');
    await grace.connect(slow);
    const guest = new Listener(slow.url, { cursor: '0' });
    onTestFinished(() => guest.close());
    const said: string[] = [];
    guest.socket.onAny((name: string) => said.push(name));
    // The first part of what it missed comes with its session, the rest takes a while.
    guest.socket.once('event', () => {
      postgres.slow(200);
      guest.socket.emit('refresh', { token: grace.token }, () => said.push('answer'));
    });
    await eventually(() => expect(guest.sessions).toHaveLength(2));
    expect(said.filter((name) => name !== 'event')).toEqual(['session', 'answer', 'session']);
    postgres.slow(0);
    await alice.submit('POST', '/v1/announcements', { body: { audience: EVERYONE, title: 'last', body: 'It works.' } });
    await eventually(() => expect(guest.events.at(-1)?.data).toMatchObject({ title: 'last' }));
    const offsets = guest.events.filter(({ channel }) => channel === EVERYONE).map(({ offset }) => offset);
    expect(offsets).toEqual(offsets.map((_, index) => index + 1));
    expect(offsets.length).toBeGreaterThan(130);
  });

  it('that shows several tokens at once becomes one user', async () => {
    const guest = await connect(url);
    const tokens = await Promise.all(['carol', 'dave', 'carol'].map((user) => token(user)));
    const answers = await Promise.all(tokens.map((jwt) => says(guest, jwt)));
    await eventually(() => expect(guest.sessions).toHaveLength(2));
    const isCarol = guest.session.userId === 'carol';
    expect(answers.map((answer) => (answer as { ok: boolean }).ok)).toEqual([isCarol, !isCarol, isCarol]);
  });

  it('that shows a token is counted as its user', async () => {
    const guests = [await connect(url), await connect(url), await connect(url)];
    const last = await connect(url);
    const jwt = await token('erin');
    for (const guest of guests) expect(await says(guest, jwt)).toMatchObject({ ok: true });
    expect(await says(last, jwt)).toMatchObject({ ok: false, problem: { code: 'RATE_LIMITED' } });
    guests[0]!.close();
    await eventually(async () => expect(await says(last, jwt)).toMatchObject({ ok: true }));
  });

  it('that shows a token ends with it', async () => {
    const guest = await connect(url);
    expect(await says(guest, await token('frank', { expiresIn: 3 }))).toMatchObject({ ok: true });
    await eventually(() => expect(guest.goaways).toMatchObject([{ reason: 'token_expired' }]), { timeoutMs: 10_000 });
  });
});
