import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { decodeCursor, encodeCursor, type Session } from '#contracts';
import {
  connect,
  ConnectionRefused,
  RawSocket,
  startSystem,
  token,
  type Listener,
  type System,
  type TestUser,
} from '#testing';

let system: System;
let url: string;
let alice: TestUser;
let bob: TestUser;
const open: { close: () => void }[] = [];

beforeAll(async () => {
  system = await startSystem({ sockets: 1 });
  url = system.sockets[0]!.url;
  alice = await system.user('alice');
  bob = await system.user('bob');
});

// No input ends a process, and each goes on serving.
afterEach(async () => {
  for (const socket of open.splice(0)) socket.close();
  system.assertUnharmed();
  const listener = await alice.connect(system.sockets[0]!);
  await ackOf(listener, 'refresh', { token: alice.token });
  listener.close();
});

async function aliceConnects(): Promise<Listener> {
  const listener = await alice.connect(system.sockets[0]!);
  open.push(listener);
  return listener;
}

async function rawConnect(auth: string): Promise<RawSocket> {
  const raw = await RawSocket.connect(url, auth);
  open.push(raw);
  return raw;
}

/** Emits what the types do not allow. */
function ackOf({ socket }: Listener, event: string, ...args: unknown[]): Promise<unknown> {
  const untyped = socket.timeout(5_000) as unknown as {
    emitWithAck: (event: string, ...args: unknown[]) => Promise<unknown>;
  };
  return untyped.emitWithAck(event, ...args);
}

async function refusal(connecting: Promise<Listener>): Promise<string | undefined> {
  const error: unknown = await connecting.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConnectionRefused);
  return (error as ConnectionRefused).problem?.code;
}

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('a handshake', () => {
  it.each([
    ['is no JWT', 'UNAUTHENTICATED', 'x.y.z'],
    ['is empty', 'UNAUTHENTICATED', ''],
    ['is a number', 'UNAUTHENTICATED', 5],
    ['is an object', 'UNAUTHENTICATED', { toString: 'x' }],
    ['is a deep array', 'UNAUTHENTICATED', JSON.parse(nested(1_000)) as unknown],
  ])('whose token %s is refused as %s', async (_, code, bad) => {
    expect(await refusal(connect(url, { token: bad as string, reconnects: false }))).toBe(code);
  });

  it('whose token is expired is refused as TOKEN_EXPIRED', async () => {
    const expired = await token('alice', { expiresIn: -3_600 });
    expect(await refusal(connect(url, { token: expired, reconnects: false }))).toBe('TOKEN_EXPIRED');
  });

  it('takes the token from the Authorization header too, and refuses a bad one there', async () => {
    const good = await connect(url, { headers: { authorization: `Bearer ${alice.token}` } });
    open.push(good);
    expect(good.session.userId).toBe('alice');
    const bad = connect(url, { headers: { authorization: 'Bearer x.y.z' }, reconnects: false });
    expect(await refusal(bad)).toBe('UNAUTHENTICATED');
  });

  it('with a token in the URL is refused, beside a good one too: it ends up in logs', async () => {
    expect(await refusal(connect(`${url}?token=${alice.token}`, { reconnects: false }))).toBe('UNAUTHENTICATED');
    const both = connect(`${url}?access_token=x`, { token: alice.token, reconnects: false });
    expect(await refusal(both)).toBe('UNAUTHENTICATED');
  });

  it('of a page of another origin is refused; one of the same host is welcome', async () => {
    for (const origin of ['https://evil.example', 'null', url.replace('http', 'https').replace('127', '128')]) {
      expect(await refusal(connect(url, { headers: { origin }, reconnects: false }))).toBeUndefined();
    }
    const welcome = await connect(url, { headers: { origin: url } });
    open.push(welcome);
    expect(welcome.sessions).toHaveLength(1);
  });

  it.each([
    '{"cursors":"x"}',
    '{"cursors":[5]}',
    '{"cursors":[{}]}',
    '{"cursors":{"a":1}}',
    '{"cursor":5}',
    '{"cursor":"x"}',
    '{"cursors":["", "-1"]}',
    `{"cursors":${nested(1_000)}}`,
  ])('with bad cursors is told so, and hears what happens from now on: %.40s', async (cursors) => {
    const raw = await rawConnect(`{"token":"${bob.token}",${cursors.slice(1)}`);
    const session = (await raw.event('session')) as Session;
    expect(session).toMatchObject({ userId: 'bob', recovered: false, reasons: { 'user:bob': 'CURSOR_INVALID' } });
    const { id } = await bob.createMessage('now');
    expect(await raw.event('outcome')).toMatchObject({ data: { id } });
    expect(raw.packets.filter((packet) => packet.includes('"replayed"'))).toEqual([]);
  });

  it('with a forged cursor is told why it is not honoured', async () => {
    const listener = await aliceConnects();
    await listener.outcomeOf(await alice.createMessage('one'));
    const reached = decodeCursor(listener.outcomes.at(-1)!.cursor)!;
    const cases = {
      CURSOR_FUTURE: { ...reached, offset: reached.offset + 1_000 },
      CURSOR_EPOCH: { ...reached, check: 'ffffffffffff' },
      CURSOR_INVALID: { ...reached, channel: 'user:bob' },
    };
    for (const [reason, cursor] of Object.entries(cases)) {
      const forged = await alice.connect(system.sockets[0]!, { cursor: encodeCursor(cursor) });
      open.push(forged);
      expect(forged.session.recovered).toBe(false);
      expect(forged.session.reasons).toEqual({ [cursor.channel]: reason });
      const marker = await alice.createMessage('marker');
      await forged.outcomeOf(marker);
      expect(forged.actionIds).toEqual([marker.id]);
    }
  });

  it.each(['[1]', '5', 'null', '"x"', '{"__proto__":{"token":"x"}}', '{', nested(30_000)])(
    'whose auth is %.30s is answered as a guest or closed',
    async (auth) => {
      const raw = await rawConnect(auth);
      const end = await Promise.race([raw.event('session'), raw.end().catch(() => undefined)]);
      expect(typeof end === 'number' || (end as Session).userId === null).toBe(true);
    },
  );

  it('of another namespace is refused', async () => {
    const raw = await rawConnect('/other,');
    await expect
      .poll(() => raw.packets.find((packet) => packet.startsWith('44/other,')))
      .toContain('Invalid namespace');
  });
});

