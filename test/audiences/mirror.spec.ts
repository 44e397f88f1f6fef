import { beforeAll, describe, expect, it } from 'vitest';
import { connect, eventually, startSystem, type Listener, type System, type TestUser } from '#testing';
import { ackOf } from './ack.ts';

let system: System;
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  system = await startSystem();
  [alice, bob] = await Promise.all([system.user('alice'), system.user('bob')]);
});

const mirrored = ({ ephemera }: Listener): unknown[] => ephemera.map(({ data }) => data);

/** The user's next event after it came on every connection by then. */
async function marker(listeners: readonly Listener[]): Promise<void> {
  const action = await alice.createMessage('marker');
  for (const listener of listeners) await listener.outcomeOf(action);
}

describe('mirror', () => {
  it("reaches the user's other sockets on every instance, not itself, and nobody else", async () => {
    const [first, second] = system.sockets;
    const self = await alice.connect(first!);
    const others = await Promise.all([alice.connect(first!), alice.connect(second!), alice.connect(second!)]);
    const strangers = await Promise.all([bob.connect(first!), connect(first!.url), connect(second!.url)]);
    const data = { field: 'subject', text: 'Héllo 😀', nested: [1, null, { a: true }] };
    expect(await ackOf(self, 'mirror', { event: 'draft.changed', data })).toEqual({ ok: true });
    for (const other of others) {
      await eventually(() => expect(mirrored(other)).toEqual([{ event: 'draft.changed', data }]));
      const [envelope] = other.ephemera as unknown as Record<string, unknown>[];
      expect(envelope).toMatchObject({ specversion: '1.0', source: '/tidings', type: 'mirror', channel: 'user:alice' });
      expect(Object.keys(envelope!).toSorted()).toEqual(
        ['channel', 'data', 'id', 'source', 'specversion', 'subject', 'time', 'type'].toSorted(),
      );
    }
    await marker([self, ...others]);
    expect(mirrored(self)).toEqual([]);
    for (const stranger of strangers) expect(mirrored(stranger)).toEqual([]);
  });

  it('comes in the order in which one socket sent it', async () => {
    const [self, other] = await Promise.all(system.sockets.map((socket) => alice.connect(socket)));
    const numbers = Array.from({ length: 100 }, (_, index) => index);
    await Promise.all(numbers.map((data) => ackOf(self!, 'mirror', { event: 'count', data })));
    await eventually(() => expect(mirrored(other!)).toEqual(numbers.map((data) => ({ event: 'count', data }))));
  });

  it('is not replayed to who comes later', async () => {
    const [first, second] = system.sockets;
    const self = await alice.connect(first!);
    const { cursors } = self.session;
    await ackOf(self, 'mirror', { event: 'gone' });
    const late = await alice.connect(second!, { cursors });
    await marker([late]);
    expect(mirrored(late)).toEqual([]);
    expect(late.session.recovered).toBe(true);
  });

  it('is not for guests', async () => {
    const guest = await connect(system.sockets[0]!.url);
    const answer = await ackOf(guest, 'mirror', { event: 'a', data: 1 });
    expect(answer).toMatchObject({ ok: false, problem: { code: 'FORBIDDEN' } });
  });

  it('takes 16 kB of JSON, and not one byte more', async () => {
    const [self, other] = await Promise.all(system.sockets.map((socket) => alice.connect(socket)));
    const most = 'x'.repeat(16 * 1024 - 2);
    for (const data of [`${most}x`, 'ü'.repeat(8 * 1024), Array.from({ length: 9_000 }, () => 1)]) {
      const answer = await ackOf(self!, 'mirror', { event: 'a', data });
      expect(answer).toMatchObject({ ok: false, problem: { code: 'PAYLOAD_TOO_LARGE', status: 413 } });
    }
    expect(await ackOf(self!, 'mirror', { event: 'a', data: most })).toEqual({ ok: true });
    await eventually(() => expect(mirrored(other!)).toEqual([{ event: 'a', data: most }]));
  });

  it.each<[string, unknown[]]>([
    ['nothing', []],
    ['null', [null]],
    ['a string', ['event']],
    ['an array', [[]]],
    ['no event', [{ data: 1 }]],
    ['an empty event', [{ event: '', data: 1 }]],
    ['an endless event', [{ event: 'x'.repeat(101), data: 1 }]],
    ['a number for the event', [{ event: 5, data: 1 }]],
    ['an unknown field', [{ event: 'a', data: 1, to: 'bob' }]],
    ['the name of the sender', [{ event: 'a', data: 1, from: 'x' }]],
    ['a NUL', [{ event: 'a', data: { b: 'a\0b' } }]],
    ['a lone surrogate', [{ event: 'a\ud800', data: 1 }]],
    ['a key of Object.prototype', [JSON.parse('{"event":"a","data":{"__proto__":{}}}')]],
    ['bytes', [{ event: 'a', data: Buffer.from('x') }]],
  ])('whose payload is bad is acked with VALIDATION_FAILED: %s', async (_, args) => {
    const listener = await alice.connect(system.sockets[0]!);
    const answer = await ackOf(listener, 'mirror', ...args);
    expect(answer).toMatchObject({ ok: false, problem: { code: 'VALIDATION_FAILED', status: 400 } });
    listener.close();
    system.assertUnharmed();
  });
});
