import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { AUTHENTICATED, decodeCursor, encodeCursor, EVERYONE, userChannel } from '#contracts';
import { connect, ConnectionRefused, eventually, startSystem, token, type System, type TestUser } from '#testing';
import { ackOf } from './ack.ts';

let system: System;
let url: string;
let alice: TestUser;

beforeAll(async () => {
  system = await startSystem({ sockets: 1 });
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

  it('may say nothing: every command is refused', async () => {
    const guest = await connect(url);
    const commands: [string, object][] = [
      ['submit', { type: 'messages.create', payload: { text: 'by a guest' } }],
      ['submit', { type: 'announcements.create', payload: { audience: EVERYONE, title: 'a', body: 'b' } }],
      ['mirror', { event: 'a', data: 1 }],
      ['delivered', { cursor: guest.session.cursors[0]! }],
      ['refresh', { token: alice.token }],
      ['refresh', { token: await token(randomUUID()) }],
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