describe('an event', () => {
  it.each(['nope', '', 'constructor', '__proto__', 'outcome', 'session', 'disconnecting ', 'x'.repeat(1_000)])(
    'that is not known is acked with UNKNOWN_EVENT, without an echo: %.20j',
    async (name) => {
      const answer = await ackOf(await aliceConnects(), name, { secret: 'payload' });
      expect(answer).toMatchObject({ ok: false, problem: { code: 'UNKNOWN_EVENT', status: 400 } });
      expect(JSON.stringify(answer)).not.toMatch(/payload|x{1000}/);
    },
  );

  it.each<[string, unknown[]]>([
    ['nothing', []],
    ['null', [null]],
    ['a number', [5]],
    ['a string', ['token']],
    ['an array', [['token']]],
    ['no token', [{}]],
    ['a number for the token', [{ token: 5 }]],
    ['an endless token', [{ token: 'x'.repeat(20_000) }]],
    ['an unknown field', [{ token: 'x.y.z', user: 'bob' }]],
    ['a key of Object.prototype', [JSON.parse('{"token":"x.y.z","__proto__":{}}')]],
    ['a NUL', [{ token: 'a\0b' }]],
    ['a lone surrogate', [{ token: 'a\ud800b' }]],
    ['bytes', [Buffer.from('token')]],
    ['bytes for the token', [{ token: Buffer.from('token') }]],
    ['many bytes', [Buffer.alloc(60_000)]],
  ])('whose payload is bad is acked with VALIDATION_FAILED: %s', async (_, args) => {
    const answer = await ackOf(await aliceConnects(), 'refresh', ...args);
    expect(answer).toMatchObject({ ok: false, problem: { code: 'VALIDATION_FAILED', status: 400 } });
    expect(JSON.stringify(answer).length).toBeLessThan(5_000);
  });

  it.each([33, 1_000, 30_000])('nested %i levels deep is acked with TOO_DEEP', async (depth) => {
    const raw = await rawConnect(JSON.stringify({ token: alice.token }));
    await raw.event('session');
    raw.send(`427["refresh",${nested(depth)}]`);
    expect(await raw.ack(7)).toMatchObject({ ok: false, problem: { code: 'TOO_DEEP' } });
  });

  it('refresh with a bad token, or one of somebody else, is refused and changes nothing', async () => {
    const listener = await aliceConnects();
    const codes = ['x.y.z', await token('alice', { expiresIn: -60 }), bob.token].map(async (bad) => {
      const { problem } = (await ackOf(listener, 'refresh', { token: bad })) as { problem: { code: string } };
      return problem.code;
    });
    expect(await Promise.all(codes)).toEqual(['UNAUTHENTICATED', 'TOKEN_EXPIRED', 'FORBIDDEN']);
    await listener.outcomeOf(await alice.createMessage('still alice'));
  });

  it('without an ack function is taken in silence', async () => {
    const listener = await aliceConnects();
    const untyped = listener.socket as unknown as { emit: (event: string, ...args: unknown[]) => void };
    untyped.emit('nope', { a: 1 });
    untyped.emit('refresh', null);
    untyped.emit('refresh', { token: 'x.y.z' });
    expect(await ackOf(listener, 'refresh', { token: alice.token })).toMatchObject({ ok: true });
    expect(listener.sessions).toHaveLength(1);
  });
});

describe('a packet', () => {
  it('larger than 64 kB closes the connection with 1009', async () => {
    const raw = await rawConnect(JSON.stringify({ token: alice.token }));
    await raw.event('session');
    raw.send(`427["refresh",{"token":"${'x'.repeat(70_000)}"}]`);
    expect(await raw.end()).toBe(1009);
  });

  it.each([
    '42',
    '42{}',
    '42[]',
    '42[1]',
    '42["a"',
    '42[null]',
    '42["refresh",',
    '44{}',
    '451-["refresh",{"_placeholder":true,"num":5}]',
    '4',
    '4x',
    '9',
    '',
    '0',
    '43999[{}]',
    '42/other,["a"]',
    '41',
  ])('that is malformed, %j, harms nobody', async (packet) => {
    const neighbour = await aliceConnects();
    const raw = await rawConnect(JSON.stringify({ token: bob.token }));
    await raw.event('session');
    raw.send(packet);
    raw.send(Uint8Array.of(1, 2, 3));
    raw.send('428["nope"]');
    // Either it was let pass, or the connection has ended.
    await Promise.race([raw.ack(8), raw.end()]);
    await neighbour.outcomeOf(await alice.createMessage('undisturbed'));
    expect(neighbour.sessions).toHaveLength(1);
  });

  it('before the handshake closes the connection', async () => {
    const raw = await RawSocket.open(url);
    open.push(raw);
    raw.send('427["refresh",{}]');
    expect(await raw.end()).toBeGreaterThan(0);
  });
});
