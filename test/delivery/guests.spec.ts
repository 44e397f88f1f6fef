import { beforeAll, describe, expect, it } from 'vitest';
import { decodeCursor } from '#contracts';
import { connect, eventually, startSystem, token, type Listener, type System, type TestUser } from '#testing';

let system: System;
let herald: TestUser;

beforeAll(async () => {
  system = await startSystem({ sockets: 2, env: { ALLOW_GUESTS: 'true', MOST_CONNECTIONS_PER_USER: '3' } });
  herald = await system.user('herald', { scopes: ['announce'] });
});

const announce = (audience: string) =>
  herald.submit('POST', '/v1/announcements', { body: { audience, title: 'News', body: 'It works.' } });
const comes = (): Promise<Listener> => connect(system.sockets[0]!.url);

function says({ socket }: Listener, jwt: string): Promise<unknown> {
  return socket.timeout(5_000).emitWithAck('refresh', { token: jwt });
}

const channelsOf = ({ session }: Listener): string[] =>
  session.cursors.map((cursor) => decodeCursor(cursor)!.channel).toSorted();

describe('a guest', () => {
  it('hears what is said to everyone, and may do nothing but show a token', async () => {
    const guest = await comes();
    expect(guest.session).toMatchObject({ userId: null, tokenExpiresAt: null, recovered: true });
    expect(channelsOf(guest)).toEqual(['everyone']);
    const { socket } = guest;
    const refused = { ok: false, problem: { code: 'FORBIDDEN' } };
    expect(await socket.emitWithAck('submit', { type: 'messages.create', payload: { text: 'x' } })).toMatchObject(
      refused,
    );
    expect(await socket.emitWithAck('mirror', { event: 'typing' })).toMatchObject(refused);
    const channel = `room:${crypto.randomUUID()}`;
    expect(await socket.emitWithAck('subscribe', { channel })).toMatchObject(refused);
    expect(await socket.emitWithAck('presence', { channel })).toMatchObject(refused);
    expect(await says(guest, 'x.y.z')).toMatchObject({ ok: false, problem: { code: 'UNAUTHENTICATED' } });
    await announce('everyone');
    await eventually(() => expect(guest.events.map(({ channel: name }) => name)).toEqual(['everyone']));
    expect(guest.sessions).toHaveLength(1);
  });

  it('that shows a token goes on as its user: in a session of its own, from now on', async () => {
    const alice = await system.user('alice');
    const before = await alice.connect(system.sockets[1]!);
    await before.outcomeOf(await alice.createMessage('before'));
    const guest = await comes();
    const heard: string[] = [];
    guest.socket.onAny((name: string) => heard.push(name));
    const answer = await guest.socket.emitWithAck('refresh', { token: alice.token });
    expect(answer).toEqual({ ok: true, tokenExpiresAt: expect.any(String) as string });
    // Accepted behind the beginning of the session, so that its outcome is heard.
    const submitted = await guest.socket.emitWithAck('submit', {
      type: 'messages.create',
      payload: { text: 'by socket' },
    });
    const { action } = submitted as { action: { id: string } };
    await guest.outcomeOf(action);
    await guest.outcomeOf(await alice.createMessage('by rest'));
    expect(guest.session).toMatchObject({
      userId: 'alice',
      recovered: true,
      tokenExpiresAt: answer.ok && answer.tokenExpiresAt,
    });
    expect(channelsOf(guest)).toEqual(['authenticated', 'everyone', 'user:alice']);
    expect(heard.filter((name) => name !== 'event')).toEqual(['session', 'outcome', 'outcome']);
    await announce('everyone');
    await announce('authenticated');
    await eventually(() =>
      expect(guest.events.map(({ channel }) => channel).toSorted()).toEqual(['authenticated', 'everyone']),
    );
  });

  it('that shows several tokens at once becomes one user', async () => {
    const guest = await comes();
    const tokens = await Promise.all(['bob', 'carol', 'bob'].map((user) => token(user)));
    const answers = await Promise.all(tokens.map((jwt) => says(guest, jwt)));
    await eventually(() => expect(guest.sessions).toHaveLength(2));
    const isBob = guest.session.userId === 'bob';
    expect(answers.map((answer) => (answer as { ok: boolean }).ok)).toEqual([isBob, !isBob, isBob]);
  });

  it('that shows a token is counted as its user', async () => {
    const guests = [await comes(), await comes(), await comes()];
    const last = await comes();
    const jwt = await token('dave');
    for (const guest of guests) expect(await says(guest, jwt)).toMatchObject({ ok: true });
    expect(await says(last, jwt)).toMatchObject({ ok: false, problem: { code: 'RATE_LIMITED' } });
    guests[0]!.close();
    await eventually(async () => expect(await says(last, jwt)).toMatchObject({ ok: true }));
  });

  it('that shows a token ends with it', async () => {
    const guest = await comes();
    expect(await says(guest, await token('erin', { expiresIn: 3 }))).toMatchObject({ ok: true });
    await eventually(() => expect(guest.goaways).toMatchObject([{ reason: 'token_expired' }]), { timeoutMs: 10_000 });
  });
});
