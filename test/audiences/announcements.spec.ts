import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '#contracts';
import { connect, eventually, startSystem, type Listener, type System, type TestUser } from '#testing';
import { ackOf } from './ack.ts';

let system: System;
let alice: TestUser;
let bob: TestUser;
let herald: TestUser;

beforeAll(async () => {
  system = await startSystem();
  [alice, bob, herald] = await Promise.all([
    system.user('alice'),
    system.user('bob: 2/3'),
    system.user('herald', { scopes: ['announce'] }),
  ]);
});

const announce = (body: object) => herald.submit('POST', '/v1/announcements', { body });
const notice = (audience: string, title = 'News') => ({ audience, title, body: 'It works.' });
const titles = ({ events }: Listener): string[] => events.map(({ data }) => (data as { title: string }).title);

/** Connects all kinds of listeners, over both instances. */
async function connectAll(): Promise<Record<'guest' | 'alice' | 'bob', Listener>> {
  const [first, second] = system.sockets;
  const [guest, a, b] = await Promise.all([connect(first!.url), alice.connect(second!), bob.connect(first!)]);
  return { guest, alice: a, bob: b };
}

describe('an announcement', () => {
  it('is heard by those it is for, and by nobody else', async () => {
    const heard = await connectAll();
    for (const to of ['authenticated', 'user:alice', 'user:bob: 2/3', 'everyone']) {
      const action = await announce(notice(to, to));
      await eventually(async () => expect((await herald.action(action.id)).status).toBe('succeeded'));
    }
    await eventually(() => expect(titles(heard.guest)).toEqual(['everyone']));
    // Between channels there is no order.
    await eventually(() => expect(titles(heard.alice).toSorted()).toEqual(['authenticated', 'everyone', 'user:alice']));
    await eventually(() =>
      expect(titles(heard.bob).toSorted()).toEqual(['authenticated', 'everyone', 'user:bob: 2/3']),
    );
    expect(heard.guest.events).toHaveLength(1);
  });

  it('is one event with the announcement, and the response of its action', async () => {
    const { guest } = await connectAll();
    const own = await herald.connect(system.sockets[0]!);
    const id = randomUUID();
    const outcome = await own.outcomeOf(await announce({ id, ...notice('everyone') }));
    const [event] = await eventually(() => {
      expect(guest.events).toHaveLength(1);
      return guest.events;
    });
    const { createdAt } = outcome.data.response as { createdAt: string };
    expect(event).toMatchObject({
      type: 'announcement',
      subject: `announcements/${id}`,
      channel: 'everyone',
      source: '/tidings',
      cursor: expect.any(String),
    });
    expect(event!.data).toEqual({ id, ...notice('everyone'), createdAt });
    expect(outcome.data).toMatchObject({
      status: 'succeeded',
      resource: { type: 'announcements', id },
      response: { id, ...notice('everyone'), version: 1 },
    });
  });

  it('waits for who is away, guests included', async () => {
    const before = await connectAll();
    for (const listener of Object.values(before)) listener.close();
    const own = await herald.connect(system.sockets[0]!);
    for (const to of ['everyone', 'authenticated', 'user:alice']) await own.outcomeOf(await announce(notice(to, to)));
    const [first, second] = system.sockets;
    const a = await alice.connect(first!, { cursors: before.alice.session.cursors });
    const guest = await connect(second!.url, { cursors: before.guest.session.cursors });
    await eventually(() => expect(titles(a).toSorted()).toEqual(['authenticated', 'everyone', 'user:alice']));
    await eventually(() => expect(titles(guest)).toEqual(['everyone']));
    for (const event of [...a.events, ...guest.events]) expect(event.replayed).toBe(true);
  });

  it('takes another id than one that is taken', async () => {
    const own = await herald.connect(system.sockets[0]!);
    const id = randomUUID();
    await own.outcomeOf(await announce({ id, ...notice('user:nobody') }));
    const again = await own.outcomeOf(await announce({ id, ...notice('everyone') }));
    expect(again.data).toMatchObject({ status: 'failed', error: { code: 'ALREADY_EXISTS' } });
  });

  it('to a room that is not there fails', async () => {
    const own = await herald.connect(system.sockets[0]!);
    const outcome = await own.outcomeOf(await announce(notice(`room:${randomUUID()}`)));
    expect(outcome.data).toMatchObject({ status: 'failed', error: { code: 'NOT_FOUND' } });
  });

  it('to a room is heard by who has subscribed to it, or does so later from a cursor', async () => {
    const id = randomUUID();
    const own = await herald.connect(system.sockets[0]!);
    const creating = await herald.submit('POST', '/v1/rooms', { body: { id, name: 'News' } });
    const adding = await herald.submit('PUT', `/v1/rooms/${id}/members/alice`);
    await own.outcomesOf([creating, adding]);
    const [member, late, stranger] = await Promise.all([
      alice.connect(system.sockets[1]!),
      alice.connect(system.sockets[0]!),
      bob.connect(system.sockets[1]!),
    ]);
    const channel = `room:${id}`;
    const start = await ackOf<{ cursor: string }>(member, 'subscribe', { channel });
    if (!start.ok) throw new Error(start.problem.detail);
    expect(await ackOf(stranger, 'subscribe', { channel })).toMatchObject({ ok: false });
    const outcome = await own.outcomeOf(await announce(notice(`room:${id.toUpperCase()}`)));
    expect(outcome.data.status).toBe('succeeded');
    expect(await ackOf(late, 'subscribe', { channel, cursor: start.cursor })).toMatchObject({ ok: true });
    for (const listener of [member, late]) {
      const heard = (): unknown[] => listener.events.filter((event) => event.channel === channel);
      await eventually(() => expect(heard()).toMatchObject([{ type: 'announcement', channel }]));
    }
    expect(stranger.events).toEqual([]);
  });

  it('to a room that its author has just asked for waits for it', async () => {
    const id = randomUUID();
    const own = await herald.connect(system.sockets[0]!);
    const creating = await herald.submit('POST', '/v1/rooms', { body: { id, name: 'News' } });
    const announcing = await announce(notice(`room:${id}`));
    await own.outcomesOf([creating, announcing]);
    expect((await herald.action(announcing.id)).status).toBe('succeeded');
  });

  it('is read by its author only, the newest first', async () => {
    const own = await herald.connect(system.sockets[0]!);
    const ids: string[] = [];
    for (const title of ['first', 'second', 'third']) {
      const { data } = await own.outcomeOf(await announce(notice('user:nobody', title)));
      ids.unshift(data.resource.id);
    }
    interface List {
      data: { id: string }[];
      next: string | null;
    }
    const { body: page } = await herald.call<List>('GET', '/v1/announcements?limit=2');
    expect(page.data.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const { body: rest } = await herald.call<List>('GET', `/v1/announcements?limit=1&after=${page.next}`);
    expect(rest.data.map(({ id }) => id)).toEqual(ids.slice(2));
    const one = await herald.call('GET', `/v1/announcements/${ids[0]}`);
    expect([one.status, one.headers.get('etag')]).toEqual([200, '"1"']);
    expect(one.body).toMatchObject({ id: ids[0], ...notice('user:nobody', 'third') });
    expect((await alice.call('GET', `/v1/announcements/${ids[0]}`)).status).toBe(404);
    expect((await alice.call<List>('GET', '/v1/announcements')).body.data).toEqual([]);
  });
});

describe('who may not announce', () => {
  it('is told so, whatever is sent, and nothing happens', async () => {
    const guest = await connect(system.sockets[0]!.url);
    for (const body of [notice('everyone'), { audience: 5 }, {}]) {
      const answer = await alice.call<Problem>('POST', '/v1/announcements', { body });
      expect(answer).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    }
    const other = await system.user('other', { scopes: ['ops', 'announcer'] });
    expect((await other.call('POST', '/v1/announcements', { body: notice('everyone') })).status).toBe(403);
    await announce(notice('everyone', 'marker'));
    await eventually(() => expect(titles(guest)).toEqual(['marker']));
  });

  it('is told so for the item of a batch alone', async () => {
    const actions = [
      { type: 'messages.create', payload: { text: 'hello' } },
      { type: 'announcements.create', payload: notice('everyone') },
    ];
    const { status, body } = await alice.call<{ results: object[] }>('POST', '/v1/actions/batch', {
      body: { actions },
    });
    expect(status).toBe(202);
    expect(body.results).toMatchObject([{ action: { status: 'pending' } }, { problem: { code: 'FORBIDDEN' } }]);
    const allowed = await herald.call<{ results: object[] }>('POST', '/v1/actions/batch', { body: { actions } });
    expect(allowed.body.results).toMatchObject([{ action: {} }, { action: { type: 'announcements.create' } }]);
  });
});

describe('what is announced', () => {
  it('is neither edited nor deleted: there are no such routes, and no such actions', async () => {
    const id = randomUUID();
    for (const method of ['PATCH', 'PUT', 'DELETE']) {
      const answer = await herald.call<Problem>(method, `/v1/announcements/${id}`);
      expect(answer).toMatchObject({ status: 405, body: { code: 'METHOD_NOT_ALLOWED' } });
      expect(answer.headers.get('allow')).toBe('GET, HEAD');
    }
    const actions = ['edit', 'delete'].map((verb) => ({ type: `announcements.${verb}`, resourceId: id }));
    const { body } = await herald.call<{ results: object[] }>('POST', '/v1/actions/batch', { body: { actions } });
    for (const result of body.results) expect(result).toMatchObject({ problem: { code: 'VALIDATION_FAILED' } });
  });

  it.each<[string, object]>([
    ['/audience', { title: 'a', body: 'b' }],
    ['/audience', notice('')],
    ['/audience', notice('nobody')],
    ['/audience', notice('user:')],
    ['/audience', notice('room:1')],
    ['/audience', { ...notice('everyone'), audience: ['everyone'] }],
    ['/title', notice('everyone', '')],
    ['/title', notice('everyone', 'x'.repeat(201))],
    ['/title', { ...notice('everyone'), title: 5 }],
    ['/body', { ...notice('everyone'), body: '' }],
    ['/body', { ...notice('everyone'), body: '😀'.repeat(4_001) }],
    ['/channel', { ...notice('everyone'), channel: 'user:bob' }],
  ])('is refused for its %s: %.60j', async (pointer, body) => {
    const answer = await herald.call<Problem>('POST', '/v1/announcements', { body });
    expect(answer).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED', errors: [{ pointer }] } });
  });

  it('may have 200 and 4000 code points of any kind', async () => {
    const { guest } = await connectAll();
    const body = { audience: 'everyone', title: '😀'.repeat(200), body: 'ü😀'.repeat(2_000) };
    await announce(body);
    // What was announced just before may be on its way to everyone.
    await eventually(() => expect(guest.events.at(-1)?.data).toMatchObject(body));
  });
});
